"""Stalled trainings: how long a training may be silent, and which have been silent for longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_GLANCE_SECONDS = 5.0
"""At most so much silence is counted between two looks. Where the runner itself did not look for longer (it was
stopped with Ctrl-Z, or waited for its database), nobody knows whether the trainings were allowed to run."""


@dataclass(frozen=True)
class StallLimits:
    """How long a training may go without a sign.

    Epochs of one study differ a hundredfold (batch size, width, architecture), so another training's epochs say little
    about a training's first one, while its own say much about its next.

    Attributes:
        unknown_seconds: Before any epoch was seen: a day, for nothing tells how long a first one may be.
        first_factor: The first epoch of a training may take so many times the longest epoch of any training,
        first_seconds: but always this long; a process that starts is in it.
        next_factor: Every further one may take so many times the longest epoch of the training itself,
        next_seconds: but always this long; the last evaluation and the writing of files are in it.
    """

    unknown_seconds: float = 86_400.0
    first_factor: float = 100.0
    first_seconds: float = 600.0
    next_factor: float = 10.0
    next_seconds: float = 60.0


@dataclass
class _Watched:
    """A training: its longest epoch, and since when it owes a sign (None: it owes none)."""

    longest: float | None = None
    silent: float | None = None


class StallWatch:
    """Counts how long each training has been silent.

    Args:
        limits: How long each may be.
        clock: Seconds that go forward; another one in tests.
    """

    def __init__(self, limits: StallLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._looked = clock()
        self._longest: float | None = None
        self._watched: dict[str, _Watched] = {}

    def expect(self, key: str) -> None:
        """From now on the training owes a sign."""
        self._watched.setdefault(key, _Watched()).silent = 0.0

    def epoch_ended(self, key: str, seconds: float) -> None:
        """The training has given a sign: an epoch that took so long. It owes nothing until it is answered."""
        watched = self._watched[key]
        watched.silent = None
        watched.longest = max(seconds, watched.longest or 0.0)
        self._longest = max(seconds, self._longest or 0.0)

    def forget(self, key: str) -> None:
        """The training has ended."""
        self._watched.pop(key, None)

    def stalled(self) -> dict[str, float]:
        """The trainings that have been silent for longer than they may, with the seconds; to be asked every second."""
        now = self._clock()
        passed = min(now - self._looked, _GLANCE_SECONDS)
        self._looked = now
        for watched in self._watched.values():
            if watched.silent is not None:
                watched.silent += passed
        return {
            key: watched.silent
            for key, watched in self._watched.items()
            if watched.silent is not None and watched.silent > self._limit(watched)
        }

    def _limit(self, watched: _Watched) -> float:
        limits = self._limits
        if watched.longest is not None:
            return max(limits.next_factor * watched.longest, limits.next_seconds)
        if self._longest is not None:
            return max(limits.first_factor * self._longest, limits.first_seconds)
        return limits.unknown_seconds
