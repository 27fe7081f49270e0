"""Which trial comes next: the search's, sampled, and the baselines', as named."""

from __future__ import annotations

from typing import Protocol

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial

from hpstudy.search.repeats import Draws
from hpstudy.search.sampling import build_sampler
from hpstudy.search.space import n_configurations, sample
from hpstudy.spec.config import TrialConfig, baseline_values, configure
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import StudySpec
from hpstudy.tables import BASELINE, PART_SEPARATOR


class Asker(Protocol):
    """Decides which trial comes next in a study, and with which configuration."""

    def ask(self, study: Study) -> Trial | None:
        """A new trial of a study; None if it has all of its trials."""
        ...

    def configure(self, trial: Trial) -> TrialConfig | None:
        """The configuration of a trial that has none yet; what it has drawn already stays.

        None for a trial that is not in the study file any more.
        """
        ...

    def original(self, trial: Trial, config: TrialConfig) -> FrozenTrial | None:
        """The trial that a configured one repeats, so that it is not trained; None for one that is."""
        ...

    def label(self, trial: Trial) -> str:
        """What a person calls a trial that is configured."""
        ...


class SearchAsker:
    """Samples trials up to a total; trials of every state count, but for draws that repeat another."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._draws = Draws(spec)

    def ask(self, study: Study) -> Trial | None:
        """A new trial, not sampled yet."""
        if not self._draws.n_to_come(study):
            return None
        self._use_sampler(study, len(study.get_trials(deepcopy=False)))
        return study.ask()

    def configure(self, trial: Trial) -> TrialConfig:
        """Samples what the trial has not sampled yet, with the sampler of its number."""
        self._use_sampler(trial.study, trial.number)
        trial.relative_params  # noqa: B018  # draws now, with this sampler, what is drawn together
        values = sample(self._spec, trial, prepare=lambda name: self._use_sampler(trial.study, trial.number, name))
        seeds = training_seeds(self._spec.seed, "trial", trial.number)
        return configure(self._spec, values, epochs=self._spec.epochs, seeds=seeds)

    def original(self, trial: Trial, config: TrialConfig) -> FrozenTrial | None:
        """The earlier trial of this configuration."""
        return self._draws.original(trial.study, trial.number, config)

    def _use_sampler(self, study: Study, number: int, setting: str = "") -> None:
        study.sampler = build_sampler(self._spec, number=number, setting=setting)

    def label(self, trial: Trial) -> str:
        """`trial 12`, or `trial lenet5/12` in a fair study, where each architecture counts for itself."""
        part = trial.study.study_name.removeprefix(self._spec.name).removeprefix(PART_SEPARATOR)
        return f"trial {part}{PART_SEPARATOR}{trial.number}" if part else f"trial {trial.number}"


class BaselineAsker:
    """Gives each baseline of a study one trial, in the file's order."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._by_name = {baseline.name: baseline for baseline in spec.baselines}

    def ask(self, study: Study) -> Trial | None:
        """A trial for the next baseline that has none."""
        name = self._next_name(study)
        if name is None:
            return None
        trial = study.ask()
        trial.set_user_attr(BASELINE, name)
        return trial

    def configure(self, trial: Trial) -> TrialConfig | None:
        """The baseline's configuration; a trial that was interrupted before it was named gets the next name.

        None where the study file does not have the baseline any more.
        """
        baseline = self._by_name.get(trial.user_attrs.get(BASELINE) or self._next_name(trial.study) or "")
        if baseline is None:
            return None
        trial.set_user_attr(BASELINE, baseline.name)
        seeds = training_seeds(self._spec.seed, "baseline", trial.number)
        return configure(self._spec, baseline_values(self._spec, baseline), epochs=baseline.epochs, seeds=seeds)

    def original(self, _trial: Trial, _config: TrialConfig) -> None:
        """None: what a person has named is trained."""

    def label(self, trial: Trial) -> str:
        """The baseline's name."""
        return str(trial.user_attrs[BASELINE])

    def _next_name(self, study: Study) -> str | None:
        named = {trial.user_attrs.get(BASELINE) for trial in study.get_trials(deepcopy=False)}
        return next((name for name in self._by_name if name not in named), None)


def n_search_trials(spec: StudySpec) -> int:
    """Sampled trials in all: the study's number, or that of its different configurations where that is smaller."""
    return n_configurations(spec, at_most=spec.trials)
