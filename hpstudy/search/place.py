"""Where a study runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from hpstudy.executors.data import LoadData
from hpstudy.executors.protocol import Executor
from hpstudy.tables import LEASE_SECONDS
from hpstudy.training.job import CHECKPOINT_SECONDS


@dataclass(frozen=True)
class Place:
    """Where a study runs.

    Attributes:
        storage_url: SQLAlchemy URL of the storage.
        artifacts: The folder under which the study's files are kept.
        load_data: Gives the images, where the executor wants them.
        device: Where models are trained.
        open_executor: Makes what trains; it is closed by who opened it.
        command: The command line, for the record.
        checkpoint_seconds: At least so long between two checkpoints of a training.
        lease_seconds: On a server, how long another runner must be silent before its trials are taken over.
    """

    storage_url: str
    artifacts: Path
    load_data: LoadData
    device: torch.device
    open_executor: Callable[[], Executor]
    command: str
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    lease_seconds: float = LEASE_SECONDS
