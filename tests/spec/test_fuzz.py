"""Whatever the bytes of a study file: a study or messages, never another exception."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from hpstudy.errors import StudyFileError
from hpstudy.spec.load import Reading

GOOD = (Path(__file__).parents[2] / "studies" / "lenet_digits.yaml").read_bytes()

PIECES = [
    b"\t",
    b"\n",
    b"{",
    b"[",
    b'"',
    b"'",
    b"!",
    b"&a ",
    b"*a",
    b"? ",
    b": ",
    b"- ",
    b"%",
    b"|",
    b">",
    b"#",
]
PIECES += [b"---\n", b'"\\U99999999"', b"<<: *a", b"\0", b"\xff", b"\xe2\x80\xa8", b"\x1b[2J"]

VALUES = [
    b"{}",
    b"[]",
    b"~",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b".nan",
    b"[1, a]",
    b"{a: {b: c}}",
    b"'1'",
    b"0x" + b"f" * 30,
]


def mutated_bytes(draw: random.Random) -> bytes:
    content = bytearray(GOOD)
    for _ in range(draw.randint(1, 5)):
        start, end = sorted((draw.randrange(len(content) + 1), draw.randrange(len(content) + 1)))
        change = draw.randrange(4)
        if change == 0:
            del content[start : start + 5]
        elif change == 1:
            content[start:start] = bytes([draw.randrange(256)])
        elif change == 2:
            content[start:start] = draw.choice(PIECES)
        else:
            content[start:start] = content[start:end]
    return bytes(content)


def mutated_values(draw: random.Random) -> bytes:
    """Well-formed YAML with other values: a word, number, list or mapping of GOOD replaced."""
    words = GOOD.split(b" ")
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(1, len(words))
        bare = words[at].strip(b"{}[],\n")
        if bare and not bare.endswith(b":"):
            words[at] = words[at].replace(bare, draw.choice(VALUES))
    return b" ".join(words)


@pytest.mark.parametrize("mutated", [mutated_bytes, mutated_values])
def test_whatever_the_bytes_there_is_a_study_or_there_are_messages(
    mutated: Callable[[random.Random], bytes], read: Callable[..., Reading]
) -> None:
    draw = random.Random(0)
    n_refused = 0
    for _ in range(300):
        reading = read(mutated(draw))
        assert reading.spec is not None or reading.problems
        messages = str(StudyFileError("s.yaml", reading.problems)).split("\n")
        assert len(messages) == max(len(reading.problems), 1)
        assert all(message.isprintable() for message in messages)
        n_refused += bool(reading.problems)
    assert n_refused >= 150
