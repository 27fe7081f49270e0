"""What a stage of a run has before it, for a progress display."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from optuna.study import Study
from optuna.trial import TrialState

from hpstudy.search.confirmation import ConfirmationPlan, begun_pairs
from hpstudy.search.repeats import Draws, without_repeats
from hpstudy.search.studies import part_name, searches
from hpstudy.spec.study import StudySpec
from hpstudy.tables import BASELINE, BASELINES, CONFIG, CONFIRM_SEED, CONFIRMS, RUN

ENDED_STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class StagePlan:
    """What a stage of a run has before it.

    Attributes:
        study: The study's name.
        stage: `search`, baselines included, or `confirmation`.
        n_trials: Trainings in all.
        n_ended: Those that had ended before this run.
        n_interrupted: Those that a run which is over left unfinished.
        best: Validation accuracy of the best trial of the search so far; None before one is complete.
    """

    study: str
    stage: str
    n_trials: int
    n_ended: int
    n_interrupted: int
    best: float | None


def search_plan(spec: StudySpec, studies: Mapping[str, Study], *, live: Collection[int]) -> StagePlan:
    """The sampled trials and the baselines of a study.

    Args:
        spec: The study.
        studies: Its Optuna studies that have trials, by name.
        live: The runs of other runners that may be under way.
    """
    n_ended = sum(count(study, *ENDED_STATES) for study in studies.values())
    return StagePlan(
        study=spec.name,
        stage="search",
        n_trials=n_ended + n_left(spec, studies),
        n_ended=n_ended,
        n_interrupted=sum(_n_interrupted(study, live) for study in studies.values()),
        best=_best(studies[name] for name in searches(spec)),
    )


def confirmation_plan(study: str, confirmation: Study, plan: ConfirmationPlan, *, live: Collection[int]) -> StagePlan:
    """Every configuration with every seed, and what is unfinished of others; `live` as in `search_plan`."""
    begun = begun_pairs(confirmation, plan)
    n_ended = sum(begun.get((chosen.label, seed)) in ENDED_STATES for chosen, seed in plan.pairs)
    return StagePlan(
        study=study,
        stage="confirmation",
        n_trials=n_ended + n_unconfirmed(confirmation, plan),
        n_ended=n_ended,
        n_interrupted=_n_interrupted(confirmation, live),
        best=None,
    )


def n_unconfirmed(confirmation: Study, plan: ConfirmationPlan) -> int:
    """Trainings of a confirmation that have not ended, those included that had failed when the run began."""
    begun = begun_pairs(confirmation, plan)
    n_new = sum((chosen.label, seed) not in begun for chosen, seed in plan.pairs)
    running = confirmation.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    n_unmarked = sum(CONFIRM_SEED not in trial.user_attrs for trial in running)  # each takes the next new pair
    labels = plan.labels
    # One that was killed before it was configured, and is not planned any more, is not trained.
    n_marked = sum(
        CONFIG in trial.user_attrs or trial.user_attrs.get(CONFIRMS) in labels
        for trial in running
        if CONFIRM_SEED in trial.user_attrs
    )
    return max(n_new, n_unmarked) + n_marked


def n_left(spec: StudySpec, studies: Mapping[str, Study]) -> int:
    """Trainings of the search that have not ended: those that no run has begun, and those left unfinished."""
    sampled = sum(
        Draws(part).n_to_come(studies[name]) + count(studies[name], TrialState.RUNNING)
        for name, part in searches(spec).items()
    )
    return sampled + (_n_baselines_left(spec, studies[part_name(spec.name, BASELINES)]) if spec.baselines else 0)


def _n_baselines_left(spec: StudySpec, study: Study) -> int:
    """Baselines of the file that have not ended, and those under way that it has no more.

    By name: an earlier file may have had others.
    """
    ended = {trial.user_attrs.get(BASELINE) for trial in study.get_trials(deepcopy=False, states=ENDED_STATES)}
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    under_way = {trial.user_attrs[BASELINE] for trial in running if BASELINE in trial.user_attrs}
    left = ({baseline.name for baseline in spec.baselines} - ended) | under_way
    return max(len(left), len(running))  # one that was killed before it had its name takes the next


def count(study: Study, *states: TrialState) -> int:
    """How many trials of an Optuna study are in one of some states; a draw that repeats another is none."""
    return len(without_repeats(study.get_trials(deepcopy=False, states=states)))


def _n_interrupted(study: Study, live: Collection[int]) -> int:
    under_way = without_repeats(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
    return sum(trial.user_attrs.get(RUN) not in live for trial in under_way)


def _best(studies: Iterable[Study]) -> float | None:
    complete = [
        float(trial.value or 0.0)
        for study in studies
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ]
    return max(complete, default=None)
