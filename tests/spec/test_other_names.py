"""What settings, keys and architectures are called elsewhere, and that no name means two things."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec

import pytest

from hpstudy.spec import other_names, torchvision_names
from hpstudy.spec.catalogue import SETTINGS
from hpstudy.spec.file import StudyShape
from hpstudy.spec.other_names import meant_by
from hpstudy.torchvision_repair import import_torchvision


def test_each_name_means_one_thing_and_is_found_as_it_is_written() -> None:
    names = Counter(name for option in SETTINGS for name in (option.name, *option.also))
    names.update(list(StudyShape.model_fields))
    for key, others in other_names._KEYS.items():
        assert key in StudyShape.model_fields
        names.update(others)
    assert {name for name, count in names.items() if count > 1} == set()
    assert all(meant_by(name) for name in names)


@pytest.mark.parametrize(
    ("written", "name", "is_setting"),
    [("lr", "learning_rate", True), ("--Batch-Size", "batch_size", True), ("--max-epochs", "epochs", False)],
)
def test_dashes_and_capitals_do_not_count(written: str, name: str, is_setting: bool) -> None:
    meant = meant_by(written)
    assert meant
    assert (meant.name, meant.setting is not None) == (name, is_setting)


@pytest.mark.parametrize("name", ["", "--", "l", "hidden", "lenet5.width"])
def test_other_names_mean_nothing(name: str) -> None:
    assert meant_by(name) is None


def test_torchvisions_names_are_read_without_importing_it() -> None:
    models = import_torchvision().models
    assert list(torchvision_names.torchvision_names()) == sorted(models.list_models(module=models))


def test_without_torchvision_there_are_no_names_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_spec("torchvision")
    monkeypatch.setattr(torchvision_names, "find_spec", lambda _name: None)
    assert torchvision_names.torchvision_names() == ()
