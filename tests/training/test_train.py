"""The engine: what a training yields, that it learns, and that equal configurations give equal bits."""

from __future__ import annotations

import gc
import hashlib
import math
import re
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hpstudy.datasets.images import TrainingData
from hpstudy.executors.local import LocalExecutor
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.seeds import training_seeds
from hpstudy.training.job import EpochResult, Outcome, TrainingJob
from hpstudy.training.train import batches, initial_model, train

CPU = torch.device("cpu")


def train_through(
    config: TrialConfig, data: TrainingData, *, stop_after: int | None = None, part="search", weights=None
):
    """All results of a training and its outcome; told to stop after an epoch if asked."""
    steps = train(TrainingJob("k", "trial 0", config, part, Path(), weights), data, CPU)
    results: list[EpochResult] = [next(steps)]
    while True:
        answer = "stop" if results[-1].epoch == stop_after else "go"
        try:
            results.append(steps.send(answer))
        except StopIteration as end:
            return results, end.value


def n_trained(state: dict[str, torch.Tensor]) -> int:
    """Numbers in a state without batch norm's running statistics."""
    return sum(tensor.numel() for name, tensor in state.items() if "running" not in name and "tracked" not in name)


def curve(results: list[EpochResult]) -> list[tuple[float, ...]]:
    return [(r.train_loss, r.train_accuracy, r.val_loss, r.val_accuracy) for r in results]


def test_it_learns_and_counts_its_epochs(config: TrialConfig, data: TrainingData) -> None:
    results, outcome = train_through(config, data)
    assert [result.epoch for result in results] == [0, 1, 2]
    assert [result.learning_rate for result in results] == pytest.approx([0.1, 0.05, 0.025])
    assert results[-1].train_loss < 0.1 < results[0].train_loss
    assert results[-1].val_accuracy == 1.0
    assert all(result.seconds > 0 for result in results)
    assert isinstance(outcome, Outcome)
    assert not outcome.stopped
    assert outcome.train_accuracy == 1.0
    assert outcome.predictions.tolist() == data.evaluation.labels.tolist()


def test_a_confirmation_is_evaluated_after_its_last_epoch_alone_and_trains_the_same(
    config: TrialConfig, data: TrainingData
) -> None:
    searched, _ = train_through(config, data)
    confirmed, outcome = train_through(config, data, part="confirm")
    assert [result.val_accuracy for result in confirmed] == [None, None, searched[-1].val_accuracy]
    assert [result.train_loss for result in confirmed] == [result.train_loss for result in searched]
    assert outcome.predictions.shape == (32,)
    assert train_through(config, data, part="confirm", stop_after=0)[1].predictions.shape == (0,)


def test_the_last_weights_are_kept_where_the_job_says(config: TrialConfig, data: TrainingData, tmp_path: Path) -> None:
    path = tmp_path / "weights" / "kept.safetensors"
    _, outcome = train_through(config, data, weights=path)
    assert outcome.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert outcome.n_parameters == n_trained(load_file(path))
    path.unlink()
    assert train_through(config, data, weights=path, stop_after=1)[1].weights_sha256 is None
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"optimizer": "adam", "momentum": None, "dropout": 0.3, "augment": "crop_flip"},
        {"optimizer": "rmsprop", "momentum": 0.5, "learning_rate": 0.01},
        {"optimizer": "adagrad", "momentum": None, "precision": "bfloat16"},
        {"optimizer": "adamw", "momentum": None, "weight_decay": 0.1},
    ],
)
def test_equal_configurations_give_equal_bits(config: TrialConfig, data: TrainingData, change) -> None:
    changed = replace(config, **change)
    first, outcome = train_through(changed, data)
    torch.rand(7)  # what the process has drawn in between does not matter
    second, again = train_through(changed, data)
    assert curve(first) == curve(second)
    assert outcome.predictions.tolist() == again.predictions.tolist()


def test_other_seeds_give_other_curves(config: TrialConfig, data: TrainingData) -> None:
    first, _ = train_through(config, data)
    second, _ = train_through(replace(config, seeds=training_seeds(1, "trial", 1)), data)
    assert curve(first) != curve(second)


def test_interleaved_trainings_do_not_disturb_each_other(config: TrialConfig, data: TrainingData) -> None:
    config = replace(config, dropout=0.4)
    alone, _ = train_through(config, data)
    job = TrainingJob("k", "trial 0", config, "search", Path())
    steps = train(job, data, CPU)
    interleaved = [next(steps)]
    for _ in range(2):
        train_through(replace(config, epochs=1), data)
        interleaved.append(steps.send("go"))
    assert curve(interleaved) == curve(alone)


def test_a_stopped_training_ends_after_its_epoch(config: TrialConfig, data: TrainingData) -> None:
    results, outcome = train_through(config, data, stop_after=1)
    assert [result.epoch for result in results] == [0, 1]
    assert outcome.stopped
    assert outcome.train_accuracy is None
    assert outcome.predictions.shape == (0,)


def test_divergence_is_told(config: TrialConfig, data: TrainingData) -> None:
    results, _ = train_through(replace(config, learning_rate=1e30), data, stop_after=0)
    assert results[0].diverged
    assert not math.isfinite(results[0].train_loss)


def test_weight_decay_and_dropout_reach_the_training(config: TrialConfig, data: TrainingData) -> None:
    plain, _ = train_through(config, data)
    decayed, _ = train_through(replace(config, weight_decay=0.5), data)
    dropped, _ = train_through(replace(config, dropout=0.5), data)
    assert len({tuple(curve(results)) for results in (plain, decayed, dropped)}) == 3


GREEDY_NET = """
import torch
from torch import nn

def greedy(input_shape, n_classes, *, dropout=0.0):
    return Greedy(64, n_classes)

class Greedy(nn.Linear):
    def forward(self, images):
        torch.empty(1 << 60, dtype=torch.uint8)
"""


def test_want_of_memory_names_the_batch_size_and_leaves_the_memory_free(
    config: TrialConfig, data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(GREEDY_NET, encoding="utf-8")
    models: list[weakref.ref] = []

    def noted(*arguments, **rest):
        model = initial_model(*arguments, **rest)
        models.append(weakref.ref(model))
        return model

    monkeypatch.setattr("hpstudy.training.train.initial_model", noted)
    executor = LocalExecutor(load_data=lambda _config, _part: data, device=CPU)
    greedy = replace(config, architecture="nets.py:greedy", options={})
    executor.start([TrainingJob("k", "trial 0", greedy, "search", tmp_path)])
    gc.disable()
    try:
        (failed,) = executor.events(1)
        assert models[0]() is None
    finally:
        gc.enable()
    assert failed.failure.reason == "out_of_memory"
    assert re.match(r"MemoryError: batch size 16: .*allocate memory", failed.failure.message)


@pytest.mark.parametrize(
    ("n_images", "batch_size", "sizes"),
    [(10, 4, [4, 4, 2]), (9, 4, [4, 4]), (8, 4, [4, 4]), (3, 4, [3]), (1, 4, [1]), (3, 1, [1, 1, 1])],
)
def test_the_last_batch_is_left_out_only_where_it_is_one_image(
    config: TrialConfig, n_images: int, batch_size: int, sizes: list[int]
) -> None:
    parts = list(batches(n_images, config=replace(config, batch_size=batch_size), generator=torch.Generator()))
    assert [len(part) for part in parts] == sizes


def test_shuffle_false_keeps_the_order(config: TrialConfig) -> None:
    in_order = replace(config, dataset=replace(config.dataset, shuffle=False), batch_size=5)
    drawn = [index for part in batches(10, config=in_order, generator=torch.Generator()) for index in part.tolist()]
    assert drawn == list(range(10))
    shuffled = replace(config, batch_size=5)
    drawn = [index for part in batches(10, config=shuffled, generator=torch.Generator()) for index in part.tolist()]
    assert drawn != list(range(10))
    assert sorted(drawn) == list(range(10))
