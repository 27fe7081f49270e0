"""How a study is repeated: commands, study file, seeds, versions, machine and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hpstudy.numbers import listed, plural
from hpstudy.redaction import without_passwords
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.search_summary import planned_trials
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table, words
from hpstudy.results.digests import digests_text
from hpstudy.results.records import last_record, training_runs
from hpstudy.results.study import StudyResults

_COMPARED = {
    "versions": "versions",
    "device": "device",
    "processor": "processor",
    "threads": "threads",
    "engine": "engine",
    "git": "git commit",
    "data": "data files",
}
"""What two runs of one study should have in common, by its key in what is recorded."""


@dataclass(frozen=True)
class Reproduction:
    """What a reader needs to repeat a study.

    Attributes:
        commands: Of the runs that trained, as they were typed, oldest first, without repetition.
        study_file: The text of the last run's study file; empty where none is recorded.
        facts: Terms and what holds: seeds, versions, device, commit.
        unfinished: That the commands train more than is reported here; empty where the search came to its end.
        differences: A sentence that says in what these runs differ; empty where they do not.
        runs: The runs, oldest first.
        checksums: The data files with their sums.
        sources: The text of each file of a user's architecture, by the architecture's name.
    """

    commands: tuple[str, ...]
    study_file: str
    facts: tuple[tuple[str, str], ...]
    unfinished: str
    differences: str
    runs: Table | Absent
    checksums: Table | Absent
    sources: tuple[tuple[str, str], ...]


def reproduction(results: StudyResults) -> Reproduction:
    """What the runs of a study recorded."""
    record = last_record(results)
    files = [without_passwords(text) for text in results.runs["study_file"] if text]
    sources = record.get("architecture_sources", {})
    return Reproduction(
        commands=tuple(dict.fromkeys(map(without_passwords, training_runs(results)["command"]))),
        study_file=files[-1] if files else "",
        facts=_facts(results, record),
        unfinished=_unfinished(results),
        differences=_differences(training_runs(results)),
        runs=_run_table(results.runs),
        checksums=_checksums({**record.get("data", {}), **record.get("test_data", {})}),
        sources=tuple((name, without_passwords(text)) for name, text in sources.items()),
    )


def _unfinished(results: StudyResults) -> str:
    target, ended = planned_trials(results), len(results.ended)
    if target is None or ended >= target or results.state == "running":
        return ""
    n_searches = len(results.identity["architecture"]) if results.identity["fair"] else 1
    as_here = f", and with --trials {ended} as many as are reported here" if ended and ended % n_searches == 0 else ""
    stopped = f"The search was stopped after {ended} of {plural(target, 'trial')}"
    return f"{stopped}: the commands as they stand train all of them{as_here}."


def _facts(results: StudyResults, record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    facts = []
    if "seed" in results.identity:
        text = (
            f"{results.identity['seed']}; split, weights, batches, dropout and sampler of each training derive from it"
        )
        facts.append(("Study seed", text))
    if not results.confirmations.empty:
        seeds = sorted(set(results.confirmations["seed"]))
        facts.append(
            ("Confirmation", f"seeds {listed([str(seed) for seed in seeds])}, the same for each configuration")
        )
    if versions := record.get("versions"):
        facts.append(("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())))
    if device := device_text(training_runs(results)):
        facts.append(("Device", device))
    if "platform" in record:
        facts.append(("System", str(record["platform"])))
    if "engine" in record:
        facts.append(("Engine", f"{record['engine']}: equal configurations give equal bits on the CPU for one engine"))
    if commits := _commits(results):
        facts.append(("Commit", "; ".join(commits)))
    if results.identity:
        facts.append(("Digests", digests_text(results.digests)))
    return tuple(facts)


def _commits(results: StudyResults) -> list[str]:
    """Of the runs that trained, each commit once, oldest first."""
    clean = {True: "clean", False: "with changes that were not committed", None: "unknown whether clean"}
    gits = [record["git"] for record in training_runs(results)["record"] if record.get("git")]
    return list(dict.fromkeys(f"{git['commit']} ({clean[git.get('clean')]})" for git in gits))


def device_text(runs: pd.DataFrame) -> str:
    """Where the runs trained, each machine once: `cpu, Intel(R) Xeon(R) Processor, 2 workers with 1 thread each`.

    Args:
        runs: As in `StudyResults`.

    Returns:
        As far as it is recorded; empty where nothing is.
    """
    divisions: dict[str, dict[str, None]] = {}
    for record in runs["record"]:
        if "device" in record:
            machine = ", ".join(str(record[key]) for key in ("device", "processor") if record.get(key))
            divisions.setdefault(machine, {}).update(_division(record))
    return "; ".join(f"{machine}, {' or '.join(texts)}" if texts else machine for machine, texts in divisions.items())


def _division(record: Mapping[str, Any]) -> dict[str, None]:
    """How a run used its machine, `2 threads` or `2 workers with 1 thread each`, as a key; empty if not recorded."""
    if "threads" not in record:
        return {}
    threads = plural(record["threads"], "thread")
    n_workers = record.get("workers", 1)
    return {threads if n_workers == 1 else f"{plural(n_workers, 'worker')} with {threads} each": None}


def _differences(runs: pd.DataFrame) -> str:
    records = list(runs["record"])
    differing = [
        said for key, said in _COMPARED.items() if len({repr(record[key]) for record in records if key in record}) > 1
    ]
    if not differing:
        return ""
    return (
        f"The runs differ in {listed(differing)}: a training repeats to the last bit only under what its own run had."
    )


def _run_table(runs: pd.DataFrame) -> Table | Absent:
    title = "Runs"
    if runs.empty:
        return Absent("runs", title, "No run is recorded: hpstudy did not make this study.")
    columns = tuple(Column(name) for name in ("Began (UTC)", "Ended (UTC)", "Why it ended", "Command"))
    rows = tuple(
        Row(
            (
                *(Cell(_time(run[moment]), mark="whole") for moment in ("started_at", "ended_at")),
                Cell(without_passwords(run["end_reason"] or "no end is recorded")),
                Cell(without_passwords(run["command"])),
            )
        )
        for run in runs.to_dict("records")
    )
    return Table("runs", plural(len(rows), "run"), columns, (Group(rows),))


def _time(moment: pd.Timestamp | None) -> str:
    return "–" if moment is None or pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M}"


def _checksums(data: Mapping[str, str]) -> Table | Absent:
    title = "Data files"
    if not data:
        return Absent("data-files", title, "No checksums of data files are recorded.")
    rows = tuple(Row(words(name, total)) for name, total in data.items())
    return Table("data-files", f"{title} and their SHA-256", (Column("File"), Column("SHA-256")), (Group(rows),))
