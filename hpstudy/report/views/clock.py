"""When trials were trained, in hours of work: pauses between runs are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hpstudy.report.drawing.chart import Numbers, numbers
from hpstudy.results.study import StudyResults

PAUSE_HOURS = 0.25
"""A longer time without any training is a pause; starting a worker again takes less."""

_BETWEEN_RUNS_HOURS = 1 / 60
"""So is this where another run began in it: nobody worked until then."""

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


def work(results: StudyResults) -> Work:
    """The trainings of a study, each as long as its epochs took, up to its end.

    One that was interrupted and continued is drawn in one piece before its end.
    """
    frame = pd.concat([_trainings(results.trials), _trainings(results.confirmations)], ignore_index=True)
    frame = frame.sort_values(["start", "end"], ignore_index=True)
    if frame.empty:
        return Work(frame.assign(lane=[]), ())
    removed, pauses = _pauses(numbers(frame["start"]), numbers(frame["end"]), runs=_hours(results.runs["started_at"]))
    frame = frame.assign(start=frame["start"] - removed, end=frame["end"] - removed)
    return Work(frame.assign(lane=_lanes(numbers(frame["start"]), numbers(frame["end"]))), pauses)


def _trainings(trials: pd.DataFrame) -> pd.DataFrame:
    """`label`, `kind`, `start` and `end` in hours of trainings that have ended."""
    ended = trials[trials["ended_at"].notna() & trials["state"].isin(["complete", "pruned", "failed"])]
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
    columns = {"label": labels, "kind": kinds, "start": end_hours - lengths, "end": end_hours}
    return pd.DataFrame(columns).astype({"label": "str", "kind": "str", "start": float, "end": float})


def _hours(moments: pd.Series) -> Numbers:
    return numbers((pd.to_datetime(moments) - pd.Timestamp("2000-01-01")).dt.total_seconds()) / 3600


def _pauses(start: Numbers, end: Numbers, *, runs: Numbers) -> tuple[Numbers, tuple[tuple[float, float], ...]]:
    """What to subtract from each training's hours so that work begins at 0 and goes on without pauses."""
    last = np.concatenate([[start[0]], np.maximum.accumulate(end)[:-1]])
    idle = start - last
    begun = np.array([np.any((runs > ended) & (runs <= begins)) for ended, begins in zip(last, start, strict=True)])
    jumps = np.where(idle > np.where(begun, _BETWEEN_RUNS_HOURS, PAUSE_HOURS), idle, 0.0)
    removed = start[0] + np.cumsum(jumps)
    places = np.flatnonzero(jumps)
    pauses = tuple((float(start[place] - removed[place]), float(jumps[place])) for place in places)
    return removed, pauses


def _lanes(start: Numbers, end: Numbers) -> list[int]:
    """The first worker that is free at each start."""
    free: list[float] = []
    lanes = []
    for begins, ends in zip(start, end, strict=True):
        lane = next((place for place, until in enumerate(free) if until <= begins + _TOUCH_HOURS), len(free))
        free[lane : lane + 1] = [float(ends)]
        lanes.append(lane)
    return lanes
