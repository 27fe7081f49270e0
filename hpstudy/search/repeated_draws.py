"""Ends the draws that repeat another trial, or holds them until that one has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from hpstudy.search.askers import Asker
from hpstudy.search.storage import Storage
from hpstudy.spec.config import TrialConfig
from hpstudy.tables import CONFIG, REASON, REPEATS


class Tell(Protocol):
    """Stores the end of a trial."""

    def __call__(self, trial: Trial, *, value: float | None, state: TrialState) -> None:
        """Stores it, with the value of a complete one."""
        ...


@dataclass(frozen=True)
class InHand:
    """The numbers of the repeats that a run has in hand.

    Attributes:
        held: Until their originals have ended.
        released: To be trained after all, and not given out yet.
    """

    held: frozenset[int] = frozenset()
    released: frozenset[int] = frozenset()


class RepeatedDraws:
    """The repeats of one Optuna study that a run has in hand.

    Attributes:
        in_hand: Is put back where a server has taken back what was done with it, or may have.
    """

    def __init__(self, *, storage: Storage, asker: Asker, own: Callable[[Trial], None], tell: Tell) -> None:
        """Holds none.

        Args:
            storage: Where the study is.
            asker: Says what a trial repeats.
            own: Makes a trial the run's own, once it is marked.
            tell: Stores the end of a trial.
        """
        self._storage = storage
        self._asker = asker
        self._own = own
        self._tell = tell
        self.in_hand = InHand()

    @property
    def numbers(self) -> frozenset[int]:
        """Those that are held, and those that have been released and not been given out."""
        return self.in_hand.held | self.in_hand.released

    def take(self, trial: Trial, config: TrialConfig) -> bool:
        """Ends a trial that repeats another, with its state and value; holds it while that one is under way.

        Args:
            trial: One that has not begun.
            config: Its configuration.

        Returns:
            Whether it repeats one. The mark is stored first: a run that is killed here leaves no trial to be trained.
        """
        original = self._asker.original(trial, config)
        if original is None:
            if REPEATS in trial.user_attrs:
                trial.set_user_attr(REPEATS, None)
            return False
        trial.set_user_attr(REPEATS, original.number)
        self._own(trial)
        if original.state is TrialState.RUNNING:
            self.in_hand = replace(self.in_hand, held=self.in_hand.held | {trial.number})
        else:
            self._end(trial, original)
        return True

    def settle(self, study: Study) -> None:
        """Ends what is held and whose original has ended; one whose original has failed is to be trained."""
        trials = study.get_trials(deepcopy=False) if self.in_hand.held else []
        for number in sorted(self.in_hand.held):
            if not trials[trials[number].user_attrs[REPEATS]].state.is_finished():
                continue
            self.in_hand = replace(self.in_hand, held=self.in_hand.held - {number})
            if trials[number].state.is_finished():
                continue  # the answer to its end was lost, and it is held once more
            trial = Trial(study, self._storage.trial_id(study.study_name, number))  # Optuna continues it in place
            if not self.take(trial, TrialConfig.from_json(trial.user_attrs[CONFIG])):
                self.in_hand = replace(self.in_hand, released=self.in_hand.released | {number})

    def released(self) -> Iterator[int]:
        """Gives out those that are to be trained after all, each once."""
        while self.in_hand.released:
            number = min(self.in_hand.released)
            self.in_hand = replace(self.in_hand, released=self.in_hand.released - {number})
            yield number

    def _end(self, trial: Trial, original: FrozenTrial) -> None:
        if original.state is TrialState.PRUNED and original.last_step is not None:
            # Optuna's value of a pruned trial is the last that was reported, and here none may have been.
            last = original.intermediate_values[original.last_step]
            self._storage.optuna.set_trial_intermediate_value(
                self._storage.trial_id(trial.study.study_name, trial.number), original.last_step, last
            )
        trial.set_user_attr(REASON, f"repeats trial {original.number}")
        value = original.value if original.state is TrialState.COMPLETE else None
        self._tell(trial, value=value, state=original.state)
