"""Denormal numbers count as zero in every thread of a process that trains."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import torch
from hpstudy.executors.process import prepare_process
{prepare}
tiny = torch.full((4_000_000,), 1e-39)
print(int((tiny * 0.5).count_nonzero()))
"""


@pytest.mark.parametrize(("prepare", "n_left"), [("", 4_000_000), ("prepare_process()", 0)])
def test_it_holds_in_all_threads(prepare: str, n_left: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(prepare=prepare)],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (f"{n_left}\n", "")
