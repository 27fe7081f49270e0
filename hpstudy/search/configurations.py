"""Which configurations are confirmed: the best trials and the baselines, equal ones as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optuna.trial import TrialState

from hpstudy.numbers import listed
from hpstudy.search.repeats import without_repeats
from hpstudy.search.storage import Storage
from hpstudy.search.studies import part_name, stored_searches, stored_trials
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.sameness import TrainingKey, config_key
from hpstudy.tables import BASELINE, BASELINES, CONFIG, PART_SEPARATOR


@dataclass(frozen=True)
class Configuration:
    """What is confirmed.

    Attributes:
        label: The trial's: `12`, `lenet5/12` in a fair study, or a baseline's name.
        title: What a person calls it: `trial 12`, or the baseline's name; both where both have it.
        config: As the search or the baseline trained it.
        labels: Of all trials and baselines that have it, its own included: their trainings would be the same.
    """

    label: str
    title: str
    config: TrialConfig
    labels: frozenset[str]


def choose_configurations(storage: Storage, study: str, *, top: int) -> tuple[Configuration, ...]:
    """The best trials by validation accuracy, the best one first, and the baselines that are complete.

    Trials and baselines that have one configuration, seeds aside, are one.

    Args:
        storage: Where the study is.
        study: Its name.
        top: How many of the best trials; in a fair study the best of each architecture comes too.

    Returns:
        The configurations; none where no trial of the search is complete.
    """
    ranked, baselines = _ranked_trials(storage, study), list(_baselines(storage, study))
    if not ranked:
        return ()
    groups: dict[TrainingKey, list[_Complete]] = {}
    for one in (*ranked, *baselines):
        groups.setdefault(config_key(one.config), []).append(one)
    firsts = {one.part: config_key(one.config) for one in reversed(ranked)}
    wanted = {*list(groups)[:top], *firsts.values(), *(config_key(one.config) for one in baselines)}
    return tuple(_configuration(group) for key, group in groups.items() if key in wanted)


@dataclass(frozen=True)
class _Complete:
    """A trial that is complete, with the part of the study that its search is; None for a baseline."""

    label: str
    config: TrialConfig
    part: str | None


def _ranked_trials(storage: Storage, study: str) -> list[_Complete]:
    """The trials of all searches, the best first; equal values by number and label, as the report has it."""
    found = [
        (name.removeprefix(study).removeprefix(PART_SEPARATOR), trial)
        for name in stored_searches(storage, study)
        for trial in without_repeats(stored_trials(storage, name, TrialState.COMPLETE))
    ]
    # A label is the part, the separator and the number.
    ranked = sorted(found, key=lambda pair: (-(pair[1].value or 0.0), pair[1].number, f"{pair[0]}{PART_SEPARATOR}"))
    return [
        _Complete(
            f"{part}{PART_SEPARATOR}{trial.number}" if part else str(trial.number),
            TrialConfig.from_json(trial.user_attrs[CONFIG]),
            part,
        )
        for part, trial in ranked
    ]


def _baselines(storage: Storage, study: str) -> Iterable[_Complete]:
    for trial in stored_trials(storage, part_name(study, BASELINES), TrialState.COMPLETE):
        yield _Complete(str(trial.user_attrs[BASELINE]), TrialConfig.from_json(trial.user_attrs[CONFIG]), None)


def _configuration(equal: Sequence[_Complete]) -> Configuration:
    """One configuration under the label of the first that has it."""
    first = equal[0]
    title = first.label if first.part is None else f"trial {first.label}"
    others = [one.label for one in equal[1:] if one.part is None]
    if others:
        title += f" (= {listed(others)})"
    return Configuration(first.label, title, first.config, frozenset(one.label for one in equal))
