"""The model card: `README.md` of an export, so that whoever gets the folder knows what is in it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from statistics import fmean

from hpstudy.exports.model import SOURCE_FILE, WEIGHTS_FILE, TrainedModel
from hpstudy.plain_text import escaped
from hpstudy.spec.rows import Scalar
from hpstudy.spec.study import DatasetSpec

_NAMED_CLASSES = 100

_PARTS = {
    "search": "in the search, on the training part of the training set",
    "baselines": "as a named model, on the training part of the training set",
    "confirm": "to confirm the configuration, on the whole training set",
}

_LIMITS = """\
## Limits

- It knows these classes alone and always answers with one of them, also where the picture shows something else.
- The probabilities are the softmax of its outputs. They are not calibrated: 0.9 does not mean right nine times in ten.
- The numbers above hold for pictures of the same source as the data set. Others (another camera, another background,
  dark on light instead of light on dark) can be classified far worse.
- Equal bits come from equal versions of torch on an equal processor; elsewhere the last digits differ.
"""

_LICENCE = """\
## Licence

The licence of the data that the model learnt from applies, as far as it binds what is made from the data; look it up
before you hand the model on. This folder grants no licence of its own.
"""


def model_card(model: TrainedModel, *, source: str | None) -> str:
    """The card as Markdown. What users wrote stands in it as text: no mark of Markdown or HTML in it has an effect.

    Args:
        model: What is known of the model.
        source: The text of a user's own architecture.
    """
    config = model.config
    named = f"trial {model.label}" if model.label.rpartition("/")[2].isdigit() else model.label
    title = f"# {escaped(model.study)}: {escaped(named)}\n"
    about = (
        f"An image classifier: {escaped(config.architecture)} for the {len(model.class_names)} classes of "
        f"{escaped(config.dataset.name)}, trained with hpstudy {_PARTS[model.part]}."
    )
    parts = [title, about]
    if model.description:
        parts.append(f"The study asked: {escaped(model.description)}")
    parts += ["", *_numbers(model), "", *_data(model), "", *_training(model), "", *_use(model, source), ""]
    return "\n".join([*parts, _LIMITS, _LICENCE])


def imported(source: str) -> tuple[str, ...]:
    """The modules that a source imports beside Python's own, by their first name, sorted."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return tuple(sorted(names - sys.stdlib_module_names))


def _numbers(model: TrainedModel) -> Iterator[str]:
    yield from ("## Numbers", "", "| number | value | what it is |", "| --- | ---: | --- |")
    if model.validation_accuracy is not None:
        own = "another training of these settings" if model.part == "confirm" else "these weights"
        yield (
            f"| validation accuracy | {_percent(model.validation_accuracy)} | of {own}, on the validation part, where "
            "the search compares its trials; the best of many is a lucky one |"
        )
    if model.test_accuracy is not None:
        yield (
            f"| test accuracy | {_percent(model.test_accuracy)} | of these weights, on the test set, on which nothing "
            "was chosen |"
        )
    if model.confirmed:
        low, high, n = min(model.confirmed), max(model.confirmed), len(model.confirmed)
        diverged = f"; {model.n_diverged} more gave no number" if model.n_diverged else ""
        yield (
            f"| mean test accuracy | {_percent(fmean(model.confirmed))} | of {n} fresh trainings with these settings, "
            f"from {_percent(low)} to {_percent(high)}{diverged} |"
        )
    elif model.n_diverged:
        yield f"| test accuracy of fresh trainings | – | all of {model.n_diverged} gave no number |"
    else:
        yield "| test accuracy of fresh trainings | – | not confirmed: `hpstudy confirm` measures it |"
    if model.n_parameters is not None:
        yield f"| parameters | {model.n_parameters:,} | weights that were trained, and fixed ones |"


def _data(model: TrainedModel) -> Iterator[str]:
    spec = model.config.dataset
    channels, height, width = model.picture_shape
    n_images = f"{model.n_images:,} pictures" if model.n_images is not None else "pictures"
    names = [f"`{index}` {escaped(name)}" for index, name in enumerate(model.class_names[:_NAMED_CLASSES])]
    if len(model.class_names) > _NAMED_CLASSES:
        names.append(f"and {len(model.class_names) - _NAMED_CLASSES} more, in config.json")
    yield from (
        "## What it learnt from",
        "",
        f"{n_images.capitalize()} of {escaped(spec.name)}. Classes: {', '.join(names)}.",
    )
    colour = "grey" if channels == 1 else "in colour"
    yield from ("", f"A picture is read {colour} and resized to {width}×{height} pixels, its aspect not kept.")
    yield " ".join(_preparation(spec, model.input_shape, is_grey=channels == 1))


def _preparation(spec: DatasetSpec, input_shape: tuple[int, int, int], *, is_grey: bool) -> Iterator[str]:
    if spec.pad_resize:
        yield f"It is padded with {spec.pad_resize} black pixels on each side and resized back."
    channels, height, width = input_shape
    if spec.greyscale_to_rgb and is_grey:
        yield "Its grey is repeated in three channels."
    yield f"The network takes {channels}×{height}×{width} values (channels, height, width),"
    if spec.normalize is None:
        yield "from 0 to 1."
        return
    mean, std = (
        ", ".join(f"{number:g}" for number in numbers) for numbers in (spec.normalize.mean, spec.normalize.std)
    )
    yield f"(x − mean) / std of pixels x from 0 to 1 with mean {mean} and standard deviation {std}."


def _training(model: TrainedModel) -> Iterator[str]:
    config = model.config
    yield from ("## How it was trained", "", "| setting | value |", "| --- | --- |")
    rows: dict[str, Scalar | None] = {
        "architecture": config.architecture,
        **{f"its {name}": value for name, value in config.options.items()},
        "epochs": config.epochs,
        "optimizer": config.optimizer,
        "learning rate": config.learning_rate,
        "learning rate schedule": f"multiplied by {_setting(config.step_gamma)} every {_epochs(config.step_size)}",
        "momentum": config.momentum,
        "weight decay": config.weight_decay,
        "batch size": config.batch_size,
        "dropout": config.dropout,
        "augmentation": config.augment,
        "precision": config.precision,
    }
    yield from (
        f"| {escaped(name)} | {escaped(_setting(value))} |" for name, value in rows.items() if value is not None
    )
    if model.versions:
        yield from (
            "",
            "With " + ", ".join(f"{escaped(name)} {escaped(number)}" for name, number in model.versions.items()) + ".",
        )


def _use(model: TrainedModel, source: str | None) -> Iterator[str]:
    yield from ("## How to use it", "", "    hpstudy predict THIS_FOLDER picture.png", "", "or in Python:", "")
    yield from (
        "    from pathlib import Path",
        "    import torch",
        "    from hpstudy.exports.predict import predict",
        "    from hpstudy.exports.read import read_export",
        "",
        '    exported = read_export(Path("THIS_FOLDER"))',
        '    probabilities = predict(exported, [Path("picture.png")], device=torch.device("cpu"))',
        "",
        f"`{WEIGHTS_FILE}` holds numbers alone and can be read with safetensors. The checksums tell that a file was",
        "altered by accident. They do not tell who made the folder.",
    )
    if source is None:
        yield from ("", "Predicting runs no code of this folder.")
        return
    modules = ", ".join(map(escaped, imported(source))) or "nothing beside Python"
    yield from (
        "",
        f"**Predicting runs `{SOURCE_FILE}` of this folder.** Read it first if you do not trust who gave it to you.",
        f"It imports {modules}: what of that is no installed package has to be laid beside `{SOURCE_FILE}`.",
    )


def _setting(value: Scalar | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _epochs(count: int) -> str:
    return "epoch" if count == 1 else f"{count} epochs"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"
