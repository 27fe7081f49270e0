"""Digests: sums over what hpstudy has stored of a study, by which a reader sees what changed since.

A disk, a copy or a person may change a number in a database, and SQLite would not see it. Each trial that has ended
has a digest of all that results read of it, and one of what Optuna's samplers and pruners read; each run one of its
row; and the study one of its attributes. They cover what hpstudy wrote and nothing else, so that the notes and
attributes of other programs change none. Floats are summed by their bits. An older hpstudy wrote none: then nothing is
compared.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from hpstudy.errors import DamagedStudyError
from hpstudy.numbers import listed, plural
from hpstudy.results.rows import TrialRow, trial_titles
from hpstudy.results.shapes import Count, Name, Stored
from hpstudy.results.stored import read_json
from hpstudy.tables import DIGEST, DIGEST_ATTRIBUTE, EPOCHS

FORMAT = 1
"""Which of what is stored is summed, and how; a digest of another format is not compared."""

ENDED_STATES = ("COMPLETE", "PRUNED", "FAIL")

_NAMED = 5
"""So many damaged places are named; of more the rest is counted."""

_Sum = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class TrialDigest(Stored):
    """The user attribute `digest` of a trial: the sum of what results read, and of what Optuna reads beside it."""

    format: Count
    results: str
    optuna: str


class StudyDigest(Stored):
    """The user attribute `hpstudy:digest` of a study.

    It holds as long as no older hpstudy has run the study since, which changes attributes and renews no digest: then
    the study has a run that is not among `runs`.
    """

    format: Count
    name: Name
    attributes: str
    runs: list[Count]
    trials: dict[str, Count]


@dataclass(frozen=True)
class Digests:
    """What came of comparing a study with its digests.

    Attributes:
        changed: What is not as hpstudy stored it: `trial 3`, `run 2`, `the study's attributes`.
        without: The trainings that have ended and have no digest.
        n_equal: Trainings that are as they were stored.
        copied_from: The name under which the digests were written, where it is another: a copy has not all of it.
    """

    changed: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    n_equal: int = 0
    copied_from: str = ""


def trial_sums(
    rows: Iterable[TrialRow], texts: Mapping[int, Mapping[str, str]], epochs: pd.DataFrame
) -> dict[int, str]:
    """The sum of what results read of each trial that has ended, by trial id.

    Args:
        rows: The trials.
        texts: Their attributes, as `stored_attributes` gives them.
        epochs: Their epochs, by trial.
    """
    columns = [column.name for column in EPOCHS.columns][1:]
    numbers = epochs[columns].to_numpy(dtype="<f8")
    ids, firsts = np.unique(epochs["trial_id"].to_numpy(dtype=np.int64), return_index=True)
    ends = np.append(firsts, len(numbers))[1:]
    bounds = zip(ids.tolist(), firsts.tolist(), ends.tolist(), strict=True)
    places = {trial: (first, end) for trial, first, end in bounds}
    sums = {}
    for row in rows:
        if row.state in ENDED_STATES:
            first, end = places.get(row.trial_id, (0, 0))
            of_trial = _attribute_texts(texts[row.trial_id])
            sums[row.trial_id] = _sum(_row_text(row), *of_trial, numbers=numbers[first:end].tobytes())
    return sums


def _row_text(row: TrialRow) -> str:
    value = "none" if row.value is None else row.value.hex()
    return f"{row.number} {row.state} {_moment(row.started_at)} {_moment(row.ended_at)} {value}"


def _attribute_texts(texts: Mapping[str, str]) -> Iterable[str]:
    for key in sorted(texts):
        if key not in {DIGEST, DIGEST_ATTRIBUTE}:
            yield key
            yield texts[key]


def optuna_sum(parameters: Iterable[Sequence[Any]], intermediates: Iterable[Sequence[Any]]) -> str:
    """The sum of a trial's parameters and intermediate values.

    Args:
        parameters: (name, internal value, distribution) of each.
        intermediates: (step, value, type) of each.
    """
    drawn = [f"{name} {_number(value)} {written}" for name, value, written in parameters]
    reported = [f"{step} {_number(value)} {kind}" for step, value, kind in intermediates]
    return _sum(*sorted(drawn), "", *sorted(reported))


def _number(value: object) -> str:
    return float(value).hex() if isinstance(value, (int, float)) else str(value)


def run_sum(row: Mapping[str, Any]) -> str:
    """The sum of a run's row, whose `record` is data; the sum that it holds itself is left out."""
    record = {key: value for key, value in row["record"].items() if key != DIGEST}
    moments = (_moment(row["started_at"]), _moment(row.get("ended_at")))
    words = (row["study"], row.get("end_reason") or "", row["command"], row["study_file"])
    return _sum(*moments, *words, json.dumps(record, sort_keys=True))


def attributes_sum(texts: Mapping[str, str]) -> str:
    """The sum of hpstudy's attributes of a study, as `attribute_texts` gives them."""
    return _sum(*_attribute_texts(texts))


@dataclass(frozen=True)
class StoredStudy:
    """What is read of a study, and compared with its digests.

    Attributes:
        name: The study's.
        parts: Its Optuna studies, as `queries.part_names` gives them.
        head: Its attributes, as `attribute_texts` gives them.
        rows: Its trials.
        texts: Their attributes.
        epochs: Their epochs.
        runs: Its runs, as `queries.run_frame` gives them.
    """

    name: str
    parts: Mapping[int, str]
    head: Mapping[str, str]
    rows: Sequence[TrialRow]
    texts: Mapping[int, Mapping[str, str]]
    epochs: pd.DataFrame
    runs: pd.DataFrame


def compare(stored: StoredStudy) -> Digests:
    """Compares what was read of a study with its digests."""
    study, titles = _study_digest(stored.head), trial_titles(stored.rows, stored.parts)
    if isinstance(study, StudyDigest) and study.name != stored.name:
        return Digests(without=tuple(titles.values()), copied_from=study.name)
    changed = [f"run {run_id}" for run_id in stored.runs.loc[stored.runs["changed"].astype(bool), "run_id"]]
    changed += _changed_study(study, stored)
    without, n_equal = [], 0
    for trial_id, now in trial_sums(stored.rows, stored.texts, stored.epochs).items():
        then = _trial_sum(stored.texts[trial_id])
        if then is None:
            without.append(titles[trial_id])
        elif then == now:
            n_equal += 1
        else:
            changed.append(titles[trial_id])
    return Digests(tuple(changed), tuple(without), n_equal)


def _changed_study(study: StudyDigest | str | None, stored: StoredStudy) -> Iterable[str]:
    if isinstance(study, str):
        yield "the study's digest"
    if not isinstance(study, StudyDigest):
        return
    runs = set(stored.runs["run_id"])
    if missing := sorted(set(study.runs) - runs):
        yield f"run {missing[0]}, which is missing"
    if set(study.runs) == runs and study.attributes != attributes_sum(stored.head):
        yield "the study's attributes"
    counted = Counter(stored.parts[row.study_id] for row in stored.rows)
    for part, n_then in study.trials.items():
        if (n_missing := n_then - counted[part]) > 0:
            yield f"the {part or 'search'}, of whose {plural(n_then, 'trial')} {n_missing} are missing"


def _study_digest(head: Mapping[str, str]) -> StudyDigest | str | None:
    """The digest of a study; None where there is none that can be compared, and a word where it is damaged itself."""
    if DIGEST_ATTRIBUTE not in head:
        return None
    try:
        found = read_json(head[DIGEST_ATTRIBUTE], StudyDigest, place=DIGEST_ATTRIBUTE)
    except DamagedStudyError:
        return "damaged"
    return StudyDigest(**found) if found["format"] == FORMAT else None


def _trial_sum(texts: Mapping[str, str]) -> str | None:
    """The sum that a trial's digest has; None where there is none, and no sum at all where it is damaged itself."""
    if DIGEST not in texts:
        return None
    try:
        found = read_json(texts[DIGEST], TrialDigest, place=DIGEST)
    except DamagedStudyError:
        return ""
    return str(found["results"]) if found["format"] == FORMAT else None


def damage_text(digests: Digests) -> str:
    """What has changed, for the top of whatever shows the study; empty where nothing has."""
    fact = damage_fact(digests)
    return f"Damaged: {fact}" if fact else ""


def damage_fact(digests: Digests) -> str:
    """The same for where it is said already that a study is damaged."""
    if not digests.changed:
        return ""
    named = list(digests.changed[:_NAMED])
    if more := len(digests.changed) - len(named):
        named.append(f"{more} more")
    be = "is" if len(digests.changed) == 1 else "are"
    return (
        f"{listed(named)} {be} not what hpstudy stored; something else has changed the database since. "
        "Restore a copy of it, and do not rely on what is shown of this here."
    )


def digests_text(digests: Digests) -> str:
    """What the digests say where nothing is damaged: how much of a study they vouch for."""
    if digests.copied_from:
        return f"written for a study of the name {digests.copied_from}, so nothing is compared"
    if not digests.n_equal and not digests.changed:
        return "none is stored: an older hpstudy trained this, and a silent change of the database would not be seen"
    compared = f"{plural(digests.n_equal, 'training')} as stored"
    if digests.changed:
        compared += f", {len(digests.changed)} changed"
    if not digests.without:
        return compared
    named = list(digests.without[:_NAMED])
    if more := len(digests.without) - len(named):
        named.append(f"{more} more")
    return f"{compared}; none is stored of {listed(named)}"


def _moment(moment: object) -> str:
    if moment is None or pd.isna(moment):  # type: ignore[call-overload]
        return ""
    return moment.isoformat(" ", "microseconds") if isinstance(moment, datetime) else str(moment)


def _sum(*texts: str, numbers: bytes = b"") -> str:
    """A sum of texts and numbers, in which the end of each text is told from the beginning of the next."""
    lengths = ",".join([str(len(text)) for text in texts])
    told = "\n".join((lengths, *texts)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told + numbers, digest_size=16).hexdigest()
