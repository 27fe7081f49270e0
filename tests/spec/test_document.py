from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hpstudy.errors import InputError, StudyFileError
from hpstudy.spec.document import MAX_BYTES, Document, read_document
from hpstudy.spec.study import Position

Reader = Callable[[str | bytes], Document]

GOOD = """\
name: lenet  # a comment
dataset: {name: digits, image_size: 28}
settings:
  learning_rate: {low: 1e-4, high: 1e-1, log: true}
  optimizer: &both [sgd, "adam"]
  when: *both
description: |
  two
  lines
baselines:
  1: {0777: 'x'}
"""


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(tmp_path)

    def read(text: str | bytes) -> Document:
        Path("s.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
        found = read_document(Path("s.yaml"))
        if found.problems:
            raise StudyFileError("s.yaml", found.problems)
        return found

    return read


def test_data_and_positions_of_every_key_and_value(document: Reader) -> None:
    read = document(GOOD)

    assert read.text == GOOD
    assert read.data == {
        "name": "lenet",
        "dataset": {"name": "digits", "image_size": 28},
        "settings": {
            "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
            "optimizer": ["sgd", "adam"],
            "when": ["sgd", "adam"],
        },
        "description": "two\nlines\n",
        "baselines": {"1": {"0777": "x"}},
    }
    assert read.positions["dataset", "image_size"] == Position(2, 37)
    assert read.keys["dataset", "image_size"] == Position(2, 25)
    assert read.positions["settings", "optimizer", 1] == Position(5, 26)
    assert read.positions["settings", "when"] == Position(6, 9)
    assert read.positions["settings", "when", 1] == Position(5, 26)
    assert read.positions["baselines", "1", "0777"] == Position(11, 13)
    assert () not in read.positions


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        b"%YAML 1.1\n---\n" + GOOD.encode() + b"...\n",
    ],
)
def test_a_byte_order_mark_and_other_line_ends_change_nothing(content: bytes, document: Reader) -> None:
    assert document(content).data == document(GOOD).data


def test_a_value_that_is_not_written_stands_at_its_key(document: Reader) -> None:
    assert document("name:\n\n\nseed: 1\n").positions["name",] == Position(1, 1)


BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 10)}]\n" for before, after in zip("abcd", "bcde", strict=True)
)

REFUSED = [
    ("", ": the file is empty; write a starter study with: hpstudy init"),
    ("# only this\n", ": the file is empty; write a starter study with: hpstudy init"),
    ("---\n", ": the file is empty; write a starter study with: hpstudy init"),
    ("- a\n", ":1:1: expected keys with values, as in name: my_study, got a list on top"),
    ("text\n", ":1:1: expected keys with values, as in name: my_study, got a scalar on top"),
    (GOOD.encode("utf-16"), ": written as UTF-16 (or UTF-32); save it as UTF-8"),
    (GOOD.encode("utf-16-le"), ": written as UTF-16 (or UTF-32); save it as UTF-8"),
    (b"name: x\nseed: \xff\n", ":2:7: byte 0xff is not UTF-8; save the file as UTF-8"),
    (b"name: a\0b\n", ":1:8: the control character U+0000 is not allowed; delete it"),
    ("name: x\r\ny: \x1b[2J\n", ":2:4: the control character U+001B is not allowed; delete it"),
    ("x: y\nname: a\ufeff\n", ":2:8: the control character U+FEFF is not allowed; delete it"),
    ('name: "a\\0b"\n', ":1:7: name: text with the control character U+0000; leave it out"),
    ('name: "\\ud800"\n', ":1:7: name: text with the control character U+D800; leave it out"),
    ("a: 1\n---\nb: 2\n", ":2:1: a second document begins here; a study file holds one. Delete the line ---"),
    ("a: 1\n...\nb: 2\n", ":3:1: a second document begins here; a study file holds one. Delete the line ---"),
    ("a:\n\tb: 1\n", ":2:1: a tab in the indentation; YAML is indented with spaces alone"),
    ("a: 1\n  \tb: 1\n", ":2:3: a tab in the indentation; YAML is indented with spaces alone"),
    ("a:\t1\n", ":1:3: not valid YAML: a tab stands where a value begins; use a space"),
    ("a: *x\n", ":1:4: *x names no value above it; mark that value with &x first"),
    ("a: &a [*a]\n", ":1:8: *a names no value above it; mark that value with &a first"),
    (BOMB, ":4:4: d: more than 10,000 values with aliases expanded; write them out, and fewer"),
    ("a: " + "[" * 60 + "]" * 60, ":1:53: a: nested deeper than 50 levels; a study needs 5"),
    ("a: " + "[" * 60_000, ":1:53: a: nested deeper than 50 levels; a study needs 5"),
    ("? [1]\n: 2\n", ":1:3: a list stands as a key; a key is text"),
    (
        "a: b: c\n",
        (":1:5: not valid YAML: a colon that fits nowhere; check the indentation, and put text with a colon in quotes"),
    ),
    (
        "a: - 1\n",
        (
            ":1:4: not valid YAML: a dash that fits nowhere; check the indentation, "
            "and put text that begins with a dash in quotes"
        ),
    ),
    (
        "a: [1, 2\nb: 3\n",
        ":2:2: not valid YAML: a list that began with [ is not closed before this; add ] or a comma",
    ),
    (
        "a: {b: 1\n",
        ":2:1: not valid YAML: a mapping that began with { is not closed before this; add } or a comma",
    ),
    ("a: 'x\n", ":2:1: not valid YAML: the file ends inside quotes; close them"),
    (
        'a: "\\q"\n',
        (
            ":1:6: not valid YAML: an unknown escape \\q between double quotes; "
            "use single quotes, or \\\\ for a backslash"
        ),
    ),
    ('a: "\\U99999999"\n', ": not valid YAML: an escape between double quotes names no character; delete it"),
    ('a: "\\U00110000"\n', ": not valid YAML: an escape between double quotes names no character; delete it"),
    ("a: @x\n", ":1:4: not valid YAML: text cannot begin with @; put it in quotes"),
    (
        "a:\n  - b\n c: 1\n",
        (":3:2: not valid YAML: this does not line up with what stands above; check the indentation and the quotes"),
    ),
    ("a: 1\nb\nc: 2\n", ":3:1: not valid YAML: a key without a colon above this; write key: value"),
    (
        "{a: 1}}\n",
        ":1:7: not valid YAML: this stands after the end of the study; delete it or check the brackets above",
    ),
    ("a: |x\n", ":1:5: not valid YAML: after | or > the text begins in the next line"),
    (
        "%YAML 3.0\n---\na: 1\n",
        ":1:1: not valid YAML: a directive (a line that begins with %) that cannot be read; delete it",
    ),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_what_is_no_study_file_is_refused_in_one_sentence(content: str | bytes, message: str, document: Reader) -> None:
    with pytest.raises(StudyFileError) as caught:
        document(content)

    assert str(caught.value) == "s.yaml" + message


def test_every_duplicate_key_is_reported_with_both_positions(document: Reader) -> None:
    with pytest.raises(StudyFileError) as caught:
        document("a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\n'a': 3\n")

    assert str(caught.value).split("\n") == [
        "s.yaml:2:17: b.c: stands twice, first in line 2, column 5; keep one",
        "s.yaml:3:1: a: stands twice, first in line 1, column 1; keep one",
        "s.yaml:4:1: a: stands twice, first in line 1, column 1; keep one",
    ]


def test_every_tag_is_reported_and_nothing_of_it_is_run(document: Reader) -> None:
    with pytest.raises(StudyFileError) as caught:
        document("a: !!python/object/apply:os.mkdir [made]\nb: !foo 1\nc: !!int '3'\nd: ! x\n!k e: 1\n")

    assert str(caught.value).split("\n") == [
        's.yaml:1:4: a: the tag "!!python/object/apply:os.mkdir" is not allowed; leave it out',
        's.yaml:2:4: b: the tag "!foo" is not allowed; leave it out',
        's.yaml:3:4: c: the tag "!!int" is not allowed; leave it out',
        's.yaml:4:4: d: the tag "!" is not allowed; leave it out',
        's.yaml:5:1: the tag "!k" is not allowed; leave it out',
    ]
    assert not Path("made").exists()


def test_a_merge_key_is_a_key_like_any_other(document: Reader) -> None:
    assert document("a: &a {b: 1}\nc: {<<: *a}\n").data == {"a": {"b": 1}, "c": {"<<": {"b": 1}}}


def test_a_file_above_256_kb_is_refused_by_its_size(document: Reader) -> None:
    largest = "a: " + "x" * (MAX_BYTES - 4) + "\n"

    assert document(largest).data == {"a": "x" * (MAX_BYTES - 4)}
    with pytest.raises(StudyFileError) as caught:
        document(largest + "\n")
    assert str(caught.value) == "s.yaml: 256,001 bytes; a study file has at most 256,000. Is this the right file?"


def test_a_device_without_end_is_refused_by_its_size() -> None:
    with pytest.raises(StudyFileError) as caught:
        read_document(Path("/dev/zero"))

    assert str(caught.value) == (
        "/dev/zero: more than 256,000 bytes; a study file has at most 256,000. Is this the right file?"
    )


def test_a_missing_file_is_told_with_the_near_ones(tmp_path: Path) -> None:
    (tmp_path / "lenet_fashion.yaml").write_text(GOOD)
    (tmp_path / "other.yaml").write_text(GOOD)
    (tmp_path / "empty").mkdir()

    def message(name: str) -> str:
        with pytest.raises(InputError) as caught:
            read_document(tmp_path / name)
        return str(caught.value).replace(str(tmp_path), "studies")

    near = "studies/lenet_fashion.yaml"
    assert message("lenet-fashion.yaml") == f"studies/lenet-fashion.yaml: no such file. Did you mean {near}?"
    assert message("zz") == "studies/zz: no such file. Study files in studies: lenet_fashion.yaml, other.yaml"
    assert message("empty/a.yaml") == "studies/empty/a.yaml: no such file. Write one with: hpstudy init"
    assert message("no/a.yaml") == "studies/no/a.yaml: no such file. There is no folder studies/no either"
    assert message("empty") == "studies/empty: a folder, not a study file; name the .yaml file in it"


def test_a_file_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD)

    def refuse(_: Path, __: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError) as caught:
        read_document(path)
    assert str(caught.value) == f"{path}: no permission to read it; allow it with chmod u+r"


def test_a_path_with_nul_is_refused_in_one_sentence() -> None:
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        read_document(Path("a\0b.yaml"))
