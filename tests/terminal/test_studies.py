"""The list of studies: own and foreign, wide and narrow."""

from __future__ import annotations

import io

import pandas as pd
from rich.console import Console

from hpstudy.terminal.studies import study_list

OWN = {"study": "[red]x", "complete": 3, "pruned": 1, "failed": 0, "best": 0.5, "state": "interrupted"} | {"damage": ""}
FOREIGN = {
    "study": "theirs",
    "complete": 1234,
    "pruned": 0,
    "failed": 2,
    "best": -0.125,
    "state": "finished",
    "damage": "",
}


def printed(rows: list[dict[str, object]], width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    console.print(study_list(pd.DataFrame(rows), console=console))
    return console.file.getvalue()


def test_no_study_is_told_how_to_begin() -> None:
    assert printed([]).startswith("No study yet. `hpstudy init`")


def test_a_row_has_counts_best_state_and_last_run() -> None:
    header, row = printed([OWN | {"last_run": pd.NaT, "objective": ""}]).splitlines()
    assert header.split() == ["study", "complete", "pruned", "failed", "best", "state", "last", "run"]
    assert row.split() == ["[red]x", "3", "1", "0", "50.00", "%", "interrupted", "–"]


def test_studies_of_plain_optuna_stand_below_with_their_own_values() -> None:
    now = pd.Timestamp("2026-03-01 12:00")
    rows = [OWN | {"last_run": now, "objective": ""}, FOREIGN | {"last_run": now, "objective": "[b]log loss"}]
    lines = [line.rstrip() for line in printed(rows).splitlines()]
    assert lines[2:4] == ["", "Made by plain Optuna, for reading alone"]
    assert lines[4].split() == ["study", "complete", "pruned", "failed", "best", "of", "last", "trial"]
    assert lines[5].split()[:7] == ["theirs", "1234", "0", "2", "-0.125", "[b]log", "loss"]
    assert printed([FOREIGN | {"last_run": now, "objective": "value"}]).startswith("Made by plain Optuna")


def test_nothing_is_cut_at_sixty_columns() -> None:
    name = "a_study_with_a_name_of_eighty_characters_which_is_the_longest_that_there_may_be__"
    rows = [
        row | {"study": name, "last_run": pd.Timestamp("2026-03-01 12:00"), "objective": objective}
        for row, objective in ((OWN, ""), (FOREIGN, "a_metric_with_a_long_name_of_forty_letters"))
    ]
    for width in (60, 75, 76, 100):
        text = printed(rows, width)
        assert "…" not in text
        assert max(len(line.rstrip()) for line in text.splitlines()) <= width
        assert ("2026-03-01" in text) == (width >= 76)
        # The name may be folded: its pieces stand below each other.
        pieces = [line.split()[0] for line in text.split("Made by")[0].splitlines()[1:] if line.strip()]
        assert "".join(pieces) == name
