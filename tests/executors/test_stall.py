"""Stalled trainings: how long each may be silent."""

from __future__ import annotations

import pytest

from hpstudy.executors.stall import StallLimits, StallWatch

LIMITS = StallLimits(unknown_seconds=100, first_factor=20, first_seconds=50, next_factor=5, next_seconds=10)


class Clock:
    """Moves when it is told to, a second a look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def silent_for(watch: StallWatch, clock: Clock, seconds: int) -> dict[str, float]:
    """What has stalled after some seconds of looking every second."""
    stalled: dict[str, float] = {}
    for _ in range(seconds):
        clock.now += 1
        stalled = watch.stalled()
    return stalled


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> StallWatch:
    return StallWatch(LIMITS, clock=clock)


def test_before_any_epoch_the_fixed_limit_holds(watch: StallWatch, clock: Clock) -> None:
    watch.expect("a")
    assert silent_for(watch, clock, 100) == {}
    assert silent_for(watch, clock, 1) == {"a": 101}


@pytest.mark.parametrize(("longest", "limit"), [(1.0, 50), (4.0, 80)])
def test_a_first_epoch_may_take_long_as_others_epochs_go(
    watch: StallWatch, clock: Clock, longest: float, limit: int
) -> None:
    watch.expect("a")
    watch.epoch_ended("a", longest)
    watch.expect("b")
    assert silent_for(watch, clock, limit) == {}
    assert silent_for(watch, clock, 1) == {"b": limit + 1}


@pytest.mark.parametrize(("longest", "limit"), [(1.0, 10), (4.0, 20)])
def test_a_further_epoch_is_measured_by_the_trainings_own(
    watch: StallWatch, clock: Clock, longest: float, limit: int
) -> None:
    watch.expect("slow")
    watch.epoch_ended("slow", 90.0)
    watch.expect("a")
    watch.epoch_ended("a", longest)
    watch.expect("a")
    watch.epoch_ended("a", longest / 2)
    watch.expect("a")
    assert silent_for(watch, clock, limit) == {}
    assert silent_for(watch, clock, 1) == {"a": limit + 1}


def test_what_waits_for_an_answer_or_has_ended_owes_nothing(watch: StallWatch, clock: Clock) -> None:
    watch.expect("waits")
    watch.epoch_ended("waits", 1.0)
    watch.expect("ended")
    watch.forget("ended")
    assert silent_for(watch, clock, 1000) == {}


def test_time_in_which_nobody_looked_hardly_counts(watch: StallWatch, clock: Clock) -> None:
    watch.expect("a")
    watch.stalled()
    clock.now += 10_000  # the runner was stopped with Ctrl-Z, and its workers with it
    assert watch.stalled() == {}
    assert silent_for(watch, clock, 95) == {}
    assert silent_for(watch, clock, 1) == {"a": 101}
