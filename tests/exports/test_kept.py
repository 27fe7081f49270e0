"""Which weights of a study are exported, what is known of them, and what is said where there are none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from optuna.trial import TrialState, create_trial

from hpstudy.artifacts import StudyFiles
from hpstudy.errors import InputError
from hpstudy.exports.kept import KeptModel, find_kept
from hpstudy.exports.predict import predict
from hpstudy.exports.read import build_architecture, read_export
from hpstudy.exports.write import write_export
from hpstudy.results.configs import load_config
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import Baseline, StudySpec
from hpstudy.tables import ARTIFACTS_ATTRIBUTE, CANDIDATES_ATTRIBUTE, CONFIG, CONFIRM_SEED, CONFIRMS
from hpstudy.training.weights import write_weights
from tests.conftest import SMALL_NET
from tests.search.conftest import Lab

IMAGES = {"train": 1293, "validation": 144, "input_shape": [1, 8, 8], "classes": list("0123456789")}


@dataclass(frozen=True)
class Stored:
    """A small study that has run, and the folder that its weights are kept in."""

    lab: Lab
    artifacts: Path

    @property
    def files(self) -> StudyFiles:
        return StudyFiles(self.artifacts / "small-0")

    @property
    def best(self) -> str:
        return str(self.lab.results().ranked["label"].iloc[0])

    def keep(self, part: str, number: int) -> Path:
        path = self.files.weights(part, number)
        write_weights(torch.nn.Linear(2, 2), path)
        return path

    def set_attribute(self, key: str, value: object) -> None:
        optuna.load_study(study_name="small", storage=self.lab.url).set_user_attr(key, value)

    def record(self, **changes: Any) -> None:
        """Changes what the only run has recorded."""
        with sqlite3.connect(self.lab.folder / "lab.db") as connection:
            (text,) = connection.execute("SELECT record FROM hpstudy_runs").fetchone()
            connection.execute("UPDATE hpstudy_runs SET record = ?", (json.dumps(json.loads(text) | changes),))
        connection.close()

    def confirm(self, label: str, *, seeds: Mapping[int, float | None]) -> None:
        """Stores confirmations as a run would: the test accuracy of each seed, None for one that diverged."""
        study = optuna.create_study(
            study_name="small/confirm", storage=self.lab.url, direction="maximize", load_if_exists=True
        )
        results = self.lab.results()
        trial_id = int(results.trials.set_index("label").loc[label, "trial_id"])
        config = load_config(self.lab.url, trial_id=trial_id)
        for seed, accuracy in seeds.items():
            fresh = replace(config, seeds=training_seeds(1, "confirm", seed))
            state = TrialState.PRUNED if accuracy is None else TrialState.COMPLETE
            attributes = {CONFIRMS: label, CONFIRM_SEED: seed, CONFIG: fresh.to_json()}
            study.add_trial(create_trial(state=state, value=accuracy, user_attrs=attributes))
        self.set_attribute(CANDIDATES_ATTRIBUTE, [label])

    def find(self, trial: str) -> KeptModel:
        return find_kept(self.lab.url, study="small", trial=trial, artifacts=self.artifacts)


@pytest.fixture
def stored(tmp_path: Path, small_spec: StudySpec) -> Stored:
    lab = Lab(tmp_path)
    lab.run(replace(small_spec, trials=2, epochs=1, baselines=(Baseline("plain", "nets.py:tiny", 1, {}),)))
    made = Stored(lab, tmp_path / "artifacts")
    made.set_attribute(ARTIFACTS_ATTRIBUTE, "small-0")
    made.record(images=IMAGES)
    return made


def test_the_best_trial_with_all_that_is_known_of_it(stored: Stored) -> None:
    path = stored.keep("search", int(stored.best))
    found = stored.find("best")
    assert (found.weights, found.source) == (path, SMALL_NET)
    model = found.model
    assert (model.study, model.label, model.part) == ("small", stored.best, "search")
    assert model.validation_accuracy == stored.lab.results().ranked["value"].iloc[0]
    assert (model.test_accuracy, model.confirmed, model.n_diverged, model.n_images) == (None, (), 0, 1293)
    assert (model.picture_shape, model.input_shape) == ((1, 8, 8), (1, 8, 8))
    assert model.class_names == tuple("0123456789")
    assert (model.config.architecture, model.config.epochs) == ("nets.py:tiny", 1)
    assert model.versions["torch"] == torch.__version__
    assert stored.find(stored.best) == found


def test_a_baseline_by_its_name(stored: Stored) -> None:
    path = stored.keep("baselines", 0)
    found = stored.find("plain")
    assert (found.weights, found.model.label, found.model.part) == (path, "plain", "baselines")


def test_a_confirmed_candidate_comes_before_the_best_trial(stored: Stored) -> None:
    best = stored.best
    own = stored.keep("search", int(best))
    stored.confirm(best, seeds={1: 0.75, 2: None, 3: 0.5})
    assert stored.find("best").weights == own  # its weights were not kept
    stored.keep("confirm", 1)  # nor can those of a seed that diverged be meant
    assert stored.find("best").weights == own
    path = stored.keep("confirm", 0)
    found = stored.find("best")
    assert (found.weights, found.model.part, found.model.label) == (path, "confirm", best)
    assert (found.model.test_accuracy, found.model.confirmed, found.model.n_diverged) == (0.75, (0.75, 0.5), 1)
    assert found.model.n_images == 1437
    assert found.model.config.seeds == training_seeds(1, "confirm", 1)
    searched = stored.find(best).model
    assert (searched.part, searched.test_accuracy, searched.confirmed) == ("search", None, (0.75, 0.5))
    own.unlink()
    assert stored.find(best).weights == path


def test_a_trial_without_weights_says_which_have_them(stored: Stored) -> None:
    other = "1" if stored.best == "0" else "0"
    folder = stored.files.folder
    with pytest.raises(InputError) as raised:
        stored.find("best")
    assert str(raised.value) == (
        f"small: no weights of trial {stored.best} were kept; there are none under {folder}; "
        f"`hpstudy rerun small {stored.best}` trains it again and keeps its weights"
    )
    stored.keep("search", int(stored.best))
    stored.keep("baselines", 0)
    with pytest.raises(InputError) as raised:
        stored.find(other)
    assert str(raised.value) == (
        f"small: no weights of trial {other} were kept; there are those of plain, {stored.best}; "
        f"`hpstudy rerun small {other}` trains it again and keeps its weights"
    )
    assert raised.value.exit_code == 2


def test_a_run_that_recorded_no_images_is_told(stored: Stored) -> None:
    stored.keep("search", int(stored.best))
    stored.record(images=None)
    with pytest.raises(InputError, match="small: no run recorded the classes and the size of its images; `hpstudy rer"):
        stored.find("best")


def test_a_study_of_plain_optuna_has_nothing_to_export(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'plain.db'}"
    study = optuna.create_study(study_name="theirs", storage=url)
    study.add_trial(create_trial(value=1.0))
    with pytest.raises(InputError, match=r"theirs: no weights of trial 0 were kept; there are none under"):
        find_kept(url, study="theirs", trial="best", artifacts=tmp_path)
    with pytest.raises(InputError, match="was not made by hpstudy"):
        load_config(url, trial_id=1)


def test_a_fair_studys_weights_lie_under_their_architecture(tmp_path: Path, small_spec: StudySpec) -> None:
    source = SMALL_NET + "\nother = tiny\n"
    (small_spec.folder / "nets.py").write_text(source, encoding="utf-8")
    lab = Lab(tmp_path)
    lab.run(replace(small_spec, trials=2, epochs=1, fair=True, architectures=("nets.py:tiny", "nets.py:other")))
    stored = Stored(lab, tmp_path / "artifacts")
    stored.set_attribute(ARTIFACTS_ATTRIBUTE, "small-0")
    stored.record(images=IMAGES)
    path = stored.keep("nets.py:other", 0)
    found = stored.find("nets.py:other/0")
    assert (found.weights, found.model.config.architecture, found.source) == (path, "nets.py:other", source)


def test_pictures_of_the_user_leave_no_path_behind(stored: Stored) -> None:
    stored.keep("search", int(stored.best))
    results = stored.lab.results()
    trial_id = int(results.trials.set_index("label").loc[stored.best, "trial_id"])
    config = load_config(stored.lab.url, trial_id=trial_id)
    theirs = replace(config.dataset, name="image_folder", root="/home/ann/photos", greyscale_to_rgb=True)
    text = json.dumps(replace(config, dataset=theirs).to_json())
    with sqlite3.connect(stored.lab.folder / "lab.db") as connection:
        connection.execute(
            "UPDATE trial_user_attributes SET value_json = ? WHERE trial_id = ? AND key = 'config'", (text, trial_id)
        )
    connection.close()
    stored.record(images=IMAGES | {"input_shape": [3, 8, 12]})
    model = stored.find("best").model
    assert (model.config.dataset.name, model.config.dataset.root) == ("image_folder", "")
    assert (model.picture_shape, model.input_shape) == ((3, 8, 12), (3, 8, 12))


def test_from_the_storage_to_predictions(stored: Stored, tmp_path: Path) -> None:
    stored.keep("search", int(stored.best))
    found = stored.find("best")
    torch.manual_seed(2)
    write_weights(
        build_architecture(replace(found.model, config=_beside(found, tmp_path)), folder=tmp_path), found.weights
    )
    write_export(found.model, weights=found.weights, source=found.source, folder=tmp_path / "out")
    exported = read_export(tmp_path / "out")
    assert exported.model == found.model
    assert predict(exported, [], device=torch.device("cpu")).shape == (0, 10)


def _beside(found: KeptModel, folder: Path) -> Any:
    """The configuration with its source where `build_architecture` looks for it."""
    (folder / "architecture.py").write_text(found.source or "", encoding="utf-8")
    return found.model.config
