"""The bytes of a study file as plain data, with the position of every key and value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import DocumentStartEvent, Event, NodeEvent

from hpstudy.errors import InputError, Problem, StudyFileError
from hpstudy.spec.study import KeyPath, Position
from hpstudy.spec.syntax import syntax_fact
from hpstudy.spec.tree import Node, TreeReader, TreeRefusedError, plain_data, position_of

MAX_BYTES = 256_000

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_TAB_INDENT = re.compile(r"^[ ]*\t[ \t]*[^\s#]", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """What a study file holds.

    Attributes:
        text: The file's text, without a byte order mark, line ends as they are.
        data: A mapping of dicts, lists, text, numbers, bools and None.
        positions: Where each value stands, by its path; the whole file, `()`, is no part of it.
        keys: Where each key stands.
        problems: Duplicate keys and tags: the first of a key's values is in `data`.
    """

    text: str
    data: object
    positions: Mapping[KeyPath, Position]
    keys: Mapping[KeyPath, Position]
    problems: tuple[Problem, ...] = ()


def read_document(path: Path) -> Document:
    """The content of a study file, read by the rules of YAML 1.2.

    Args:
        path: The file, at most 256 kB of UTF-8 (a byte order mark and CRLF are accepted), one document with
            a mapping on top, without tags; aliases may expand to 10,000 values, nesting may be 50 deep.

    Returns:
        The document; a key that is a number or a bool is its source text.

    Raises:
        InputError: The path is missing, a folder, or cannot be read.
        StudyFileError: The content is none of the above.
    """
    return parse_document(_decode(_read_bytes(path), path), path=path)


def parse_document(text: str, *, path: Path) -> Document:
    """The content of a study file's text.

    Args:
        text: As `Document.text` has it.
        path: For the messages.

    Raises:
        StudyFileError: As `read_document`.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_control_characters(unified, path)
    root, problems = _read_root(unified, path)
    positions: dict[KeyPath, Position] = {}
    keys: dict[KeyPath, Position] = {}
    data = plain_data(root, positions=positions, keys=keys)
    return Document(text, data, positions, keys, tuple(problems))


def _read_bytes(path: Path) -> bytes:
    content = b""
    try:
        size = path.stat().st_size
        if size <= MAX_BYTES:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)  # a device has no size, and may have no end
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.{_near_files(path)}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder, not a study file; name the .yaml file in it") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it; allow it with chmod u+r") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{str(path)!r}: cannot be read ({reason}); name a study file") from None
    if max(size, len(content)) > MAX_BYTES:
        many = f"{size:,} bytes" if size else f"more than {MAX_BYTES:,} bytes"
        raise _refusal(path, f"{many}; a study file has at most {MAX_BYTES:,}. Is this the right file?")
    return content


def _near_files(path: Path) -> str:
    """The study files in the folder that were perhaps meant."""
    try:
        names = sorted(file.name for file in path.parent.iterdir() if file.suffix in {".yaml", ".yml"})
    except OSError:
        return f" There is no folder {path.parent} either"
    near = difflib.get_close_matches(path.name, names, n=3)
    if near:
        return " Did you mean " + " or ".join(str(path.with_name(name)) for name in near) + "?"
    if names:
        return f" Study files in {path.parent}: {', '.join(names[:10])}"
    return " Write one with: hpstudy init"


def _decode(content: bytes, path: Path) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:2]:
        raise _refusal(path, "written as UTF-16 (or UTF-32); save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = content.rfind(b"\n", 0, error.start) + 1
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[start : error.start].decode("utf-8-sig", "replace")) + 1
        fact = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _refusal(path, fact, position=Position(line, column)) from None


def _refuse_control_characters(text: str, path: Path) -> None:
    found = _CONTROL.search(text)
    if found:
        fact = f"the control character U+{ord(found[0]):04X} is not allowed; delete it"
        raise _refusal(path, fact, position=_position_at(text, found.start()))


def _read_root(text: str, path: Path) -> tuple[Node, list[Problem]]:
    """The one mapping of the document, and the problems that do not hinder reading on."""
    reader: TreeReader | None = None
    try:
        events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))
        reader = TreeReader(events)
        root = _only_document(events, reader, path)
    except TreeRefusedError as error:
        raise StudyFileError(str(path), [*(reader.problems if reader else ()), error.problem]) from None
    except MarkedYAMLError as error:
        raise _syntax_refusal(text, path, error) from None
    except YAMLError as error:
        raise _refusal(path, f"not valid YAML: {' '.join(str(error).split())}") from None
    except (ValueError, OverflowError):
        # ruamel.yaml passes "\\U99999999" to chr() unchecked, and the position is lost.
        fact = "not valid YAML: an escape between double quotes names no character; delete it"
        raise _refusal(path, fact) from None
    return root, reader.problems


def _only_document(events: Iterator[Event], reader: TreeReader, path: Path) -> Node:
    root: Node | None = None
    for event in events:
        if isinstance(event, DocumentStartEvent) and root is not None:
            fact = "a second document begins here; a study file holds one. Delete the line ---"
            raise _refusal(path, fact, position=position_of(event))
        if isinstance(event, NodeEvent):
            root = reader.read(event)
    if root is None or (root.kind == "scalar" and root.value is None):
        raise _refusal(path, "the file is empty; write a starter study with: hpstudy init")
    if root.kind != "mapping":
        fact = f"expected keys with values, as in name: my_study, got a {root.kind} on top"
        raise _refusal(path, fact, position=root.position)
    return root


def _syntax_refusal(text: str, path: Path, error: MarkedYAMLError) -> StudyFileError:
    tab = _TAB_INDENT.search(text)
    mark = error.problem_mark or error.context_mark
    position = Position(mark.line + 1, mark.column + 1) if mark else Position()
    if tab and _position_at(text, tab.start()).line <= position.line:
        fact = "a tab in the indentation; YAML is indented with spaces alone"
        tab_start = text.index("\t", tab.start())
        return _refusal(path, fact, position=_position_at(text, tab_start))
    return _refusal(path, syntax_fact(error), position=position)


def _position_at(text: str, offset: int) -> Position:
    line_start = text.rfind("\n", 0, offset) + 1
    return Position(text.count("\n", 0, offset) + 1, offset - line_start + 1)


def _refusal(path: Path, fact: str, *, position: Position | None = None) -> StudyFileError:
    where = position or Position()
    return StudyFileError(str(path), [Problem(where.line, where.column, "", fact)])
