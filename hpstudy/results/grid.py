"""Whether a grid search has anything left to try."""

from __future__ import annotations

from itertools import islice

from hpstudy.results.study import StudyResults
from hpstudy.spec.grid import combinations
from hpstudy.spec.identity import identity_settings


def is_exhausted(results: StudyResults) -> bool:
    """Whether a study is a grid search that has tried every combination; more trials would add nothing."""
    if results.identity.get("sampler", {}).get("name") != "grid":
        return False
    n_trials = len(results.search)
    return sum(1 for _ in islice(combinations(identity_settings(results.identity)), n_trials + 1)) <= n_trials
