"""The search space: which settings exist under which others, and how each is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from optuna.trial import Trial

from hpstudy.spec.config import architecture_setting, holds
from hpstudy.spec.grid import combinations, n_different
from hpstudy.spec.rows import Scalar
from hpstudy.spec.study import Choices, Fixed, Range, Setting, StudySpec


def sample(spec: StudySpec, trial: Trial, *, prepare: Callable[[str], None] = lambda _name: None) -> dict[str, Scalar]:
    """Draws every setting that exists, parents first.

    Args:
        spec: The study.
        trial: Optuna's trial; a setting that it has already is not drawn again.
        prepare: Is called with a setting's name before it is drawn.

    Returns:
        `architecture`, the fixed settings and the drawn ones. A setting whose condition does not hold is absent.
    """
    values: dict[str, Scalar] = {}
    for setting in _settings(spec):
        if holds(setting, values):
            prepare(setting.name)
            values[setting.name] = _draw(trial, setting)
    return values


def grid(spec: StudySpec) -> Iterator[dict[str, Scalar]]:
    """Every configuration of a study whose ranges have steps, each once, in the file's order.

    A range without a step is walked in steps of 1; of one that is no range of whole numbers only the first value means
    something then.
    """
    return combinations(_settings(spec))


def n_configurations(spec: StudySpec, *, at_most: int) -> int:
    """How many different configurations a study can have; `at_most` where there are so many, or more."""
    return n_different(_settings(spec), epochs=spec.epochs, at_most=at_most)


def first_values(spec: StudySpec) -> dict[str, Scalar]:
    """The first configuration of a study: of every setting that exists the first choice or the lower end."""
    return next(grid(spec))


def offering(spec: StudySpec, architecture: str, *, trials: int) -> StudySpec:
    """The same study with one of its architectures, and so many trials."""
    return replace(spec, architectures=(architecture,), trials=trials)


def _settings(spec: StudySpec) -> tuple[Setting, ...]:
    return (architecture_setting(spec), *spec.settings.values())


def _draw(trial: Trial, setting: Setting) -> Scalar:
    match setting.domain:
        case Fixed(value):
            return value
        case Choices(values):
            return cast("Scalar", trial.suggest_categorical(setting.name, values))
        case Range(int(low), int(high), log, step):
            return trial.suggest_int(setting.name, low, high, log=log, step=int(step or 1))
        case Range(low, high, log, step):
            return trial.suggest_float(setting.name, low, high, log=log, step=step)
