"""A drawing of the best network, from its layer table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Any

import numpy as np

from hpstudy.report.drawing.chart import Area, Axis, Chart, Line, Mark, Numbers, Panel, Texts, joined, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.views.view import NoView, View
from hpstudy.results.answer import best_layers, count_layers
from hpstudy.results.records import recorded_images
from hpstudy.results.study import StudyResults

MOST_BOXES = 48
_COMPUTES = ("Conv", "Linear", "LSTM", "GRU", "Attention", "Embedding")


@dataclass(frozen=True)
class Box:
    """A run of equal layers, or of equal blocks, that gives one shape.

    Attributes:
        kind: `Conv2d`, or `Conv2d ×3`; of a block its class, `Inception`.
        shape: Of its output, without the batch.
        parameters: Of its layers together, small ones that are not drawn included.
    """

    kind: str
    shape: tuple[int, ...]
    parameters: int


def network_boxes(layers: Sequence[Mapping[str, Any]], input_shape: Sequence[int]) -> tuple[Box, ...]:
    """What is drawn of a layer table.

    Layers that change the shape or compute (convolutions, linear layers) have a box; others (activations, dropout,
    normalisation) are added to the box before. A block is one box, as its layers need not follow each other: branches
    lie side by side. Only a block that holds most of the network is opened. Equal boxes in a row become one.

    Args:
        layers: Rows of the layer table, as recorded with a run.
        input_shape: (channels, height, width) of an image; empty where it is not known.
    """
    boxes = [Box("input", tuple(input_shape), 0)] if input_shape else []
    repeats = 1
    for piece, changes in _pieces(layers):
        last = boxes[-1] if boxes else None
        if last is not None and piece.shape == last.shape and not changes:
            boxes[-1] = replace(last, parameters=last.parameters + piece.parameters)
        elif last is not None and (piece.kind, piece.shape) == (last.kind.partition(" ×")[0], last.shape):
            repeats += 1
            boxes[-1] = Box(f"{piece.kind} ×{repeats}", piece.shape, last.parameters + piece.parameters)
        else:
            repeats = 1
            boxes.append(piece)
    return tuple(boxes)


def _pieces(layers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Box, bool]]:
    """Each layer and each block, the latter with all that is inside; and whether it computes."""
    most = count_layers(layers) / 2
    begin = 0
    while begin < len(layers):
        layer = layers[begin]
        inner = _inner_layers(layers, begin)
        opened = count_layers(inner) > most
        rows = [layer] if opened else [layer, *inner]
        piece = Box(str(layer["kind"]), tuple(layer["output_shape"]), sum(int(row["parameters"]) for row in rows))
        if not opened or piece.parameters:
            yield piece, len(rows) > 1 or piece.kind.startswith(_COMPUTES)
        begin += len(rows)


def _inner_layers(layers: Sequence[Mapping[str, Any]], place: int) -> list[Mapping[str, Any]]:
    """The rows inside a block, which follow its own; none after a layer."""
    inside = f"{layers[place]['name']}."
    return list(takewhile(lambda row: str(row["name"]).startswith(inside), islice(layers, place + 1, None)))


def network_view(results: StudyResults) -> View:
    """The layers of the best model as boxes, as high as their feature maps.

    Raises:
        NoView: No run recorded the layers.
    """
    model = best_layers(results)
    if not model:
        raise NoView("The layers of the best model are not recorded in this storage.")
    images = recorded_images(results)
    boxes = network_boxes(model["layers"], images.input_shape if images else ())
    drawn = boxes[:MOST_BOXES]
    total = int(model.get("n_parameters", sum(box.parameters for box in boxes)))
    more = f" {len(boxes) - len(drawn)} further boxes are not drawn." if len(boxes) > len(drawn) else ""
    steps = "; ".join(f"{shown(box.kind)} {shape_words(box.shape)}" for box in drawn)
    return View(
        title=f"The best model: {count_layers(model['layers'])} layers, {total:,} parameters",
        alt=f"The network from input to output: {steps}.{more}",
        caption="Boxes: what changes the shape or computes, or a block of several layers, as high as its feature map "
        "and as wide as its channels, on compressed scales; below them channels×height×width and the number of "
        f"parameters. Activations, dropout and normalisation belong to the box before them.{more}",
        chart=_chart(drawn, columns=_columns(len(drawn), most=10)),
        narrow=_chart(drawn, columns=_columns(len(drawn), most=4)),
    )


def shape_words(shape: Sequence[int]) -> str:
    """A shape as `16×10×10`."""
    return "×".join(str(size) for size in shape)


def _columns(n: int, *, most: int) -> int:
    """Boxes in a row: rows as few as possible, and equally long."""
    return math.ceil(n / math.ceil(n / most))


def _chart(boxes: Sequence[Box], *, columns: int) -> Chart:
    rows, places = np.divmod(np.arange(len(boxes)), columns)
    x, y = numbers(places), -1.9 * numbers(rows)
    largest = max((max(box.shape[1:], default=1) for box in boxes), default=1)
    sizes = [_size(box.shape, largest) for box in boxes]
    maps = [place for place, box in enumerate(boxes) if len(box.shape) > 1]
    flat = [place for place, box in enumerate(boxes) if len(box.shape) <= 1]
    marks: list[Mark] = [_arrows(x, y, columns)]
    if maps:
        marks.append(_boxes(x, y, sizes, maps, colour="accent"))
    if flat:
        marks.append(_boxes(x, y, sizes, flat, colour="s3"))
    kinds = [shown(box.kind, limit=14) for box in boxes]
    shapes = [f"{shape_words(box.shape)}\n{_short_count(box.parameters)}" for box in boxes]
    marks += [
        Texts(x, y + 0.62, kinds, "text", 9.5),
        Texts(x, y - 0.76, shapes, "muted", 9.0),
    ]
    n_rows = int(rows.max()) + 1
    panel = Panel(
        Axis(low=-0.6, high=columns - 0.4, visible=False),
        Axis(low=-1.9 * (n_rows - 1) - 1.05, high=0.8, visible=False),
        tuple(marks),
    )
    return Chart((panel,), height=170 * n_rows + 20)


def _size(shape: Sequence[int], largest: int) -> tuple[float, float]:
    """Half the width and half the height of a box: square roots, so that 1 and 224 pixels can stand side by side."""
    if len(shape) > 1:
        deep = min(0.36, 0.06 + 0.035 * math.log2(1 + shape[0]))
        return deep, max(0.03, 0.5 * math.sqrt(max(shape[1:]) / largest))
    return 0.05, min(0.5, 0.05 + 0.035 * math.log2(1 + (shape[0] if shape else 1)))


def _boxes(x: Numbers, y: Numbers, sizes: Sequence[tuple[float, float]], which: Sequence[int], *, colour: str) -> Area:
    corners = numbers([-1, 1, 1, -1, -1]), numbers([-1, -1, 1, 1, -1])
    return Area(
        joined([x[place] + sizes[place][0] * corners[0] for place in which]),
        joined([y[place] + sizes[place][1] * corners[1] for place in which]),
        colour=colour,
        opacity=0.55,
        outline=colour,
    )


def _arrows(x: Numbers, y: Numbers, columns: int) -> Line:
    """A line through each row of boxes: the way of the data."""
    firsts = range(0, len(x), columns)
    ends = [(x[first], x[min(first + columns, len(x)) - 1], y[first]) for first in firsts]
    return Line(joined([numbers(end[:2]) for end in ends]), joined([numbers([end[2]] * 2) for end in ends]), width=1.2)


def _short_count(parameters: int) -> str:
    if not parameters:
        return "–"
    if parameters < 10_000:
        return f"{parameters:,}"
    return f"{parameters / 1000:.1f} k" if parameters < 1_000_000 else f"{parameters / 1_000_000:.2f} M"
