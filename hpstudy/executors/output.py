"""What a training prints in a worker process, carried to the runner: two writers would tear a terminal's display."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Printed:
    """Text that was printed in a worker.

    Attributes:
        stream: Where to.
        text: Whole lines.
    """

    stream: Literal["stdout", "stderr"]
    text: str

    def show(self) -> None:
        """Prints it in this process; a progress display that has taken the stream over puts it above its bars."""
        print(self.text, end="", file=sys.stdout if self.stream == "stdout" else sys.stderr)


class _Carried(io.TextIOBase):
    """A stream that hands on each line once it is whole."""

    def __init__(self, stream: Literal["stdout", "stderr"], send: Callable[[Printed], None]) -> None:
        self._stream: Literal["stdout", "stderr"] = stream
        self._send = send
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, begun = (self._begun + text).split("\n")
        self._begun = _as_drawn_last(begun)
        if lines:
            whole = "".join(_as_drawn_last(line).removesuffix("\r") + "\n" for line in lines)
            self._send(Printed(self._stream, whole))
        return len(text)

    def end(self) -> None:
        """Hands on a line that was begun and has no end."""
        if self._begun:
            self.write("\n")


def _as_drawn_last(line: str) -> str:
    """What a line shows that went back to its beginning, as a bar does; a carriage return at its end stays."""
    return line[line.rstrip("\r").rfind("\r") + 1 :]


@contextmanager
def carried_output(send: Callable[[Printed], None]) -> Iterator[None]:
    """What Python code prints while the body runs is sent; what is written past Python goes where it did."""
    out, err = _Carried("stdout", send), _Carried("stderr", send)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield
        finally:
            out.end()
            err.end()
