"""How many workers: a number, or what the machine takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hpstudy.errors import InputError
from hpstudy.executors import count
from hpstudy.executors.count import choose_n_workers

CPU = torch.device("cpu")


def test_a_number_is_taken() -> None:
    assert [choose_n_workers(text, device=CPU) for text in ("1", "12", "007")] == [1, 12, 7]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", "", "²", "Auto"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--workers: .* is neither a whole number of at least 1 nor auto"):
        choose_n_workers(text, device=CPU)


@pytest.mark.parametrize(
    ("device", "threads", "memory", "gpus", "n_workers"),
    [
        ("cpu", 8, 64e9, 0, 8),
        ("cpu", 8, 4.2e9, 0, 4),  # a worker for each GB
        ("cpu", 1, 0.5e9, 0, 1),
        ("cuda", 8, 64e9, 4, 4),
        ("mps", 8, 64e9, 0, 1),
    ],
)
def test_auto(
    monkeypatch: pytest.MonkeyPatch, device: str, threads: int, memory: float, gpus: int, n_workers: int
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(count, "_memory_bytes", lambda: int(memory))
    assert choose_n_workers("auto", device=torch.device(device)) == n_workers


@pytest.mark.parametrize(("limit", "most"), [("4000000000\n", 4_000_000_000), ("max\n", None), (None, None)])
def test_a_container_may_have_less_memory_than_its_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str | None, most: int | None
) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 4_000_000}[name])
    monkeypatch.setattr(count, "_CONTAINER_LIMIT", tmp_path / "memory.max")
    if limit:
        (tmp_path / "memory.max").write_text(limit, encoding="ascii")
    assert count._memory_bytes() == (most or 4096 * 4_000_000)
