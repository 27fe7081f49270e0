"""When trials were trained, in hours of work: pauses between runs are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hpstudy.report.drawing.chart import Numbers, numbers
from hpstudy.results.study import ENDED, StudyResults

PAUSE_HOURS = 0.25
"""A longer time without any training is a pause; starting a worker again takes less."""

_BETWEEN_RUNS_HOURS = 1 / 60
"""So is a longer time without any run."""

_TOUCH_HOURS = 2 / 3600
"""Two trainings that overlap by less ran one after the other on one worker: clocks are read at different moments."""


@dataclass(frozen=True, eq=False)
class Work:
    """What was trained when.

    Attributes:
        frame: A row a training that has ended, by its start: `label`, `kind` (complete, pruned, failed, baseline,
            confirmation), `start` and `end` in hours of work, `lane` from 0.
        pauses: (hour of work, length in hours) of each pause.
    """

    frame: pd.DataFrame
    pauses: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Times that are left out: their beginnings and lengths in hours, [gaps] each, none within another."""

    start: Numbers
    length: Numbers

    def without(self, hours: Numbers) -> Numbers:
        """Moments, [n], on a clock that stands still in the gaps."""
        return numbers(hours - np.clip(hours[:, None] - self.start, 0, self.length).sum(axis=1))


@dataclass(frozen=True)
class TimeUnit:
    """What an axis of time counts.

    Attributes:
        name: `minutes` or `hours`.
        per_hour: How many of them an hour has.
    """

    name: str
    per_hour: float


def time_unit(hours: float) -> TimeUnit:
    """The unit for an axis that ends after so many hours: minutes below two."""
    return TimeUnit("minutes", 60.0) if hours < 2 else TimeUnit("hours", 1.0)


def work(results: StudyResults) -> Work:
    """The trainings of a study, each as long as its epochs took, up to its end.

    One that was interrupted and continued is drawn in one piece before its end.
    """
    trained = pd.concat([_trainings(results.trials), _trainings(results.confirmations)], ignore_index=True)
    if trained.empty:
        return Work(trained.assign(start=[], lane=[]), ())
    # First of the ends: what was continued seems to begin before the run that did it.
    between = _between_runs(results.runs)
    end = between.without(numbers(trained["end"]))
    frame = trained.assign(start=end - trained["hours"], end=end).sort_values(["start", "end"], ignore_index=True)
    idle = _idle(numbers(frame["start"]), numbers(frame["end"]))
    start, end = (idle.without(numbers(frame[name])) for name in ("start", "end"))
    stops = idle.without(numbers([*between.without(between.start), *idle.start])) - start[0]
    lengths = [*between.length, *idle.length]
    pauses = sorted(
        (float(stop), float(length))
        for stop, length in zip(stops, lengths, strict=True)
        if 0 < stop < end.max() - start[0]
    )
    start, end = start - start[0], end - start[0]
    return Work(frame.assign(start=start, end=end, lane=_lanes(start, end)).drop(columns="hours"), tuple(pauses))


def _trainings(trials: pd.DataFrame) -> pd.DataFrame:
    """`label`, `kind`, `end` in hours and how many `hours` they took, of trainings that have ended."""
    ended = trials[trials["ended_at"].notna() & trials["state"].isin(ENDED)]
    ends = pd.to_datetime(ended["ended_at"])
    seconds = numbers(ended["seconds"])
    # A foreign study has no epochs, so the time of its trials is that between their two ends.
    between = numbers((ends - pd.to_datetime(ended["started_at"])).dt.total_seconds())
    lengths = np.where(seconds > 0, seconds, np.nan_to_num(between)) / 3600
    end_hours = _hours(ends)
    if "configuration" in ended:
        labels = [f"{row.configuration}, seed {row.seed}" for row in ended.itertuples()]
        kinds = ["confirmation"] * len(ended)
    else:
        labels = [str(row.label) if row.part == "baselines" else f"trial {row.label}" for row in ended.itertuples()]
        kinds = ["baseline" if row.part == "baselines" else str(row.state) for row in ended.itertuples()]
    columns = {"label": labels, "kind": kinds, "end": end_hours, "hours": lengths}
    return pd.DataFrame(columns).astype({"label": "str", "kind": "str", "end": float, "hours": float})


def _hours(moments: pd.Series) -> Numbers:
    return numbers((pd.to_datetime(moments) - pd.Timestamp("2000-01-01")).dt.total_seconds()) / 3600


def _between_runs(runs: pd.DataFrame) -> _Gaps:
    """When no run was under way; one that was killed may have lasted until the next began."""
    ordered = runs.sort_values("started_at")
    start = _hours(ordered["started_at"])
    over = np.maximum.accumulate(_hours(ordered["ended_at"].fillna(ordered["started_at"].shift(-1))))
    return _longer(over[:-1], start[1:], than=_BETWEEN_RUNS_HOURS)


def _idle(start: Numbers, end: Numbers) -> _Gaps:
    """When nothing was trained for long, of trainings by their starts."""
    return _longer(np.maximum.accumulate(end)[:-1], start[1:], than=PAUSE_HOURS)


def _longer(stop: Numbers, start: Numbers, *, than: float) -> _Gaps:
    """The times from stops to the starts that follow, of those that are longer."""
    long = start - stop > than
    return _Gaps(numbers(stop[long]), numbers((start - stop)[long]))


def _lanes(start: Numbers, end: Numbers) -> list[int]:
    """The first worker that is free at each start."""
    free: list[float] = []
    lanes = []
    for begins, ends in zip(start, end, strict=True):
        lane = next((place for place, until in enumerate(free) if until <= begins + _TOUCH_HOURS), len(free))
        free[lane : lane + 1] = [float(ends)]
        lanes.append(lane)
    return lanes
