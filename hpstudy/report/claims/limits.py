"""What a study cannot say, sentence by sentence."""

from __future__ import annotations

from hpstudy.numbers import heading, listed, plural, points
from hpstudy.report.claims.associations import Associations
from hpstudy.report.claims.setting_tests import FEWEST_TRIALS
from hpstudy.results.confirmed import FEWEST_PAIRS, Confirmed
from hpstudy.results.study import StudyResults

_BLIND_SAMPLERS = ("random", "grid", "qmc")
"""Samplers that do not learn from results."""


def cannot_say(results: StudyResults, *, found: Associations, confirmation: Confirmed | None) -> tuple[str, ...]:
    """The limits of a study's findings, the most important first."""
    said = []
    if results.identity:
        said += _on_the_answer(results, confirmation)
    if len(results.domains) > 1 and found.n_complete:
        said.append(
            "What made a difference in the search: its settings varied together, so a sentence on trials that share a "
            "value is no evidence that the value is the cause."
        )
    if results.identity and _sampler(results) not in _BLIND_SAMPLERS and found.n_complete:
        said.append(
            f"How good settings are that were hardly tried: the sampler ({_sampler(results)}) tried again what began "
            "well and left the rest."
        )
    ranges = [heading(one.setting) for one in found.nothing if not one.of_choices]
    if ranges:
        said.append(
            f"Whether values in the middle are best for {listed(ranges)}: a steady rise or fall was looked for."
        )
    if found.n_stopped:
        said.append(
            f"What {plural(found.n_stopped, 'trial')} would have reached in the end: they were stopped early, and "
            "numbers on final values leave them out."
        )
    if found.untested:
        names = listed([heading(name) for name in found.untested])
        said.append(
            f"Anything on {names}: fewer than {FEWEST_TRIALS} trials to compare, or no different values among them."
        )
    return tuple(said)


def _on_the_answer(results: StudyResults, confirmation: Confirmed | None) -> list[str]:
    said = []
    candidate = confirmation.candidate if confirmation else None
    if candidate is None or not candidate.n_complete:
        said.append("How the best settings do on images that chose nothing: they are not confirmed on the test set.")
    elif candidate.n_complete < FEWEST_PAIRS:
        seeds = plural(candidate.n_complete, "seed")
        said.append(f"Which of the confirmed configurations is better: {seeds} are too few, {FEWEST_PAIRS} the least.")
    elif confirmation and (smallest := _smallest_half_width(confirmation)):
        said.append(
            f"Whether differences below about {points(smallest).removeprefix('+')} are real: "
            f"{plural(candidate.n_complete, 'seed')} do not show them."
        )
    if confirmation and len(results.baselines) and candidate and candidate.label not in set(results.baselines["label"]):
        said.append(
            "Which network or method is better in itself: the answer was chosen from "
            f"{plural(len(results.search), 'trial')}, the named models were run as they are."
        )
    said.append(
        "How this carries over to other images, other splits of these, or longer training: one data set and one "
        "validation part were tried, at the epochs given."
    )
    return said


def _smallest_half_width(confirmation: Confirmed) -> float | None:
    """Of the intervals that the verdicts rest on: no comparison tells a difference that is smaller."""
    intervals = [other.difference.adjusted_interval for other in confirmation.others if other.difference]
    return min(((high - low) / 2 for low, high in filter(None, intervals) if high > low), default=None)


def _sampler(results: StudyResults) -> str:
    sampler = results.identity.get("sampler", {})
    return str(sampler.get("name", "")) if isinstance(sampler, dict) else str(sampler)
