"""What a process that trains sets, each in a process of its own: it cannot be undone."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# Few numbers at first, so that torch makes no thread before the setting is there to be taken over.
DENORMALS = """
import torch
from hpstudy.executors.process import prepare_process
print(int((torch.full((10,), 1e-39) * 0.5).count_nonzero()))
prepare_process()
print(int((torch.full((4_000_000,), 1e-39) * 0.5).count_nonzero()))
"""
# The system's own count of pages: how many page faults they cost depends on the size of a page, which differs.
FREED = """
import torch
from hpstudy.executors.process import prepare_process

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * 4096

def kept():
    before = resident()
    tensor = torch.ones(6_000_000)
    assert resident() - before > 20e6
    del tensor
    return resident() - before > 20e6

print(kept())
prepare_process()
print(kept())
"""


def output_of(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_denormal_numbers_are_zero_in_all_threads() -> None:
    assert output_of(DENORMALS) == "10\n0\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    assert output_of(FREED) == "False\nTrue\n"
