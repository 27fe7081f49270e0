"""Sentences on what was counted and measured: over-fitting, ties, ends of ranges, divergence, the time of the best."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from hpstudy.artifacts import TestPredictions
from hpstudy.numbers import duration, listed, percent, plural, points, quoted, setting_words, value
from hpstudy.report.claims.finding import Finding, slice_of
from hpstudy.report.claims.regions import divergence_region
from hpstudy.results.changes import changed
from hpstudy.results.predictions import confusion_counts
from hpstudy.results.records import recorded_images
from hpstudy.results.study import StudyResults, diverged
from hpstudy.spec.options import find_option
from hpstudy.spec.rows import Interval
from hpstudy.spec.study import Range
from hpstudy.spec.wording import RefusedError

_GAP = 0.02
"""Two points between training and validation accuracy: less is no over-fitting to speak of."""

_CHEAPER = 0.8
"""The share of the best trial's time that a trial may take to be called cheaper."""

_COSTLESS = frozenset({"learning_rate", "momentum", "weight_decay", "dropout", "step_gamma", "step_size"})
"""Settings that do not change what an epoch computes: between trials that differ in these alone, time is chance."""

_TURNED = 0.01
"""The share of its lowest value by which a validation loss must rise to have turned."""

_AT_EDGE = 0.1
"""The outermost part of a range on its own scale, and"""

_LEADERS = 5
"""the best trials, most of which must lie there with the very best: by chance that is so once in 96 settings."""

_FEWEST_TRIALS = 20
"""Trials below which it means nothing when the best was found."""

_TWO_SIDED_95 = 1.96


def over_fitting(results: StudyResults) -> Finding | None:
    """The gap between training and validation accuracy of the best trial, and how it differs among the named models."""
    ranked = results.ranked[results.ranked["train_accuracy"].notna()]
    if ranked.empty or ranked.index[0] != results.ranked.index[0]:
        return None
    best = ranked.iloc[0]
    train, validation = float(best["train_accuracy"]), float(best["value"])
    seen = (
        f"trial {best['label']} has {percent(train)} on the training and {percent(validation)} on the validation images"
    )
    gap = f"{points(train - validation)} between them"
    much = train - validation >= max(_GAP, _margin(results, validation, n_samples=1))
    text = f"Over-fitting: {seen}, {gap}" if much else f"Little over-fitting: {seen}, {gap}"
    return Finding(
        f"{text}{_lowest_loss(results, int(best['trial_id']))}.{_named_gaps(results)}", "learning-curves", "note"
    )


def tie(results: StudyResults) -> Finding | None:
    """How many trials the validation images cannot tell from the best, and the cheapest of them."""
    ranked = results.ranked
    if ranked.empty:
        return None
    best = ranked.iloc[0]
    margin = _margin(results, float(best["value"]), n_samples=2)
    rivals = ranked.iloc[1:]
    rivals = rivals[rivals["value"] >= best["value"] - margin]
    if rivals.empty:
        return None
    lie = "further trial lies" if len(rivals) == 1 else "further trials lie"
    text = (
        f"{len(rivals):,} {lie} within {points(margin).removeprefix('+')} of the best, trial {best['label']}: "
        f"{_n_validation(results):,} validation images do not tell them apart."
    )
    cheaper = rivals[rivals["seconds"].between(0, _CHEAPER * best["seconds"], inclusive="right")]
    costly = [name for name in ("epochs", *results.settings) if name not in _COSTLESS]
    by_time = cheaper.sort_values("seconds", kind="stable").to_dict("records")
    cheapest = next((rival for rival in by_time if changed(costly, best.to_dict(), rival)), None)
    if cheapest:
        text += (
            f" The cheapest of them is trial {cheapest['label']}: {percent(float(cheapest['value']))} after "
            f"{duration(float(cheapest['seconds']))} of training against {duration(float(best['seconds']))}."
        )
    return Finding(text, "leaderboard", "note")


def edges(results: StudyResults) -> Finding | None:
    """The ranges at an end of which the best trials lie."""
    told = [
        (name, _edge(results, name, domain)) for name, domain in results.domains.items() if isinstance(domain, Range)
    ]
    at_edge = [(name, text) for name, text in told if text]
    if not at_edge:
        return None
    text = f"The best trials lie at {listed([text for _, text in at_edge])}. Better values may lie beyond."
    return Finding(text, slice_of(at_edge[0][0]), "note")


def divergence(results: StudyResults) -> Finding | None:
    """How many trials diverged, and with which values of which setting."""
    n_diverged = int(diverged(results.search).sum())
    if not n_diverged:
        return None
    begun = f"{plural(n_diverged, 'trial')} of {len(results.search):,} diverged (the loss was not finite)"
    region = divergence_region(results)
    if region is None:
        return Finding(f"{begun}; too few or too scattered to say with which settings.", "leaderboard", "note")
    text = f"{begun}: {region.n_diverged} of the {region.n} with {setting_words(region.setting)} {region.words}"
    return Finding(f"{text}, {n_diverged - region.n_diverged} elsewhere.", slice_of(region.setting), "note")


def when_best(results: StudyResults) -> Finding | None:
    """Whether the best trial came in the first quarter, or among the last tenth of the trials."""
    ended = results.ended
    n = len(ended)
    if n < _FEWEST_TRIALS or results.ranked.empty:
        return None
    place = int(np.flatnonzero(ended.index == results.ranked.index[0])[0]) + 1
    label = results.ranked["label"].iloc[0]
    if place <= n / 4:
        text = f"The best trial, {label}, came early: the {n - place:,} trials after it found nothing better."
        return Finding(text, "best-so-far", "note")
    if place > 0.9 * n:
        text = f"The best trial, {label}, is among the last of {n:,}: more trials may well find better ones."
        return Finding(text, "best-so-far", "note")
    return None


def most_confused(predictions: TestPredictions | None) -> Finding | None:
    """The two classes that are most often taken for each other, counted over all seeds."""
    if predictions is None or not predictions.predicted.size:
        return None
    counts = confusion_counts(predictions)
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return Finding("No test image was classified wrongly.", "confusion", "note")
    both = np.triu(wrong + wrong.T)
    one, other = (int(place) for place in np.unravel_index(both.argmax(), both.shape))
    if wrong[other, one] > wrong[one, other]:
        one, other = other, one
    first, second = (quoted(predictions.class_names[place]) for place in (one, other))
    text = (
        f"Most confused: {first} and {second}. Of the test images of {first}, "
        f"{percent(wrong[one, other] / counts[one].sum())} were taken for {second}"
    )
    if wrong[other, one]:
        text += f", the other way round {percent(wrong[other, one] / counts[other].sum())}"
    share = percent(both[tuple(sorted((one, other)))] / wrong.sum())
    return Finding(
        f"{text}; together {share} of all errors ({plural(len(predictions.predicted), 'seed')}).", "confusion", "note"
    )


def _n_validation(results: StudyResults) -> int:
    """Validation images; 0 where it was not recorded."""
    images = recorded_images(results)
    return images.n_validation if images else 0


def _margin(results: StudyResults, accuracy: float, *, n_samples: int) -> float:
    """What chance in the choice of the validation images does to an accuracy, or to the difference of two (95 %).

    Two trials see the same images, so their difference varies somewhat less than this says. NaN where the number of
    images is not known.
    """
    n = _n_validation(results)
    return (
        _TWO_SIDED_95 * math.sqrt(n_samples * accuracy * (1 - accuracy) / n) if n and 0 <= accuracy <= 1 else math.nan
    )


def _lowest_loss(results: StudyResults, trial_id: int) -> str:
    """Where in training the validation loss turned, or nothing where it fell to the end."""
    losses = results.epochs[results.epochs["trial_id"] == trial_id].sort_values("epoch")["val_loss"].dropna()
    if len(losses) < 2 or losses.argmin() == len(losses) - 1:
        return ""
    rise = float(losses.iloc[-1] - losses.min())
    if rise < _TURNED * losses.min():
        return ""
    lowest = f"lowest after epoch {losses.argmin() + 1} of {len(losses)}"
    return f"; its validation loss was {lowest} and rose by {rise:.4f} after it"


def _named_gaps(results: StudyResults) -> str:
    """The named models with the smallest and the largest gap."""
    named = results.baselines[results.baselines["state"] == "complete"]
    gaps = sorted(
        (float(row["train_accuracy"] - row["value"]), str(row["label"]))
        for row in named.dropna(subset=["train_accuracy"]).to_dict("records")
    )
    if len(gaps) < 2:
        return ""
    least, most = (f"{points(gap)} ({label})" for gap, label in (gaps[0], gaps[-1]))
    return f" Among the named models the gap goes from {least} to {most}."


def _edge(results: StudyResults, name: str, domain: Range) -> str | None:
    """`the upper end of learning rate (0.0912 in the best trial, range 0.0001 to 0.1)`, or None."""
    leaders = results.ranked.head(_LEADERS)
    if name not in leaders or len(leaders) < _LEADERS or leaders[name].isna().iloc[0]:
        return None
    numbers = pd.to_numeric(leaders[name]).to_numpy(dtype=float)
    scale = np.log if domain.log else np.asarray
    low, high = float(scale(domain.low)), float(scale(domain.high))
    positions = (scale(numbers) - low) / (high - low)
    legal = _legal(results, name)
    for end, outside, last in (
        ("lower", positions <= _AT_EDGE, domain.low == legal.low),
        ("upper", positions >= 1 - _AT_EDGE, domain.high == legal.high),
    ):
        if outside[0] and 2 * outside.sum() > _LEADERS and not last:  # nothing lies beyond no dropout
            ends = f"{value(domain.low)} to {value(domain.high)}"
            return f"the {end} end of {setting_words(name)} ({value(numbers[0])} in the best trial, range {ends})"
    return None


def _legal(results: StudyResults, name: str) -> Interval:
    """The legal values of a setting; from nothing upwards where the catalogue does not have it."""
    try:
        option = find_option(name, architectures=()) if results.identity else None
    except RefusedError:
        option = None
    return option.legal if option else Interval(low=0)
