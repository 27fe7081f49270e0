"""One training, from initial weights to the last epoch, as a generator of epoch results."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hpstudy.architectures.build import build_model
from hpstudy.datasets.augmentation import augment
from hpstudy.datasets.images import LabelledImages, TrainingData
from hpstudy.datasets.preparation import prepare
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.seeds import derive_seed
from hpstudy.training.evaluation import Evaluation, evaluate
from hpstudy.training.job import Answer, EpochResult, Outcome, TrainingJob
from hpstudy.training.optimizers import build_optimizer, build_schedule
from hpstudy.training.weights import write_weights

ENGINE = 1
"""Goes up with every change that gives an equal configuration other bits; it is recorded with each run."""


def train(job: TrainingJob, data: TrainingData, device: torch.device) -> Generator[EpochResult, Answer, Outcome]:
    """Trains a job; yields each epoch's result and then waits for `"go"` or `"stop"`.

    Every random draw comes from the job's seeds: the weights from one, and the batches and the dropout of an epoch
    from one derived for that epoch. So an epoch's draws do not depend on what ran before it in the process.
    torch's global random state is set, not restored.

    Args:
        job: What to train. A search is evaluated after each epoch, a confirmation after its last alone.
        data: Its images, on `device`.
        device: Where the model is trained.

    Yields:
        One result an epoch, from epoch 0. After a result that has diverged, the caller should answer `"stop"`.

    Returns:
        The outcome, after the last epoch or once told to stop. The job's weights are written before.

    Raises:
        ArtifactError: The weights cannot be written.
        InputError: The architecture refuses its options or the images.
        Exception: Whatever a user's architecture raises.
    """
    config = job.config
    model = initial_model(job, data=data, device=device)
    optimizer = build_optimizer(model.parameters(), config=config)
    schedule = build_schedule(optimizer, config=config)
    evaluation: Evaluation | None = None
    for epoch in range(config.epochs):
        started = time.perf_counter()
        learning_rate = float(optimizer.param_groups[0]["lr"])
        train_loss, train_accuracy = _train_epoch(model, optimizer, data=data, config=config, epoch=epoch)
        if job.part == "search" or epoch + 1 == config.epochs:
            evaluation = _evaluate(model, data.evaluation, data=data, config=config)
        schedule.step()
        answer = yield EpochResult(
            epoch=epoch,
            learning_rate=learning_rate,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=evaluation.loss if evaluation else None,
            val_accuracy=evaluation.accuracy if evaluation else None,
            seconds=time.perf_counter() - started,
        )
        if answer == "stop":
            return _outcome(model, evaluation, on_train=None)
    on_train = _evaluate(model, data.train, data=data, config=config)
    saved = write_weights(model, job.weights) if job.weights else None
    return replace(_outcome(model, evaluation, on_train=on_train), weights_sha256=saved)


def initial_model(job: TrainingJob, *, data: TrainingData, device: torch.device) -> nn.Module:
    """The job's model with its initial weights, on the device, channels-last.

    The weights are drawn on the CPU, so that they are the same on every device.
    """
    torch.manual_seed(job.config.seeds.weights)
    model = build_model(
        job.config.architecture,
        options=job.config.options,
        input_shape=data.input_shape,
        n_classes=data.n_classes,
        dropout=job.config.dropout,
        study_folder=job.study_folder,
    )
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def batches(n_images: int, *, config: TrialConfig, generator: torch.Generator) -> Iterator[Tensor]:
    """The indices of each step's images for one epoch, int64 on the CPU.

    Every image comes once; the last batch is as large as what is left. Where that is a single image beside other
    batches it is left out of the epoch, since batch norm cannot be trained on one.
    """
    order = torch.randperm(n_images, generator=generator) if config.dataset.shuffle else torch.arange(n_images)
    parts = torch.split(order, config.batch_size)
    if len(parts) > 1 and len(parts[-1]) == 1 < config.batch_size:
        parts = parts[:-1]
    yield from parts


def _train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, *, data: TrainingData, config: TrialConfig, epoch: int
) -> tuple[float, float]:
    """Trains one epoch; returns the mean loss and the accuracy over its images, as they were trained."""
    model.train()
    device = data.train.labels.device
    generator = torch.Generator().manual_seed(derive_seed(config.seeds.batches, "epoch", epoch))
    torch.manual_seed(derive_seed(config.seeds.dropout, "epoch", epoch))
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")
    # Summed on the device and read once: reading a number each step would wait for the device each step.
    loss_sum = torch.zeros((), device=device)
    n_right = torch.zeros((), dtype=torch.int64, device=device)
    n_images = 0
    for cpu_index in batches(len(data.train), config=config, generator=generator):
        index = cpu_index.to(device, non_blocking=True)
        images = augment(data.train.images.index_select(0, index), kind=config.augment, generator=generator)
        labels = data.train.labels.index_select(0, index)
        with autocast:
            logits = model(prepare(images, preparation=data.preparation))
        loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss_sum += loss.detach() * len(labels)
        n_right += (logits.detach().argmax(1) == labels).sum()
        n_images += len(labels)
    return loss_sum.item() / n_images, n_right.item() / n_images


def _evaluate(model: nn.Module, images: LabelledImages, *, data: TrainingData, config: TrialConfig) -> Evaluation:
    return evaluate(model, images=images, preparation=data.preparation, precision=config.precision)


def _outcome(model: nn.Module, evaluation: Evaluation | None, *, on_train: Evaluation | None) -> Outcome:
    """What a training leaves after its last epoch, or after one at which it was stopped."""
    return Outcome(
        stopped=on_train is None,
        predictions=evaluation.predictions.cpu().numpy() if evaluation else np.empty(0, dtype=np.int64),
        train_accuracy=on_train.accuracy if on_train else None,
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
    )
