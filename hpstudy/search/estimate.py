"""An estimate of how long a study takes, from a few steps of training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hpstudy.datasets.images import LabelledImages, TrainingData, select
from hpstudy.search.askers import n_search_trials
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.study import StudySpec
from hpstudy.training.job import TrainingJob
from hpstudy.training.train import train

_STEPS = 12


@dataclass(frozen=True)
class Estimate:
    """What a study is likely to take, in seconds.

    Attributes:
        epoch: One epoch, at the mean of the smallest and the largest batch.
        search: All trials and baselines to their last epochs; pruning makes it less.
        confirmation: The confirmation that the study file asks for; 0 where it asks for none.
    """

    epoch: float
    search: float
    confirmation: float


def estimate_study(
    spec: StudySpec,
    *,
    configs: tuple[TrialConfig, ...],
    data: TrainingData,
    device: torch.device,
    folder: Path,
) -> Estimate:
    """Times a few steps under some configurations, and multiplies.

    Args:
        spec: The study.
        configs: Configurations that stand for all, for example the smallest and the largest batch.
        data: The images of the search.
        device: Where they lie.
        folder: The study file's folder.
    """
    epoch = sum(_epoch_seconds(config, data, device, folder) for config in configs) / len(configs)
    n_epochs = n_search_trials(spec) * spec.epochs + sum(baseline.epochs for baseline in spec.baselines)
    confirmation = 0.0
    if spec.confirm:
        n_confirmed = spec.confirm.top * spec.epochs + sum(baseline.epochs for baseline in spec.baselines)
        # The whole training set instead of the training part.
        confirmation = n_confirmed * spec.confirm.seeds * epoch / (1 - spec.validation)
    return Estimate(epoch=epoch, search=n_epochs * epoch, confirmation=confirmation)


def _epoch_seconds(config: TrialConfig, data: TrainingData, device: torch.device, folder: Path) -> float:
    """Seconds of a whole epoch, from the second epoch over a part of the images; the first one warms up."""
    n_images = min(len(data.train), _STEPS * config.batch_size)
    share = n_images / len(data.train)
    part = replace(
        data,
        train=_first(data.train, n_images),
        evaluation=_first(data.evaluation, max(1, round(share * len(data.evaluation)))),
    )
    job = TrainingJob("estimate", "estimate", replace(config, epochs=3), "search", folder)
    results = train(job, part, device)
    next(results)
    seconds = results.send("go").seconds
    results.close()
    return seconds / share


def _first(images: LabelledImages, count: int) -> LabelledImages:
    return select(images, torch.arange(count, device=images.labels.device))
