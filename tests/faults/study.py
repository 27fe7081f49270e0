"""The small study of the fault tests: seconds of a tiny network, with every part that a study can have."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import SMALL_NET
from tests.faults.bench import Bench

N_TRIALS = 6

STUDY = f"""
name: points
dataset: digits
architecture: nets.py:tiny
epochs: 3
trials: {N_TRIALS}
seed: 1
settings:
  learning_rate: {{low: 1e-3, high: 1.0, log: true}}
  optimizer: [sgd, adam]
  momentum: {{low: 0.0, high: 0.9}}
  batch_size: 256
sampler: {{name: tpe, startup_trials: 2}}
pruner: {{name: median, startup_trials: 2, warmup_epochs: 1}}
confirm: {{top: 1, seeds: 2}}
baselines:
  plain: {{learning_rate: 0.1, optimizer: adam}}
"""


CHECKPOINT_EVERY_EPOCH = "hpstudy.training.job:CHECKPOINT_SECONDS=0"
"""For `SET`. Epochs take a fraction of a second here: with ten between two checkpoints there would be none."""


def small_bench(folder: Path, *options: str, **environment: str) -> Bench:
    """A folder with the study; options are of each of its runs, and so is the environment."""
    bench = Bench(folder, options=options, environment=tuple(environment.items()))
    return bench.write(study_yaml=STUDY, nets_py=SMALL_NET)
