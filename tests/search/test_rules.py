"""A study goes on under the rules that it began with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.pruners import HyperbandPruner, SuccessiveHalvingPruner
from sqlalchemy import delete

from hpstudy.search.pruners import EpochHalving, EpochHyperband
from hpstudy.search.storage import open_storage
from hpstudy.search.studies import open_studies
from hpstudy.spec.study import Component, StudySpec
from hpstudy.tables import OPTUNA_STUDY_ATTRIBUTES, RULES, RULES_ATTRIBUTE


@pytest.mark.parametrize(
    ("name", "today", "before"),
    [
        ("successive_halving", EpochHalving, SuccessiveHalvingPruner),
        ("hyperband", EpochHyperband, HyperbandPruner),
    ],
)
def test_the_rules_are_those_of_its_first_run(
    small_spec: StudySpec, tmp_path: Path, name: str, today: type, before: type
) -> None:
    spec = replace(small_spec, pruner=Component(name, {"min_epochs": 2, "reduction_factor": 2}))
    with open_storage(f"sqlite:///{tmp_path / 'rules.db'}") as storage:
        head = open_studies(spec, storage, checksums={})["small"]
        assert (type(head.pruner), head.user_attrs[RULES_ATTRIBUTE]) == (today, RULES)
        with storage.engine.begin() as connection:  # as a study of before has it
            connection.execute(delete(OPTUNA_STUDY_ATTRIBUTES).where(OPTUNA_STUDY_ATTRIBUTES.c.key == RULES_ATTRIBUTE))
        head = open_studies(spec, storage, checksums={})["small"]
        assert type(head.pruner) is before
        assert head.pruner._min_resource == 1
        assert RULES_ATTRIBUTE not in head.user_attrs
