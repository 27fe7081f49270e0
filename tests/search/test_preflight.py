"""The check before trial 0, and the estimate of the time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hpstudy.executors.local import data_on
from hpstudy.search.estimate import estimate_study
from hpstudy.search.preflight import largest_and_smallest_batch, preflight
from hpstudy.spec.load import load_study
from hpstudy.spec.study import Baseline, Choices, Confirm, Range, Setting, StudySpec

CPU = torch.device("cpu")


def found(spec: StudySpec):
    return preflight(spec, load_data=data_on(CPU, folder=Path()))


def study(folder: Path, network: str, rest: str = "settings: {learning_rate: [0.1, 0.2]}") -> StudySpec:
    (folder / "nets.py").write_text(f"from torch import nn\n\n{network}", encoding="utf-8")
    file = folder / "s.yaml"
    file.write_text(f"name: s\ndataset: digits\narchitecture: nets.py:net\n{rest}\n", encoding="utf-8")
    return load_study(file)


LINEAR = (
    "def net(input_shape, n_classes, *, hidden=7):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes))\n"
)
NARROW = "def net(input_shape, n_classes):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))\n"


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


def test_dropout_under_a_condition_is_the_users_business(tmp_path: Path) -> None:
    spec = study(
        tmp_path, LINEAR, "settings: {optimizer: [sgd, adam], dropout: {choices: [0, 0.5], when: {optimizer: sgd}}}"
    )
    assert found(spec).problems == ()


def test_the_smallest_and_the_largest_batch(small_spec: StudySpec) -> None:
    def sizes(domain) -> list[int]:
        settings = {**small_spec.settings, "batch_size": Setting("batch_size", domain)}
        return [config.batch_size for config in largest_and_smallest_batch(replace(small_spec, settings=settings))]

    assert sizes(Choices((64, 16, 32))) == [16, 64]
    assert sizes(Range(8, 128)) == [8, 128]
    assert [config.batch_size for config in largest_and_smallest_batch(small_spec)] == [256, 256]


def test_the_estimate_is_the_number_of_epochs_times_one(small_spec: StudySpec) -> None:
    spec = replace(small_spec, baselines=(Baseline("b", "nets.py:tiny", 5, {}),), confirm=Confirm(top=2, seeds=3))
    estimate = estimate_study(
        spec,
        configs=largest_and_smallest_batch(spec),
        data=found(spec).data,
        device=CPU,
        folder=Path(spec.path).parent,
    )
    assert 0 < estimate.epoch < 10
    assert estimate.search == pytest.approx((6 * 3 + 5) * estimate.epoch)
    assert estimate.confirmation == pytest.approx((2 * 3 + 5) * 3 * estimate.epoch / 0.9)
