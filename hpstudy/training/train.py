"""One training, from initial weights to the last epoch, as a generator of epoch results."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hpstudy.architectures.build import build_model, count_parameters
from hpstudy.datasets.augmentation import augment
from hpstudy.datasets.images import LabelledImages, TrainingData
from hpstudy.datasets.preparation import prepare
from hpstudy.errors import ArtifactError
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.seeds import derive_seed
from hpstudy.training.checkpoints import CheckpointWriter, TrainingState, fingerprint, restore_checkpoint
from hpstudy.training.evaluation import Evaluation, evaluate
from hpstudy.training.job import Answer, EpochResult, Outcome, TrainingJob
from hpstudy.training.memory import is_out_of_memory
from hpstudy.training.optimizers import build_optimizer, build_schedule
from hpstudy.training.weights import write_weights

ENGINE = 2
"""Goes up with every change that gives an equal configuration other bits; it is recorded with each run."""

_NO_PREDICTIONS = np.empty(0, dtype=np.int64)

_log = logging.getLogger(__name__)


def train(job: TrainingJob, data: TrainingData, device: torch.device) -> Generator[EpochResult, Answer, Outcome]:
    """Trains a job; yields each epoch's result and then waits for `"go"` or `"stop"`.

    Every random draw comes from the job's seeds: the weights from one, and the batches and the dropout of an epoch
    from one derived for that epoch. So an epoch's draws do not depend on what ran before it in the process.
    The global random states of torch, NumPy and Python are set, not restored.

    A training whose checkpoint is there goes on from it: the epochs so far are yielded again at once, equal to the last
    bit, and then trained on. What is neither in the model's `state_dict` nor in the optimizer's (a plain attribute that
    a user's network counts in) begins anew. The checkpoint is written at an epoch's end, before the epoch is yielded,
    and where the generator is closed before its end; who starts the job removes it once the end is stored.

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
        MemoryError: Host or GPU have not enough memory; the batch size is named.
        Exception: Whatever a user's architecture raises.
    """
    try:
        return (yield from _train(job, data, device))
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"batch size {job.config.batch_size}: {str(error) or type(error).__name__}") from error
        raise


def _train(job: TrainingJob, data: TrainingData, device: torch.device) -> Generator[EpochResult, Answer, Outcome]:
    config = job.config
    state = _initial_state(job, data=data, device=device)
    # After the model was built: that imports a user's network from its package, whose text is part of the fingerprint.
    mark = fingerprint(job, data=data, device=device, engine=ENGINE)
    if (
        job.checkpoint
        and job.checkpoint.exists()
        and not _restored(state, job=job, checkpoint=job.checkpoint, mark=mark)
    ):
        state = _initial_state(job, data=data, device=device)
    writer = CheckpointWriter(job, fingerprint=mark, n_written=len(state.curve))
    evaluation: Evaluation | None = None
    try:
        for epoch in range(config.epochs):
            if epoch == len(state.curve):  # the checkpoint has those before
                evaluation = _next_epoch(state, job=job, data=data)
                writer.epoch_ended(state)
            if (yield state.curve[epoch]) == "stop":
                return _stopped(state.model)
    except GeneratorExit:
        writer.write(state)
        raise
    on_train = _evaluate(state.model, data.train, data=data, config=config)
    return Outcome(
        stopped=False,
        predictions=evaluation.predictions.cpu().numpy() if evaluation else _NO_PREDICTIONS,
        train_accuracy=on_train.accuracy,
        n_parameters=count_parameters(state.model),
        weights_sha256=write_weights(state.model, job.weights) if job.weights else None,
    )


def _restored(state: TrainingState, *, job: TrainingJob, checkpoint: Path, mark: bytes) -> bool:
    """Brings a training to where its checkpoint has it; one that is of no use is removed, and the state with it."""
    try:
        restore_checkpoint(checkpoint, state, fingerprint=mark)
    except ArtifactError as error:
        _log.warning("%s begins again from its first epoch: %s", job.label, error)
        with suppress(OSError):
            checkpoint.unlink()
        return False
    return True


def _initial_state(job: TrainingJob, *, data: TrainingData, device: torch.device) -> TrainingState:
    model = initial_model(job, data=data, device=device)
    optimizer = build_optimizer(model.parameters(), config=job.config)
    return TrainingState(model, optimizer, build_schedule(optimizer, config=job.config), [])


def _next_epoch(state: TrainingState, *, job: TrainingJob, data: TrainingData) -> Evaluation | None:
    """Trains an epoch and adds its result to the curve; returns its evaluation, if it has one."""
    started = time.perf_counter()
    epoch = len(state.curve)
    learning_rate = float(state.optimizer.param_groups[0]["lr"])
    train_loss, train_accuracy = _train_epoch(state.model, state.optimizer, data=data, config=job.config, epoch=epoch)
    evaluation: Evaluation | None = None
    if job.part == "search" or epoch + 1 == job.config.epochs:
        evaluation = _evaluate(state.model, data.evaluation, data=data, config=job.config)
    state.schedule.step()
    result = EpochResult(
        epoch=epoch,
        learning_rate=learning_rate,
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        val_loss=evaluation.loss if evaluation else None,
        val_accuracy=evaluation.accuracy if evaluation else None,
        seconds=time.perf_counter() - started,
    )
    state.curve.append(result)
    return evaluation


def initial_model(job: TrainingJob, *, data: TrainingData, device: torch.device) -> nn.Module:
    """The job's model with its initial weights, on the device, channels-last.

    The weights are drawn on the CPU, so that they are the same on every device.
    """
    _seed(job.config.seeds.weights)
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
    _seed(derive_seed(config.seeds.dropout, "epoch", epoch))
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


def _seed(seed: int) -> None:
    """Seeds all that a network may draw from; a user's own may use NumPy's or Python's generator."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def _stopped(model: nn.Module) -> Outcome:
    """What a training leaves that was told to stop."""
    n_parameters = count_parameters(model)
    return Outcome(stopped=True, predictions=_NO_PREDICTIONS, train_accuracy=None, n_parameters=n_parameters)
