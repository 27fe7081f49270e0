"""What bfloat16 costs in accuracy and saves in time: the same trainings in float32 and in bfloat16, seed by seed.

    python -m benchmarks.precision [--architectures cnn resnet-mini] [--share 0.2] [--epochs 5] [--seeds 5]

Both sides take turns, with the settings of `benchmarks.trainings`; a seed gives both the same first weights and the
same batches. Accuracies are of the validation part, after the last epoch; the seconds are the median epoch's, the first
left out.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from dataclasses import replace
from pathlib import Path

import torch
from scipy.stats import ttest_rel

from benchmarks.trainings import DATASETS, config_of, images_of
from benchmarks.workers import spread
from hpstudy.datasets.images import TrainingData
from hpstudy.executors.process import prepare_process
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import TrainingJob
from hpstudy.training.train import train

HEAVY = ("cnn", "alexnet-cifar", "inception-mini", "resnet-mini")
PRECISIONS = ("float32", "bfloat16")


def train_once(config: TrialConfig, data: TrainingData) -> tuple[float, float]:
    """The last epoch's validation accuracy in percent, and the seconds of an epoch."""
    steps = train(TrainingJob("precision", "precision", config, "search", Path()), data, torch.device("cpu"))
    results = [next(steps)]
    results += [steps.send("go") for _ in range(config.epochs - 1)]
    steps.close()
    return 100 * (results[-1].val_accuracy or 0.0), statistics.median(result.seconds for result in results[1:])


def compare(architecture: str, *, folder: Path, share: float, n_epochs: int, n_seeds: int) -> str:
    """The row of an architecture."""
    accuracies: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    seconds: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    data = images_of(config_of(architecture, n_epochs=n_epochs), folder=folder, share=share)
    for number in range(n_seeds):
        config = config_of(architecture, number, n_epochs=n_epochs)
        for precision in PRECISIONS:
            accuracy, of_an_epoch = train_once(replace(config, precision=precision), data)
            accuracies[precision].append(accuracy)
            seconds[precision].append(of_an_epoch)
    low, high = ttest_rel(accuracies["bfloat16"], accuracies["float32"]).confidence_interval()
    means = {precision: statistics.mean(found) for precision, found in accuracies.items()}
    ratios = [slow / fast for slow, fast in zip(seconds["float32"], seconds["bfloat16"], strict=True)]
    return (
        f"{architecture:15} {means['float32']:.2f} %   {means['bfloat16']:.2f} %   "
        f"{means['bfloat16'] - means['float32']:+.2f} points ({low:+.2f} to {high:+.2f})   {spread(ratios)}"
    )


def main() -> None:
    """Prints a line for each network."""
    parser = argparse.ArgumentParser(description="What bfloat16 costs in accuracy and saves in time.")
    parser.add_argument("--architectures", nargs="+", choices=DATASETS, default=HEAVY)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path("data"))
    arguments = parser.parse_args()
    if arguments.epochs < 2 or arguments.seeds < 2:
        parser.error("at least two epochs, of which the first warms up, and two seeds, which differ")
    prepare_process()
    print(
        f"{torch.get_num_threads()} threads, torch {torch.__version__}, Python {platform.python_version()}; "
        f"{arguments.epochs} epochs on {arguments.share:.0%} of the images, {arguments.seeds} seeds, batch 64"
    )
    print("network: float32; bfloat16; difference (95 % interval, paired by seed); float32 / bfloat16 in seconds")
    for architecture in arguments.architectures:
        row = compare(
            architecture,
            folder=arguments.data,
            share=arguments.share,
            n_epochs=arguments.epochs,
            n_seeds=arguments.seeds,
        )
        print(row, flush=True)


if __name__ == "__main__":
    main()
