"""What a study cannot say, sentence by sentence."""

from __future__ import annotations

from collections import Counter

from hpstudy.numbers import listed, plural, points, points_range, setting_words
from hpstudy.report.claims.associations import Associations
from hpstudy.report.claims.setting_tests import FEWEST_TRIALS
from hpstudy.results.confirmed import FEWEST_PAIRS, Confirmed
from hpstudy.results.records import equal_weights
from hpstudy.results.study import StudyResults, part_of

_BLIND_SAMPLERS = ("random", "grid", "qmc")
"""Samplers that do not learn from results."""

_FROM_COMPLETE = {"gp": 0, "cmaes": 4}
"""Samplers that learn from complete trials alone, and how many they need beside their random ones, at least."""


def cannot_say(results: StudyResults, *, found: Associations, confirmation: Confirmed | None) -> tuple[str, ...]:
    """The limits of a study's findings, the most important first."""
    said = []
    if results.identity:
        said += _on_the_answer(results, confirmation)
    if equal := equal_weights(results):
        said.append(
            f"What chance in the initial weights does: two seeds gave {listed(equal)} equal ones, so that trainings "
            "differ in the order of images and in dropout alone."
        )
    if len(results.domains) > 1 and found.n_complete:
        said.append(
            "What made a difference in the search: its settings varied together, so a sentence on trials that share a "
            "value is no evidence that the value is the cause."
        )
    if _sampler_learnt(results):
        name = results.identity["sampler"]["name"]
        said.append(
            f"How good settings are that were hardly tried: the sampler ({name}) tried again what began well and left "
            "the rest."
        )
    ranges = [setting_words(one.setting) for one in found.nothing if not one.of_choices]
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
        names = listed([setting_words(name) for name in found.untested])
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
    elif confirmation and (widths := _half_widths(confirmation)):
        said.append(
            f"Whether differences below about {_told_apart(*widths)} are real: "
            f"{plural(candidate.n_complete, 'seed')} do not show them."
        )
    if confirmation and len(results.baselines) and candidate and candidate.label not in set(results.baselines["label"]):
        said.append(
            "Which network or method is better in itself: the answer was chosen from "
            f"{plural(len(results.ranked), 'complete trial')}, the named models were run as they are."
        )
    said.append(
        "How this carries over to other images, other splits of these, or longer training: one data set and one "
        "validation part were tried, at the epochs given."
    )
    return said


def _half_widths(confirmation: Confirmed) -> tuple[float, float] | None:
    """The least and the largest of the intervals that the verdicts rest on; None without any.

    No comparison tells a difference that is smaller than its own.
    """
    told = [other.difference for other in confirmation.others if other.difference]
    intervals = [by.adjusted_interval for by in told if by.test.n >= FEWEST_PAIRS]
    widths = [(high - low) / 2 for low, high in filter(None, intervals) if high > low]
    return (min(widths), max(widths)) if widths else None


def _told_apart(least: float, most: float) -> str:
    """`0.33 points`, or `0.33 to 2.17 points, by comparison`."""
    if points(least) == points(most):
        return points(least).removeprefix("+")
    return f"{points_range(least, most).replace('+', '')}, by comparison,"


def _sampler_learnt(results: StudyResults) -> bool:
    """Whether more trials have ended than the sampler draws at random; in a fair study that is so for each network."""
    sampler = results.identity.get("sampler", {})
    if not sampler or sampler["name"] in _BLIND_SAMPLERS:
        return False
    states = ["complete"] if sampler["name"] in _FROM_COMPLETE else ["complete", "pruned"]
    ended = results.search[results.search["state"].isin(states)]
    counts = Counter(map(part_of, ended[["part", "label"]].to_dict("records")))
    needed = sampler.get("startup_trials", 0) + _FROM_COMPLETE.get(sampler["name"], 0)
    return bool(max(counts.values(), default=0) > needed)
