"""The confirmation: few configurations trained again on fresh, paired seeds and evaluated once on the test set.

This is the one place that asks for the test set. Which configurations are trained follows from the search's validation
accuracies alone, and is stored before the first of them is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from hpstudy.errors import InputError
from hpstudy.search.configurations import Configuration
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.identity import differences, short_sum
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import Confirm
from hpstudy.tables import (
    CANDIDATES_ATTRIBUTE,
    CONFIRM,
    CONFIRM_ATTRIBUTE,
    CONFIRM_SEED,
    CONFIRMS,
    TEST_DATA_ATTRIBUTE,
)


@dataclass(frozen=True)
class ConfirmationPlan:
    """What a confirmation trains.

    Attributes:
        configurations: The candidate first, then the next best trials, then the baselines.
        n_seeds: Trainings of each; seed `n` is the same for all.
        study_seed: What the fresh seeds derive from.
        failed: Numbers of the trials that had failed when the run began. Their pairs are trained again: the cause may
            have been mended since.
    """

    configurations: tuple[Configuration, ...]
    n_seeds: int
    study_seed: int
    failed: frozenset[int]

    @property
    def candidate(self) -> Configuration:
        """The study's answer, chosen by validation accuracy."""
        return self.configurations[0]

    @property
    def labels(self) -> Mapping[str, str]:
        """The label of each configuration by all labels that it has: an earlier plan may have called it otherwise."""
        return {label: chosen.label for chosen in self.configurations for label in chosen.labels}

    @property
    def pairs(self) -> list[tuple[Configuration, int]]:
        """Every configuration with every seed from 1; seed by seed, so that a part of them still compares all."""
        return [(chosen, seed) for seed in range(1, self.n_seeds + 1) for chosen in self.configurations]


def extend_confirmation(head: Study, *, usual: Confirm, top: int = 0, seeds: int = 0) -> Confirm:
    """Notes how far a study is to be confirmed; what was noted before is never taken back.

    Args:
        head: The Optuna study `NAME`.
        usual: What holds where nothing was noted before and nothing is asked for.
        top: So many of the best trials; 0 for as many as before.
        seeds: So many seeds each; 0 for as many as before.

    Returns:
        What holds now.
    """
    before = Confirm(**head.user_attrs.get(CONFIRM_ATTRIBUTE, {"top": 0, "seeds": 0}))
    holds = Confirm(max(top, before.top) or usual.top, max(seeds, before.seeds) or usual.seeds)
    head.set_user_attr(CONFIRM_ATTRIBUTE, asdict(holds))
    return holds


def fix_candidate(head: Study, *, candidate: Configuration) -> list[str]:
    """Stores the candidate in the Optuna study `NAME`, where it is fixed from here on.

    Returns:
        The labels of all candidates so far, this one last.
    """
    candidates: list[str] = head.user_attrs.get(CANDIDATES_ATTRIBUTE, [])
    if candidates[-1:] != [candidate.label]:
        candidates = [*candidates, candidate.label]
        head.set_user_attr(CANDIDATES_ATTRIBUTE, candidates)
    return candidates


def require_test_set(confirmation: Study, *, study: str, test: Mapping[str, str]) -> None:
    """Notes which test set a study is confirmed on, the first time; refuses another one later.

    Args:
        confirmation: The Optuna study `NAME/confirm`.
        study: `NAME`.
        test: SHA-256 of each file of the test set.

    Raises:
        InputError: It has been confirmed on another test set: accuracies on two sets are no pairs.
    """
    sums = {name: short_sum(checksum) for name, checksum in test.items()}
    stored = confirmation.user_attrs.get(TEST_DATA_ATTRIBUTE)
    if stored is None:
        confirmation.set_user_attr(TEST_DATA_ATTRIBUTE, sums)
    elif changed := differences({"test data": stored}, {"test data": sums}):
        shown = "\n".join(f"  {line}" for line in changed)
        raise InputError(f"{study}: has been confirmed on another test set than is there now:\n{shown}")


class ConfirmationAsker:
    """Gives each pair of configuration and seed one trial."""

    def __init__(self, plan: ConfirmationPlan) -> None:
        self._plan = plan
        self._by_label = {label: chosen for chosen in plan.configurations for label in chosen.labels}

    def ask(self, study: Study) -> Trial | None:
        """A trial for the next pair that has none."""
        pair = self._next_pair(study)
        if pair is None:
            return None
        trial = study.ask()
        self._mark(trial, *pair)
        return trial

    def configure(self, trial: Trial) -> TrialConfig | None:
        """The configuration with the fresh seeds; a trial interrupted before it was marked gets the next pair.

        None where the pair is not planned any more.
        """
        if CONFIRM_SEED not in trial.user_attrs:
            pair = self._next_pair(trial.study)
            if pair is None:
                return None
            self._mark(trial, *pair)
        chosen = self._by_label.get(trial.user_attrs[CONFIRMS])
        if chosen is None:
            return None
        seed = int(trial.user_attrs[CONFIRM_SEED])
        # As parameters too, for Optuna's own tools; a range of one value is not sampled.
        trial.suggest_int("configuration", *[_place(trial.study, str(trial.user_attrs[CONFIRMS]))] * 2)
        trial.suggest_int("seed", seed, seed)
        return replace(chosen.config, seeds=training_seeds(self._plan.study_seed, CONFIRM, seed))

    def original(self, _trial: Trial, _config: TrialConfig) -> None:
        """None: a pair of configuration and seed is planned once."""

    def label(self, trial: Trial) -> str:
        """`trial 12, seed 1`, or `model 2, seed 1`."""
        label = str(trial.user_attrs[CONFIRMS])
        chosen = self._by_label.get(label)
        # One that was interrupted and is not planned any more is finished all the same: a longer search found better.
        title = chosen.title if chosen else f"trial {label}"
        return f"{title}, seed {trial.user_attrs[CONFIRM_SEED]}"

    def _next_pair(self, study: Study) -> tuple[Configuration, int] | None:
        known = begun_pairs(study, self._plan)
        return next(((chosen, seed) for chosen, seed in self._plan.pairs if (chosen.label, seed) not in known), None)

    def _mark(self, trial: Trial, chosen: Configuration, seed: int) -> None:
        # The seed last: what has it has both.
        trial.set_user_attr(CONFIRMS, chosen.label)
        trial.set_user_attr(CONFIRM_SEED, seed)


def _place(study: Study, label: str) -> int:
    """A number for a configuration: its place in the order in which they were first confirmed."""
    labels = dict.fromkeys(label for label, _ in marked_pairs(study))
    return list(labels).index(label)


def marked_pairs(study: Study) -> list[tuple[str, int]]:
    """(label, seed) of every trial of a confirmation that is marked, by their numbers."""
    return [_pair(trial) for trial in study.get_trials(deepcopy=False) if CONFIRM_SEED in trial.user_attrs]


def begun_pairs(study: Study, plan: ConfirmationPlan) -> dict[tuple[str, int], TrialState]:
    """The pairs that need no further trial, and the state of each: all that are marked, but for those that failed."""
    trials, labels = study.get_trials(deepcopy=False), plan.labels
    marked = [trial for trial in trials if CONFIRM_SEED in trial.user_attrs and trial.number not in plan.failed]
    pairs = ((_pair(trial), trial.state) for trial in marked)
    return {(labels.get(label, label), seed): state for (label, seed), state in pairs}


def failed_trials(study: Study) -> frozenset[int]:
    """The numbers of the trials of a confirmation that have failed."""
    return frozenset(trial.number for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)))


def _pair(trial: FrozenTrial) -> tuple[str, int]:
    return str(trial.user_attrs[CONFIRMS]), int(trial.user_attrs[CONFIRM_SEED])


def candidates_first_seed(candidates: Sequence[Collection[str]], complete: Sequence[FrozenTrial]) -> set[int]:
    """The confirmation of the candidate whose weights are kept: its first seed that is complete.

    Until a new candidate has one the former's stay: the run may end before.

    Args:
        candidates: The labels of each, the present one last.
        complete: The trials of the confirmation that are complete.
    """
    for candidate in reversed(candidates):
        of_candidate = [trial for trial in complete if trial.user_attrs.get(CONFIRMS) in candidate]
        if of_candidate:
            return {min(of_candidate, key=lambda trial: int(trial.user_attrs[CONFIRM_SEED])).number}
    return set()
