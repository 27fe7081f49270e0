"""From a folder to the model: what it says can be, and every byte has its checksum, before anything large is made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from hpstudy.errors import ArtifactError, InputError
from hpstudy.exports.manifest import MOST_BYTES, Manifest, ManifestError, read_manifest
from hpstudy.exports.model import CONFIG_FILE, SOURCE_FILE, WEIGHTS_FILE, ExportedModel
from hpstudy.exports.rebuild import build_architecture, tensors_without_memory
from hpstudy.regular_file import read_regular
from hpstudy.training.weights import check_weights, compare_weights, load_weights


def read_export(folder: Path) -> ExportedModel:
    """What a folder holds. Nothing that takes memory is built, and no code of the folder is run.

    Its numbers are compared with what a study file may have, and the header of its weights with the tensors of its
    architecture (of a user's own, whose tensors only its code knows, when the model is opened).

    The checksums tell damage. They do not tell who made the folder: whoever changes it on purpose can change them too.

    Args:
        folder: What `write_export` wrote; other files in it do not count.

    Raises:
        InputError: There is no such folder, or it is no export.
        ArtifactError: A file of it is missing, no regular file, cut short, or not as it was written; or the weights
            are not its architecture's.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    manifest = _manifest(folder)
    weights = manifest.files.get(WEIGHTS_FILE)
    source = manifest.files.get(SOURCE_FILE)
    if weights is None or (manifest.model.has_own_code and source is None):
        raise ArtifactError(f"{folder / CONFIG_FILE}: lacks the checksum of a file; export the model again")
    if not manifest.model.has_own_code:
        compare_weights(folder / WEIGHTS_FILE, tensors_without_memory(manifest.model, folder=folder))
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


def _manifest(folder: Path) -> Manifest:
    path = folder / CONFIG_FILE
    try:
        return read_manifest(read_regular(path, most_bytes=MOST_BYTES))
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
        actual = hashlib.sha256(read_regular(path, most_bytes=MOST_BYTES)).hexdigest()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    if actual != sha256:
        raise ArtifactError(f"{path}: is not the code that was exported; it was altered and is not run")
