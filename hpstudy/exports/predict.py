"""Class probabilities of picture files, read and prepared as the data set was that the model learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hpstudy.datasets.load import fit_images, preparation_for
from hpstudy.datasets.pictures import MOST_BYTES, PictureError, read_pixels
from hpstudy.datasets.preparation import prepare
from hpstudy.datasets.resizing import resize
from hpstudy.error_summary import summarize_error
from hpstudy.errors import ArtifactError, DataError
from hpstudy.exports.model import ExportedModel, TrainedModel
from hpstudy.exports.read import open_model
from hpstudy.regular_file import read_regular

_BATCH_IMAGES = 64
_BATCH_VALUES = 16_000_000  # float32 inputs of at most 64 MB at a time


def predict(exported: ExportedModel, images: Sequence[Path], *, device: torch.device) -> NDArray[np.float32]:
    """The probability of each class for each picture. Of a user's own architecture the code in the folder is run.

    Each picture is decoded as those of an `image_folder` are (EXIF rotation applied, 16 bits, palettes and CMYK
    converted, transparency dropped, the first frame taken), as grey where the data set is grey and as RGB otherwise,
    and resized, antialiased and without keeping its aspect, to the size that the data set's pictures have. Then come
    the data set's own steps: padding, resizing, repeated channels, normalisation.

    Args:
        exported: The model.
        images: Picture files; may be empty.
        device: Where the model runs.

    Returns:
        float32 [number of images, number of classes], softmax of the logits, each row adding up to 1; classes in the
        order of `exported.model.class_names`.

    Raises:
        DataError: Files that are missing or no whole pictures: all of them are named.
        InputError: The architecture cannot be built.
        ArtifactError: The weights are not this model's, or it gives something else than a number a class.
    """
    network = open_model(exported, device=device)
    model = exported.model
    probabilities = np.zeros((len(images), len(model.class_names)), dtype=np.float32)
    facts: dict[Path, str] = {}
    for chosen in _batches(len(images), model):
        pictures = _decoded(images[chosen], model, facts=facts)
        if not facts:  # what is bad is still looked for in the rest, so that one message names every file
            probabilities[chosen] = _probabilities(network, torch.from_numpy(pictures), model, device=device)
    if facts:
        lines = "\n  ".join(f"{path}: {fact}" for path, fact in facts.items())
        raise DataError(f"{len(facts)} of {len(images)} pictures cannot be used:\n  {lines}")
    return probabilities


def _batches(n_images: int, model: TrainedModel) -> Iterator[slice]:
    values = max(int(np.prod(model.input_shape)), int(np.prod(model.picture_shape)))
    size = min(_BATCH_IMAGES, max(1, _BATCH_VALUES // values))
    yield from (slice(start, start + size) for start in range(0, n_images, size))


def _decoded(paths: Sequence[Path], model: TrainedModel, *, facts: dict[Path, str]) -> NDArray[np.uint8]:
    """The pictures as the data set would hold them, uint8 [N, C, H, W]; `facts` takes what is wrong with a file."""
    pictures = np.zeros((len(paths), *model.picture_shape), dtype=np.uint8)
    for index, path in enumerate(paths):
        try:
            pictures[index] = _picture(path, model.picture_shape)
        except OSError as error:
            facts[path] = f"cannot be read: {error.strerror or error}"
        except PictureError as error:
            facts[path] = str(error)
    return pictures


def _picture(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    channels, height, width = shape
    content = read_regular(path, most_bytes=MOST_BYTES)
    pixels = read_pixels(content, channels=channels, size=height if height == width else None)
    if pixels.shape == shape:
        return pixels
    batch = torch.from_numpy(pixels[np.newaxis].copy())  # Pillow's memory may not be written to, which torch warns of
    resized: NDArray[np.uint8] = resize(batch, height=height, width=width)[0].numpy()
    return resized


def _probabilities(
    network: nn.Module, pictures: Tensor, model: TrainedModel, *, device: torch.device
) -> NDArray[np.float32]:
    spec = model.config.dataset
    fitted = fit_images(pictures, spec=spec)
    inputs = prepare(fitted.to(device), preparation=preparation_for(fitted, spec=spec))
    if tuple(inputs.shape[1:]) != model.input_shape:
        raise ArtifactError(
            f"the export does not fit this hpstudy: its pictures become {list(inputs.shape[1:])}, "
            f"but the model takes {list(model.input_shape)}"
        )
    logits = _logits(network, inputs, model)
    expected = (len(pictures), len(model.class_names))
    if tuple(logits.shape) != expected:
        raise ArtifactError(
            f"the exported model gives {list(logits.shape)}, expected a number a class {list(expected)}"
        )
    if not logits.isfinite().all():
        raise ArtifactError("the exported model gives numbers that are not finite; its weights are of no use")
    result: NDArray[np.float32] = logits.softmax(1).cpu().numpy()
    return result


def _logits(network: nn.Module, inputs: Tensor, model: TrainedModel) -> Tensor:
    autocast = torch.autocast(inputs.device.type, torch.bfloat16, enabled=model.config.precision == "bfloat16")
    try:
        with torch.inference_mode(), autocast:
            logits: Tensor = network(inputs).float()
    except Exception as error:  # a user's own code, or pictures that the network cannot take
        raise ArtifactError(
            f"the exported model fails on pictures of {list(inputs.shape[1:])}: {summarize_error(error)}"
        ) from error
    return logits
