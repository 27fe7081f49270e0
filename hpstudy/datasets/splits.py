"""Splits of a labelled set that keep the mix of classes."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def stratified_split(labels: Tensor, *, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """The indices kept and the indices held out, with each class split in the same proportion.

    The held-out total is `share` of all images, rounded (halves up). Each class gives its share of it by the
    largest-remainder method; of equal remainders the smaller label comes first. A class with two images or
    more keeps at least one on each side; a class with one image stays with those kept. Where these two rules
    leave no room, the total gives way.

    Args:
        labels: int64 [N], each at least 0.
        share: Part held out, in (0, 1).
        seed: At least 0. Equal labels, share and seed give equal splits.

    Returns:
        Kept and held out: int64 index tensors, each sorted, disjoint, together all of [0, N).

    Raises:
        ValueError: `share` is not in (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share: {share} is not between 0 and 1")
    classes = labels.cpu().numpy()
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(classes), dtype=bool)
    sizes = np.bincount(classes)
    for label, count in enumerate(_held_out_counts(sizes, share)):
        members = np.flatnonzero(classes == label)
        held_out[generator.permutation(members)[:count]] = True
    return torch.from_numpy(np.flatnonzero(~held_out)), torch.from_numpy(np.flatnonzero(held_out))


def _held_out_counts(sizes: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """How many images each class gives, from its size."""
    quotas = share * sizes
    total = math.floor(share * int(sizes.sum()) + 0.5)
    lowest = np.where(sizes >= 2, 1, 0)
    highest = np.maximum(sizes - 1, 0)
    counts: NDArray[np.int64] = np.clip(np.floor(quotas).astype(np.int64), lowest, highest)
    while counts.sum() < total and (counts < highest).any():
        counts[np.argmax(np.where(counts < highest, quotas - counts, -np.inf))] += 1
    while counts.sum() > total and (counts > lowest).any():
        counts[np.argmax(np.where(counts > lowest, counts - quotas, -np.inf))] -= 1
    return counts
