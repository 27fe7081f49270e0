"""Searches made up in thousands: accuracies of noise, or of noise and one planted effect.

The trial-to-trial noise is the standard deviation over trainings of one configuration. The planted effect is the
difference between the ends of a range, or between one choice and the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

import numpy as np
import pandas as pd

from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Domain, Range
from tests.results.synthetic import make_results

N_TRIALS = 50
STARTUP = 10

SPACES: dict[str, dict[str, Domain]] = {
    "wide": {
        "learning_rate": Range(1e-4, 1e-1, log=True),
        "optimizer": Choices(("sgd", "adam", "adamw", "rmsprop")),
        "momentum": Range(0.0, 0.95),  # for sgd and rmsprop alone
        "batch_size": Choices((32, 64, 128, 256)),
        "dropout": Range(0.0, 0.6),
        "weight_decay": Range(1e-6, 1e-2, log=True),
        "step_gamma": Range(0.5, 1.0),
        "augment": Choices(("none", "flip", "crop", "crop_flip")),
        "lenet5.width": Choices((1, 2)),
    },
    "narrow": {
        "learning_rate": Range(1e-4, 1e-1, log=True),
        "optimizer": Choices(("sgd", "adam")),
        "hidden": Range(1, 12),
    },
}
WITH_MOMENTUM = ("sgd", "rmsprop")


Pruned = Literal["", "median", "halving"]


@dataclass(frozen=True)
class Kind:
    """How the studies of a simulation come about.

    Attributes:
        space: A key of `SPACES`.
        adaptive: Whether trials after the tenth are drawn near one of the best quarter so far (by how far they came,
            then by value, as Optuna's TPE ranks them), each setting with probability 0.7, as samplers do that learn;
            otherwise all are drawn evenly.
        pruned: How trials are stopped early. median: below the median of the complete ones half-way. halving: at two
            cuts, as the default does at epochs 2 and 5 of 14, unless among the best quarter of those that came there.
        heavy: Whether the noise has Student's t with 3 degrees of freedom instead of a normal distribution.
    """

    space: str = "wide"
    adaptive: bool = False
    pruned: Pruned = ""
    heavy: bool = False


@dataclass(frozen=True)
class Effect:
    """What is planted.

    Attributes:
        setting: Which setting has it; a range gains evenly from its lower to its upper end, choices in the first
            choice alone.
        size: Accuracy gained from one end to the other.
        early: Accuracy that the same values gain before the end of training alone, where trials are stopped.
    """

    setting: str
    size: float
    early: float = 0.0


KINDS = tuple(
    Kind(space, adaptive, pruned, heavy)
    for space in SPACES
    for adaptive in (False, True)
    for pruned in get_args(Pruned)
    for heavy in (False, True)
)


def simulated(kind: Kind, *, n: int, noise: float, effect: Effect | None = None, seed: int) -> Iterator[StudyResults]:
    """`n` studies of a kind."""
    for study in range(n):
        yield simulate(kind, np.random.default_rng((seed, study)), noise=noise, effect=effect)


def simulate(kind: Kind, generator: np.random.Generator, *, noise: float, effect: Effect | None = None) -> StudyResults:
    """One study of 50 trials."""
    domains = SPACES[kind.space]
    # Positions in [0, 1) on each setting's own scale; a choice is the cell that a position falls into.
    positions = generator.random((N_TRIALS, len(domains)))
    half_way = noise * _noise(generator, heavy=kind.heavy)
    final = half_way + noise * _noise(generator, heavy=kind.heavy)  # together √2 of one
    final /= np.sqrt(2)
    curves = np.stack([0.85 + half_way, 0.88 + final], axis=1)  # [trial, epoch]
    if kind.pruned == "halving":
        first = (half_way + noise * _noise(generator, heavy=kind.heavy)) / np.sqrt(2)
        curves = np.column_stack([0.8 + first, curves])
    last = curves.shape[1] - 1
    reached = np.zeros(N_TRIALS, dtype=int)  # the last epoch of each trial
    for trial in range(N_TRIALS):
        if kind.adaptive and trial >= STARTUP:
            _draw_near_the_best(positions, curves[:trial], reached[:trial], generator)
        gained = _gain(effect, domains, positions[trial])
        curves[trial] += gained * (effect.size if effect else 0)
        curves[trial, :last] += gained * (effect.early if effect else 0)
        so_far = curves[: trial + 1], reached[:trial]
        reached[trial] = next((epoch for epoch in range(last) if _is_stopped(kind.pruned, *so_far, epoch)), last)
    values = np.where(reached == last, curves[:, last], np.nan)
    ids, epoch = np.nonzero(np.arange(last) <= reached[:, None])
    epochs = pd.DataFrame({"trial_id": ids, "epoch": epoch, "val_accuracy": curves[ids, epoch]})
    return replace(_template(), trials=_frame(domains, positions, values), epochs=epochs, domains=domains)


def _is_stopped(pruned: Pruned, curves: np.ndarray, reached: np.ndarray, epoch: int) -> bool:
    """Whether the last trial is stopped after an epoch.

    Args:
        pruned: How.
        curves: Accuracies, [trial, epoch].
        reached: The last epoch of each trial before it.
        epoch: The epoch.
    """
    own = curves[-1, epoch]
    if pruned == "median":
        complete = curves[:-1, -1][reached == curves.shape[1] - 1]
        return len(complete) >= 5 and own < np.median(complete) - 0.03
    if pruned == "halving":
        rivals = np.sort([own, *curves[:-1, epoch][reached >= epoch]])
        return own < rivals[-max(len(rivals) // 4, 1)]
    return False


def _noise(generator: np.random.Generator, *, heavy: bool) -> np.ndarray:
    return generator.standard_t(3, N_TRIALS) / np.sqrt(3) if heavy else generator.standard_normal(N_TRIALS)


def _draw_near_the_best(
    positions: np.ndarray, curves: np.ndarray, reached: np.ndarray, generator: np.random.Generator
) -> None:
    trial = len(reached)
    order = np.lexsort((-curves[np.arange(trial), reached], -reached))
    best = order[: max(1, trial // 4)]
    chosen = generator.choice(best, size=positions.shape[1])
    near = positions[chosen, np.arange(positions.shape[1])] + generator.normal(0, 0.05, positions.shape[1])
    near = np.clip(near, 0, 1 - 1e-9)
    keep = generator.random(positions.shape[1]) < 0.7
    positions[trial, keep] = near[keep]


def _gain(effect: Effect | None, domains: dict[str, Domain], position: np.ndarray) -> float:
    if effect is None:
        return 0.0
    place = list(domains).index(effect.setting)
    domain = domains[effect.setting]
    if isinstance(domain, Choices):
        return float(position[place] * len(domain.values) < 1)
    if effect.setting == "momentum" and _choice(domains["optimizer"], position[1]) not in WITH_MOMENTUM:
        return 0.0
    return float(position[place])


def _frame(domains: dict[str, Domain], positions: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    columns = {name: _values(domain, positions[:, place]) for place, (name, domain) in enumerate(domains.items())}
    if "momentum" in columns:
        with_momentum = [name in WITH_MOMENTUM for name in columns["optimizer"]]
        columns["momentum"] = np.where(with_momentum, columns["momentum"], np.nan)
    state = np.where(np.isfinite(values), "complete", "pruned")
    reason = np.where(np.isfinite(values), "", "pruned after epoch 1")
    fixed = {"trial_id": range(len(values)), "label": [str(number) for number in range(len(values))], "part": "search"}
    fixed |= {"state": state, "reason": reason, "value": values}
    return pd.DataFrame(fixed | columns)


def _values(domain: Domain, positions: np.ndarray):
    if isinstance(domain, Choices):
        return [_choice(domain, position) for position in positions]
    if isinstance(domain.low, int):
        return np.floor(domain.low + positions * (domain.high - domain.low + 1)).astype(int)
    if domain.log:
        return domain.low * (domain.high / domain.low) ** positions
    return domain.low + positions * (domain.high - domain.low)


def _choice(domain: Domain, position: float):
    return domain.values[int(position * len(domain.values))]


@cache
def _template() -> StudyResults:
    return make_results(n_trials=5, n_pruned=0, n_failed=0)
