"""The settings of a stored trial as columns, and what they were drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from hpstudy.errors import DamagedStudyError
from hpstudy.results.shapes import Distribution
from hpstudy.results.soundness import check_domain
from hpstudy.results.stored import MOST_DIGITS, read_json, shortened_choice
from hpstudy.spec.config import NO_SETTINGS, is_among, option_defaults
from hpstudy.spec.rows import Scalar
from hpstudy.spec.study import Choices, Domain, Range, Setting


def config_settings(
    config: Mapping[str, Any], *, own_defaults: Mapping[str, Mapping[str, Scalar]]
) -> dict[str, Scalar | None]:
    """A stored configuration as one value a setting; what it leaves out has its default.

    Args:
        config: The configuration, as stored with a trial.
        own_defaults: Of the user's architectures: what each takes where it is told nothing, by parameter.
    """
    architecture = config["architecture"]
    own = dict(own_defaults.get(architecture, {}))
    values = {name: value for name, value in config.items() if name not in NO_SETTINGS}
    dropout = own.pop("dropout", None)
    if values["dropout"] is None:
        values["dropout"] = dropout
    options = option_defaults(architecture) | own | config["options"]
    return values | {f"{architecture}.{name}": value for name, value in options.items()}


def drawn_alone(trials: pd.DataFrame, settings: Sequence[Setting]) -> pd.DataFrame:
    """Trials without the values of settings that did not exist for them, which were trained with the default.

    Args:
        trials: Sampled ones, with a column a setting.
        settings: Of the study, parents before the settings whose conditions name them.
    """
    nothing = pd.Series(None, index=trials.index, dtype=object)
    drawn: dict[str, pd.Series[bool]] = {}
    for setting in settings:
        exists = pd.Series(data=True, index=trials.index)
        for parent, allowed in setting.when.items():
            exists &= drawn[parent] & trials.get(parent, nothing).map(partial(is_among, allowed=allowed)).astype(bool)
        drawn[setting.name] = exists
    blank = {name: trials[name].where(drawn[name]) for name in drawn if name in trials and not drawn[name].all()}
    return trials.assign(**blank)


def optuna_settings(
    parameters: Iterable[tuple[int, str, float, str]],
) -> tuple[dict[int, dict[str, Scalar]], dict[str, Domain]]:
    """The settings of a study without configurations.

    Args:
        parameters: (trial id, name, internal value, distribution as JSON), as Optuna stores them.

    Returns:
        One value a setting by trial id, and what each setting that varies was drawn from, both in the order of
        `parameters`. Optuna lets a study change a number's range: then it is the range that holds all of them. A
        choice that is None is the word `None`, to tell it from a setting that a trial does not have.
    """
    values: dict[int, dict[str, Scalar]] = {}
    domains: dict[str, Choices | Range] = {}
    known: dict[str, _Drawn] = {}  # a study has a handful of distributions, and each is in the table once a trial
    for trial_id, name, internal, written in parameters:
        if written not in known:
            known[written] = _Drawn(written)
        drawn = known[written]
        values.setdefault(trial_id, {})[name] = drawn.value(internal)
        domains[name] = _wider(domains.get(name, drawn.domain), drawn.domain)
    return values, {name: domain for name, domain in domains.items() if _varies(domain)}


class _Drawn:
    """An Optuna distribution, read from JSON; those of Optuna 1 and 2 have names and attributes of their own."""

    def __init__(self, written: str) -> None:
        described = read_json(written, Distribution, place="a parameter's distribution")
        name, attributes = described["name"], described["attributes"]
        self._whole = name.startswith("Int")
        self._choices = tuple(map(_scalar, attributes.get("choices") or ()))
        if self._choices:
            self.domain: Choices | Range = Choices(self._choices)
            return
        if attributes.get("low") is None or attributes.get("high") is None:
            raise DamagedStudyError("a parameter's distribution: has neither choices nor ends")
        step = attributes.get("step", attributes.get("q"))
        self.domain = Range(
            attributes["low"],
            attributes["high"],
            log=attributes.get("log", "Log" in name),
            step=None if self._whole and step == 1 else step,
        )
        check_domain(self.domain, place="a parameter")

    def value(self, internal: float) -> Scalar:
        """The value that the database keeps as a number."""
        if self._choices and not 0 <= internal < len(self._choices):
            raise DamagedStudyError(f"a parameter's value: is {internal:g}, of {len(self._choices)} choices")
        if self._choices:
            return self._choices[int(internal)]
        if abs(internal) >= MOST_DIGITS and self._whole:
            raise DamagedStudyError("a parameter's value: is a number of too many digits")
        return int(internal) if self._whole else internal


def _scalar(choice: object) -> Scalar:
    """A choice as it can be compared: Optuna takes lists and None too, with a warning."""
    if choice is None:
        return "None"
    if isinstance(choice, int) and abs(choice) >= MOST_DIGITS:
        return shortened_choice(str(choice))
    return choice if isinstance(choice, (bool, int, float)) else shortened_choice(_text(choice))


def _text(choice: object) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _wider(first: Choices | Range, second: Choices | Range) -> Choices | Range:
    """The range that holds two; choices cannot change within a study."""
    if isinstance(first, Range) and isinstance(second, Range):
        return replace(first, low=min(first.low, second.low), high=max(first.high, second.high))
    return first


def _varies(domain: Choices | Range) -> bool:
    return domain.low < domain.high if isinstance(domain, Range) else len(domain.values) > 1
