"""All that is stored of a study, read and checked before a run goes on with it: Optuna itself checks nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)
from sqlalchemy import ColumnElement, Connection, Select, TableClause, select

from hpstudy.database import file_of, read_storage
from hpstudy.errors import DamagedStudyError
from hpstudy.numbers import listed
from hpstudy.results import queries
from hpstudy.results.digests import TrialDigest
from hpstudy.results.load import damage_named, read_own
from hpstudy.results.rows import plain_rows, stored_attributes, trial_rows, trial_titles
from hpstudy.results.shapes import Distribution
from hpstudy.results.soundness import check_pages
from hpstudy.results.stored import read_count, read_json, read_name, read_number, read_one_of, read_text
from hpstudy.search.digesting import trial_digests
from hpstudy.tables import (
    DIGEST,
    OPTUNA_INTERMEDIATES,
    OPTUNA_PARAMETERS,
    OPTUNA_STUDY_ATTRIBUTES,
    OPTUNA_STUDY_SYSTEM_ATTRIBUTES,
    OPTUNA_TRIAL_ATTRIBUTES,
    OPTUNA_TRIAL_SYSTEM_ATTRIBUTES,
    OPTUNA_TRIALS,
    OPTUNA_VALUES,
)

_KINDS = ("FINITE", "INF_POS", "INF_NEG", "NAN")
_NAMED = 5
_SHOWN = 40
"""Characters of a name in a message."""


def require_sound(url: str, *, study: str) -> None:
    """Refuses to go on with a study of which something is damaged; one that is not there yet is sound.

    Args:
        url: The storage, which is not written.
        study: The study's name.

    Raises:
        DamagedStudyError: Something is not as hpstudy and Optuna write it.
        StorageError: The storage cannot be read, or its pages are damaged.
    """
    database = file_of(url)
    if database and not database.exists():
        return
    read_storage(url, lambda connection: _require_sound(connection, url, study))


def _require_sound(connection: Connection, url: str, study: str) -> None:
    check_pages(connection, url)
    if not queries.has_studies(connection) or study not in queries.study_names(connection):
        return
    results = read_own(connection, url, study)
    with damage_named(url, study, ours=True):
        if results.digests.changed:
            raise DamagedStudyError(f"{listed(results.digests.changed[:_NAMED])}: not what hpstudy stored")
        _check_optunas(connection, study)
        if not results.digests.copied_from:
            _check_digests(connection, study)


def _check_digests(connection: Connection, study: str) -> None:
    """Compares what Optuna reads of each trial with its digest; a run alone needs it."""
    parts = queries.part_names(connection, study)
    found = trial_rows(connection, parts)
    titles = trial_titles(found, parts)
    texts = stored_attributes(connection, parts, titles)
    for trial_id, now in trial_digests(connection, parts=parts).items():
        if DIGEST in texts[trial_id]:
            then = read_json(texts[trial_id][DIGEST], TrialDigest, place=f"{titles[trial_id]}, {DIGEST}")
            if then["format"] == now["format"] and then["optuna"] != now["optuna"]:
                raise DamagedStudyError(f"{titles[trial_id]}: its parameters are not those that hpstudy stored")


def _check_optunas(connection: Connection, study: str) -> None:
    """What Optuna's samplers, pruners and tools read, and results do not."""
    parts = queries.part_names(connection, study)
    for study_id, part in parts.items():
        if queries.directions(connection, study_id) != ["MAXIMIZE"]:
            raise DamagedStudyError(f"the direction of {part or 'the search'}: is not to maximise one accuracy")
    for table in (OPTUNA_STUDY_ATTRIBUTES, OPTUNA_STUDY_SYSTEM_ATTRIBUTES):
        query = select(table.c.key, table.c.value_json).where(table.c.study_id.in_(parts))
        for key, text in plain_rows(connection, query):
            name = read_name(key, place="the name of an attribute")
            read_json(text, Any, place=f"attribute {name[:_SHOWN]}")
    titles = trial_titles(trial_rows(connection, parts), parts)
    trials = _Trials(connection, titles, select(OPTUNA_TRIALS.c.trial_id).where(OPTUNA_TRIALS.c.study_id.in_(parts)))
    trials.check_attributes(OPTUNA_TRIAL_ATTRIBUTES)
    trials.check_attributes(OPTUNA_TRIAL_SYSTEM_ATTRIBUTES)
    trials.check_parameters()
    trials.check_values()


@dataclass(frozen=True)
class _Trials:
    """The trials of a study: what messages call each, by its id, and the query of their ids."""

    connection: Connection
    titles: Mapping[int, str]
    ids: Select[Any]

    def check_attributes(self, table: TableClause) -> None:
        for place, key, text in self._rows(table.c.trial_id, table.c.key, table.c.value_json):
            name = read_name(key, place=f"{place}, the name of an attribute")
            read_json(text, Any, place=f"{place}, attribute {name[:_SHOWN]}")

    def check_parameters(self) -> None:
        columns = OPTUNA_PARAMETERS.c
        drawn_from: dict[str, BaseDistribution] = {}
        for place, name, value, text in self._rows(
            columns.trial_id, columns.param_name, columns.param_value, columns.distribution_json
        ):
            where = f"{place}, parameter {read_name(name, place=f'{place}, the name of a parameter')[:_SHOWN]}"
            number = read_number(value, place=where)
            written = read_text(text, place=where)
            if written not in drawn_from:
                drawn_from[written] = _distribution(written, place=where)
            _check_drawn(number, drawn_from[written], place=where)

    def check_values(self) -> None:
        columns = OPTUNA_INTERMEDIATES.c
        for place, step, value, kind in self._rows(
            columns.trial_id, columns.step, columns.intermediate_value, columns.intermediate_value_type
        ):
            read_count(step, place=f"{place}, step of an intermediate value")
            if read_one_of(kind, _KINDS, place=f"{place}, type of an intermediate value") == "FINITE":
                read_number(value, place=f"{place}, intermediate value")
        for place, objective in self._rows(OPTUNA_VALUES.c.trial_id, OPTUNA_VALUES.c.objective):
            if objective != 0:
                raise DamagedStudyError(f"{place}: has a value of another objective")

    def _rows(self, trial_id: ColumnElement[Any], *columns: ColumnElement[Any]) -> Iterator[tuple[Any, ...]]:
        """What the trial of each row is called, and its columns."""
        for found, *cells in plain_rows(self.connection, select(trial_id, *columns).where(trial_id.in_(self.ids))):
            yield (self.titles.get(found, "a trial"), *cells)


def _distribution(written: str, *, place: str) -> BaseDistribution:
    read_json(written, Distribution, place=place)
    try:
        return json_to_distribution(written)
    except Exception as error:  # Optuna's reader has no errors of its own
        raise DamagedStudyError(f"{place}: Optuna cannot read what it was drawn from ({str(error)[:100]})") from error


def _check_drawn(number: float, distribution: BaseDistribution, *, place: str) -> None:
    if isinstance(distribution, CategoricalDistribution):
        is_one = number.is_integer() and 0 <= number < len(distribution.choices)
    elif isinstance(distribution, FloatDistribution | IntDistribution):
        is_one = distribution.low <= number <= distribution.high
    else:
        is_one = False
    if not is_one:
        raise DamagedStudyError(f"{place}: {number:g} was never drawn from {str(distribution)[:100]}")
