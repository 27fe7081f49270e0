"""From a folder to the model: every byte is compared with its checksum before anything is built."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from hpstudy.architectures.build import build_model
from hpstudy.architectures.positions import first_line, last_position
from hpstudy.errors import ArtifactError, HpstudyError, InputError
from hpstudy.exports.manifest import Manifest, ManifestError, read_manifest
from hpstudy.exports.model import CONFIG_FILE, SOURCE_FILE, WEIGHTS_FILE, ExportedModel, TrainedModel
from hpstudy.training.weights import check_weights, load_weights


def read_export(folder: Path) -> ExportedModel:
    """What a folder holds. Nothing is built and no code of the folder is run.

    The checksums tell damage. They do not tell who made the folder: whoever changes it on purpose can change them too.

    Args:
        folder: What `write_export` wrote; other files in it do not count.

    Raises:
        InputError: There is no such folder, or it is no export.
        ArtifactError: A file of it is missing, cut short, or not as it was written.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    manifest = _manifest(folder)
    weights = manifest.files.get(WEIGHTS_FILE)
    source = manifest.files.get(SOURCE_FILE)
    if weights is None or (manifest.model.has_own_code and source is None):
        raise ArtifactError(f"{folder / CONFIG_FILE}: lacks the checksum of a file; export the model again")
    check_weights(folder / WEIGHTS_FILE, sha256=weights)
    if source is not None:
        _check_source(folder / SOURCE_FILE, sha256=source)
    return ExportedModel(folder=folder, model=manifest.model, weights_sha256=weights, source_sha256=source)


def open_model(exported: ExportedModel, *, device: torch.device) -> nn.Module:
    """The exported model, ready to evaluate.

    **Of a user's own architecture the code in the folder is run.** Architectures of hpstudy and torchvision run no code
    of the folder.

    Args:
        exported: What `read_export` gave.
        device: Where the model is to lie.

    Returns:
        The model in evaluation mode, channels-last, as it was evaluated when it was trained.

    Raises:
        InputError: The architecture cannot be built: an option of it is unknown here, or the user's code raises.
        ArtifactError: The weights are not this model's, or the code is not what was exported.
    """
    if exported.source_sha256 is not None:
        _check_source(exported.folder / SOURCE_FILE, sha256=exported.source_sha256)  # as what is run now
    model = build_architecture(exported.model, folder=exported.folder)
    load_weights(model, exported.folder / WEIGHTS_FILE, sha256=exported.weights_sha256)
    return model.to(device=device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


def build_architecture(model: TrainedModel, *, folder: Path) -> nn.Module:
    """The network of a model with fresh weights, on the CPU; torch's random state is left as it was.

    Args:
        model: What is known of it.
        folder: Where the source of a user's architecture lies, which is run.

    Raises:
        InputError: It cannot be built.
    """
    config = model.config
    # Never the name alone: a package that happens to be installed here is not the code that was trained.
    name = config.architecture.rpartition(":")[2]
    architecture = f"{SOURCE_FILE}:{name}" if model.has_own_code else config.architecture
    try:
        with torch.random.fork_rng(devices=[]):
            return build_model(
                architecture,
                options=config.options,
                input_shape=model.input_shape,
                n_classes=len(model.class_names),
                dropout=config.dropout,
                study_folder=folder,
            )
    except HpstudyError:
        raise
    except (Exception, SystemExit) as error:
        position = last_position(error, folder)
        place = f"{position}: " if position else ""
        raise InputError(f"{folder}: its architecture cannot be built: {place}{first_line(error)}") from error


def _manifest(folder: Path) -> Manifest:
    path = folder / CONFIG_FILE
    try:
        return read_manifest(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            f"{folder}: is no export: it has no {CONFIG_FILE}; `hpstudy export NAME --output DIR` writes one"
        ) from error
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ManifestError as error:
        raise ArtifactError(f"{path}: {error}; export the model again") from error


def _check_source(path: Path, *, sha256: str) -> None:
    try:
        actual = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    if actual != sha256:
        raise ArtifactError(f"{path}: is not the code that was exported; it was altered and is not run")
