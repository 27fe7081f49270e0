"""What chance does to one configuration, where a search trained it several times."""

from __future__ import annotations

from hpstudy.numbers import listed, percent_range
from hpstudy.report.claims.finding import Finding
from hpstudy.results.study import StudyResults

_NAMED = 6
"""So many trials are named."""


def seed_noise(results: StudyResults) -> Finding | None:
    """How far the trials of one configuration lie apart, which differ in their seeds alone; of the one trained most.

    Studies of before a draw that repeats another was left untrained have such trials.
    """
    values = results.ranked.set_index("label")["value"]
    groups = {tuple(label for label in labels if label in values.index) for labels in results.equal.values()}
    most = max(sorted(groups), key=len, default=())
    if len(most) < 2:
        return None
    named = listed([*most[:_NAMED], *([f"{len(most) - _NAMED} more"] if len(most) > _NAMED else [])])
    spread = percent_range(*(float(end) for end in (values[list(most)].min(), values[list(most)].max())))
    text = f"Trials {named} are one configuration with different seeds: {spread} validation accuracy, by chance alone."
    return Finding(text, "leaderboard", "note")
