"""Sentences on what the trials of a search tell of its settings."""

from __future__ import annotations

from hpstudy.numbers import listed, p_value, percent, plural, points, points_range, setting_words, value
from hpstudy.report.claims.associations import Association, Associations, NoDifference
from hpstudy.report.claims.finding import Finding, slice_of
from hpstudy.results.study import StudyResults


def best_of_search(results: StudyResults) -> Finding:
    """The search's best, where nothing is confirmed."""
    ranked = results.ranked
    best = ranked.iloc[0]
    trials = f"{plural(len(results.search), 'trial')} ({len(ranked):,} complete)"
    if not results.identity:
        text = f"Trial {best['label']} is the best of {trials}: {results.objective} {value(float(best['value']))}."
        return Finding(text, "best-so-far", "note")
    text = (
        f"Trial {best['label']} is the best of {trials} with {percent(float(best['value']))} on the validation images. "
        "Nothing is confirmed yet: the best of many is a lucky one, and fresh seeds will most likely give less."
    )
    return Finding(text, "best-so-far", "note")


def associated(results: StudyResults, found: Associations) -> list[Finding]:
    """A sentence for each setting that goes together with better trials, the clearest first."""
    return [Finding(_text(results, one), slice_of(one.setting), "association") for one in found.found]


def nothing_found(results: StudyResults, found: Associations) -> Finding | None:
    """The settings that were tested without a claim, and what would have shown; None where there are none."""
    told = sorted(found.nothing, key=lambda one: one.of_choices)  # ranges first, as in the sentence
    if not told:
        return None
    ranges = [_with_size(results, one) for one in told if not one.of_choices]
    choices = [_with_size(results, one) for one in told if one.of_choices]
    looked = [f"no steady rise or fall over {listed(ranges)}"] if ranges else []
    looked += [f"no difference between the choices of {listed(choices)}"] if choices else []
    unit = "points" if results.identity else f"units of {results.objective}"
    text = (
        f"N{', and '.join(looked)[1:]} was found. In brackets: a difference above about so many {unit} would probably "
        "have shown."
    )
    return Finding(text, slice_of(told[0].setting), "nothing")


def _with_size(results: StudyResults, one: NoDifference) -> str:
    size = f"{100 * one.detectable:.1f}" if results.identity else f"{one.detectable:.2g}"
    return f"{setting_words(one.setting)} ({size})"


def _text(results: StudyResults, one: Association) -> str:
    name = setting_words(one.setting)
    better, worse = f"{name} {one.better.words}", f"{name} {one.worse.words}"
    shift = one.shift
    if shift is None:
        ended = f"{len(one.better.values)} of {one.better.n} and {len(one.worse.values)} of {one.worse.n}"
        return (
            f"Trials with {better} were ahead of trials with {worse} at the epochs at which weak trials are stopped "
            f"(adjusted {p_value(one.adjusted_p)}); {ended} ran to the end, too few to say by how much. Other settings "
            "varied too."
        )
    sizes = f"{len(one.better.values)} against {plural(len(one.worse.values), 'complete trial')}"
    if results.identity:
        by = f"{points(shift.middle)} (median over pairs, 95 % interval {points_range(shift.low, shift.high)}"
        did = "scored higher than"
    else:
        ends = f"{value(shift.low)} to {value(shift.high)}"
        by = f"{value(shift.middle)} (median over pairs, 95 % interval {ends}"
        did = f"had a {'higher' if results.maximize else 'lower'} {results.objective} than"
    return f"Trials with {better} {did} trials with {worse}: {by}; {sizes}). Other settings varied too."
