"""What is recorded with each run, so that a reader can tell how its numbers came about."""

from __future__ import annotations

import platform
import subprocess
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from hpstudy.architectures.build import build_model, count_parameters, own_defaults
from hpstudy.architectures.check import ignores_seed
from hpstudy.architectures.layers import layer_table
from hpstudy.architectures.sources import architecture_sources
from hpstudy.datasets.images import TrainingData, stored_channels
from hpstudy.errors import InputError
from hpstudy.search.processor import processor_name
from hpstudy.search.subject import Subject
from hpstudy.spec.catalogue import is_own_code
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.rows import Scalar
from hpstudy.training.train import ENGINE

_PACKAGES = ("torch", "torchvision", "optuna", "hpstudy")


def describe_run(subject: Subject, *, device: torch.device, data: TrainingData) -> dict[str, Any]:
    """Versions, machine, sources and data of a run, as plain JSON data; the threads are those of its executor.

    Args:
        subject: The study that runs.
        device: Where its models are trained.
        data: The images of the search.
    """
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "device": _device_name(device),
        "processor": processor_name(),
        "engine": ENGINE,
        "platform": platform.platform(),
        "host": platform.node(),
        "git": _git_state(subject.folder),
        "data": dict(data.train.checksums),
        "images": describe_images(data),
        "folder": str(subject.folder),
        "architectures": list(subject.architectures),
        "architecture_sources": architecture_sources(subject.architectures, folder=subject.folder),
        "architecture_defaults": _own_defaults(subject),
        "equal_weights": _ignoring_seeds(subject, data),
    }


def describe_images(data: TrainingData) -> dict[str, Any]:
    """How many images a search learns from and is judged on, their shape and their classes."""
    return {
        "train": len(data.train),
        "validation": len(data.evaluation),
        "input_shape": list(data.input_shape),
        "channels": stored_channels(data.train.images).shape[1],
        "classes": list(data.class_names),
    }


def describe_model(config: TrialConfig, *, data: TrainingData, folder: Path) -> dict[str, Any]:
    """The layer table of a configuration's network, as plain JSON data; torch's random state stays as it was.

    Args:
        config: The configuration.
        data: Images of the shape that it takes.
        folder: Where the study file lies.
    """
    with torch.random.fork_rng(devices=[]):
        model = build_model(
            config.architecture,
            options=config.options,
            input_shape=data.input_shape,
            n_classes=data.n_classes,
            dropout=config.dropout,
            study_folder=folder,
        )
        layers = layer_table(model, data.input_shape)
    return {"n_parameters": count_parameters(model), "layers": [asdict(layer) for layer in layers]}


def _own_defaults(subject: Subject) -> dict[str, dict[str, Scalar]]:
    """What the user's networks take where a study says nothing; without those that are gone, and may not be needed."""
    found: dict[str, dict[str, Scalar]] = {}
    for name in filter(is_own_code, subject.architectures):
        with suppress(InputError):
            found[name] = own_defaults(name, study_folder=subject.folder)
    return found


def _ignoring_seeds(subject: Subject, data: TrainingData) -> list[str]:
    """The architectures that begin with equal weights under any seed."""
    return [
        name
        for name in subject.architectures
        if ignores_seed(name, input_shape=data.input_shape, n_classes=data.n_classes, study_folder=subject.folder)
    ]


def _device_name(device: torch.device) -> str:
    if device.type == "cuda" and torch.cuda.is_available():  # or it is a GPU of another machine of a cluster
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return device.type


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
