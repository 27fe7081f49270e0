"""The search space: which settings exist under which others, and how each is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from optuna.trial import Trial

from hpstudy.spec.catalogue import Scalar
from hpstudy.spec.config import architecture_setting, holds
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

    A range without a step is walked in steps of 1; only its first value means something then.
    """
    return _combinations(_settings(spec), {})


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


def _combinations(settings: tuple[Setting, ...], values: dict[str, Scalar]) -> Iterator[dict[str, Scalar]]:
    if not settings:
        yield values
        return
    first, rest = settings[0], settings[1:]
    if not holds(first, values):
        yield from _combinations(rest, values)
        return
    for value in _possible(first):
        yield from _combinations(rest, {**values, first.name: value})


def _possible(setting: Setting) -> Iterator[Scalar]:
    match setting.domain:
        case Fixed(value):
            yield value
        case Choices(values):
            yield from values
        case Range(low, high, _, step):
            width = step or 1
            # Half a step of tolerance: 0.1 + 0.1 + 0.1 is not 0.3.
            count = int((high - low) / width + 0.5) + 1
            yield from (low + index * width for index in range(count))
