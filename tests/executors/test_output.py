"""What is printed in a worker comes out of the runner, line by line."""

from __future__ import annotations

import sys

import pytest

from hpstudy.executors.output import Printed, carried_output


def test_whole_lines_are_carried_from_both_streams() -> None:
    sent: list[Printed] = []
    with carried_output(sent.append):
        print("one")
        print("two ", end="")
        print("parts\nand the rest", end="")
        print("trouble", file=sys.stderr)
    assert sent == [Printed("stdout", "one\n"), Printed("stdout", "two parts\n"), Printed("stderr", "trouble\n")]


def test_it_is_shown_where_it_was_meant_for(capsys: pytest.CaptureFixture[str]) -> None:
    Printed("stdout", "seen\n").show()
    Printed("stderr", "heard\n").show()
    assert capsys.readouterr() == ("seen\n", "heard\n")
