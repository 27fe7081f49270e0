"""The DataLoader loop that PyTorch's examples teach: the other side of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset

from hpstudy.architectures.build import build_model
from hpstudy.datasets.images import LabelledImages, TrainingData
from hpstudy.spec.config import TrialConfig
from hpstudy.torchvision_repair import import_torchvision


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images one by one, each made a picture and transformed, as torchvision's data sets do."""

    def __init__(self, images: LabelledImages, transform: Callable[[Image.Image], Tensor]) -> None:
        self._pictures = images.images.permute(0, 2, 3, 1).squeeze(3).contiguous()
        self._labels = images.labels
        self._transform = transform

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self._pictures[index].numpy())
        return self._transform(picture), int(self._labels[index])


def loop_epochs(config: TrialConfig, data: TrainingData) -> Iterator[tuple[float, float]]:
    """Seconds and validation accuracy of one epoch after another, training and evaluation together.

    Each picture is decoded, enlarged where the network wants it, and normalised by itself (`ToTensor`, `Normalize`),
    without worker processes, and the loss is read each step.
    """
    transforms = import_torchvision().transforms
    halves = (0.5,) * data.input_shape[0]
    size = data.preparation.image_size
    enlarge = [] if size is None else [transforms.Resize((size, size))]
    transform = transforms.Compose([*enlarge, transforms.ToTensor(), transforms.Normalize(halves, halves)])
    torch.manual_seed(config.seeds.weights)
    train_loader = DataLoader(Pictures(data.train, transform), batch_size=config.batch_size, shuffle=True)
    test_loader = DataLoader(Pictures(data.evaluation, transform), batch_size=1000)
    model = build_model(
        config.architecture,
        options=config.options,
        input_shape=data.input_shape,
        n_classes=data.n_classes,
        dropout=config.dropout,
        study_folder=Path(),
    )
    optimizer = _optimizer(model, config)
    schedule = StepLR(optimizer, step_size=config.step_size, gamma=config.step_gamma)
    while True:
        started = time.perf_counter()
        _train(model, optimizer, train_loader)
        accuracy = _test(model, test_loader)
        schedule.step()
        yield time.perf_counter() - started, accuracy


def _optimizer(model: nn.Module, config: TrialConfig) -> torch.optim.Optimizer:
    classes = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    momentum = {} if config.momentum is None else {"momentum": config.momentum}
    optimizer: torch.optim.Optimizer = classes[config.optimizer](
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, **momentum
    )
    return optimizer


def _train(model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader[tuple[Tensor, int]]) -> None:
    model.train()
    running_loss = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimizer.step()
        running_loss += loss.item()


def _test(model: nn.Module, loader: DataLoader[tuple[Tensor, int]]) -> float:
    model.eval()
    n_right = n_images = 0
    with torch.no_grad():
        for images, labels in loader:
            n_right += int((model(images).argmax(1) == labels).sum())
            n_images += len(labels)
    return n_right / n_images
