from __future__ import annotations

import pytest
import torch

from hpstudy.datasets.splits import stratified_split


def labels_of(*sizes: int) -> torch.Tensor:
    """So many labels of each class, mixed by a fixed permutation."""
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(7))]


@pytest.mark.parametrize(
    ("sizes", "share", "held_out"),
    [
        ((100, 100, 100), 0.1, [10, 10, 10]),
        ((6, 6, 6), 0.25, [2, 2, 1]),  # quotas 1.5 each, 4.5 rounded up to 5: the smaller labels first
        ((10, 15, 20), 0.3, [3, 5, 6]),  # quotas 3, 4.5, 6: 13.5 rounded up to 14
        (
            (7, 11, 13),
            0.5,
            [4, 6, 6],
        ),  # quotas 3.5, 5.5, 6.5: 15.5 rounded up to 16, the last remainder waits
        ((1000, 2), 0.01, [9, 1]),  # the small class gives one, the large one fewer
        ((1000, 2), 0.99, [991, 1]),  # and keeps one
        ((50, 1), 0.5, [26, 0]),  # a single image stays; 25.5 rounded up to 26
        ((1, 1), 0.5, [0, 0]),
        ((2, 2), 0.1, [1, 1]),
        ((5, 0, 5), 0.2, [1, 0, 1]),
    ],
)
def test_each_class_gives_its_share(sizes: tuple[int, ...], share: float, held_out: list[int]) -> None:
    labels = labels_of(*sizes)
    kept, out = stratified_split(labels, share=share, seed=1)
    assert torch.bincount(labels[out], minlength=len(sizes)).tolist() == held_out
    assert torch.cat([kept, out]).sort().values.tolist() == list(range(len(labels)))
    assert kept.tolist() == sorted(kept.tolist())
    assert out.tolist() == sorted(out.tolist())
    assert (kept.dtype, out.dtype) == (torch.int64, torch.int64)


def test_the_seed_decides_and_is_pinned() -> None:
    labels = labels_of(5, 5)
    first = stratified_split(labels, share=0.4, seed=3)[1].tolist()
    assert first == stratified_split(labels, share=0.4, seed=3)[1].tolist()
    # A change of this list changes every study's validation part.
    assert first == [0, 3, 7, 9]
    assert stratified_split(labels, share=0.4, seed=4)[1].tolist() != first


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"share: {share} is not between 0 and 1"):
        stratified_split(labels_of(5, 5), share=share, seed=0)
