"""Whether what an export says of its model can be: asked before anything is made from its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from pydantic import ValidationError

from hpstudy.datasets.pictures import MOST_PIXELS
from hpstudy.exports.model import TrainedModel
from hpstudy.spec.file import DatasetShape
from hpstudy.spec.options import find_option
from hpstudy.spec.study import DatasetSpec, Normalization
from hpstudy.spec.values import legal_value
from hpstudy.spec.wording import RefusedError

_SHOWN_DIGITS = 20


def first_implausible(model: TrainedModel) -> str:
    """The first thing that no trained model has, as `place: fact`; empty where all can be.

    The bounds are those of a study file and of pictures that are decoded, so that whatever hpstudy has trained passes.
    """
    return next((f"{place}: {fact}" for place, fact in _implausible(model)), "")


def _implausible(model: TrainedModel) -> Iterator[tuple[str, str]]:
    for name, shape in (("picture_shape", model.picture_shape), ("input_shape", model.input_shape)):
        channels, height, width = shape
        if channels not in (1, 3) or min(height, width) < 1 or height * width > MOST_PIXELS:
            fact = f"expected 1 or 3 channels, a height and a width of at most {MOST_PIXELS:,} pixels"
            yield name, f"{fact}, got {_short(shape)}"
    if len(model.class_names) < 2:
        yield "class_names", f"expected at least 2, got {len(model.class_names)}"
    yield from _of_dataset(model.config.dataset, n_channels=model.input_shape[0])
    yield from _of_options(model)


def _of_dataset(spec: DatasetSpec, *, n_channels: int) -> Iterator[tuple[str, str]]:
    given = asdict(spec) | {"normalize": _numbers(spec.normalize)}
    del given["root"]  # left out of an export
    try:
        DatasetShape.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        yield ".".join(map(str, ("config", "dataset", *first["loc"]))), first["msg"]
    if spec.normalize is not None:
        counts = {len(spec.normalize.mean), len(spec.normalize.std)}
        if len(counts) != 1 or not counts <= {1, n_channels}:
            yield "config.dataset.normalize", f"expected as many numbers as channels ({n_channels}), or one"


def _numbers(normalization: Normalization | None) -> object:
    """As a study file has it."""
    return {key: list(values) for key, values in asdict(normalization).items()} if normalization else "none"


def _of_options(model: TrainedModel) -> Iterator[tuple[str, str]]:
    """A user's own architecture takes what it takes; the others have bounds."""
    architecture, options = model.config.architecture, dict(model.config.options)
    if model.has_own_code:
        return
    if model.config.dropout is not None:
        options["dropout"] = model.config.dropout
    for name, value in options.items():
        setting = name if name == "dropout" else f"{architecture}.{name}"
        try:
            legal_value(find_option(setting, architectures=(architecture,)), value)
        except RefusedError as error:
            yield f"config.options.{name}", str(error)


def _short(shape: tuple[int, ...]) -> str:
    written = [f"{number:,}" for number in shape]
    return "×".join(number if len(number) <= _SHOWN_DIGITS else f"{number[:_SHOWN_DIGITS]}…" for number in written)
