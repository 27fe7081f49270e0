"""What the options --executor, --workers and --device together mean."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from hpstudy.errors import InputError
from hpstudy.executors.choice import choose_executor
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.workers import WorkerExecutor


def test_one_worker_is_this_process(tmp_path: Path) -> None:
    for workers in (None, "1"):
        opened = choose_executor("local", device="cpu", workers=workers, data_folder=tmp_path).open()
        assert isinstance(opened, LocalExecutor)


def test_several_are_processes(tmp_path: Path) -> None:
    opened = choose_executor("local", device="cpu", workers="3", data_folder=tmp_path).open()
    assert isinstance(opened, WorkerExecutor)
    assert opened.capacity == 3


def test_without_ray_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hpstudy.executors.ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"Ray is not installed; run pip install -e '\.\[ray\]' in hpstudy's folder"):
        choose_executor("ray", device="cpu", workers=None, data_folder=tmp_path)


def test_on_ray_the_gpus_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    devices = {
        device: choose_executor("ray", device=device, workers=None, data_folder=tmp_path).device.type
        for device in ("auto", "cpu", "cuda")
    }
    assert devices == {"auto": "cpu", "cpu": "cpu", "cuda": "cuda"}
    with pytest.raises(InputError, match="mps cannot be used on Ray"):
        choose_executor("ray", device="mps", workers=None, data_folder=tmp_path)
    with pytest.raises(InputError, match="--workers: 'x'"):
        choose_executor("ray", device="cpu", workers="x", data_folder=tmp_path)
