"""The one door to the terminal: what is printed passes here, and no control character of a user's string does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from hpstudy.plain_text import visible

_NOTEBOOKS = ("JPY_PARENT_PID", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "DATABRICKS_RUNTIME_VERSION")
"""A notebook's commands have one of these: what starts Jupyter's kernels sets the first, three services theirs."""

_KERNEL = {"TERM": "xterm-color", "PAGER": "cat", "GIT_PAGER": "cat", "CLICOLOR": "1"}
"""What ipykernel sets, whoever has started it (`ZMQInteractiveShell.init_environment`)."""


def open_console(*, stderr: bool = False) -> Console:
    """A console on standard output, or on standard error.

    Markup is off, since names come from users. It is interactive (`Console.is_interactive`) on a real terminal alone: a
    notebook gives its commands a pseudo-terminal and asks for colours, but keeps every movement of the cursor as text.
    """
    stream = _below(sys.stderr if stderr else sys.stdout)
    notebook = in_notebook(os.environ)
    return _VisibleConsole(
        file=stream,
        force_terminal=False if notebook else None,
        force_interactive=None if stream.isatty() and not notebook else False,
        markup=False,
        highlight=False,
        emoji=False,
    )


def say(text: str, *, stderr: bool = False, style: str = "") -> None:
    """Prints text in lines of its own, which are not wrapped."""
    open_console(stderr=stderr).print(text, style=style or None, soft_wrap=True)


def in_notebook(environment: Mapping[str, str]) -> bool:
    """Whether a process with these environment variables was started from a notebook."""
    of_kernel = all(environment.get(name) == value for name, value in _KERNEL.items())
    return of_kernel or any(name in environment for name in _NOTEBOOKS)


@contextmanager
def visible_output() -> Iterator[None]:
    """While the body runs, what goes past the consoles is made visible, too.

    So typer's usage errors, which repeat arguments, warnings, log records, tracebacks, and what a network prints.
    """
    out, err = _VisibleStream(sys.stdout), _VisibleStream(sys.stderr)
    with redirect_stdout(cast("TextIO", out)), redirect_stderr(cast("TextIO", err)):
        yield


class _VisibleConsole(Console):
    """A console on which nothing but rich's own styling moves the cursor."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)

    def render_str(self, text: str, **layout: Any) -> Text:  # noqa: ANN401  # seven options of rich's
        return super().render_str(visible(text), **layout)  # before it is measured


class _VisibleStream:
    """A text stream that hands on what it is given as `visible` text; all else is the stream's below it.

    It has no `buffer`: click would write there, past it, where the encoding is ASCII.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def rich_proxied_file(self) -> TextIO:
        """The stream below: rich's name for it."""
        return self._stream

    def write(self, text: str) -> int:
        """Writes text. A carriage return at either end is a progress bar's and stays; within, it would hide a line."""
        body = text.strip("\r\n")
        begin, _, end = text.partition(body) if body else (text, "", "")
        self._stream.write(f"{begin}{visible(body)}{end}")
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes lines, which bring their line ends."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # of the stream below
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


def _below(stream: TextIO) -> TextIO:
    """What a stream writes to in the end, below ours and below that of a display of rich's."""
    while (below := getattr(stream, "rich_proxied_file", None)) is not None:
        stream = below
    return stream
