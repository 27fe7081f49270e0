"""What a study found, in at most eight sentences, and what it cannot say."""

from __future__ import annotations

from hpstudy.artifacts import TestPredictions
from hpstudy.report.claims.associations import associations
from hpstudy.report.claims.controlled import answer, comparisons, effects
from hpstudy.report.claims.finding import Finding, Findings
from hpstudy.report.claims.limits import cannot_say
from hpstudy.report.claims.noise import seed_noise
from hpstudy.report.claims.notes import divergence, edges, most_confused, over_fitting, tie, when_best
from hpstudy.report.claims.searched import associated, best_of_search, nothing_found
from hpstudy.results.confirmed import Confirmed, confirmed
from hpstudy.results.study import StudyResults

MOST = 8
"""Sentences that are still read."""


def findings(results: StudyResults, *, predictions: TestPredictions | None = None) -> Findings:
    """The findings of a study.

    Args:
        results: The study; one that plain Optuna made has no accuracies, so nothing is said of these, nor of
            confirmation.
        predictions: What the confirmed candidate predicted for the test set, where it is known.
    """
    if results.ranked.empty:
        nothing = Finding("No trial is complete, so nothing has been found.", "leaderboard", "note")
        return Findings(tuple(filter(None, [nothing, divergence(results)])), ())
    confirmation = confirmed(results) if results.identity else None
    found = associations(results)
    related = associated(results, found)
    opening = _confirmed(results, confirmation) if confirmation else [best_of_search(results)]
    changes = effects(results, confirmation) if confirmation else []
    notes = _notes(results, predictions)
    nothing_shown = nothing_found(results, found)
    # In the order to be read; what comes with a higher rank makes room where there is more than is still read.
    ranked: list[tuple[int, Finding | None]] = [
        *[(0, finding) for finding in opening],
        *[(1 + place, finding) for place, finding in enumerate(changes)],
        *[(1 + place, finding) for place, finding in enumerate(related)],
        (2, nothing_shown),
        *notes,
    ]
    said = _most_important([(rank, finding) for rank, finding in ranked if finding is not None])
    return Findings(said, cannot_say(results, found=found, confirmation=confirmation))


def _confirmed(results: StudyResults, confirmation: Confirmed) -> list[Finding]:
    return [answer(results, confirmation), *comparisons(results, confirmation)]


def _notes(results: StudyResults, predictions: TestPredictions | None) -> list[tuple[int, Finding | None]]:
    """Notes with their rank; those on accuracies for hpstudy's own studies alone."""
    anywhere = [(3, edges(results)), (5, when_best(results))]
    if not results.identity:
        return anywhere
    of_accuracies = [(2, over_fitting(results)), (4, tie(results)), (3, divergence(results)), (3, seed_noise(results))]
    return [*of_accuracies, *anywhere, (3, most_confused(predictions))]


def _most_important(ranked: list[tuple[int, Finding]]) -> tuple[Finding, ...]:
    places = sorted(range(len(ranked)), key=lambda place: ranked[place][0])[:MOST]
    return tuple(ranked[place][1] for place in sorted(places))
