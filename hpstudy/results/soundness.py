"""Whether what was read of a study fits together: each row may be as hpstudy writes it, and the whole be damaged."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from hpstudy.database import shown_place
from hpstudy.errors import DamagedStudyError, StorageError
from hpstudy.results.rows import TrialRow
from hpstudy.spec.file import NAME_RULE
from hpstudy.spec.identity import identity_settings
from hpstudy.spec.study import Domain, Range
from hpstudy.tables import BASELINES, CONFIRM, CONFIRM_SEED, CONFIRMS, REPEATS


def check_pages(connection: Connection, url: str) -> None:
    """Has SQLite look at the structure of its file: 0.6 s for 10,000 trials. A server does so by itself.

    Raises:
        StorageError: Pages are damaged.
    """
    if connection.dialect.name != "sqlite":
        return
    found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    if found != "ok":
        fact = " ".join(found.split())[:200]
        place = shown_place(url)
        raise StorageError(
            f"{place}: is damaged ({fact}); restore a copy of it, or see what `sqlite3 {place} .recover` saves"
        )


def check_name(study: str) -> None:
    """Refuses a name that no study file can have, and that may name a file elsewhere.

    Raises:
        DamagedStudyError: It is such a one.
    """
    if not re.fullmatch(NAME_RULE, study):
        raise DamagedStudyError("its name is none that a study of hpstudy's can have")


def check_identity(identity: Mapping[str, Any]) -> None:
    """Refuses conditions on settings that do not come before, and ranges that hold nothing.

    Raises:
        DamagedStudyError: There is such a one.
    """
    known: set[str] = set()
    for setting in identity_settings(identity):
        if unknown := setting.when.keys() - known:
            raise DamagedStudyError(f"the condition of {setting.name}: there is no setting {sorted(unknown)[0]}")
        check_domain(setting.domain, place=setting.name)
        known.add(setting.name)


def check_domain(domain: Domain, *, place: str) -> None:
    """Refuses a range that holds nothing, or that cannot be drawn evenly in the logarithm.

    Raises:
        DamagedStudyError: It is such a one.
    """
    if not isinstance(domain, Range):
        return
    if domain.low > domain.high:
        raise DamagedStudyError(f"the range of {place}: begins above its end")
    if domain.log and domain.low <= 0:
        raise DamagedStudyError(f"the range of {place}: is logarithmic, and does not begin above 0")


def check_trials(
    rows: Sequence[TrialRow],
    attributes: Mapping[int, Mapping[str, Any]],
    titles: Mapping[int, str],
    parts: Mapping[int, str],
) -> None:
    """Refuses trials that do not count from 0 or repeat a later one, and what is complete or marked by half.

    Raises:
        DamagedStudyError: There is such a one.
    """
    expected = dict.fromkeys(parts, 0)
    for row in rows:  # by study and number
        title = titles[row.trial_id]
        if row.number != expected[row.study_id]:
            raise DamagedStudyError(f"{title}: {expected[row.study_id]} was expected next")
        expected[row.study_id] += 1
        if row.state == "COMPLETE" and not (row.value is not None and 0 <= row.value <= 1):
            raise DamagedStudyError(f"{title}, value: is no accuracy, though the trial is complete")
        marked = attributes[row.trial_id]
        if (original := marked.get(REPEATS)) is not None and original >= row.number:
            raise DamagedStudyError(f"{title}, {REPEATS}: names a trial that is not before it")
        if parts[row.study_id] == CONFIRM and CONFIRM_SEED in marked and CONFIRMS not in marked:
            raise DamagedStudyError(f"{title}, {CONFIRMS}: is absent")


def check_labels(trials: pd.DataFrame, confirmations: pd.DataFrame, candidates: Collection[str]) -> None:
    """Refuses a confirmation of what is no trial.

    Raises:
        DamagedStudyError: There is such a one.
    """
    known = set(trials["label"])
    if trials["label"][trials["part"] == BASELINES].duplicated().any():
        raise DamagedStudyError("two of its baselines have one name")
    for label in [*confirmations["configuration"], *candidates]:
        if label not in known:
            raise DamagedStudyError(f"a confirmation names {label[:80]!r}, which is no trial of the study")
