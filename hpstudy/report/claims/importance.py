"""How much each setting matters for being among the best trials: PED-ANOVA, with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpstudy.report.claims.parzen import density_of_choices, density_of_steps
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Domain, Fixed

FEWEST_FOR_IMPORTANCE = 20
"""Complete trials below which no importance is told: their best tenth would be a single trial."""

MOST_TRIALS = 1_000
"""Complete trials beyond which no interval is drawn: it would be narrower than a line, and take seconds."""

DRAWS = 50

_TOP = 0.1
"""The best share of the trials, whose settings are held against those of all (Optuna's default)."""

_STEPS = 50
"""Into which a range is divided (as Optuna does)."""

_FEWEST_WITH_SETTING = 2

_SEED = 0
"""The draws are the same at every build, so that a report is."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Setting:
    """A setting as cells: where on its grid each complete trial lies, int64 [N], −1 where it does not exist."""

    cells: Ints
    n_cells: int
    ordered: bool


def importance(results: StudyResults) -> pd.DataFrame | None:
    """The importance of each searched setting for reaching the best tenth of the complete trials.

    How far the settings of the best tenth are distributed otherwise than those of all, as PED-ANOVA measures it
    (Watanabe, Bansal & Hutter, IJCAI 2023, arXiv:2304.10255), in shares of the sum. A setting that exists for some
    trials only counts by how common it is among the best (Conditional PED-ANOVA, arXiv:2601.20800). The numbers are
    those of Optuna's evaluator. Trials stopped early are left out, as there.

    Returns:
        One row a setting, the most important first. Columns: `setting`, `importance` (in [0, 1], together 1; all 0
        where the best differ in nothing), `low` and `high` (the 2.5 % and 97.5 % quantiles of 50 bootstrap draws,
        stretched to hold `importance`; NaN beyond 1,000 complete trials), `n` (complete trials that have the setting).
        None where fewer than 20 trials are complete, or nothing was searched.
    """
    complete = results.search[results.search["state"] == "complete"]
    complete = complete[np.isfinite(complete["value"])]
    names = [name for name, domain in results.domains.items() if name in complete and not isinstance(domain, Fixed)]
    if len(complete) < FEWEST_FOR_IMPORTANCE or not names:
        return None
    settings = [_on_grid(complete[name], results.domains[name]) for name in names]
    losses = complete["value"].to_numpy(dtype=float) * (-1 if results.maximize else 1)
    shares = _shares(settings, losses, drawn=np.arange(len(losses)))
    low, high = _interval(settings, losses, shares)
    counts = [int((setting.cells >= 0).sum()) for setting in settings]
    frame = pd.DataFrame({"setting": names, "importance": shares, "low": low, "high": high, "n": counts})
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _interval(settings: list[_Setting], losses: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """The bootstrap interval of each share."""
    n = len(losses)
    if n > MOST_TRIALS:
        return np.full(len(shares), math.nan), np.full(len(shares), math.nan)
    generator = np.random.default_rng(_SEED)
    draws = np.array([_shares(settings, losses, drawn=generator.integers(n, size=n)) for _ in range(DRAWS)])
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    # A draw repeats trials, which sharpens what the best have in common: the shares themselves may lie outside.
    return np.minimum(low, shares), np.maximum(high, shares)


def _shares(settings: list[_Setting], losses: Floats, *, drawn: Ints) -> Floats:
    """Each setting's share of the sum of divergences, over the trials drawn (a trial may be drawn repeatedly)."""
    drawn_losses = losses[drawn]
    place = math.ceil(_TOP * len(drawn)) - 1
    best = drawn_losses <= np.partition(drawn_losses, place)[place]  # ties with the last are in
    divergences = np.array([_divergence(setting, setting.cells[drawn], best) for setting in settings])
    total = divergences.sum()
    return divergences / total if total > 0 else divergences


def _divergence(setting: _Setting, cells: Ints, best: NDArray[np.bool_]) -> float:
    """The Pearson divergence of the best from all, weighted by how common the setting is in both."""
    exists = cells >= 0
    n_best, n_all = int((exists & best).sum()), int(exists.sum())
    if n_best == 0 or n_all < _FEWEST_WITH_SETTING:
        return 0.0
    estimate = density_of_steps if setting.ordered else density_of_choices
    of_best = estimate(np.bincount(cells[exists & best], minlength=setting.n_cells))
    of_all = estimate(np.bincount(cells[exists], minlength=setting.n_cells))
    common = (n_best / best.sum()) ** 2 / (n_all / len(cells))
    return float(common * (of_all @ (of_best / of_all - 1) ** 2))


def _on_grid(column: pd.Series, domain: Domain) -> _Setting:
    """A column of settings on the grid of its domain."""
    exists = column.notna().to_numpy()
    cells = np.full(len(column), -1, dtype=np.int64)
    if isinstance(domain, Choices):
        place = {choice: cell for cell, choice in enumerate(domain.values)}
        cells[exists] = [place.get(choice, -1) for choice in column[exists]]
        return _Setting(cells, len(domain.values), ordered=False)
    if isinstance(domain, Fixed):
        return _Setting(cells, 1, ordered=False)
    n_cells = _STEPS
    whole = isinstance(domain.low, int) and isinstance(domain.high, int)
    if whole and domain.log:
        n_cells = min(math.ceil(math.log2(domain.high - domain.low + 1)) + 1, _STEPS)
    elif whole or domain.step is not None:
        n_cells = min(round((domain.high - domain.low) / (domain.step or 1)) + 1, _STEPS)
    scale = np.log if domain.log else np.asarray
    low, high = float(scale(domain.low)), float(scale(domain.high))
    numbers = np.asarray(scale(pd.to_numeric(column[exists]).to_numpy(dtype=float)))
    nearest = np.ceil((numbers - low) / ((high - low) / (n_cells - 1)) - 0.5)  # half-way values go down, as in Optuna
    cells[exists] = np.clip(nearest, 0, n_cells - 1).astype(np.int64)
    return _Setting(cells, n_cells, ordered=True)
