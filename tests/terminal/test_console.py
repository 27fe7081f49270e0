"""The door to the terminal: what passes it, and where a display is shown."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest
import typer
from rich.table import Table

from hpstudy.terminal.console import in_notebook, open_console, say, visible_output
from hpstudy.terminal.progress import RunProgress
from tests.kernel import KERNEL

HARM = "a\x1b]0;title\x07b\x1b[2J\x9b31mc\u202ed\u2028e\udcff\x7f\rf"
SHOWN = "a�]0;title�b�[2J�31mc�d�e���f"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a terminal, and no notebook's."""
    for name in (*KERNEL, "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_every_way_of_printing_shows_control_characters_as_such(stream: io.StringIO) -> None:
    table = Table(box=None, show_header=False, padding=0)
    table.add_row(HARM)
    with redirect_stdout(stream), redirect_stderr(stream), visible_output():
        say(HARM)
        open_console().print(table)
        print(HARM)
        sys.stderr.writelines([HARM, "\n"])
        typer.echo(HARM.encode(errors="replace").decode(), err=True, color=True)
    assert stream.getvalue().splitlines() == [*[SHOWN] * 4, SHOWN.replace("��", "?�")]


def test_a_progress_bar_may_go_back_to_its_beginning() -> None:
    stream = io.StringIO()
    with redirect_stdout(stream), visible_output():
        print("\r50 %", end="")
        print("100 %\r", end="\n")
        print("", end="\r\n")
    assert stream.getvalue() == "\r50 %100 %\r\n\r\n"


def test_under_a_display_nothing_printed_is_read_as_styling() -> None:
    stream = Terminal()
    with (
        redirect_stdout(stream),
        redirect_stderr(stream),
        visible_output(),
        RunProgress(open_console(), searched=()),
    ):
        print("\x1b[31mred\x1b]8;;http://a.org\x1b\\link")
    assert "�[31mred�]8;;http://a.org�\\link" in stream.getvalue()
    assert "\x1b[31m" not in stream.getvalue()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-color", "PAGER": "cat"}, False),
        (KERNEL, True),
        ({name: value for name, value in KERNEL.items() if not name.startswith("JPY")}, True),
        ({"JPY_PARENT_PID": "1"}, True),
        ({"COLAB_RELEASE_TAG": "release-colab_20260301"}, True),
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, True),
    ],
)
def test_a_notebook_is_known_by_its_kernels_environment(environment: dict[str, str], expected: bool) -> None:
    assert in_notebook(environment) is expected


@pytest.mark.parametrize(
    ("stream", "environment", "interactive", "coloured"),
    [
        (Terminal(), {}, True, True),
        (Terminal(), {"TERM": "dumb"}, False, False),
        (Terminal(), KERNEL, False, False),
        (io.StringIO(), {}, False, False),
        (io.StringIO(), KERNEL, False, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, False, True),  # a build server: colours, and no display
        (io.StringIO(), {"TTY_INTERACTIVE": "1", "TTY_COMPATIBLE": "1"}, False, True),
    ],
)
def test_a_display_is_for_real_terminals(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, environment: dict[str, str], interactive: bool, coloured: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with redirect_stdout(stream):
        console = open_console()
    assert (console.is_interactive, console.color_system is not None) == (interactive, coloured)
