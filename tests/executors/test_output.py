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
    assert sent[3:] == [Printed("stdout", "and the rest\n")]


def test_a_bar_is_carried_as_it_stood_last() -> None:
    sent: list[Printed] = []
    with carried_output(sent.append):
        for percent in range(0, 101, 10):
            print(f"{percent} %", end="\r", file=sys.stderr)
        print("done", file=sys.stderr)
        print("\r50 %", end="", file=sys.stderr)
        print("\r100 %\r", file=sys.stderr)
        print("\r1 of 2\r2 of 2\r", end="", file=sys.stderr)
    assert [printed.text for printed in sent] == ["done\n", "100 %\n", "2 of 2\n"]


def test_it_is_shown_where_it_was_meant_for(capsys: pytest.CaptureFixture[str]) -> None:
    Printed("stdout", "seen\n").show()
    Printed("stderr", "heard\n").show()
    assert capsys.readouterr() == ("seen\n", "heard\n")
