"""What is recorded with each run, so that a reader can tell how its numbers came about."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from hpstudy.spec.study import StudySpec
from hpstudy.training.train import ENGINE

_PACKAGES = ("torch", "torchvision", "optuna", "hpstudy")


def describe_run(spec: StudySpec, *, device: torch.device, checksums: Mapping[str, str]) -> dict[str, Any]:
    """Versions, machine, sources and data of a run, as plain JSON data.

    Args:
        spec: The study that runs.
        device: Where its models are trained.
        checksums: SHA-256 of each data file that was read.
    """
    folder = spec.folder
    named = (*spec.architectures, *(baseline.architecture for baseline in spec.baselines))
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "device": _device_name(device),
        "processor": _processor(),
        "engine": ENGINE,
        "threads": torch.get_num_threads(),
        "platform": platform.platform(),
        "host": platform.node(),
        "git": _git_state(folder),
        "data": dict(checksums),
        "architecture_sources": architecture_sources(spec, named),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return device.type


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and whether the tree was clean (None if that took too long); None outside of a repository."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(folder, "status", "--porcelain")
    return {"commit": commit.strip(), "clean": None if changes is None else not changes.strip()}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607  # the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def architecture_sources(spec: StudySpec, architectures: Iterable[str]) -> dict[str, str]:
    """The text of each file of a user's architecture, by the architecture's name.

    Args:
        spec: The study, whose folder the files lie in.
        architectures: Names as in the study file; those that hpstudy or torchvision ship are left out.
    """
    sources: dict[str, str] = {}
    for architecture in architectures:
        module = architecture.partition(":")[0]
        if ":" not in architecture or module == "torchvision":
            continue
        loaded = getattr(sys.modules.get(module), "__file__", None)
        path = spec.folder / module if module.endswith(".py") else Path(loaded or "")
        if path.is_file():
            sources[architecture] = path.read_text(encoding="utf-8", errors="replace")
    return sources
