"""Parzen estimates on a grid, as PED-ANOVA uses them: how often settings lie in each cell, smoothed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

_PRIOR = 1.0
"""The weight, in trials, of knowing nothing."""

_NARROWEST = 0.5 / 1.64
"""The least width of a kernel, in cells: nine tenths of it then lie in the cell that it stands on."""

_FLOOR = 1e-12
"""Added to every density, which are divided by each other."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def density_of_steps(counts: Ints) -> Floats:
    """The density over the cells of an ordered grid.

    Normal kernels, cut off at the grid's ends, as wide as Scott's rule says (Multivariate Density Estimation, 1992),
    and one as wide as the grid that stands for knowing nothing.

    Args:
        counts: Trials in each cell, int64 [C], at least one in all.

    Returns:
        float64 [C], above 0, together 1.
    """
    occupied = np.flatnonzero(counts).astype(float)
    weights = counts[counts > 0].astype(float)
    last = len(counts) - 1
    centres = np.append(occupied, last / 2)
    widths = np.append(np.full(len(occupied), max(_scott(occupied, weights), _NARROWEST)), last + 1)
    edges = (np.arange(len(counts) + 1) - 0.5 - centres[:, None]) / widths[:, None]
    cumulated = ndtr(edges)
    kernels = np.diff(cumulated, axis=1) / (cumulated[:, -1:] - cumulated[:, :1])
    shares = np.append(weights, _PRIOR)
    density: Floats = shares / shares.sum() @ kernels + _FLOOR
    return density


def density_of_choices(counts: Ints) -> Floats:
    """The density over choices without an order.

    Args:
        counts: Trials of each choice, int64 [C], at least one in all.

    Returns:
        float64 [C], above 0, together 1.
    """
    occupied = np.flatnonzero(counts)
    # A kernel for each choice that occurs, weighted by its trials: mostly that choice, a little of all.
    n_kernels = len(occupied) + 1
    kernels = np.full((n_kernels, len(counts)), _PRIOR / n_kernels)
    kernels[np.arange(len(occupied)), occupied] += 1
    kernels /= kernels.sum(axis=1, keepdims=True)
    shares = np.append(counts[occupied].astype(float), _PRIOR)
    density: Floats = shares / shares.sum() @ kernels + _FLOOR
    return density


def _scott(occupied: Floats, weights: Floats) -> float:
    """The width of the kernels in cells, from the smaller of standard deviation and interquartile range."""
    cumulated = np.cumsum(weights)
    n = cumulated[-1]
    mean = occupied @ weights / n
    deviation = np.sqrt((occupied - mean) ** 2 @ weights / max(1, n - 1))
    lower = occupied[np.searchsorted(cumulated, n // 4, side="left")]
    upper = occupied[min(len(occupied) - 1, int(np.searchsorted(cumulated, n * 3 // 4, side="right")))]
    return float(1.059 * min((upper - lower) / 1.34, deviation) * n**-0.2)
