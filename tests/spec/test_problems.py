"""The messages about what can be wrong in a study file, word by word.

The tables in `problems/` show a study file with CASE in it, then what stands there and the messages about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Lines = Callable[..., list[str]]

TABLES = Path(__file__).parent / "problems"


def cases(table: str) -> Iterator[tuple[str, list[str]]]:
    """Each study file of a table with its messages."""
    blocks = [block.split("\n") for block in (TABLES / table).read_text("utf-8").strip().split("\n\n")]
    frame = "\n".join(line.removeprefix("    ") for line in blocks[2])
    for block in blocks[3:]:
        text = "\n".join(line for line in block if not line.startswith("> "))
        yield frame.replace("CASE", text), [line[2:] for line in block if line.startswith("> ")]


@pytest.mark.parametrize("table", sorted(path.name for path in TABLES.iterdir()))
def test_each_table_is_read_to_its_end(table: str) -> None:
    assert sum(len(expected) for _, expected in cases(table)) == (TABLES / table).read_text().count("\n> ")
    assert all(expected for _, expected in cases(table))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(text, expected, id=f"{path.stem}-{number}")
        for path in sorted(TABLES.iterdir())
        for number, (text, expected) in enumerate(cases(path.name))
    ],
)
def test_each_problem_is_told_with_its_place_and_repair(text: str, expected: list[str], lines: Lines) -> None:
    assert lines(text) == expected


SEVERAL = """\
name: {name}
dataset: mnist
architecture: [lenet5, cnn]
settings: {{batch_size: [32, 64]}}
"""

NAME_RULE = (
    "s.yaml:1:7: name: expected text of 1 to 80 letters, digits, dots, dashes, underscores, "
    "the first a letter or digit, got "
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a" * 81, '"' + "a" * 60 + '…"'),
        ("a" * 300, '"' + "a" * 60 + '…"'),
        (r'"a\nb"', r'"a\nb"'),
        (r'"a\u2028b"', r'"a\u2028b"'),
        ("ä", '"ä"'),
    ],
)
def test_a_name_that_no_file_could_have_is_refused(name: str, shown: str, lines: Lines) -> None:
    assert lines(SEVERAL.format(name=name)) == [NAME_RULE + shown]


@pytest.mark.parametrize("name", ["a", "7a", "A-b_c.d", "a" * 80])
def test_a_name_of_the_rule_is_accepted(name: str, lines: Lines) -> None:
    assert lines(SEVERAL.format(name=name)) == []


def test_trials_that_do_not_divide_are_placed_where_they_were_given(lines: Lines) -> None:
    text = SEVERAL.format(name="x") + "fair: true\ntrials: 5\n"

    assert lines(text) == ["s.yaml:6:9: trials: 5 trials do not divide among 2 architectures; give 4"]
    assert lines(text, trials=7) == [
        "s.yaml: --trials: 7 trials do not divide among 2 architectures; give 8",
    ]
    assert lines(text, trials=6) == []


def test_a_baseline_names_its_architecture_where_there_are_several(lines: Lines) -> None:
    text = SEVERAL.format(name="x") + "baselines:\n  a: {}\n  b: {architecture: cnn}\n"

    assert lines(text) == [
        ("s.yaml:6:3: baselines.a: architecture is missing, and the study offers several; name one of lenet5, cnn")
    ]


@pytest.mark.parametrize(
    ("settings", "place"),
    [("", "s.yaml: "), ("settings:\n", "s.yaml:4:1: "), ("settings: {batch_size: [32]}\n", "s.yaml:4:11: ")],
)
def test_a_study_in_which_nothing_varies_is_refused_unless_it_has_baselines(
    settings: str, place: str, lines: Lines
) -> None:
    text = f"name: x\ndataset: mnist\narchitecture: lenet5\n{settings}"

    fact = "nothing varies; give a setting several values, as in batch_size: [32, 64, 128]"
    assert lines(text) == [f"{place}settings: {fact}"]
    assert lines(f"{text}baselines: {{a: {{}}}}\n") == []


def test_a_grid_needs_separate_values(lines: Lines) -> None:
    text = """\
name: x
dataset: mnist
architecture: lenet5
sampler: grid
settings:
  learning_rate: {low: 0.1, high: 0.2}
  weight_decay: {low: 0.0, high: 0.3, step: 0.1}
  batch_size: {low: 1, high: 100, log: true}
  optimizer: [sgd, adam]
"""
    assert lines(text) == [
        (
            "s.yaml:6:18: settings.learning_rate: the sampler grid needs separate values; "
            "give a list or a step, or take another sampler"
        )
    ]


def test_all_problems_of_a_file_come_in_one_go_in_its_order(lines: Lines) -> None:
    text = """\
name: .x
trails: 3
dataset: {name: mnist, share: 2}
architecture: [lenet5, cn]
epochs: 0
settings:
  dropout: {low: 0.5, high: 0.2}
  momentum: 1
baselines:
  a: {dropout: 7, optimiser: sgd}
"""
    assert [line.split(": ")[:2] for line in lines(text)] == [
        ["s.yaml:1:7", "name"],
        ["s.yaml:2:1", "trails"],
        ["s.yaml:3:31", "dataset.share"],
        ["s.yaml:4:24", "architecture"],
        ["s.yaml:5:9", "epochs"],
        ["s.yaml:7:18", "settings.dropout.low"],
        ["s.yaml:8:13", "settings.momentum"],
        ["s.yaml:10:16", "baselines.a.dropout"],
        ["s.yaml:10:19", "baselines.a.optimiser"],
    ]
