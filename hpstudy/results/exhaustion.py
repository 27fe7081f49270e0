"""Whether a search has anything left to try."""

from __future__ import annotations

from collections import Counter

from hpstudy.numbers import plural
from hpstudy.results.study import StudyResults
from hpstudy.spec.grid import n_different
from hpstudy.spec.identity import identity_settings
from hpstudy.spec.sameness import TrainingKey, training_key
from hpstudy.tables import MOST_FAILURES, MOST_REPEATS, PART_SEPARATOR


def is_exhausted(results: StudyResults) -> bool:
    """Whether a study has tried every configuration of its space, or its sampler finds no other any more.

    Then more trials would add nothing.
    """
    if not results.identity:
        return False
    return _has_tried_all(results) or all(_repeats_alone(results, part) for part in _parts(results))


def repeats_text(results: StudyResults) -> str:
    """How many draws were not trained, and whether the search has ended for want of others; empty without any."""
    n_repeats = len(results.repeats)
    text = f"{plural(n_repeats, 'draw')} repeated an earlier configuration and {'was' if n_repeats == 1 else 'were'} "
    said = [f"{text}not trained"] if n_repeats else []
    if results.identity and is_exhausted(results):
        found = "every configuration has been tried" if _has_tried_all(results) else "its sampler drew nothing else"
        said.append(f"the space is exhausted: {found}")
    return "; ".join(said)


def _has_tried_all(results: StudyResults) -> bool:
    trials, epochs = results.search, int(results.identity["epochs"])
    settings = identity_settings(results.identity)
    if n_different(settings, epochs=epochs, at_most=len(trials) + 1) > len(trials):
        return False  # without a look at the trials, where that is clear already
    named = [setting.name for setting in settings if setting.name in trials]
    tries: Counter[TrainingKey] = Counter()
    is_grid = results.identity["sampler"]["name"] == "grid"
    for row in trials.to_dict("records"):  # one that has failed is tried again, but by a grid
        key = training_key({name: row[name] for name in named}, epochs=epochs)
        tries[key] += 1 if row["state"] == "failed" and not is_grid else MOST_FAILURES
    n_done = sum(count >= MOST_FAILURES for count in tries.values())
    return n_different(settings, epochs=epochs, at_most=n_done + 1) <= n_done


def _repeats_alone(results: StudyResults, part: str) -> bool:
    """Whether the last draws of a search, one after the other, were repeats, so many that it has ended."""
    trained = [number for of, number in map(_split, results.search["label"]) if of == part]
    repeats = [number for of, number in map(_split, results.repeats) if of == part]
    return sum(number > max(trained, default=-1) for number in repeats) >= MOST_REPEATS


def _parts(results: StudyResults) -> set[str]:
    return {part for part, _ in map(_split, results.search["label"])} or {""}


def _split(label: str) -> tuple[str, int]:
    part, _, number = label.rpartition(PART_SEPARATOR)
    return part, int(number)
