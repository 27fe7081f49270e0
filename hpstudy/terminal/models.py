"""What there is to choose from, and a checked study: layer tables, data sets, architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpstudy.numbers import about, duration, plural
from hpstudy.spec.advice import n_combinations
from hpstudy.spec.rows import ArchitectureRow, DatasetRow
from hpstudy.spec.study import StudySpec
from hpstudy.terminal.layout import add_numbers, add_words, plain_table

_MANY = 1000
"""So many configurations need not be counted."""


class LayerRow(Protocol):
    """One row of a layer table; `architectures.layers.Layer` is one."""

    @property
    def name(self) -> str:
        """Where it is in the model."""
        ...

    @property
    def kind(self) -> str:
        """Its class."""
        ...

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Without the batch."""
        ...

    @property
    def parameters(self) -> int:
        """Its own."""
        ...

    @property
    def mult_adds(self) -> int:
        """For one image."""
        ...


class Times(Protocol):
    """An estimate; `search.estimate.Estimate` is one."""

    @property
    def n_trials(self) -> int:
        """Sampled trials."""
        ...

    @property
    def epoch_seconds(self) -> Mapping[str, float]:
        """One epoch of each architecture."""
        ...

    @property
    def search_seconds(self) -> float:
        """Trials and baselines."""
        ...

    @property
    def confirmation_seconds(self) -> float:
        """Their confirmation."""
        ...


def checked_study(
    spec: StudySpec,
    *,
    models: Sequence[tuple[str, Sequence[LayerRow]]],
    input_shape: tuple[int, int, int],
    estimate: Times,
) -> Group:
    """What `hpstudy check` found: the layer table of each different model, and the time that the study takes."""
    parts: list[RenderableType] = []
    shown: dict[tuple[LayerRow, ...], list[str]] = {}
    for label, layers in models:
        shown.setdefault(tuple(layers), []).append(label)
    for rows, labels in shown.items():
        parts += [_totals(", ".join(labels), rows), layer_table(rows, input_shape=input_shape), Text()]
    several = len(estimate.epoch_seconds) > 1
    epochs = ", ".join(
        f"{duration(seconds)} with {name}" if several else duration(seconds)
        for name, seconds in estimate.epoch_seconds.items()
    )
    baselines = f" and {plural(len(spec.baselines), 'baseline')}" if spec.baselines else ""
    trials = f"{plural(estimate.n_trials, 'trial')} of {plural(spec.epochs, 'epoch')}{baselines}"
    saved = "" if spec.pruner.name == "none" else ", less what pruning saves"
    lines = [
        f"{spec.path}: no problem found",
        *_space_size(spec),
        f"An epoch takes {epochs} on this machine.",
        f"{trials} take {about(estimate.search_seconds)}{saved}.",
    ]
    if estimate.confirmation_seconds:
        lines.append(f"The confirmation takes {about(estimate.confirmation_seconds)} more.")
    return Group(*parts, Text("\n".join(lines)))


def _space_size(spec: StudySpec) -> list[str]:
    """How many configurations there are, where they can be counted."""
    count = n_combinations(spec, at_most=_MANY)
    return [] if count is None or count == _MANY else [f"The settings have {count:,} different configurations."]


def layer_table(layers: Sequence[LayerRow], *, input_shape: tuple[int, int, int]) -> Table:
    """The layers of a model in the order in which an image passes them."""
    table = plain_table()
    add_words(table, "layer", "kind")
    add_numbers(table, "output", "parameters", "multiply–adds")
    table.add_row("input", "", _shape(input_shape), "", "")
    for layer in layers:
        counts = (f"{count:,}" if count else "–" for count in (layer.parameters, layer.mult_adds))
        table.add_row(layer.name, layer.kind, _shape(layer.output_shape), *counts)
    return table


def dataset_list(rows: Sequence[tuple[DatasetRow, str]]) -> Table:
    """The data sets of the catalogue, each with whether it is there."""
    table = plain_table()
    add_words(table, "data set", "state", "images", "classes", "what")
    for row, state in rows:
        table.add_row(
            Text(row.name, style="bold"),
            Text(state, style={"ready": "green", "built in": "green", "damaged": "red"}.get(state, "")),
            _shape(row.shape) if row.shape else "yours",
            str(row.n_classes or "yours"),
            row.meaning,
        )
    return table


def architecture_list(rows: Sequence[ArchitectureRow]) -> Group:
    """The architectures of the catalogue with their options and sources, and how to name others."""
    table = plain_table()
    add_words(table, "architecture", "option", "default", "meaning")
    for row in rows:
        table.add_row(Text(row.name, style="bold"), "", "", row.meaning)
        table.add_row("", "dropout", f"{row.dropout:g}", "a setting of every architecture")
        for option in row.options:
            table.add_row("", option.name, str(option.default).lower(), option.meaning)
        table.add_row("", "", "", Text(row.target.replace(".", "/").replace(":", ".py: "), style="dim"))
    others = "Also torchvision:NAME (torchvision:resnet18), and your own as package.module:name or file.py:name."
    return Group(table, Text(f"\n{others}"))


def _totals(title: str, layers: Sequence[LayerRow]) -> Text:
    parameters = sum(layer.parameters for layer in layers)
    cost = sum(layer.mult_adds for layer in layers)
    return Text.assemble((title, "bold"), f": {parameters:,} parameters, {cost:,} multiply–adds an image")


def _shape(shape: Sequence[int]) -> str:
    return "×".join(str(size) for size in shape)
