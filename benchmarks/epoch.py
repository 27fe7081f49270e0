"""Seconds an epoch: hpstudy against the DataLoader loop that PyTorch's examples teach, and against the machine.

    python -m benchmarks.epoch [--architectures lenet5 cnn] [--precision bfloat16] [--share 1] [--repeats 5]

All sides train the same images with SGD at batch size 64, and evaluate the validation part; they take turns; the loop
is always in float32. With two workers two trainings share the processor, and each counts half. Networks that take long
can be measured on a share of their data set; the seconds are those of the whole. The last column is what two workers
achieve of the fastest rate at which this machine multiplies (float32): of what a network multiplies in three passes for
each image trained, and in one for each evaluated.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional

from benchmarks.loop import loop_epochs
from benchmarks.trainings import DATASETS, config_of, images_of
from benchmarks.workers import Jobs, spread
from hpstudy.datasets.images import TrainingData
from hpstudy.executors.workers import WorkerExecutor
from hpstudy.search.loop import run
from hpstudy.search.provenance import describe_model
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import Answer, EpochResult, TrainingJob

CPU = torch.device("cpu")
HERE = Path()
N_WORKERS = 2


def loop_seconds(config: TrialConfig, data: TrainingData) -> float:
    """An epoch of the DataLoader loop, after one that warms up."""
    epochs = loop_epochs(config, data)
    next(epochs)
    return next(epochs)[0]


def trainers(data: TrainingData, *, n: int) -> WorkerExecutor:
    """Worker processes; what they set for training this process does not have, as a user's loop does not."""
    return WorkerExecutor(load_data=lambda _config, _part: data, device=CPU, n_workers=n)


class Clocked(Jobs):
    """Jobs that keep what each of their epochs took."""

    def __init__(self, jobs: Sequence[TrainingJob]) -> None:
        super().__init__(jobs)
        self.seconds: list[float] = []

    def epoch_ended(self, key: str, result: EpochResult) -> Answer:
        """Always on."""
        self.seconds.append(result.seconds)
        return super().epoch_ended(key, result)


def workers_seconds(executor: WorkerExecutor, config: TrialConfig) -> float:
    """What an epoch costs where as many are trained at once as there are workers; they are warm."""
    jobs = Clocked(
        [
            TrainingJob(f"epoch#{number}", "epoch", replace(config, epochs=2), "search", HERE)
            for number in range(executor.capacity)
        ]
    )
    run(jobs, executor)
    return statistics.mean(jobs.seconds) / executor.capacity


def multiplication_rate() -> float:
    """Multiplications with addition a second on all threads: the best of a matrix product and of a convolution.

    PyTorch takes the two from different libraries, and on some processors one knows faster instructions.
    """
    matrix = torch.randn(2048, 2048)
    images = torch.randn(64, 256, 16, 16).to(memory_format=torch.channels_last)
    kernels = torch.randn(256, 256, 3, 3).to(memory_format=torch.channels_last)
    product = 2048**3 / _shortest(lambda: matrix @ matrix)
    convolution = images.numel() * kernels[0].numel() / _shortest(lambda: functional.conv2d(images, kernels, padding=1))
    return max(product, convolution)


def _shortest(work: Callable[[], object]) -> float:
    """Seconds, of ten times."""
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def mult_adds(config: TrialConfig, data: TrainingData) -> int:
    """What an epoch multiplies: forward and twice backward for each image trained, forward for each evaluated."""
    layers = describe_model(config, data=data, folder=HERE)["layers"]
    of_an_image = sum(int(layer["mult_adds"]) for layer in layers)
    return of_an_image * (3 * len(data.train) + len(data.evaluation))


def compare(architecture: str, *, precision: str, folder: Path, share: float, n_repeats: int) -> str:
    """The row of an architecture."""
    config = replace(config_of(architecture, n_epochs=1000), precision=precision)
    data = images_of(config, folder=folder, share=share)
    with closing(trainers(data, n=1)) as one, closing(trainers(data, n=N_WORKERS)) as two:
        for executor in (one, two):
            workers_seconds(executor, config)  # starts the processes
        sides: dict[str, Callable[[], float]] = {
            "one": lambda: workers_seconds(one, config),
            "two": lambda: workers_seconds(two, config),
            "loop": lambda: loop_seconds(config, data),
        }
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(n_repeats):
            for name, side in sides.items():
                seconds[name].append(side() / share)
    ratios = [loop / two for loop, two in zip(seconds["loop"], seconds["two"], strict=True)]
    achieved = mult_adds(config, data) / share / statistics.median(seconds["two"]) / multiplication_rate()
    return (
        f"{architecture:15} {config.dataset.name:14} {spread(seconds['one'])}   {spread(seconds['two'])}   "
        f"{spread(seconds['loop'])}   {spread(ratios)}   {achieved:4.0%}"
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Seconds an epoch against a DataLoader loop.")
    parser.add_argument("--architectures", nargs="+", choices=DATASETS, default=["lenet5"])
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path("data"))
    arguments = parser.parse_args()
    print(
        f"Seconds an epoch, batch 64, {torch.get_num_threads()} threads, {arguments.precision}, "
        f"torch {torch.__version__}, Python {platform.python_version()}, {arguments.repeats} repeats in turn, "
        f"on {arguments.share:.1%} of the images"
    )
    print("network, data set: one training; two workers; DataLoader loop; loop / two workers; of the matrix rate")
    for architecture in arguments.architectures:
        row = compare(
            architecture,
            precision=arguments.precision,
            folder=arguments.data,
            share=arguments.share,
            n_repeats=arguments.repeats,
        )
        print(row, flush=True)


if __name__ == "__main__":
    main()
