"""The best model of a study: its layers, its size, and how fast it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpstudy.numbers import duration, plural, value
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table, number, words
from hpstudy.report.views.scales import setting_label
from hpstudy.results.answer import best_label, best_layers, count_layers
from hpstudy.results.confirmed import configuration_name
from hpstudy.results.records import last_record, recorded_images, run_record
from hpstudy.results.study import StudyResults

SIZE_RULE = (
    "A convolution or pooling layer turns a side of n pixels into ⌊(n − k + 2p) / s⌋ + 1, with a kernel of k pixels, "
    "p pixels of padding on each side and a stride of s. Shapes are channels × height × width."
)


@dataclass(frozen=True)
class BestModel:
    """What is told of the best model.

    Attributes:
        label: Of the trial: the confirmed candidate, else the best; empty where there is none.
        facts: Terms and what holds: its settings, size, speed.
        layers: Its layer table.
    """

    label: str
    facts: tuple[tuple[str, str], ...]
    layers: Table | Absent


def best_model(results: StudyResults) -> BestModel:
    """The model of the confirmed candidate, else of the best trial."""
    label = best_label(results)
    described = best_layers(results)
    facts = []
    if label:
        facts.append(("From", f"{configuration_name(results, label)} of {results.name}"))
        facts.append(("Settings", _settings(results, label)))
    facts += [("Size", _size(described))] if described else []
    facts += [("Speed", speed)] if (speed := _speed(results, label)) else []
    return BestModel(label, tuple(facts), _layer_table(results, described))


def _settings(results: StudyResults, label: str) -> str:
    row = results.trials[results.trials["label"] == label].to_dict("records")[0]
    texts = {name: value(row[name]) for name in results.settings}
    return ", ".join(f"{setting_label(name)} {text}" for name, text in texts.items() if text != "–")


def _size(described: Mapping[str, Any]) -> str:
    layers = described["layers"]
    parameters = described.get("n_parameters", sum(layer["parameters"] for layer in layers))
    cost = sum(layer["mult_adds"] for layer in layers)
    return f"{parameters:,} parameters, {cost:,} multiply–adds an image, {plural(count_layers(layers), 'layer')}"


def _speed(results: StudyResults, label: str) -> str:
    """Training images a second over the epochs of a trial; empty where times or the number of images are unknown."""
    images = recorded_images(results)
    trial = results.trials[results.trials["label"] == label]
    seconds = results.epochs[results.epochs["trial_id"].isin(trial["trial_id"])]["seconds"]
    if images is None or seconds.empty or seconds.median() <= 0:
        return ""
    rate = images.n_train / float(seconds.median())
    record = run_record(results, run_id=trial["run_id"].iloc[-1]) or last_record(results)
    device = record.get("device", "an unknown device")
    return (
        f"{rate:,.0f} training images a second on {device}: {duration(float(seconds.median()))} for an epoch of "
        f"{images.n_train:,} images (median of {plural(len(seconds), 'epoch')}, each with its evaluation)"
    )


def _layer_table(results: StudyResults, described: Mapping[str, Any]) -> Table | Absent:
    title = "Layers of the best model"
    layers: Sequence[Mapping[str, Any]] = described.get("layers", ())
    if not layers:
        why = (
            "this study was run by plain Optuna"
            if not results.identity
            else "no run of this study recorded those of its answer"
        )
        return Absent("layers", title, f"The layers are not known: {why}.")
    columns = (
        Column("Layer"),
        Column("Kind"),
        Column("Output", numeric=True),
        Column("Parameters", numeric=True),
        Column("Multiply–adds", numeric=True),
    )
    images = recorded_images(results)
    first = [Row(words("input", "", _shape(images.input_shape), "", ""))] if images else []
    rows = [
        Row(
            (
                *words(str(layer["name"]), str(layer["kind"]), _shape(layer["output_shape"])),
                _count(layer["parameters"]),
                _count(layer["mult_adds"]),
            )
        )
        for layer in layers
    ]
    return Table("layers", title, columns, (Group((*first, *rows)),), note=SIZE_RULE)


def _count(count: int) -> Cell:
    return number(f"{count:,}" if count else "–", count)


def _shape(shape: Sequence[int]) -> str:
    return "×".join(str(size) for size in shape)
