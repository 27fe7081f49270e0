"""Seconds an epoch: hpstudy's engine against the DataLoader loop that PyTorch's examples teach.

Both sides train LeNet-5 on Fashion-MNIST with SGD at the same batch size, seed, threads and images, and evaluate the
validation part; they take turns in one process. The loop decodes and normalises each picture by itself
(`ToTensor`, `Normalize`), as the examples of this kind do, without worker processes, and reads the loss each step.

    python benchmarks/epoch.py [--batch-size 64] [--repeats 5] [--data data]
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from hpstudy.architectures.build import build_model
from hpstudy.datasets.images import LabelledImages, TrainingData
from hpstudy.datasets.load import load_training_data
from hpstudy.executors.process import prepare_process
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import DatasetSpec, Normalization
from hpstudy.torchvision_repair import import_torchvision
from hpstudy.training.job import TrainingJob
from hpstudy.training.train import train

CPU = torch.device("cpu")
HERE = Path()


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images one by one, each made a picture and transformed, as torchvision's MNIST classes do."""

    def __init__(self, images: LabelledImages, transform: Callable[[Image.Image], Tensor]) -> None:
        self.images = images.images[:, 0]
        self.labels = images.labels
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        return self.transform(picture), int(self.labels[index])


def loop_epochs(config: TrialConfig, data: TrainingData, n_epochs: int) -> list[float]:
    """Seconds of each epoch of the DataLoader loop, training and evaluation together."""
    transforms = import_torchvision().transforms
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    torch.manual_seed(config.seeds.weights)
    train_loader = DataLoader(Pictures(data.train, transform), batch_size=config.batch_size, shuffle=True)
    test_loader = DataLoader(Pictures(data.evaluation, transform), batch_size=1000)
    model = build_model(
        config.architecture, options={}, input_shape=(1, 28, 28), n_classes=10, dropout=0.0, study_folder=HERE
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=config.momentum or 0.0)
    seconds = []
    for _ in range(n_epochs):
        started = time.perf_counter()
        _loop_train(model, optimizer, train_loader)
        _loop_test(model, test_loader)
        seconds.append(time.perf_counter() - started)
    return seconds


def _loop_train(model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader[tuple[Tensor, int]]) -> None:
    model.train()
    running_loss = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()


def _loop_test(model: nn.Module, loader: DataLoader[tuple[Tensor, int]]) -> None:
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in loader:
            right += int((model(images).argmax(1) == labels).sum())


def engine_epochs(config: TrialConfig, data: TrainingData, n_epochs: int) -> list[float]:
    """Seconds of each epoch of hpstudy's engine."""
    steps = train(TrainingJob("epoch", "epoch", config, "search", HERE), data, CPU)
    seconds = [next(steps).seconds]
    seconds += [steps.send("go").seconds for _ in range(n_epochs - 1)]
    steps.close()
    return seconds


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Seconds an epoch against a DataLoader loop.")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path("data"))
    arguments = parser.parse_args()

    dataset = DatasetSpec("fashion_mnist", normalize=Normalization((0.5,), (0.5,)))
    config = TrialConfig(
        architecture="lenet5",
        options={},
        dataset=dataset,
        validation=0.1,
        epochs=1000,
        optimizer="sgd",
        learning_rate=0.01,
        momentum=0.9,
        weight_decay=0.0,
        batch_size=arguments.batch_size,
        dropout=0.0,
        step_gamma=1.0,
        step_size=1,
        augment="none",
        precision="float32",
        seeds=training_seeds(1, "trial", 0),
    )
    prepare_process()
    data = load_training_data(dataset, folder=arguments.data, validation=0.1, split_seed=1, part="search")
    sides = {"hpstudy": engine_epochs, "DataLoader loop": loop_epochs}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.repeats):
        for name, side in sides.items():
            seconds[name].append(side(config, data, 2)[1])  # the first epoch warms up
    ratios = [loop / engine for engine, loop in zip(*seconds.values(), strict=True)]

    print(
        f"LeNet-5, Fashion-MNIST ({len(data.train):,} + {len(data.evaluation):,} images), batch "
        f"{config.batch_size}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"Python {platform.python_version()}, {arguments.repeats} repeats in turn"
    )
    for name, values in seconds.items():
        print(f"{name:16} {statistics.median(values):6.2f} s an epoch   ({min(values):.2f} to {max(values):.2f})")
    print(f"{'ratio':16} {statistics.median(ratios):6.2f}              ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
