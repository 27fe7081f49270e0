"""The sources of a study: baselines and search, and after them the confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from optuna.study import Study

from hpstudy.artifacts import StudyFiles
from hpstudy.search.askers import BaselineAsker, SearchAsker
from hpstudy.search.confirmation import ConfirmationAsker, ConfirmationPlan, candidates_first_seed
from hpstudy.search.keepsakes import Keepsakes, best, every
from hpstudy.search.plan import ENDED_STATES, count
from hpstudy.search.source import Several, Source, fewest_first, first_to_last
from hpstudy.search.studies import part_name, searches
from hpstudy.search.trials import RunContext, TrialSource
from hpstudy.spec.study import StudySpec
from hpstudy.tables import BASELINES, CONFIRM, PART_SEPARATOR, SEARCH


def search_source(spec: StudySpec, studies: Mapping[str, Study], *, files: StudyFiles, context: RunContext) -> Source:
    """The baselines first, then the search; a fair search takes its architectures in turn.

    `max_seconds` holds for sampled trials; what a person has named is trained to its end.

    Args:
        spec: The study.
        studies: Its Optuna studies by name.
        files: Where predictions and weights are kept: of each search the best weights, of the baselines all.
        context: What the sources of the run share.
    """
    trials = partial(TrialSource, part="search", context=context)

    def search(name: str, part: StudySpec) -> TrialSource:
        kept = Keepsakes(files, part=name.removeprefix(spec.name + PART_SEPARATOR) if spec.fair else SEARCH, kept=best)
        kept.tidy(studies[name])
        asker = SearchAsker(part)
        return trials(studies[name], asker=asker, keepsakes=kept, max_seconds=spec.max_seconds)

    searched = Several(
        [search(name, part) for name, part in searches(spec).items()],
        order=fewest_first,
        n_started=[count(studies[name], *ENDED_STATES) for name in searches(spec)],
    )
    if not spec.baselines:
        return searched
    named = studies[part_name(spec.name, BASELINES)]
    kept = Keepsakes(files, part=BASELINES, kept=every)
    kept.tidy(named)
    return Several([trials(named, asker=BaselineAsker(spec), keepsakes=kept), searched], order=first_to_last)


def confirmation_source(
    confirmation: Study, *, plan: ConfirmationPlan, candidates: Sequence[str], files: StudyFiles, context: RunContext
) -> Source:
    """Every configuration with every seed, on the whole training set and the test set; never pruned.

    Args:
        confirmation: The Optuna study `NAME/confirm`.
        plan: What is trained.
        candidates: Labels of all candidates so far, the present one last.
        files: Where predictions are kept, and the weights of one seed of the candidate.
        context: What the sources of the run share.
    """
    labels = [*({former} for former in candidates[:-1]), plan.candidate.labels]
    keepsakes = Keepsakes(files, part=CONFIRM, kept=partial(candidates_first_seed, labels))
    keepsakes.tidy(confirmation)
    asker = ConfirmationAsker(plan)
    return TrialSource(confirmation, asker=asker, keepsakes=keepsakes, part="confirm", context=context)
