"""What is kept of a trial beside its numbers: a checkpoint while it runs, then predictions, and weights of few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hpstudy.artifacts import StudyFiles, write_predictions
from hpstudy.search.repeats import without_repeats
from hpstudy.training.job import Outcome

Kept = Callable[[Sequence[FrozenTrial]], set[int]]
"""From the complete trials of an Optuna study to the numbers of those whose weights are kept."""


def every(complete: Sequence[FrozenTrial]) -> set[int]:
    """All of them: the baselines."""
    return {trial.number for trial in complete}


def best(complete: Sequence[FrozenTrial]) -> set[int]:
    """The one with the largest value; of equals the first."""
    first = min(complete, key=lambda trial: (-(trial.value or 0.0), trial.number), default=None)
    return set() if first is None else {first.number}


class Keepsakes:
    """The files of one part of a study."""

    def __init__(self, files: StudyFiles, *, part: str, kept: Kept) -> None:
        self._files = files
        self._part = part
        self._kept = kept

    def weights(self, number: int) -> Path:
        """Where the training of a trial writes its weights."""
        return self._files.weights(self._part, number)

    def checkpoint(self, number: int) -> Path:
        """Where the training of a trial keeps what it needs to go on after a crash."""
        return self._files.checkpoint(self._part, number)

    def keep_predictions(self, number: int, outcome: Outcome) -> str:
        """Writes what a complete trial predicted, before the trial is told to be complete.

        Returns:
            The file's SHA-256.

        Raises:
            ArtifactError: They cannot be written.
        """
        return write_predictions(self._files.predictions(self._part, number), outcome.predictions)

    def tidy(self, study: Study) -> None:
        """Removes weights that are not kept, and what killed runs have left; the files of trials under way stay."""
        trials = study.get_trials(deepcopy=False)  # read once: between two reads another runner's may have ended
        running = {trial.number for trial in trials if trial.state is TrialState.RUNNING}
        complete = [trial for trial in without_repeats(trials) if trial.state is TrialState.COMPLETE]
        kept = {self.weights(number) for number in self._kept(complete)}
        for number, file in self._files.all_weights(self._part):
            if file not in kept and number not in running:
                file.unlink(missing_ok=True)
        for number, file in self._files.all_checkpoints(self._part):
            if number not in running:
                file.unlink(missing_ok=True)
