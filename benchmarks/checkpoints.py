"""What checkpoints cost: the share of a training's time between its epochs, with them and without.

    python -m benchmarks.checkpoints [--architectures lenet5 alexnet-cifar] [--seconds 60] [--data data]

A training is stopped once its epochs have taken so many seconds. Large networks are trained on a share of their images,
so that several checkpoints fall into that time. What lies between the epochs is the writing of a checkpoint, at most
every ten seconds, and nothing else to speak of: the training without them shows it.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.trainings import DATASETS, config_of, images_of
from hpstudy.datasets.images import TrainingData
from hpstudy.executors.process import prepare_process
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import TrainingJob
from hpstudy.training.train import train

SHARES = {"lenet5": 1.0}
ELSEWHERE = 0.05


def between_epochs(config: TrialConfig, data: TrainingData, *, checkpoint: Path | None, seconds: float) -> float:
    """The share of a training's time that is not in its epochs."""
    job = TrainingJob("checkpoints", "checkpoints", config, "search", Path(), checkpoint=checkpoint)
    steps = train(job, data, torch.device("cpu"))
    began = time.perf_counter()
    in_epochs = next(steps).seconds
    while in_epochs < seconds:
        in_epochs += steps.send("go").seconds
    whole = time.perf_counter() - began
    steps.close()
    return 1 - in_epochs / whole


def main() -> None:
    """Prints a line for each network."""
    parser = argparse.ArgumentParser(description="What checkpoints cost a training.")
    parser.add_argument("--architectures", nargs="+", choices=DATASETS, default=["lenet5", "alexnet-cifar"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--data", type=Path, default=Path("data"))
    arguments = parser.parse_args()
    prepare_process()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, Python {platform.python_version()}")
    for architecture in arguments.architectures:
        config = config_of(architecture, n_epochs=1000)
        data = images_of(config, folder=arguments.data, share=SHARES.get(architecture, ELSEWHERE))
        between_epochs(config, data, checkpoint=None, seconds=0)  # one epoch, which warms up
        without = between_epochs(config, data, checkpoint=None, seconds=arguments.seconds)
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Path(folder) / "training.checkpoint"
            with_them = between_epochs(config, data, checkpoint=checkpoint, seconds=arguments.seconds)
            size = checkpoint.stat().st_size
        print(
            f"{architecture:15} {100 * with_them:.2f} % of the time with checkpoints of {size / 1e6:.1f} MB, "
            f"{100 * without:.2f} % without",
            flush=True,
        )


if __name__ == "__main__":
    main()
