"""How often findings on searches are wrong, by simulation: in studies of noise, and with one planted effect."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest
from scipy import stats

from hpstudy.report.claims.associations import associations
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices
from tests.report.claims.simulation import KINDS, SPACES, Effect, Kind, Pruned, simulated

NOISE = 0.01


@dataclass(frozen=True)
class Rates:
    """Shares of simulated studies.

    Attributes:
        claimed: In which anything is claimed.
        found: In which the planted setting is found, with the right sign.
        wrong: In which it is claimed with the wrong sign.
        naive: In which one of the plain tests, one a setting, has p below 0.05; counted without an effect only.
    """

    claimed: float
    found: float
    wrong: float
    naive: float


def rates(kind: Kind, *, n: int, noise: float = NOISE, effect: Effect | None = None, seed: int = 0) -> Rates:
    counts: Counter[str] = Counter()
    for results in simulated(kind, n=n, noise=noise, effect=effect, seed=seed):
        found = associations(results).found
        counts["claimed"] += bool(found)
        counts["naive"] += effect is None and naive_claim(results)
        for claim in found if effect else ():
            if claim.setting == effect.setting:
                counts["found" if points_right(claim, results) else "wrong"] += 1
    return Rates(**{name: counts[name] / n for name in ("claimed", "found", "wrong", "naive")})


def points_right(claim, results: StudyResults) -> bool:
    domain = results.domains[claim.setting]
    if isinstance(domain, Choices):
        return claim.better.words == str(domain.values[0])
    return claim.better.words.endswith("or more")


def naive_claim(results: StudyResults) -> bool:
    """What a reader does who tests each setting among the complete trials and adjusts nothing."""
    complete = results.search[results.search["state"] == "complete"]
    values = complete["value"].to_numpy()
    return any(naive_p(complete[name].to_numpy(), values, domain) <= 0.05 for name, domain in results.domains.items())


def naive_p(settings: np.ndarray, values: np.ndarray, domain) -> float:
    if isinstance(domain, Choices):
        groups = [group for choice in domain.values if len(group := values[settings == choice])]
        return float(stats.kruskal(*groups).pvalue) if len(groups) > 1 else 1.0
    given = ~np.isnan(settings.astype(float))
    return float(stats.spearmanr(settings[given], values[given]).pvalue) if given.sum() >= 5 else 1.0


def test_noise_is_hardly_ever_a_finding() -> None:
    kinds = (
        *(Kind(pruned=pruned) for pruned in get_args(Pruned)),
        Kind(adaptive=True),
        Kind(adaptive=True, pruned="median", heavy=True),
        Kind(adaptive=True, pruned="halving"),
    )
    told = [rates(kind, n=40) for kind in kinds]
    assert np.mean([rate.claimed for rate in told]) <= 0.05
    assert np.mean([rate.naive for rate in told]) >= 0.25


@pytest.mark.parametrize("setting", ["learning_rate", "optimizer"])
def test_an_effect_of_five_times_the_noise_is_found(setting) -> None:
    kinds = (
        Kind(),
        Kind(adaptive=True, pruned="median"),
        Kind("narrow", pruned="median", heavy=True),
        Kind(adaptive=True, pruned="halving"),
    )
    told = [rates(kind, n=20, effect=Effect(setting, 5 * NOISE)) for kind in kinds]
    assert np.mean([rate.found for rate in told]) >= 0.95
    assert [rate.wrong for rate in told] == [0] * len(kinds)


def test_a_slow_beginning_is_no_better_end() -> None:
    """Low learning rates lag half-way and lose nothing in the end; of their trials only lucky ones are not stopped."""
    kind, effect = Kind(pruned="median"), Effect("learning_rate", 0.0, early=0.05)
    claims = [
        claim
        for results in simulated(kind, n=40, noise=NOISE, effect=effect, seed=0)
        for claim in associations(results).found
        if claim.setting == "learning_rate"
    ]
    assert all(claim.better.words.endswith("or more") for claim in claims)
    assert sum(claim.shift is not None for claim in claims) <= 0.05 * 40


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.003, 0.01, 0.03])
def test_noise_is_hardly_ever_a_finding_in_any_kind_of_study(noise, capsys) -> None:
    told = {kind: rates(kind, n=60, noise=noise, seed=round(1000 * noise)) for kind in KINDS}
    with capsys.disabled():
        print(f"\nstudies of noise alone, standard deviation {100 * noise:.1f} points, n = 60 a kind")
        for kind, rate in told.items():
            print(f"  {rate.claimed:6.1%} claim something, naive {rate.naive:6.1%}  {kind}")
        print(f"  {mean(told, 'claimed'):6.1%} in all, naive {mean(told, 'naive'):6.1%}")
    assert mean(told, "claimed") <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("setting", ["learning_rate", "optimizer"])
def test_planted_effects_are_found_in_any_kind_of_study(space, setting, capsys) -> None:
    kinds = [kind for kind in KINDS if kind.space == space]
    told = {kind: rates(kind, n=50, effect=Effect(setting, 5 * NOISE), seed=2) for kind in kinds}
    with capsys.disabled():
        print(f"\n{setting} with an effect of 5 times the noise, n = 50 a kind")
        for kind, rate in told.items():
            print(f"  {rate.found:6.1%} find it, {rate.wrong:.1%} with the wrong sign  {kind}")
    assert mean(told, "found") >= 0.95
    assert mean(told, "wrong") == 0


@pytest.mark.slow
@pytest.mark.parametrize(("pruned", "least"), [("", 0.65), ("median", 0.6), ("halving", 0.5)])
def test_what_is_called_detectable_is_mostly_detected(pruned, least, capsys) -> None:
    """An effect as large as a study of noise calls detectable is found by three or four of five studies."""
    kind, name = Kind("narrow", pruned=pruned), "optimizer"
    sizes = [
        one.detectable
        for results in simulated(kind, n=60, noise=NOISE, seed=3)
        for one in associations(results).nothing
        if one.setting == name
    ]
    rate = rates(kind, n=200, effect=Effect(name, float(np.median(sizes))), seed=4)
    with capsys.disabled():
        how, size = pruned or "no pruning", 100 * np.median(sizes)
        print(f"\n{how}: {size:.2f} points are detectable at a noise of 1; found by {rate.found:.1%}")
    assert least <= rate.found <= 0.95


def mean(told: dict[Kind, Rates], name: str) -> float:
    return float(np.mean([getattr(rate, name) for rate in told.values()]))
