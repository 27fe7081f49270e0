"""Where in the searched settings trials diverged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from hpstudy.numbers import value
from hpstudy.results.inference import LEVEL, holm
from hpstudy.results.study import StudyResults, diverged
from hpstudy.spec.study import Choices, Fixed, Range

FEWEST_DIVERGED = 3
"""Diverged trials below which no region is looked for."""


@dataclass(frozen=True)
class Region:
    """Values of a setting with which trials diverged more often than elsewhere.

    Attributes:
        setting: Its name.
        words: Its values: `of 0.01 or more`, `sgd`.
        n: Trials there.
        n_diverged: Of these diverged.
    """

    setting: str
    words: str
    n: int
    n_diverged: int


def divergence_region(results: StudyResults) -> Region | None:
    """The outer third of a range, or the choice, with the clearest excess of diverged trials.

    Thirds are those of the range, not of the trials, on its own scale. Fisher's exact test, one-sided, for each third
    and choice; Holm over all of them.

    Returns:
        None for fewer than three diverged trials, and where no adjusted p is at most 0.05.
    """
    search = results.search[results.search["state"].isin(["complete", "pruned"])]
    lost = diverged(search).to_numpy(dtype=bool)
    if lost.sum() < FEWEST_DIVERGED:
        return None
    regions, p_values = [], []
    for setting, words, given, inside in _regions(search, results):
        table = [
            [int((lost & inside).sum()), int((~lost & inside).sum())],
            [int((lost & given & ~inside).sum()), int((~lost & given & ~inside).sum())],
        ]
        regions.append(Region(setting, words, sum(table[0]), table[0][0]))
        p_values.append(float(stats.fisher_exact(table, alternative="greater").pvalue))
    adjusted = holm(p_values)
    if not adjusted or min(adjusted) > LEVEL:
        return None
    return regions[int(np.argmin(p_values))]


def _regions(
    search: pd.DataFrame, results: StudyResults
) -> Iterator[tuple[str, str, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Setting, words, the trials that have the setting, and of these the trials inside."""
    for name, domain in results.domains.items():
        if name not in search or isinstance(domain, Fixed):
            continue
        column, given = search[name], search[name].notna().to_numpy()
        if isinstance(domain, Choices):
            for choice in domain.values:
                yield name, value(choice), given, (column == choice).to_numpy(dtype=bool)
        else:
            numbers = pd.to_numeric(column).to_numpy(dtype=float)
            lower, upper = _third_ends(domain)
            yield name, f"up to {value(lower)}", given, numbers <= lower
            yield name, f"of {value(upper)} or more", given, numbers >= upper


def _third_ends(domain: Range) -> tuple[float, float]:
    if domain.log:
        ratio = domain.high / domain.low
        return domain.low * ratio ** (1 / 3), domain.low * ratio ** (2 / 3)
    width = domain.high - domain.low
    return domain.low + width / 3, domain.low + 2 * width / 3
