"""What a person can do next with a study, as commands."""

from __future__ import annotations

import re
import shlex

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hpstudy.results.confirmed import confirmed
from hpstudy.results.exhaustion import is_exhausted
from hpstudy.results.study import StudyResults, left_nothing, searching_runs

_WHICH_STUDY = re.compile(r"(?<=\s)--(?:name|epochs)[ =]\S+")

_WHOLE = 40
"""A command of so many characters is not wrapped, if what it is for can give way."""


def next_steps(results: StudyResults) -> RenderableType:
    """The commands that make sense for a study as it stands, each with what it is for."""
    if results.digests.changed:
        return Text("Next: restore a copy of the database; nothing goes on with a study that is damaged.")
    if results.state == "interrupted":
        # Where the search has ended, it is the confirmation that was stopped.
        searched = not results.runs.empty and left_nothing(searching_runs(results.runs))
        command = "confirm" if searched else "run"
        return Text(f"{results.name} is not finished: the same `hpstudy {command}` goes on with it.")
    name = shlex.quote(results.name)
    known = "a number, best, or a model's name" if results.identity else "a number, or best"
    steps = [(f"hpstudy show {name} TRIAL", f"one trial: {known}")]
    if len(results.ranked):
        steps.insert(0, (f"hpstudy report {name}", "findings, figures and tables, to hand in"))
    if results.identity and results.state != "running":  # plain Optuna's studies are read alone, a running one too
        steps += _confirmation(results)
        if not is_exhausted(results):
            command = f"hpstudy run STUDY.yaml{_as_before(results)}"
            steps.append((f"{command} --trials {2 * len(results.search)}", "more trials"))
    table = Table.grid(padding=(0, 2))
    width = min(max(len(command) for command, _ in steps), _WHOLE)
    table.add_column(overflow="fold", min_width=width, style="cyan")
    table.add_column()
    for command, purpose in steps:
        table.add_row(command, purpose)
    return Group(Text("Next:"), Padding(table, (0, 0, 0, 2), expand=False))


def _as_before(results: StudyResults) -> str:
    """The options of the last search without which the command would be of another study."""
    if results.runs.empty:
        return ""
    commands = searching_runs(results.runs)["command"]
    given = _WHICH_STUDY.findall(commands.iloc[-1]) if len(commands) else []
    return "".join(f" {option}" for option in given)


def _confirmation(results: StudyResults) -> list[tuple[str, str]]:
    """How the confirmation could be begun or made sharper; nothing where it has said all."""
    if results.ranked.empty:
        return []
    command, found = f"hpstudy confirm {shlex.quote(results.name)}", confirmed(results)
    if found is None:
        return [(command, "the best and the baselines on the test set, over fresh seeds")]
    candidate = found.candidate.label
    if results.ranked["label"].iloc[0] not in results.equal.get(candidate, (candidate,)):
        return [(command, "confirms the search's new best")]
    if all(one.difference and one.difference.distinguishable for one in found.others):
        return []
    seeds = 2 * max(one.n_seeds for one in found.configurations)
    return [(f"{command} --seeds {seeds}", "more seeds, to tell close ones apart")]
