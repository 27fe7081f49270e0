"""The check before trial 0, and the estimate of the time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.errors import DataError, InputError
from hpstudy.executors.data import data_on
from hpstudy.search import processor
from hpstudy.search.estimate import estimate_study
from hpstudy.search.preflight import preflight
from hpstudy.spec.load import load_study
from hpstudy.spec.study import Baseline, Choices, Confirm, Fixed, Range, Setting, StudySpec

CPU = torch.device("cpu")


def found(spec: StudySpec):
    return preflight(spec, load_data=data_on(CPU, folder=Path()), data_folder=Path())


def study(folder: Path, network: str, rest: str = "settings: {learning_rate: [0.1, 0.2]}") -> StudySpec:
    (folder / "nets.py").write_text(f"from torch import nn\n\n{network}", encoding="utf-8")
    file = folder / "s.yaml"
    file.write_text(f"name: s\ndataset: digits\narchitecture: nets.py:net\n{rest}\n", encoding="utf-8")
    return load_study(file)


LINEAR = (
    "def net(input_shape, n_classes, *, hidden=7):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes))\n"
)
NARROW = "def net(input_shape, n_classes):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))\n"


def test_images_that_the_device_has_no_room_for_are_told(
    small_spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_data: TrainingData, _device: torch.device) -> TrainingData:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TrainingData, "to", no_room)
    with pytest.raises(DataError, match=r"^digits: cpu has no memory for its images; give the data set a share"):
        found(small_spec)


def test_a_sound_study_has_its_layer_tables(small_spec: StudySpec) -> None:
    with_baseline = replace(small_spec, baselines=(Baseline("wide", "nets.py:tiny", 3, {"nets.py:tiny.hidden": 32}),))
    result = found(with_baseline)
    assert result.problems == ()
    counts = {candidate.label: model.n_parameters for candidate, model in result.models}
    assert counts == {"nets.py:tiny": 64 * 8 + 8 + 8 * 10 + 10, "wide": 64 * 32 + 32 + 32 * 10 + 10}
    assert len(result.data.train) == 1293


@pytest.mark.parametrize(
    ("network", "rest", "expected"),
    [
        (
            NARROW,
            "settings: {learning_rate: [0.1, 0.2]}",
            ["? architecture: expected logits of shape [batch, 10], got [batch, 7]"],
        ),
        (
            LINEAR,
            "settings: {nets.py:net.hiden: [1, 2]}",
            ['? settings.nets.py:net.hiden: no option of nets.py:net "hiden". Did you mean "hidden"?'],
        ),
        (
            LINEAR,
            "settings: {nets.py:net.hidden: {low: 4, high: 8.5}}",
            ["? settings.nets.py:net.hidden: expected whole numbers alone"],
        ),
        (
            LINEAR,
            "settings: {dropout: [0, 0.5]}",
            ["? settings.dropout: nets.py:net has no dropout; leave the setting out"],
        ),
        (
            LINEAR,
            "settings: {batch_size: [8, 1294]}",
            ["? settings.batch_size: 1294: a batch cannot be larger than the 1,293 images"],
        ),
        (
            LINEAR,
            "settings: {learning_rate: [1, 2]}\nbaselines:\n  big: {batch_size: 2000}\n  odd: {nets.py:net.width: 2}",
            [
                "? baselines.big.batch_size: 2000: a batch",
                '? baselines.odd.nets.py:net.width: no option of nets.py:net "width"',
            ],
        ),
        ("def other():\n    pass\n", "settings: {learning_rate: [0.1, 0.2]}", ["? architecture: nets.py"]),
    ],
)
def test_each_problem_is_placed(tmp_path: Path, network: str, rest: str, expected: list[str]) -> None:
    spec = study(tmp_path, network, rest)
    problems = found(spec).problems
    assert len(problems) == len(expected)
    for problem, wanted in zip(problems, expected, strict=True):
        place, fact = wanted.split("? ")[1].split(": ", 1)
        assert problem.place == place
        assert fact in problem.fact
        assert (problem.line, problem.column) > (2, 0)


@pytest.mark.parametrize(
    ("last", "n_warnings"), [("Softmax(1)", 1), ("LogSoftmax(1)", 0), ("Sigmoid()", 0), ("Identity()", 0)]
)
def test_a_network_that_ends_in_a_softmax_is_warned_of(tmp_path: Path, last: str, n_warnings: int) -> None:
    network = (
        "def net(input_shape, n_classes, *, hidden=7):\n"
        f"    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes), nn.{last})\n"
    )
    rest = "settings: {learning_rate: [0.1, 0.2]}\nbaselines:\n  wide: {nets.py:net.hidden: 9}"
    result = found(study(tmp_path, network, rest))
    assert result.problems == ()
    of_space, *warnings = result.warnings  # two configurations, and many trials
    assert of_space.startswith("trials: ")
    assert len(warnings) == n_warnings
    assert all(line.startswith("nets.py:net: its outputs sum to 1, as after a softmax.") for line in warnings)


@pytest.mark.parametrize(
    ("rest", "flags", "n_warnings"),
    [
        ("settings: {learning_rate: [0.1, 0.2], precision: bfloat16}", "fpu avx2", 1),
        ("settings: {learning_rate: [0.1, 0.2], precision: [float32, bfloat16]}", "fpu avx2", 1),
        ("settings: {learning_rate: [0.1, 0.2]}\nbaselines: {half: {precision: bfloat16}}", "fpu avx2", 1),
        ("settings: {learning_rate: [0.1, 0.2], precision: bfloat16}", "fpu avx2 avx512_bf16", 0),
        ("settings: {learning_rate: [0.1, 0.2], precision: float32}", "fpu avx2", 0),
    ],
)
def test_bfloat16_is_warned_of_where_it_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str, flags: str, n_warnings: int
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"model name\t: Some CPU\nflags\t\t: {flags}\n", encoding="utf-8")
    monkeypatch.setattr(processor, "_CPUINFO", cpuinfo)
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    result = found(study(tmp_path, LINEAR, rest))
    assert result.problems == ()
    warnings = [line for line in result.warnings if not line.startswith("trials: ")]
    assert len(warnings) == n_warnings
    told = "precision: this processor has no instructions for bfloat16, so it takes several times as long as float32"
    assert all(line.startswith(told) for line in warnings)


def test_dropout_under_a_condition_is_the_users_business(tmp_path: Path) -> None:
    spec = study(
        tmp_path, LINEAR, "settings: {optimizer: [sgd, adam], dropout: {choices: [0, 0.5], when: {optimizer: sgd}}}"
    )
    assert found(spec).problems == ()


def test_a_baselines_network_need_not_have_the_dropout_that_the_study_searches(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(f"from torch import nn\n\n{LINEAR}", encoding="utf-8")
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: s\ndataset: digits\narchitecture: cnn\nsettings: {dropout: [0, 0.5]}\n"
        "baselines: {linear: {architecture: nets.py:net}}\n",
        encoding="utf-8",
    )
    assert found(load_study(file)).problems == ()


def test_a_mistyped_option_under_a_condition_is_found(tmp_path: Path) -> None:
    rest = "settings: {optimizer: [sgd, adam], nets.py:net.hiden: {choices: [1, 2], when: {optimizer: adam}}}"
    (problem,) = found(study(tmp_path, LINEAR, rest)).problems
    assert problem.fact == 'no option of nets.py:net "hiden". Did you mean "hidden"?'


@pytest.mark.parametrize(("domain", "n_timed"), [(Choices((64, 16, 32)), 2), (Range(8, 128), 2), (Fixed(64), 1)])
def test_the_estimate_is_the_number_of_epochs_times_one(
    small_spec: StudySpec, domain, n_timed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**small_spec.settings, "batch_size": Setting("batch_size", domain)}
    confirm = Confirm(top=2, seeds=3)
    spec = replace(small_spec, settings=settings, baselines=(Baseline("b", "cnn", 5, {}),), confirm=confirm)
    timed = []

    def two_seconds(config, *_rest) -> float:
        timed.append((config.architecture, config.batch_size))
        return 2.0 if config.architecture != "cnn" else 7.0

    monkeypatch.setattr("hpstudy.search.estimate._epoch_seconds", two_seconds)
    estimate = estimate_study(spec, data=found(spec).data, device=CPU)
    assert (estimate.n_trials, estimate.epoch_seconds) == (6, {"nets.py:tiny": 2.0})
    assert estimate.search_seconds == 6 * 3 * 2.0 + 5 * 7.0
    assert estimate.confirmation_seconds == pytest.approx(3 * (2 * 3 * 2.0 + 5 * 7.0) / 0.9)
    assert len(timed) == n_timed + 1
    unconfirmed = estimate_study(replace(spec, confirm=None), data=found(spec).data, device=CPU)
    assert unconfirmed.confirmation_seconds == 0


@pytest.mark.parametrize(("seconds", "n_images"), [(0.5, [2 * 32, 12 * 32]), (3.0, [2 * 32])])
def test_an_epoch_is_told_from_two_steps_where_they_take_long(
    small_spec: StudySpec, seconds: float, n_images: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = []

    def timing(_config, data, *_rest) -> float:
        timed.append(len(data.train))
        return seconds

    monkeypatch.setattr("hpstudy.search.estimate._second_epoch", timing)
    spec = replace(small_spec, settings={**small_spec.settings, "batch_size": Setting("batch_size", Fixed(32))})
    estimate = estimate_study(spec, data=found(spec).data, device=CPU)
    assert timed == n_images
    assert estimate.epoch_seconds["nets.py:tiny"] == pytest.approx(seconds * 1293 / n_images[-1])


def test_the_estimate_of_a_fair_study_confirms_the_best_of_each_architecture(
    small_spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpstudy.search.estimate._epoch_seconds", lambda *_arguments: 2.0)
    spec = replace(
        small_spec, architectures=("nets.py:tiny", "cnn"), fair=True, baselines=(), confirm=Confirm(top=2, seeds=3)
    )
    estimate = estimate_study(spec, data=found(replace(small_spec, baselines=())).data, device=CPU)
    assert estimate.confirmation_seconds == pytest.approx(3 * (2 + 1) * spec.epochs * 2.0 / (1 - spec.validation))


def test_a_real_estimate_is_near_what_an_epoch_takes(small_spec: StudySpec) -> None:
    estimate = estimate_study(small_spec, data=found(small_spec).data, device=CPU)
    assert 0 < estimate.epoch_seconds["nets.py:tiny"] < 10


def test_a_batch_that_cannot_be_trained_is_told_before_the_run(tmp_path: Path) -> None:
    network = (
        "def net(input_shape, n_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10))\n"
    )
    spec = study(tmp_path, network, "settings: {learning_rate: 0.1, batch_size: [1, 32]}")
    estimate = estimate_study(spec, data=found(spec).data, device=CPU)
    (line,) = estimate.left_out
    assert line.startswith("nets.py:net with batch_size 1 cannot be trained: ValueError: Expected more")
    assert estimate.epoch_seconds["nets.py:net"] > 0


def test_an_architecture_that_no_batch_can_train_is_told_before_the_run(
    small_spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_arguments: object) -> float:
        raise InputError("nets.py:tiny with batch_size 32 cannot be trained")

    monkeypatch.setattr("hpstudy.search.estimate._epoch_seconds", no_room)
    with pytest.raises(InputError, match="with batch_size 32 cannot be trained"):
        estimate_study(small_spec, data=found(small_spec).data, device=CPU)
