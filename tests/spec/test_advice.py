"""What a sound study file can hardly mean is said, and nothing is said of the usual ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpstudy.spec.advice import advice, n_combinations
from hpstudy.spec.load import load_study

HEAD = "name: s\ndataset: digits\narchitecture: cnn\n"
RATE = "  learning_rate: {low: 1e-4, high: 1.0, log: true}\n"


def told(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "s.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    return list(advice(load_study(file)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "epochs: 3\ntrials: 12\nsampler: cmaes\nsettings:\n" + RATE + "  optimizer: [sgd, adam]\n",
            [
                ["cmaes", "random", "optimizer", "tpe"],
                ["complete trials alone", "5", "successive_halving", "12", "tpe"],
            ],
        ),
        (
            "epochs: 8\ntrials: 30\nsampler: gp\npruner: none\nsettings:\n"
            + RATE
            + "  optimizer: [sgd, adam]\n  momentum: {low: 0.0, high: 0.9}\n",
            [["gp", "random", "momentum"]],
        ),
        ("trials: 10\nepochs: 8\nsampler: gp\npruner: none\nsettings:\n" + RATE, [["gp", "10", "tpe"]]),
        (
            "trials: 16\nepochs: 8\nsettings:\n  learning_rate: [0.1, 0.01]\n  optimizer: [sgd, adam]\n",
            [["4 ", "grid"]],
        ),
        (
            "epochs: 1\nsettings:\n"
            + RATE
            + "  step_size: {low: 1, high: 9, step: 4}\n  step_gamma: {low: 0.1, high: 1.0}\n",
            [["step_size", "step_gamma", "1"]],
        ),
        (
            "epochs: 5\nsettings:\n" + RATE + "  step_size: {low: 1, high: 9, step: 4}\n  step_gamma: 0.5\n",
            [["step_size", "4"]],
        ),
        ("epochs: 5\nsettings:\n" + RATE + "  step_size: [1, 2]\n", [["step_size", "step_gamma is 1"]]),
        ("epochs: 5\nsettings:\n" + RATE + "  optimizer: adam\n  momentum: 0.9\n", [["momentum", "optimizer"]]),
        ("epochs: 2\npruner: successive_halving\nsettings:\n" + RATE, [["successive_halving", "2", "nothing"]]),
        ("epochs: 9\ntrials: 5\npruner: median\nsettings:\n" + RATE, [["median", "5", "nothing"]]),
        (
            "epochs: 9\nsettings:\n"
            + RATE
            + "baselines:\n  one: {learning_rate: 0.1}\n  other: {learning_rate: 0.1}\n",
            [["one", "other"]],
        ),
        ("epochs: 9\nsettings:\n" + RATE + "  step_gamma: 0.8\n  step_size: [1, 2]\n", []),
        ("epochs: 9\nsampler: cmaes\npruner: none\nsettings:\n" + RATE, []),
    ],
)
def test_each_is_one_line(tmp_path: Path, text: str, words: list[list[str]]) -> None:
    lines = told(tmp_path, text)
    assert len(lines) == len(words), lines
    for line, expected in zip(lines, words, strict=True):
        assert all(word in line for word in expected), line


def test_the_shipped_studies_and_the_starter_need_none() -> None:
    for file in sorted(Path("studies").glob("*.yaml")):
        assert not list(advice(load_study(file))), file


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ("  learning_rate: [0.1, 0.01]\n  optimizer: [sgd, adam]\n  momentum: [0.0, 0.9]\n", 6),
        ("  step_size: [1, 2, 3, 9]\n  step_gamma: [0.5, 1.0]\n", 3),  # no step within 3 epochs is no step at all
        ("  dropout: {low: 0.0, high: 0.3, step: 0.1}\n  batch_size: [32, 64]\n", 8),
        (RATE, None),
    ],
)
def test_configurations_are_counted_once(tmp_path: Path, settings: str, count: int | None) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(HEAD + "epochs: 3\nsettings:\n" + settings, encoding="utf-8")
    assert n_combinations(load_study(file), at_most=1000) == count
