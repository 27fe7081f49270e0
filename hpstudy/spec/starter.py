"""The study file that a new user begins with."""

from __future__ import annotations

import re

from hpstudy.errors import InputError
from hpstudy.spec.file import NAME_RULE
from hpstudy.spec.scalars import plain_value
from hpstudy.spec.wording import shown

_STARTER = """\
# A study for hpstudy. It runs as it is, in about a minute: the images come with scikit-learn.
# Lines that begin with # show what else could stand there.

name: {name}
description: Which settings suit LeNet-5 on small handwritten digits?

# Which images. `hpstudy datasets` lists them; your own: one folder for each class.
dataset: {{name: digits, image_size: 28}}
# dataset: fashion_mnist
# dataset: {{name: cifar10, share: 0.2}}
# dataset: {{name: image_folder, root: photos, image_size: 64}}

# Which network. `hpstudy architectures` lists them; several let the study choose.
architecture: lenet5
# architecture: [lenet5, lenet5-sigmoid]
# architecture: torchvision:resnet18
# architecture: nets.py:MyNet

epochs: 8                 # of each trial
trials: 12                # run the same command again with more, and it adds the rest
seed: 1                   # the same seed gives the same study

# What varies. A value fixes a setting, a list offers choices, low and high make a range.
settings:
  learning_rate: {{low: 1e-3, high: 1e-1, log: true}}
  optimizer: [sgd, adam]
  momentum: {{low: 0.0, high: 0.95}}   # drawn only for the optimizers that have it
  batch_size: [16, 32, 64]
  dropout: {{low: 0.0, high: 0.5}}
  # weight_decay: {{low: 1e-6, high: 1e-2, log: true}}
  # step_gamma: {{low: 0.5, high: 1.0}}   # the learning rate is multiplied by it every step_size epochs
  # step_size: 1
  # augment: [none, flip, crop, crop_flip]
  # lenet5.width: [1, 2]                 # an option of one architecture
  # precision: {{choices: [float32, bfloat16], when: {{optimizer: adam}}}}

validation: 0.1           # share of the training images that the trials are judged on

# How the next trial is chosen: tpe, random, grid, gp, cmaes, qmc.
sampler: {{name: tpe, startup_trials: 5}}
# sampler: random

# When a weak trial is stopped early: successive_halving, median, percentile, hyperband, none.
pruner: {{name: successive_halving, min_epochs: 2, reduction_factor: 4}}
# pruner: none

# How many seconds a trial may train in all; one that takes longer is stopped.
max_seconds: none
# max_seconds: 600

# How many of the best are trained again on fresh seeds, on all training images, and judged on the test images.
confirm: {{top: 2, seeds: 3}}
# confirm: false

# Settings of your own to compare with: trained to the end, never stopped early.
baselines:
  by hand: {{optimizer: sgd, learning_rate: 0.01, momentum: 0.9, batch_size: 32}}
"""


def starter_study(name: str) -> str:
    """The text of a commented study file that runs at once, on images that need no download.

    Args:
        name: The study's name, by the rule of study files.

    Raises:
        InputError: The name breaks the rule.
    """
    if not re.fullmatch(NAME_RULE, name):
        raise InputError(
            f"{shown(name)}: a study's name has 1 to 80 letters, digits, dots, dashes, underscores, "
            "the first a letter or digit; choose another file name"
        )
    # A name such as 2024 or true is another thing to YAML, unless it is in quotes.
    return _STARTER.format(name=name if plain_value(name) == name else f'"{name}"')
