"""Draws that repeat a configuration which a search has had: they are not trained again.

A draw ends with the state and value of what it repeats, so that samplers see it and go on, and counts nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from hpstudy.search.space import n_configurations
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.sameness import TrainingKey, config_key
from hpstudy.spec.study import StudySpec
from hpstudy.tables import CONFIG, MOST_FAILURES, MOST_REPEATS, REPEATS

_ENDED_WELL = (TrialState.COMPLETE, TrialState.PRUNED)


def is_repeat(trial: FrozenTrial | Trial) -> bool:
    """Whether a trial is a draw that is not trained."""
    return trial.user_attrs.get(REPEATS) is not None


def without_repeats(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that were trained, or will be."""
    return [trial for trial in trials if not is_repeat(trial)]


class Draws:
    """What a search has drawn so far, by configuration; it reads on where it was, at each question.

    A study that was opened anew is read anew: a server may have taken back what the former had.
    """

    def __init__(self, spec: StudySpec) -> None:
        self._is_grid = spec.sampler.name == "grid"
        self._n_trials = spec.trials
        self._n_configurations = n_configurations(spec, at_most=spec.trials)
        self._study: Study | None = None
        self._n_read = 0
        self._numbers: dict[TrainingKey, list[int]] = {}

    def original(self, study: Study, number: int, config: TrialConfig) -> FrozenTrial | None:
        """The trial that a draw repeats: the first of those before it that is or was trained and has not failed.

        Args:
            study: The Optuna study of the search.
            number: The draw's own.
            config: What it has drawn.

        Returns:
            The trial; one that has failed where the configuration has failed too often. None for a draw that is to be
            trained.
        """
        trials = self._read_on(study)
        numbers = self._numbers.get(config_key(config), ())
        return _repeated(trials, [other for other in numbers if other < number])

    def n_to_come(self, study: Study) -> int:
        """How many trials are still to be drawn: those of the study file, as far as there is something to train."""
        trials = self._read_on(study)
        if len(trials) >= MOST_REPEATS and all(map(is_repeat, trials[-MOST_REPEATS:])):
            return 0
        n_left = self._n_trials - len(without_repeats(trials))
        if self._n_configurations < self._n_trials:  # else the trials end first
            done = (numbers for numbers in self._numbers.values() if self._is_grid or _repeated(trials, numbers))
            n_done = sum(1 for _ in done)  # a grid is walked once, whatever comes of it
            n_left = min(n_left, self._n_configurations - n_done)
        return max(n_left, 0)

    def _read_on(self, study: Study) -> list[FrozenTrial]:
        """All trials by number; notes what those have drawn that had not been configured before."""
        if study is not self._study:
            self._study, self._n_read, self._numbers = study, 0, {}
        trials = study.get_trials(deepcopy=False)
        for trial in trials[self._n_read :]:
            if CONFIG in trial.user_attrs:
                key = config_key(TrialConfig.from_json(trial.user_attrs[CONFIG]))
                self._numbers.setdefault(key, []).append(trial.number)
            elif not trial.state.is_finished():
                break  # its settings are still to be drawn
            self._n_read += 1
        return trials


def _repeated(trials: Sequence[FrozenTrial], numbers: Sequence[int]) -> FrozenTrial | None:
    """What one more draw of a configuration would repeat; `numbers` are those of the trials that have drawn it."""
    trained = without_repeats(trials[number] for number in numbers)
    if sound := next((trial for trial in trained if trial.state is not TrialState.FAIL), None):
        return sound
    if len(trained) < MOST_FAILURES:
        return None
    # Until something has succeeded the user's network may be mended, and failures say nothing of the settings.
    since = next((trial.number for trial in trials if trial.state in _ENDED_WELL), len(trials))
    counted = [trial for trial in trained if trial.number > since]
    return counted[0] if len(counted) >= MOST_FAILURES else None
