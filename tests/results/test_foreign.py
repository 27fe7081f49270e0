"""Studies that plain Optuna made: what is read of them, whatever their space, states and names."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState
from sqlalchemy import create_engine, inspect

from hpstudy.errors import InputError, StorageError
from hpstudy.results.listing import list_studies
from hpstudy.results.load import load_results
from hpstudy.results.settings import optuna_settings
from hpstudy.results.study import find_trial
from hpstudy.spec.study import Choices, Range, StudySpec
from tests.search.conftest import Lab


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'foreign.db'}"


def created(folder: Path, name: str = "theirs", **options) -> optuna.Study:
    return optuna.create_study(study_name=name, storage=url(folder), **options)


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    """A study to minimise, with parameters of every kind and trials of every state."""
    study = created(tmp_path, direction="minimize", sampler=optuna.samplers.RandomSampler(seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["log loss"])
    for choice in (True, False, None):
        study.enqueue_trial({"deep": choice})
    for value in (3.0, 1.5, math.inf):
        trial = study.ask()
        trial.set_user_attr("config", "their own.yaml")  # names that hpstudy uses too
        trial.set_user_attr("reason", ["a", "list"])
        trial.suggest_float("x", 0.0, 1.0)
        if trial.suggest_categorical("deep", [True, False, None]):
            trial.suggest_int("layers", 1, 2048, log=True)
        trial.suggest_int("step", 0, 100, step=10)
        trial.suggest_float("rate", 1e-5, 1e-1, log=True)
        trial.suggest_categorical("same", ["only"])
        study.tell(trial, value)
    pruned = study.ask()
    pruned.suggest_float("x", 0.0, 2.0)
    pruned.report(9.0, 0)
    study.tell(pruned, state=TrialState.PRUNED)
    study.tell(study.ask(), state=TrialState.FAIL)
    study.ask()
    study.enqueue_trial({"x": 0.25})
    return url(tmp_path)


def test_its_values_states_and_settings_are_read(mixed: str) -> None:
    results = load_results(mixed, study="theirs")
    trials = results.trials
    assert (results.objective, results.maximize, results.state) == ("log loss", False, "running")
    assert (results.identity, results.candidate, len(results.runs), len(results.epochs)) == ({}, None, 0, 0)
    assert trials["state"].tolist() == ["complete"] * 3 + ["pruned", "failed", "running", "waiting"]
    assert trials["value"].tolist()[:3] == [3.0, 1.5, math.inf]
    assert trials["value"][3:].isna().all()
    assert trials["label"].tolist() == [str(number) for number in range(7)]
    assert set(trials["part"]) == {"search"}
    assert (trials["reason"] == "").all()
    assert results.ranked["label"].tolist() == ["1", "0", "2"]
    assert find_trial(results, "best") == 1
    assert trials["seconds"][:3].between(0, 60).all()
    assert trials["ended_at"][6:].isna().all()


def test_its_settings_have_their_kinds_and_what_they_were_drawn_from(mixed: str) -> None:
    results = load_results(mixed, study="theirs")
    assert results.settings == ("x", "deep", "layers", "step", "rate", "same")
    assert results.domains == {
        "x": Range(0.0, 2.0),  # its range was widened
        "deep": Choices((True, False, "None")),
        "step": Range(0, 100, step=10),
        "rate": Range(1e-5, 1e-1, log=True),
        "layers": Range(1, 2048, log=True),
    }
    study = optuna.load_study(study_name="theirs", storage=mixed)
    for number, trial in enumerate(study.get_trials(deepcopy=False)):
        for name, value in trial.params.items():
            stored = results.trials.loc[number, name]
            assert stored == ("None" if value is None else value)
            assert isinstance(value, bool) == isinstance(stored, bool)
        absent = set(results.settings) - set(trial.params)
        assert results.trials.loc[number, sorted(absent)].isna().all()


def test_a_parameter_that_is_called_like_a_column_has_another_one(tmp_path: Path) -> None:
    study = created(tmp_path, direction="maximize")
    for n_epochs in (3, 5):
        trial = study.ask()
        trial.suggest_int("epochs", n_epochs, n_epochs)
        trial.suggest_float("value", 0.0, 1.0)
        study.tell(trial, 0.1 * n_epochs)
    results = load_results(url(tmp_path), study="theirs")
    assert results.settings == ("params_epochs", "params_value")
    assert results.trials["params_epochs"].tolist() == [3, 5]
    assert results.trials["value"].tolist() == pytest.approx([0.3, 0.5])
    assert results.domains == {"params_epochs": Range(3, 5), "params_value": Range(0.0, 1.0)}


def test_reading_needs_no_table_of_hpstudys_and_makes_none(mixed: str) -> None:
    load_results(mixed, study="theirs")
    list_studies(mixed)
    engine = create_engine(mixed)
    assert "studies" in inspect(engine).get_table_names()
    assert "hpstudy_epochs" not in inspect(engine).get_table_names()
    engine.dispose()


@pytest.mark.parametrize("name", ["a/b", "/", "x/confirm", "naïve/π", "../up", " "])
def test_any_name_is_read(tmp_path: Path, name: str) -> None:
    study = created(tmp_path, name, direction="maximize")
    study.tell(study.ask(), 0.25)
    results = load_results(url(tmp_path), study=name)
    assert (results.name, results.maximize, results.objective) == (name, True, "value")
    assert results.trials["value"].tolist() == [0.25]
    assert list_studies(url(tmp_path))["study"].tolist() == [name]


def test_a_name_that_begins_with_anothers_is_no_part_of_it(tmp_path: Path) -> None:
    for name, value in (("x", 1.0), ("x/confirm", 2.0), ("x/baselines", 3.0)):
        study = created(tmp_path, name)
        study.tell(study.ask(), value)
    assert load_results(url(tmp_path), study="x").trials["value"].tolist() == [1.0]
    assert list_studies(url(tmp_path))["best"].tolist() == [1.0, 3.0, 2.0]


def test_several_objectives_are_refused_in_a_sentence_and_listed(tmp_path: Path) -> None:
    study = created(tmp_path, directions=["minimize", "maximize"])
    study.tell(study.ask(), [1.0, 2.0])
    with pytest.raises(InputError) as raised:
        load_results(url(tmp_path), study="theirs")
    assert str(raised.value) == "theirs: has 2 objectives; hpstudy reads studies with one"
    assert raised.value.exit_code == 2
    (row,) = list_studies(url(tmp_path)).to_dict("records")
    assert (row["objective"], row["complete"]) == ("2 objectives", 1)
    assert math.isnan(row["best"])


def test_a_study_without_trials_is_read(tmp_path: Path) -> None:
    created(tmp_path)
    results = load_results(url(tmp_path), study="theirs")
    assert (len(results.trials), results.settings, results.domains, results.state) == (0, (), {}, "finished")
    (row,) = list_studies(url(tmp_path)).to_dict("records")
    assert (row["complete"], row["state"], row["last_run"]) == (0, "finished", pd.NaT)


def test_the_list_has_them_below_hpstudys_own(tmp_path: Path, small_spec: StudySpec) -> None:
    lab = Lab(tmp_path)
    for name, direction, values in (("down", "minimize", [2.0, -math.inf]), ("Up", "maximize", [2.0, 5.0])):
        study = optuna.create_study(study_name=name, storage=lab.url, direction=direction)
        for value in values:
            study.tell(study.ask(), value)
    lab.run(small_spec)
    listed = list_studies(lab.url)
    assert listed["study"].tolist() == ["small", "Up", "down"]
    assert listed["objective"].tolist() == ["", "value", "value"]
    assert listed["best"].tolist()[1:] == [5.0, -math.inf]
    assert listed["complete"].tolist() == [6, 2, 2]
    assert (pd.Timestamp.now("UTC").tz_localize(None) - listed["last_run"]).max() < pd.Timedelta("1min")


def test_an_unknown_study_is_told_with_the_near_one(mixed: str) -> None:
    with pytest.raises(InputError, match=r'thiers: .*foreign\.db has no such study\. Did you mean "theirs"\?'):
        load_results(mixed, study="thiers")


def test_a_storage_without_optunas_tables_is_told_so(tmp_path: Path) -> None:
    with optuna.storages.RDBStorage(url(tmp_path)).engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE studies")
    with pytest.raises(StorageError, match=r"foreign\.db: holds no studies"):
        list_studies(url(tmp_path))


def test_choices_that_are_lists_are_text() -> None:
    layers = '{"name": "CategoricalDistribution", "attributes": {"choices": [[64], [64, 32], null, 3]}}'
    values, domains = optuna_settings(
        [(1, "layers", 1.0, layers), (2, "layers", 2.0, layers), (3, "layers", 3.0, layers)]
    )
    assert values == {1: {"layers": "[64, 32]"}, 2: {"layers": "None"}, 3: {"layers": 3}}
    assert domains == {"layers": Choices(("[64]", "[64, 32]", "None", 3))}


def test_distributions_of_early_optuna_are_understood() -> None:
    written = {
        "uniform": '{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 1.0}}',
        "log": '{"name": "LogUniformDistribution", "attributes": {"low": 0.1, "high": 1.0}}',
        "stepped": '{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 1.0, "q": 0.25}}',
        "whole": '{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 9, "step": 1}}',
    }
    values, domains = optuna_settings([(7, name, 1.0, distribution) for name, distribution in written.items()])
    assert values == {7: {"uniform": 1.0, "log": 1.0, "stepped": 1.0, "whole": 1}}
    assert isinstance(values[7]["whole"], int)
    assert domains == {
        "uniform": Range(0.0, 1.0),
        "log": Range(0.1, 1.0, log=True),
        "stepped": Range(0.0, 1.0, step=0.25),
        "whole": Range(1, 9),
    }
