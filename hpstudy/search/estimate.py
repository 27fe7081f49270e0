"""An estimate of how long a study takes, from a few steps of training."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hpstudy.datasets.images import LabelledImages, TrainingData, select
from hpstudy.errors import InputError
from hpstudy.executors.failures import describe_failure
from hpstudy.search.askers import n_search_trials
from hpstudy.search.preflight import baseline_config, first_config
from hpstudy.search.studies import searches
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.study import Choices, Fixed, Range, StudySpec
from hpstudy.training.job import TrainingJob
from hpstudy.training.train import train

_STEPS = (2, 12)
"""Steps that are timed: the fewer of a network so heavy that they already take as long as is needed."""

_ENOUGH_SECONDS = 1.0


@dataclass(frozen=True)
class Estimate:
    """What a study is likely to take.

    Attributes:
        n_trials: Sampled trials; a grid may have fewer than the file says.
        epoch_seconds: One epoch of each architecture offered, at the mean of the smallest and the largest batch.
        search_seconds: All trials and baselines to their last epochs; pruning makes it less.
        confirmation_seconds: Its trainings, whose training set has the validation part too; 0 without one.
        left_out: What cannot be trained here and is left out of the means, in a line each.
    """

    n_trials: int
    epoch_seconds: Mapping[str, float]
    search_seconds: float
    confirmation_seconds: float
    left_out: tuple[str, ...] = ()


def estimate_study(spec: StudySpec, *, data: TrainingData, device: torch.device) -> Estimate:
    """Times a few steps of each architecture, and multiplies.

    Args:
        spec: The study.
        data: The images of the search.
        device: Where they lie.

    Raises:
        InputError: A network can be trained at neither the smallest nor the largest batch.
    """
    failures: list[InputError] = []

    def mean_seconds(configs: Collection[TrialConfig]) -> float:
        seconds = []
        for config in configs:
            try:
                seconds.append(_epoch_seconds(config, data, device, spec.folder))
            except InputError as error:
                failures.append(error)
        if not seconds:
            raise failures[-1]
        return sum(seconds) / len(seconds)

    epochs = {name: mean_seconds(_smallest_and_largest_batch(spec, name)) for name in spec.architectures}
    parts = searches(spec).values()
    n_trials = sum(map(n_search_trials, parts))
    trial = spec.epochs * sum(epochs.values()) / len(epochs)
    baselines = sum(baseline.epochs * mean_seconds([baseline_config(spec, baseline)]) for baseline in spec.baselines)
    confirmation = 0.0
    if spec.confirm:
        n_best = min(spec.confirm.top + len(parts) - 1, n_trials)  # at most: the best of each architecture comes too
        confirmation = spec.confirm.seeds * (n_best * trial + baselines) / (1 - spec.validation)
    return Estimate(
        n_trials=n_trials,
        epoch_seconds=epochs,
        search_seconds=n_trials * trial + baselines,
        confirmation_seconds=confirmation,
        left_out=tuple(str(failure) for failure in failures),
    )


def _smallest_and_largest_batch(spec: StudySpec, architecture: str) -> list[TrialConfig]:
    """The first configuration of an architecture with the smallest and with the largest batch of the study."""
    config = first_config(spec, architecture)
    setting = spec.settings.get("batch_size")
    if setting is None:
        return [config]
    match setting.domain:
        case Range(low, high):
            sizes = {int(low), int(high)}
        case Choices(choices):
            sizes = {min(map(int, choices)), max(map(int, choices))}
        case Fixed(value):
            sizes = {int(value)}
    return [replace(config, batch_size=size) for size in sorted(sizes)]


def _epoch_seconds(config: TrialConfig, data: TrainingData, device: torch.device, folder: Path) -> float:
    """Seconds of a whole epoch, told from a few steps."""
    for n_steps in _STEPS:
        share = min(1.0, n_steps * config.batch_size / len(data.train))
        seconds = _second_epoch(config, _shortened(data, share), device, folder)
        if seconds >= _ENOUGH_SECONDS:
            break
    return seconds / share


def _second_epoch(config: TrialConfig, data: TrainingData, device: torch.device, folder: Path) -> float:
    """Seconds of the second epoch; the first one warms up."""
    job = TrainingJob("estimate", "estimate", replace(config, epochs=3), "search", folder)
    results = train(job, data, device)
    try:
        next(results)
        return results.send("go").seconds
    except Exception as error:  # a user's network, or the device's memory: a run would have it as a failed trial
        told = describe_failure(error).message
        raise InputError(
            f"{config.architecture} with batch_size {config.batch_size} cannot be trained: {told}"
        ) from error
    finally:
        results.close()


def _shortened(data: TrainingData, share: float) -> TrainingData:
    return replace(data, train=_first(data.train, share), evaluation=_first(data.evaluation, share))


def _first(images: LabelledImages, share: float) -> LabelledImages:
    count = max(1, round(share * len(images)))
    return select(images, torch.arange(count, device=images.labels.device))
