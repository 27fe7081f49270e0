"""The confirmed comparison in the terminal: its rows, its verdict, and what to do next."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from hpstudy.results.confirmed_table import confirmed_rows
from hpstudy.results.study import StudyResults
from hpstudy.terminal.summary import study_summary
from tests.results.synthetic import make_results
from tests.terminal.test_tables import printed

CANDIDATE = [0.912, 0.915, 0.909, 0.918, 0.911]
CONFIRMED = {
    "best": CANDIDATE,
    "weak": [0.805, 0.811, 0.807, 0.808, 0.806],
    "near": [0.911, math.nan, 0.908, 0.919, 0.910],
}


@pytest.fixture
def results() -> StudyResults:
    return make_results(baselines={"weak": 0.80, "near": 0.91}, confirmed=CONFIRMED)


def test_the_rows_say_what_the_seeds_gave(results: StudyResults) -> None:
    candidate, weak, near = (row.cells for row in confirmed_rows(results))
    assert candidate == (
        f"trial {results.candidate}", "5", "91.30 %", "90.86 % to 91.74 %", "–", "–", "candidate",
    )  # fmt: skip
    assert weak[:3] == ("weak", "5", "80.74 %")
    assert weak[4:] == ("−10.56 points", "−11.04 to −10.08 points", "lower")
    assert near[:3] == ("near", "4; 1 diverged", "91.20 %")
    assert near[4:] == ("−0.05 points", "−0.21 to +0.11 points", "not distinguishable")


@pytest.mark.parametrize(
    ("other", "difference", "verdict"),
    [
        ([0.8, 0.81], "−10.85 points", "too few seeds to tell"),
        ([math.nan] * 5, "–", "no seed to compare"),
        ([accuracy + 0.05 + 0.001 * (accuracy > 0.911) for accuracy in CANDIDATE], "+5.06 points", "higher"),
    ],
)
def test_the_verdict_claims_no_more_than_the_seeds_show(other: list[float], difference: str, verdict: str) -> None:
    made = make_results(baselines={"other": 0.8}, confirmed={"best": CANDIDATE, "other": other})
    assert (confirmed_rows(made)[1].difference, confirmed_rows(made)[1].verdict) == (difference, verdict)


def test_the_summary_shows_the_comparison_and_the_confirmed_verdict(results: StudyResults) -> None:
    text = printed(lambda console: study_summary(results, console=console), width=160)
    lines = [line.rstrip() for line in text.splitlines()]
    at = lines.index("Confirmed on the test set")
    assert lines[at + 3].split()[:4] == ["weak", "5", "80.74", "%"]
    assert lines[at + 4].endswith("−0.05 points    −0.21 to +0.11 points  not distinguishable")
    assert f"\nTrial {results.candidate}: 91.30 % test accuracy on average over 5 fresh seeds" in text
    assert "Not confirmed" not in text
    assert "  hpstudy report synthetic   " in text
    assert "  hpstudy confirm synthetic --seeds 10  more seeds, to tell close ones apart" in text


@pytest.mark.parametrize("width", [60, 80, 100])
def test_nothing_is_cut_in_a_narrow_terminal(results: StudyResults, width: int) -> None:
    text = printed(lambda console: study_summary(results, console=console), width=width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    words = text.split()
    for word in ("weak", "candidate", "91.30", "90.86", "−10.56", "−11.04", "lower", "distinguishable"):
        assert word in words


def test_a_long_name_is_not_cut_either() -> None:
    name = "Q" * 80
    text = printed(lambda console: study_summary(make_results(name), console=console), width=60)
    assert text.count("Q") == 4 * 80
    assert "…" not in text


def next_lines(results: StudyResults) -> list[str]:
    text = printed(lambda console: study_summary(results, console=console), width=120)
    return [line.strip().split("  ")[0] for line in text.split("Next:\n")[1].splitlines()]


@pytest.mark.parametrize(
    ("reasons", "command"),
    [(["finished", "stopped by SIGINT"], "confirm"), (["stopped by SIGINT", "finished"], "run"), (["", "no"], "run")],
)
def test_what_was_stopped_goes_on_with_its_own_command(results: StudyResults, reasons: list[str], command: str) -> None:
    """A search and its confirmation, of which one was stopped."""
    commands = ["hpstudy run synthetic.yaml", "hpstudy confirm synthetic"]
    runs = pd.concat([results.runs] * 2, ignore_index=True).assign(command=commands, end_reason=reasons)
    stopped = replace(results, state="interrupted", runs=runs)
    text = printed(lambda console: study_summary(stopped, console=console), width=120)
    assert f"synthetic is not finished: the same `hpstudy {command}` goes on with it." in text


def test_the_next_steps_fit_the_study(results: StudyResults) -> None:
    show, search = "hpstudy show synthetic TRIAL", "hpstudy run STUDY.yaml --trials 60"
    report = "hpstudy report synthetic"
    assert next_lines(results) == [report, show, "hpstudy confirm synthetic --seeds 10", search]
    told_apart = make_results(baselines={"weak": 0.8}, confirmed={"best": CANDIDATE, "weak": CONFIRMED["weak"]})
    assert next_lines(told_apart) == [report, show, search]
    assert next_lines(make_results()) == [report, show, "hpstudy confirm synthetic", search]
    gone_on = make_results(confirmed={"0": CANDIDATE})
    assert next_lines(gone_on) == [report, show, "hpstudy confirm synthetic", search]
    assert next_lines(make_results(n_trials=1, n_pruned=0)) == [show, "hpstudy run STUDY.yaml --trials 2"]
    assert next_lines(make_results("a b", identity={})) == ["hpstudy report 'a b'", "hpstudy show 'a b' TRIAL"]
    assert next_lines(replace(results, state="running")) == [report, show]


def test_more_trials_are_trials_of_the_same_study(results: StudyResults) -> None:
    typed = "hpstudy run a.yaml --name synthetic --workers 2 --epochs 2 --trials 30"
    runs = results.runs.assign(command=typed)
    assert next_lines(replace(results, runs=runs))[-1] == (
        "hpstudy run STUDY.yaml --name synthetic --epochs 2 --trials 60"
    )
