"""From YAML events to nodes and plain data: every position, tag, alias and duplicate key is seen on the way.

Events are read rather than loaded documents because a loader has already dropped duplicate keys, tags and
positions, and recurses without a bound. Nothing is ever constructed but dicts, lists, text, numbers, bools
and None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from hpstudy.errors import Problem
from hpstudy.spec.findings import place
from hpstudy.spec.scalars import plain_value
from hpstudy.spec.study import KeyPath, Position
from hpstudy.spec.wording import shown

MAX_NODES = 10_000
MAX_DEPTH = 50

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class TreeRefusedError(Exception):
    """The document cannot be read further: too deep, too large with aliases expanded, or an unknown alias."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.fact)


@dataclass
class Node:
    """One value of the document.

    Attributes:
        position: Where it begins.
        value: A scalar's value; None for a list or a mapping.
        entries: A list's entries.
        members: A mapping's keys (as text), where each key stands, and its value.
        kind: What it is.
        text: A scalar's source text.
        size: Number of values in it, itself included, with aliases expanded.
        height: Levels of nesting in it; 1 for a scalar.
    """

    position: Position
    value: bool | int | float | str | None = None
    entries: list[Node] = field(default_factory=list)
    members: dict[str, tuple[Position, Node]] = field(default_factory=dict)
    kind: str = "scalar"
    text: str = ""
    size: int = 1
    height: int = 1


class TreeReader:
    """Reads one document's events into nodes, gathering what can be reported together in `problems`."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self.problems: list[Problem] = []

    def read(self, event: Event, *, path: KeyPath = (), depth: int = 1) -> Node:
        """The node that begins with `event`.

        Args:
            event: A scalar, an alias, or the start of a list or mapping.
            path: Where the node stands, for the problems.
            depth: Levels above it and itself.

        Raises:
            TreeRefusedError: The nesting or the expanded size is above its bound, or an alias names no
            anchor.
        """
        position = position_of(event)
        if isinstance(event, AliasEvent):
            return self._bounded(self._alias(event, position), path, depth)
        self._check_tag(event, position, path)
        node = Node(position)
        self._bounded(node, path, depth)
        if isinstance(event, ScalarEvent):
            self._fill_scalar(node, event, path)
        elif isinstance(event, SequenceStartEvent):
            self._fill_list(node, path, depth)
        elif isinstance(event, MappingStartEvent):
            self._fill_mapping(node, path, depth)
        if isinstance(event, NodeEvent) and event.anchor:
            self._anchors[str(event.anchor)] = node
        return node

    def _alias(self, event: AliasEvent, position: Position) -> Node:
        target = self._anchors.get(str(event.anchor))
        if target is None:
            fact = f"*{event.anchor} names no value above it; mark that value with &{event.anchor} first"
            raise TreeRefusedError(Problem(position.line, position.column, "", fact))
        return Node(**{**vars(target), "position": position})

    def _bounded(self, node: Node, path: KeyPath, depth: int) -> Node:
        if depth + node.height - 1 > MAX_DEPTH:
            fact = f"nested deeper than {MAX_DEPTH} levels; a study needs 5"
        elif node.size > MAX_NODES:
            fact = f"more than {MAX_NODES:,} values with aliases expanded; write them out, and fewer"
        else:
            return node
        raise TreeRefusedError(Problem(node.position.line, node.position.column, place(path), fact))

    def _check_tag(self, event: Event, position: Position, path: KeyPath) -> None:
        tag = getattr(event, "tag", None)
        if tag:
            written = str(tag).replace("tag:yaml.org,2002:", "!!")
            self._report(position, path, f"the tag {shown(written)} is not allowed; leave it out")

    def _fill_scalar(self, node: Node, event: ScalarEvent, path: KeyPath) -> None:
        node.text = event.value
        node.value = plain_value(event.value) if event.implicit[0] else event.value
        unprintable = _UNPRINTABLE.search(event.value)
        if unprintable:
            code = f"U+{ord(unprintable[0]):04X}"
            self._report(node.position, path, f"text with the control character {code}; leave it out")
            node.text = _UNPRINTABLE.sub("?", node.text)
            node.value = node.text

    def _fill_list(self, node: Node, path: KeyPath, depth: int) -> None:
        node.kind = "list"
        for event in self._until_end():
            node.entries.append(self.read(event, path=(*path, len(node.entries)), depth=depth + 1))
            self._grow(node, node.entries[-1], path, depth)

    def _fill_mapping(self, node: Node, path: KeyPath, depth: int) -> None:
        node.kind = "mapping"
        for event in self._until_end():
            key = self.read(event, path=path, depth=depth + 1)
            value = self.read(next(self._events), path=(*path, key.text), depth=depth + 1)
            if not value.text and value.value is None and value.kind == "scalar":
                # A value that is not written would stand wherever the next key does.
                value.position = key.position
            self._grow(node, value, path, depth)
            self._add_member(node, key, value, path)

    def _add_member(self, node: Node, key: Node, value: Node, path: KeyPath) -> None:
        if key.kind != "scalar":
            self._report(key.position, path, f"a {key.kind} stands as a key; a key is text")
            return
        if key.text in node.members:
            first = node.members[key.text][0]
            fact = f"stands twice, first in line {first.line}, column {first.column}; keep one"
            self._report(key.position, (*path, key.text), fact)
            return
        node.members[key.text] = (key.position, value)

    def _grow(self, node: Node, child: Node, path: KeyPath, depth: int) -> None:
        node.size += child.size
        node.height = max(node.height, child.height + 1)
        self._bounded(node, path, depth)

    def _until_end(self) -> Iterator[Event]:
        """The starts of the children of the list or mapping just begun."""
        for event in self._events:
            if not isinstance(event, NodeEvent):
                return
            yield event

    def _report(self, position: Position, path: KeyPath, fact: str) -> None:
        self.problems.append(Problem(position.line, position.column, place(path), fact))


def position_of(event: Event) -> Position:
    """Where an event begins, counted from 1."""
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def plain_data(
    node: Node, *, positions: dict[KeyPath, Position], keys: dict[KeyPath, Position], path: KeyPath = ()
) -> object:
    """A node as dicts, lists and scalars; where values and keys stand is written into the two mappings."""
    if path:
        positions[path] = node.position
    if node.kind == "list":
        return [
            plain_data(entry, positions=positions, keys=keys, path=(*path, index))
            for index, entry in enumerate(node.entries)
        ]
    if node.kind == "mapping":
        keys |= {(*path, name): position for name, (position, _) in node.members.items()}
        return {
            name: plain_data(value, positions=positions, keys=keys, path=(*path, name))
            for name, (_, value) in node.members.items()
        }
    return node.value
