"""Which weights of a study are exported, what is known of them, and what is said where there are none."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import create_trial
from PIL import Image

from hpstudy.artifacts import StudyFiles
from hpstudy.datasets.images import LabelledImages
from hpstudy.datasets.load import load_training_data
from hpstudy.errors import ArtifactError, InputError
from hpstudy.exports.kept import KeptModel, find_kept
from hpstudy.exports.model import ExportedModel
from hpstudy.exports.predict import predict
from hpstudy.exports.read import read_export
from hpstudy.exports.write import write_export
from hpstudy.results.configs import load_config
from hpstudy.results.study import StudyResults
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.study import Baseline, StudySpec
from tests.conftest import SMALL_NET
from tests.damage import forget_digests
from tests.search.conftest import Lab


@dataclass(frozen=True)
class Stored:
    """A small study that has run."""

    lab: Lab

    @property
    def results(self) -> StudyResults:
        return self.lab.results()

    @property
    def files(self) -> StudyFiles:
        return StudyFiles(self.lab.folder / "artifacts" / self.results.artifacts)

    @property
    def best(self) -> str:
        return str(self.results.ranked["label"].iloc[0])

    def find(self, trial: str) -> KeptModel:
        return find_kept(self.lab.url, study="small", trial=trial, artifacts=self.lab.folder / "artifacts")

    def config(self, label: str) -> TrialConfig:
        trial_id = int(self.results.trials.set_index("label").loc[label, "trial_id"])
        return load_config(self.lab.url, trial_id=trial_id)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.lab.folder / "lab.db") as connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        forget_digests(self.lab.folder / "lab.db")
        return rows

    def record(self, **changes: Any) -> None:
        """Changes what the only run has recorded."""
        ((text,),) = self.execute("SELECT record FROM hpstudy_runs")
        self.execute("UPDATE hpstudy_runs SET record = ?", json.dumps(json.loads(text) | changes))


@pytest.fixture
def stored(tmp_path: Path, small_spec: StudySpec) -> Stored:
    lab = Lab(tmp_path)
    lab.run(replace(small_spec, trials=2, epochs=1, baselines=(Baseline("plain", "nets.py:tiny", 1, {}),)))
    return Stored(lab)


def accuracy(exported: ExportedModel, images: LabelledImages, folder: Path) -> float:
    """Of an exported model on grey images, which are written as picture files first."""
    folder.mkdir()
    paths = [folder / f"{index:04}.png" for index in range(len(images))]
    for path, image in zip(paths, images.images, strict=True):
        Image.fromarray(image[0].numpy()).save(path)
    predicted = predict(exported, paths, device=torch.device("cpu")).argmax(1)
    return float(np.mean(predicted == images.labels.numpy()))


def exported(found: KeptModel, folder: Path) -> ExportedModel:
    write_export(found.model, weights=found.weights, sha256=found.sha256, source=found.source, folder=folder)
    return read_export(folder)


def test_the_best_trial_with_all_that_is_known_of_it(stored: Stored) -> None:
    found = stored.find("best")
    assert (found.weights, found.source) == (stored.files.weights("search", int(stored.best)), SMALL_NET)
    model = found.model
    assert (model.study, model.label, model.part) == ("small", stored.best, "search")
    assert model.validation_accuracy == stored.results.ranked["value"].iloc[0]
    assert (model.test_accuracy, model.confirmed, model.n_diverged, model.n_images) == (None, (), 0, 1293)
    assert (model.picture_shape, model.input_shape) == ((1, 8, 8), (1, 8, 8))
    assert model.class_names == tuple("0123456789")
    assert model.config == stored.config(stored.best)
    assert model.n_parameters == 64 * 8 + 8 + 8 * 10 + 10
    assert model.versions["torch"] == torch.__version__
    assert stored.find(stored.best) == found


def test_what_is_exported_classifies_as_the_trial_did(stored: Stored, tmp_path: Path) -> None:
    found = stored.find("best")
    model = exported(found, tmp_path / "out")
    assert (model.model, model.weights_sha256) == (found.model, found.sha256)
    config = found.model.config
    data = load_training_data(
        config.dataset, folder=tmp_path, validation=config.validation, split_seed=config.seeds.split, part="search"
    )
    assert accuracy(model, data.evaluation, tmp_path / "pictures") == found.model.validation_accuracy


def test_a_confirmed_candidate_comes_before_the_best_trial(stored: Stored, tmp_path: Path) -> None:
    stored.lab.confirm(top=1, seeds=2)
    best = stored.best
    fresh = stored.results.confirmations
    tests = fresh[fresh["configuration"] == best]["test_accuracy"].tolist()
    found = stored.find("best")
    assert (found.model.part, found.model.label, found.model.n_images) == ("confirm", best, 1437)
    assert (found.model.test_accuracy, found.model.confirmed) == (tests[0], tuple(tests))
    assert found.model.validation_accuracy == stored.results.ranked["value"].iloc[0]
    assert found.model.config.seeds != stored.config(best).seeds
    config = found.model.config
    data = load_training_data(config.dataset, folder=tmp_path, validation=0.1, split_seed=0, part="confirm")
    assert accuracy(exported(found, tmp_path / "out"), data.evaluation, tmp_path / "pictures") == tests[0]
    searched = stored.find(best)
    assert (searched.model.part, searched.model.test_accuracy, searched.model.confirmed) == (
        "search",
        None,
        tuple(tests),
    )
    searched.weights.unlink()
    assert stored.find(best) == found
    found.weights.unlink()
    with pytest.raises(InputError, match=rf"small: no weights of trial {best} were kept; there are those of plain; "):
        stored.find("best")


def test_a_seed_that_diverged_is_counted_and_never_exported(stored: Stored) -> None:
    stored.lab.confirm(top=1, seeds=2)
    found = stored.find("best")
    (first,) = (
        row
        for row in stored.results.confirmations.to_dict("records")
        if found.weights.stem.endswith(f"-{row['number']}")
    )
    stored.execute("UPDATE trials SET state = 'PRUNED' WHERE trial_id = ?", first["trial_id"])
    again = stored.find("best")
    assert again.model.part == "search"
    assert (again.model.confirmed, again.model.n_diverged) == (found.model.confirmed[1:], 1)


def test_a_baseline_by_its_name(stored: Stored) -> None:
    found = stored.find("plain")
    assert found.weights == stored.files.weights("baselines", 0)
    assert (found.model.label, found.model.part, found.model.n_images) == ("plain", "baselines", 1293)


def test_weights_that_were_altered_since_are_not_exported(stored: Stored, tmp_path: Path) -> None:
    found = stored.find("best")
    content = bytearray(found.weights.read_bytes())
    content[-1] ^= 1
    found.weights.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"\.safetensors: is not the file that was written"):
        exported(found, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_trial_without_weights_says_which_have_them(stored: Stored) -> None:
    other = "1" if stored.best == "0" else "0"
    with pytest.raises(InputError) as raised:
        stored.find(other)
    assert str(raised.value) == (
        f"small: no weights of trial {other} were kept; there are those of plain, {stored.best}; "
        f"`hpstudy rerun small {other}` trains it again and keeps its weights"
    )
    assert raised.value.exit_code == 2
    for file in (stored.files.folder / "weights").iterdir():
        file.unlink()
    with pytest.raises(InputError) as raised:
        stored.find("plain")
    assert str(raised.value) == (
        f"small: no weights of plain were kept; there are none under {stored.files.folder}; "
        "`hpstudy rerun small plain` trains it again and keeps its weights"
    )


def test_of_a_trial_that_was_stopped_early_a_rerun_would_keep_nothing(stored: Stored) -> None:
    label = "1" if stored.best == "0" else "0"
    trial_id = int(stored.results.trials.set_index("label").loc[label, "trial_id"])
    stored.execute("UPDATE trials SET state = 'PRUNED' WHERE trial_id = ?", trial_id)
    with pytest.raises(InputError, match=rf"^small: no weights of trial {label} were kept; .*; it is not complete$"):
        stored.find(label)


def test_a_run_that_recorded_no_images_is_told(stored: Stored) -> None:
    stored.record(images=None)
    with pytest.raises(InputError, match="small: no run recorded the classes and the size of its images; `hpstudy con"):
        stored.find("best")


def test_a_study_of_plain_optuna_has_nothing_to_export(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'plain.db'}"
    study = optuna.create_study(study_name="theirs", storage=url)
    study.add_trial(create_trial(value=1.0))
    with pytest.raises(InputError, match=r"theirs: hpstudy did not train this study, and has no weights of it"):
        find_kept(url, study="theirs", trial="best", artifacts=tmp_path)
    with pytest.raises(InputError, match="was not made by hpstudy"):
        load_config(url, trial_id=1)


def test_a_fair_studys_weights_lie_under_their_architecture(tmp_path: Path, small_spec: StudySpec) -> None:
    source = SMALL_NET + "\nother = tiny\n"
    (small_spec.folder / "nets.py").write_text(source, encoding="utf-8")
    lab = Lab(tmp_path)
    lab.run(replace(small_spec, trials=2, epochs=1, fair=True, architectures=("nets.py:tiny", "nets.py:other")))
    found = Stored(lab).find("nets.py:other/0")
    assert (found.model.config.architecture, found.model.part, found.source) == ("nets.py:other", "search", source)
    assert exported(found, tmp_path / "out").model.label == "nets.py:other/0"


def test_pictures_of_the_user_leave_no_path_behind(stored: Stored) -> None:
    config = stored.config(stored.best)
    theirs = replace(config.dataset, name="image_folder", root="/home/ann/photos", greyscale_to_rgb=True)
    text = json.dumps(replace(config, dataset=theirs).to_json())
    trial_id = int(stored.results.trials.set_index("label").loc[stored.best, "trial_id"])
    stored.execute(
        "UPDATE trial_user_attributes SET value_json = ? WHERE trial_id = ? AND key = 'config'", text, trial_id
    )
    images = {"train": 9, "validation": 1, "input_shape": [3, 8, 12], "classes": ["cat", "dog"]}
    stored.record(images=images)
    model = stored.find("best").model
    assert (model.config.dataset.name, model.config.dataset.root) == ("image_folder", "")
    assert (model.picture_shape, model.input_shape) == ((3, 8, 12), (3, 8, 12))
    stored.record(images=images | {"channels": 1})  # grey ones, repeated for a network of three
    assert stored.find("best").model.picture_shape == (1, 8, 12)
