"""Failures: out of memory is told apart from any other exception."""

from __future__ import annotations

import pytest
import torch

from hpstudy.executors.failures import describe_failure


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (ValueError("two\nlines"), "error", "ValueError: two lines"),
        (KeyError(), "error", "KeyError"),
        (MemoryError(), "out_of_memory", "MemoryError"),
        (
            torch.OutOfMemoryError("CUDA out of memory"),
            "out_of_memory",
            "OutOfMemoryError: CUDA out of memory",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"),
            "out_of_memory",
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes",
        ),
        (RuntimeError("shapes do not match"), "error", "RuntimeError: shapes do not match"),
    ],
)
def test_reason_and_message(error: Exception, reason: str, message: str) -> None:
    failure = describe_failure(error)
    assert (failure.reason, failure.message) == (reason, message)


def test_a_real_allocation_that_is_too_large_is_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert describe_failure(raised.value).reason == "out_of_memory"
