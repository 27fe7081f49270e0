"""The images that a configuration trains on, loaded once for the trainings of a process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.datasets.load import load_training_data
from hpstudy.errors import DataError
from hpstudy.executors.process import prepare_process
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.study import DatasetSpec
from hpstudy.training.job import Part
from hpstudy.training.memory import is_out_of_memory

LoadData = Callable[[TrialConfig, Part], TrainingData]
"""Gives the images that a configuration trains on and is evaluated on."""


def data_on(device: torch.device, *, folder: Path) -> LoadData:
    """A function that gives each configuration its images on a device; the last set used is kept in memory.

    Prepares the process for training: loading is the first thing that makes torch's threads.

    Args:
        device: Where the images are to lie.
        folder: The data folder.
    """
    prepare_process()

    @lru_cache(maxsize=1)
    def load(spec: DatasetSpec, validation: float, split_seed: int, part: Part) -> TrainingData:
        data = load_training_data(spec, folder=folder, validation=validation, split_seed=split_seed, part=part)
        try:
            return data.to(device)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise DataError(
                f"{spec.name}: {device} has no memory for its images; give the data set a share, or another --device"
            ) from error

    return lambda config, part: load(config.dataset, config.validation, config.seeds.split, part)
