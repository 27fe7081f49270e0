"""No string of anybody's moves the terminal's cursor: every command, with strings that try."""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from hpstudy.exports.manifest import manifest_text, read_manifest
from hpstudy.main import main
from hpstudy.plain_text import visible
from tests.damage import forget_digests

HARM = "x\x1b]0;title\x07\x1b[2J\x9b31m\x7f\u202e\u2066y"
TWIN = visible(HARM)
"""As wide as the other, and does nothing."""

# Once in several runs, on a busy machine, something that a command had opened was closed by the collector alone.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

WORD = "harmful"
"""Stands in the prepared study for what will be one of the two."""

LOUD_NET = """
import sys
from torch import nn

TEXT = {text}

class Loud(nn.Module):
    def __init__(self, n_inputs, n_classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(n_inputs, n_classes))
        self.n_calls = 0

    def forward(self, images):
        self.n_calls += 1
        if len(images) == 64:
            print(TEXT)
            print(TEXT, file=sys.stderr)
            raise RuntimeError(TEXT)
        return self.layers(images)

def loud(input_shape, n_classes, *, dropout=0.0):
    channels, height, width = input_shape
    return Loud(channels * height * width, n_classes)
"""

NAME = "prepared"
"""The study's own name: one with control characters is none that hpstudy gives, and is damage."""

STUDY = f"""
name: {NAME}
description: {WORD}
dataset: digits
architecture: nets.py:loud
epochs: 1
trials: 1
seed: 1
settings:
  learning_rate: {{low: 1e-3, high: 1.0, log: true}}
  batch_size: 256
baselines:
  {WORD}: {{learning_rate: 0.1, batch_size: 64}}
  other: {{learning_rate: 0.1}}
pruner: none
confirm: {{top: 1, seeds: 2}}
"""

STYLED = (
    *(("list",), ("show", NAME), ("show", NAME, "0"), ("show", NAME, HARM), ("report", NAME)),
    *(("confirm", NAME, "--seeds", "3"), ("predict", "model", f"{HARM}.png"), ("show", f"no{HARM}"), (HARM,)),
)
COMMANDS = (
    *STYLED,
    *(("rerun", NAME, "0"), ("export", NAME, "--output", f"{HARM}-model")),
    *(("show", HARM), ("show", HARM, "0"), ("report", HARM), ("confirm", HARM), ("rerun", HARM, "0"), ("export", HARM)),
    *(("predict", "model", f"no{HARM}.png"), ("predict", HARM, HARM)),
    *(("init", f"{HARM}.yaml"), ("init", f"{HARM}.yaml"), ("check", HARM), ("run", HARM)),
    *(("run", "study.yaml", "--storage", HARM), ("run", "study.yaml", "--device", HARM)),
    *(("run", "study.yaml", "--timeout", HARM), ("run", "study.yaml", "--trials", HARM)),
    *(("run", "study.yaml", "--name", HARM), ("run", "study.yaml", "--workers", HARM)),
    *(("datasets", "fetch", HARM), ("datasets", "--data", HARM, "fetch", "fer2013"), ("dashboard", "--port", HARM)),
    *((f"--{HARM}",), ("architectures", HARM), ("list", "--storage", f"sqlite:///{HARM}.db")),
    *(("delete", f"no{HARM}", "--yes"), ("delete", HARM, "--yes")),
)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def hpstudy(stream: io.StringIO, *words: str) -> str:
    """What `hpstudy WORDS` prints on a stream, output and errors together."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stream), redirect_stderr(stream):
        patch.setattr(sys, "argv", ["hpstudy", *words])
        with suppress(SystemExit):
            main()
    return stream.getvalue()


def controls(text: str) -> set[str]:
    """The control sequences in a text."""
    return set(re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.?", text))


def without(text: str, sequences: set[str]) -> str:
    """A text without these sequences, and without the carriage returns of a display."""
    return re.sub("|".join(map(re.escape, sequences)) or "$^", "", text).replace("\r", "")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a terminal, and no notebook's."""
    for name in ("JPY_PARENT_PID", "FORCE_COLOR", "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has run and an exported model of it, in which `WORD` stands everywhere."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "nets.py").write_text(LOUD_NET.format(text=repr(WORD)), encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        hpstudy(io.StringIO(), "run", "study.yaml")
        hpstudy(io.StringIO(), "export", NAME, "--output", "model")
    return folder


def with_text(prepared: Path, folder: Path, text: str) -> Path:
    """A copy of the prepared folder with a text in place of `WORD`: in the database, the model and a picture's name.

    A study of plain Optuna's is called like it.
    """
    shutil.copytree(prepared, folder)
    with sqlite3.connect(folder / "hpstudy.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
                if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                    put = f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE"
                    database.execute(f"{put} json_valid({column})", (WORD, json.dumps(text)[1:-1]))
                    # The stored study file has lines: it stays one that can be read.
                    is_name = f"NOT json_valid({column}) AND instr({column}, char(10)) = 0"
                    database.execute(f"{put} {is_name}", (WORD, text))
        other = database.execute("INSERT INTO studies (study_name) VALUES (?)", (text,)).lastrowid
        database.execute(
            "INSERT INTO study_directions (direction, study_id, objective) VALUES ('MINIMIZE', ?, 0)", (other,)
        )
    database.close()
    forget_digests(folder / "hpstudy.db")
    manifest = read_manifest((folder / "model" / "config.json").read_bytes())
    names = tuple(f"{text}{number}" for number in range(10))
    altered = replace(manifest, model=replace(manifest.model, class_names=names))
    (folder / "model" / "config.json").write_text(manifest_text(altered), encoding="utf-8")
    Image.new("L", (8, 8), 200).save(folder / f"{text}.png")
    return folder


def printed_by(
    commands: tuple[tuple[str, ...], ...], folder: Path, text: str, stream: type[io.StringIO]
) -> dict[str, str]:
    """What each command prints in a folder; `HARM` in its words stands for the text."""
    printed = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, words in enumerate(commands):
            given = (word.replace(HARM, text) for word in words)
            printed[f"{number} {' '.join(words)}"] = hpstudy(stream(), *given)
    return printed


@pytest.mark.usefixtures("plain")
def test_without_a_terminal_no_command_prints_a_control_character(prepared: Path, tmp_path: Path) -> None:
    printed = printed_by(COMMANDS, with_text(prepared, tmp_path / "harm", HARM), HARM, io.StringIO)
    assert {words: text for words, text in printed.items() if text != visible(text)} == {}
    shown = [words for words, text in printed.items() if visible("\x1b") in text]
    assert len(shown) >= 15  # the others do not repeat what they were given


@pytest.mark.usefixtures("plain")
def test_on_a_terminal_only_our_own_styling_remains(prepared: Path, tmp_path: Path) -> None:
    harmless = printed_by(STYLED, with_text(prepared, tmp_path / "twin", TWIN), TWIN, Terminal)
    ours = set().union(*map(controls, harmless.values()))
    assert {"\x1b[1m", "\x1b[0m"} <= ours
    printed = printed_by(STYLED, with_text(prepared, tmp_path / "harm", HARM), HARM, Terminal)
    left = {words: without(text, ours) for words, text in printed.items()}
    assert {words: text for words, text in left.items() if text != visible(text)} == {}


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_nor_does_what_a_network_prints_or_raises(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY.replace("confirm: {top: 1, seeds: 2}", "confirm: false"), "utf-8")
    printed = {}
    for text in (TWIN, HARM):
        (tmp_path / "nets.py").write_text(LOUD_NET.format(text=ascii(text)), encoding="utf-8")
        (tmp_path / "hpstudy.db").unlink(missing_ok=True)
        printed[text] = hpstudy(stream(), "run", "study.yaml")
    left = without(printed[HARM], controls(printed[TWIN]))
    assert left == visible(left)
    assert left.count("title") >= 3  # two prints and the failed training
