from __future__ import annotations

import re
from pathlib import Path

import pytest

from hpstudy.errors import InputError
from hpstudy.spec.load import load_study
from hpstudy.spec.starter import starter_study
from hpstudy.spec.study import Choices

STARTER = starter_study("first")
ALTERNATIVES = re.findall(r"^(?:  )?# (\w[\w.]*: .*)$", STARTER, re.MULTILINE)


def load(folder: Path, text: str) -> object:
    path = folder / "s.yaml"
    path.write_text(text)
    return load_study(path)


def test_the_starter_study_runs_on_embedded_data(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    path.write_text(STARTER)
    spec = load_study(path)

    assert (spec.name, spec.dataset.name, spec.dataset.image_size) == ("first", "digits", 28)
    assert spec.architectures == ("lenet5",)
    assert spec.settings["optimizer"].domain == Choices(("sgd", "adam"))
    assert (spec.trials, spec.epochs, len(spec.baselines)) == (12, 8, 1)


@pytest.mark.parametrize("line", ALTERNATIVES)
def test_each_alternative_of_the_starter_study_can_stand_there(line: str, tmp_path: Path) -> None:
    key = line.partition(":")[0]
    if f"\n  # {line}" in STARTER:
        text = STARTER.replace(f"  # {line}", f"  {line}")
    else:
        text = re.sub(rf"^{key}: .*$", line, STARTER, flags=re.MULTILINE)
        if line.startswith("architecture: ["):
            text = text.replace("by hand: {", "by hand: {architecture: lenet5, ")

    assert text != STARTER
    load(tmp_path, text)


def test_the_starter_study_shows_every_kind_of_alternative() -> None:
    keys = {line.partition(":")[0] for line in ALTERNATIVES}

    assert keys >= {"dataset", "architecture", "sampler", "pruner", "confirm", "lenet5.width", "augment"}


@pytest.mark.parametrize("name", ["2024", "1.5", "1e5", "0x1F", "true", "null", "mine"])
def test_a_name_that_yaml_takes_for_something_else_stays_a_name(name: str, tmp_path: Path) -> None:
    assert load(tmp_path, starter_study(name)).name == name


def test_a_name_that_breaks_the_rule_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        starter_study("my study")

    assert str(caught.value) == (
        '"my study": a study\'s name has 1 to 80 letters, digits, dots, dashes, underscores, '
        "the first a letter or digit; choose another file name"
    )
