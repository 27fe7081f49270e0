"""Failures: out of memory is told apart from any other exception."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from hpstudy.executors import failures
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


@pytest.mark.parametrize("name", ["hpstudy_nets.py", "hpstudy-mine/nets.py"])
def test_the_users_file_is_named_though_its_path_begins_like_hpstudys(name: str) -> None:
    file = Path(failures.__file__).parents[2] / name
    with pytest.raises(ValueError, match="no") as raised:
        exec(compile("raise ValueError('no')", str(file), "exec"))
    assert describe_failure(raised.value).message == f"{file.name}:1: ValueError: no"


def test_a_file_that_is_linked_from_elsewhere_is_named_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "nets.py"
    link.symlink_to(tmp_path / "elsewhere" / "networks.py")
    with pytest.raises(ValueError, match="no") as raised:
        exec(compile("raise ValueError('no')", str(link), "exec"))
    assert describe_failure(raised.value).message == "nets.py:1: ValueError: no"


@pytest.mark.parametrize(
    "file", ["<string>", "lib/site-packages/their/nets.py", json.__file__, failures.__file__], ids=lambda one: one[-12:]
)
def test_what_is_not_the_users_is_not_named(file: str) -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def build():\n    raise ValueError('no')", file, "exec"), namespace)
    with pytest.raises(ValueError, match="no") as raised:
        namespace["build"]()
    assert describe_failure(raised.value).message == f"{Path(__file__).name}:{raised.tb.tb_lineno}: ValueError: no"


def test_a_real_allocation_that_is_too_large_is_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert describe_failure(raised.value).reason == "out_of_memory"
