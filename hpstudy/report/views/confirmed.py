"""Test accuracies of the confirmed configurations."""

from __future__ import annotations

from hpstudy.numbers import listed, percent, percent_range, plural
from hpstudy.report.drawing.chart import Axis, Chart, Intervals, Mark, Numbers, Panel, Points, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.views.scales import capital
from hpstudy.report.views.slices import jitter
from hpstudy.report.views.view import NoView, View
from hpstudy.results.confirmed import ConfirmedConfiguration, configuration_name, confirmed
from hpstudy.results.study import StudyResults, training_images


def confirmed_view(results: StudyResults) -> View:
    """Every seed's test accuracy, with mean and interval of each configuration.

    Raises:
        NoView: Nothing is confirmed.
    """
    found = confirmed(results)
    if found is None or not any(one.n_complete for one in found.configurations):
        raise NoView(_nothing(results))
    configurations = found.configurations
    marks: list[Mark] = []
    for place, one in enumerate(configurations):
        marks += _marks(results, one, float(place))
    labels = [_label(results, one) for one in configurations]
    ticks = tuple((float(place), shown(label, limit=40)) for place, label in enumerate(labels))
    ends = _ends(configurations)
    margin = 0.05 * float(ends.max() - ends.min()) or 0.5
    panel = Panel(
        Axis("test accuracy (%)", low=float(ends.min()) - margin, high=float(ends.max()) + margin),
        Axis(low=len(ticks) - 0.4, high=-0.6, ticks=ticks, grid=False),
        tuple(marks),
    )
    words = [_words(label, one) for label, one in zip(labels, configurations, strict=True)]
    return View(
        title=capital(words[0]),
        alt=f"{'; '.join(words)}.",
        caption=f"Small points: one fresh training each, on {training_images(results)}, tested once. Diamonds and "
        f"lines: mean and 95 % t-interval, n = {_counts(configurations)} a configuration. The candidate was fixed "
        "before the test set was opened.",
        chart=Chart((panel,), height=max(130, 46 * len(ticks) + 40)),
    )


def _nothing(results: StudyResults) -> str:
    if not results.identity:
        return "Plain Optuna made this study, so it has no confirmation."
    if results.confirmations.empty:
        return "Nothing is confirmed yet: the test set has not been opened."
    return "No confirming training is complete."


def _marks(results: StudyResults, one: ConfirmedConfiguration, at: float) -> list[Mark]:
    if not one.n_complete:
        return []
    name = shown(configuration_name(results, one.label))
    x = 100 * numbers(list(one.accuracies.values()))
    colour = "accent" if one.label == results.candidate else "muted"
    hover = [f"{name}, seed {seed}: {percent(accuracy)}" for seed, accuracy in one.accuracies.items()]
    marks: list[Mark] = [Points(x, at + 0.26 + 0.3 * jitter(len(x)), colour="grey", size=5, hover=hover)]
    here = numbers([at])
    if one.interval:
        low, high = (numbers([100 * end]) for end in one.interval)
        marks.append(Intervals(here, low, high, "x", colour, 2.5))
    words = f"{name}: mean {percent(one.mean)}, n = {one.n_complete}"
    marks.append(Points(numbers([100 * one.mean]), here, "", colour, "diamond", 9, hover=[words]))
    return marks


def _ends(configurations: tuple[ConfirmedConfiguration, ...]) -> Numbers:
    """All that must lie on the axis, in per cent."""
    values = [value for one in configurations for value in (*one.accuracies.values(), *(one.interval or ()))]
    return 100 * numbers(values)


def _label(results: StudyResults, one: ConfirmedConfiguration) -> str:
    lost = [f"{count} of {one.n_seeds} {why}" for why, count in one.losses.items()]
    name = shown(configuration_name(results, one.label))
    label = f"candidate: {name}" if one.label == results.candidate else name
    return f"{label} ({listed(lost)})" if lost else label


def _words(label: str, one: ConfirmedConfiguration) -> str:
    if not one.n_complete:
        return f"{label}: no seed complete"
    interval = f" (95 % interval {percent_range(*one.interval)})" if one.interval else ""
    return f"{label}: mean test accuracy {percent(one.mean)}{interval}"


def _counts(configurations: tuple[ConfirmedConfiguration, ...]) -> str:
    counts = [one.n_complete for one in configurations]
    low, high = min(counts), max(counts)
    return plural(low, "seed") if low == high else f"{low} to {plural(high, 'seed')}"
