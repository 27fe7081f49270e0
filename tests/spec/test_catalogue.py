"""Each row of the catalogue against what it names."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, get_type_hints

import pytest

from hpstudy.spec.catalogue import ARCHITECTURES, DATASETS, OPTIMIZERS, PRUNERS, SAMPLERS, SETTINGS, by_name
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.rows import Interval, Option, Row

KINDS = {"int": int, "float": float, "bool": bool, "choice": str}


def target(row: Row) -> Any:
    module, _, name = row.target.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("option", SETTINGS, ids=lambda option: option.name)
def test_a_settings_kind_is_the_type_of_its_field(option: Option) -> None:
    field = get_type_hints(TrialConfig)[option.name]

    assert field == (float | None if option.name in {"momentum", "dropout"} else KINDS[option.kind])


@pytest.mark.parametrize("row", [*SAMPLERS, *PRUNERS], ids=lambda row: row.name)
def test_a_samplers_or_pruners_options_are_in_its_signature(row: Row) -> None:
    parameters = inspect.signature(target(row)).parameters

    assert {option.argument or option.name for option in row.options} <= set(parameters)


@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.name)
def test_an_optimizer_has_momentum_where_the_catalogue_says_so(row: Row) -> None:
    parameters = inspect.signature(target(row)).parameters

    for option in SETTINGS:
        if option.optimizers:
            assert (option.name in parameters) == (row.name in option.optimizers)
    assert {"lr", "weight_decay"} <= set(parameters)


ROWS = [*SAMPLERS, *PRUNERS, *ARCHITECTURES, *DATASETS, *OPTIMIZERS]
OPTIONS = [*SETTINGS, *(option for row in ROWS for option in row.options)]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_default_is_legal(option: Option) -> None:
    assert type(option.default) is KINDS[option.kind]
    if option.kind == "choice":
        assert option.default in option.choices
    elif isinstance(option.default, (int, float)):
        assert option.default in option.legal
    assert option.meaning


@pytest.mark.parametrize("rows", [SAMPLERS, PRUNERS, ARCHITECTURES, DATASETS, OPTIMIZERS])
def test_names_are_unique_and_explained(rows: tuple[Row, ...]) -> None:
    assert len(by_name(rows)) == len(rows)
    assert all(row.meaning and ":" in row.target for row in rows)


@pytest.mark.parametrize(
    ("interval", "inside", "outside", "words"),
    [
        (Interval(), -1e300, float("nan"), "any number"),
        (Interval(low=1), 1, 0.5, "at least 1"),
        (Interval(low=0, open_low=True), 1e-300, 0, "above 0"),
        (Interval(0, 1, open_high=True), 0, 1, "at least 0 and below 1"),
        (Interval(high=5), 5, 6, "at most 5"),
    ],
)
def test_an_interval_holds_what_its_words_say(interval: Interval, inside: float, outside: float, words: str) -> None:
    assert inside in interval
    assert outside not in interval
    assert str(interval) == words
