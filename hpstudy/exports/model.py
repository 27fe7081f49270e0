"""What is known of a trained model, and the folder that it is exported to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hpstudy.spec.catalogue import is_own_code
from hpstudy.spec.config import TrialConfig

WEIGHTS_FILE = "weights.safetensors"
CONFIG_FILE = "config.json"
SOURCE_FILE = "architecture.py"
CARD_FILE = "README.md"
EXPORT_FILES = (CONFIG_FILE, WEIGHTS_FILE, SOURCE_FILE, CARD_FILE)
"""All files that an export can have; the source is there for a user's own architecture alone."""


@dataclass(frozen=True)
class TrainedModel:
    """What is known of a model, without its weights.

    Attributes:
        study: Name of the study that trained it.
        description: The study's question.
        label: What the study calls the configuration: a trial's number, `architecture/number`, or a baseline's name.
        part: What trained these weights: `search` (a trial, on the training part), `baselines` (the same for a named
            model), or `confirm` (a fresh training on the whole training set).
        config: Its configuration. The folder of the user's pictures is left out: it is a path of one machine.
        picture_shape: (channels, height, width) of the pictures as the data set holds them, before its preparation.
        input_shape: (channels, height, width) of the network's input.
        class_names: In the order of the outputs.
        n_parameters: Weights of the model; None where unknown.
        n_images: Images that it learnt from; None where unknown.
        validation_accuracy: Of the configuration in the search, in [0, 1]; None where it has none. These are this
            model's own only where the search trained it.
        test_accuracy: Of exactly these weights, in [0, 1]; None where the test set was not opened for them.
        confirmed: Test accuracy of each fresh training of this configuration that ended, in the order of the seeds.
        n_diverged: Fresh trainings of it that gave no number.
        versions: Of Python and the packages that trained it.
    """

    study: str
    description: str
    label: str
    part: Literal["search", "baselines", "confirm"]
    config: TrialConfig
    picture_shape: tuple[int, int, int]
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    n_parameters: int | None
    n_images: int | None
    validation_accuracy: float | None
    test_accuracy: float | None
    confirmed: tuple[float, ...]
    n_diverged: int
    versions: Mapping[str, str]

    @property
    def has_own_code(self) -> bool:
        """Whether the architecture is the user's: then its code is a part of the export."""
        return is_own_code(self.config.architecture)


@dataclass(frozen=True)
class ExportedModel:
    """An export on disk, every byte of which has been compared with its checksums.

    Attributes:
        folder: Where it lies.
        model: What is known of it.
        weights_sha256: Checksum of its weights.
        source_sha256: Checksum of its architecture's source; None for an architecture of hpstudy's or torchvision's.
    """

    folder: Path
    model: TrainedModel
    weights_sha256: str
    source_sha256: str | None
