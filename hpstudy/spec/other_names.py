"""What settings and keys of a study file are called elsewhere, and where each of them stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.spec.catalogue import SETTINGS
from hpstudy.spec.file import StudyShape
from hpstudy.spec.rows import Option

_KEYS: Mapping[str, tuple[str, ...]] = {
    "name": ("study_name", "study"),
    "dataset": ("data", "data_set"),
    "architecture": ("model", "models", "network", "net", "arch", "architectures"),
    "epochs": ("max_epochs", "n_epochs", "num_epochs", "epoch"),
    "trials": ("n_trials", "num_trials", "max_trials", "num_samples"),
    "seed": ("random_state", "random_seed", "manual_seed"),
    "settings": ("search_space", "space", "hyperparameters", "hparams", "params", "parameters", "setting"),
    "validation": ("val", "val_split", "val_size", "validation_split", "valid_size"),
    "pruner": ("scheduler", "early_stopping", "pruning"),
    "sampler": ("search_algorithm", "search_alg", "algorithm"),
    "max_seconds": ("time_limit", "trial_timeout"),
}


@dataclass(frozen=True)
class Meant:
    """What somebody means who uses another name.

    Attributes:
        name: As hpstudy has it.
        setting: Its row where it is a setting; None for a key on the file's top level.
    """

    name: str
    setting: Option | None


def meant_by(name: str) -> Meant | None:
    """The setting or the top-level key that a name stands for, its own name included; None where it is neither.

    Args:
        name: As it was typed; capitals do not count, and dashes are underscores: `--Batch-Size`.
    """
    plain = name.lstrip("-").replace("-", "_").casefold()
    for option in SETTINGS:
        if plain in (option.name, *option.also):
            return Meant(option.name, option)
    for key in StudyShape.model_fields:
        if plain in (key, *_KEYS.get(key, ())):
            return Meant(key, None)
    return None
