"""A storage that is somebody else's: whatever it says of a study's files, those of others stay as they are."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hpstudy.artifacts import StudyFiles, study_folder
from hpstudy.errors import ArtifactError, StorageError
from hpstudy.exports.kept import find_kept
from hpstudy.results.listing import list_studies
from hpstudy.search.dashboard import publish
from hpstudy.search.removal import check_deletable, delete_study
from hpstudy.search.rerun import rerun_trial
from hpstudy.spec.study import StudySpec
from hpstudy.tables import ARTIFACTS_ATTRIBUTE
from tests.search.conftest import Lab, Notes


@pytest.fixture
def hostile(tmp_path: Path, small_spec: StudySpec) -> Lab:
    """A study of one trial, beside folders of others that look like hpstudy's."""
    lab = Lab(tmp_path)
    lab.run(replace(small_spec, trials=1, epochs=1))
    own = next((tmp_path / "artifacts").iterdir())
    for other in (tmp_path / "outside", tmp_path / "artifacts" / "small-b-0badcafe"):
        shutil.copytree(own, other)
        (other / "weights" / ".search-9.safetensors.half").write_bytes(b"left")
        (other / "weights" / "search-9.safetensors").write_bytes(b"another trial's")
    return lab


def claim(lab: Lab, folder: object) -> None:
    """What a stored study says of its folder."""
    with closing(sqlite3.connect(lab.folder / "lab.db")) as connection, connection:
        connection.execute(
            "UPDATE study_user_attributes SET value_json = ? WHERE key = ?", (json.dumps(folder), ARTIFACTS_ATTRIBUTE)
        )


def contents(folder: Path) -> dict[Path, bytes]:
    others = (folder / "outside", folder / "artifacts")
    return {file: file.read_bytes() for other in others for file in other.rglob("*") if file.is_file()}


def test_no_command_touches_a_folder_that_is_not_the_studys(hostile: Lab, small_spec: StudySpec) -> None:
    before = contents(hostile.folder)
    place, artifacts = hostile.place(), hostile.folder / "artifacts"
    for folder in ("../outside", "small-b-0badcafe"):
        claim(hostile, folder)
        for command in (
            lambda: hostile.run(replace(small_spec, trials=2, epochs=1)),
            lambda: hostile.confirm(seeds=1),
            lambda: rerun_trial("small", "0", place=place, observer=Notes()),
            lambda: find_kept(hostile.url, study="small", trial="0", artifacts=artifacts),
            hostile.results,
            lambda: publish(hostile.url, study="small", note="", pictures={"c": b"png"}, artifacts=artifacts),
        ):
            with pytest.raises(StorageError, match="for the folder of its files"):
                command()
        assert list_studies(hostile.url)["state"].tolist() == ["damaged"]
    check_deletable(hostile.url, study="small")
    delete_study(hostile.url, study="small", artifacts=artifacts)
    assert contents(hostile.folder) == before


@pytest.mark.parametrize("name", ["weights", "."])
def test_a_link_is_neither_read_nor_written_nor_emptied(hostile: Lab, small_spec: StudySpec, name: str) -> None:
    artifacts = hostile.folder / "artifacts"
    own = artifacts / hostile.results().artifacts
    shutil.rmtree(own / name)
    (own / name).symlink_to(hostile.folder / "outside" / name)
    before = contents(hostile.folder)
    with pytest.raises(ArtifactError, match="is a link"):
        hostile.run(replace(small_spec, trials=2, epochs=1))
    with pytest.raises(ArtifactError, match="is a link"):
        find_kept(hostile.url, study="small", trial="0", artifacts=artifacts)
    delete_study(hostile.url, study="small", artifacts=artifacts)
    assert {file: kept for file, kept in before.items() if own not in file.parents} == contents(hostile.folder)


def test_every_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    files = StudyFiles(tmp_path / "small-0badcafe")
    for place in (
        lambda: files.weights("search", 0),
        lambda: files.predictions("confirm", 3),
        lambda: files.checkpoint("search", 0),
        lambda: files.test_predictions("7"),
    ):
        path = place()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("/etc/passwd")
        with pytest.raises(ArtifactError, match=f"{path.name}: is a link"):
            place()


@pytest.mark.parametrize(
    ("study", "stored"),
    [
        ("a", "../a-0badcafe"),
        ("a", ".."),
        ("a", "a-"),
        ("a", "b-0badcafe"),
        ("a", 7),
        ("a", "a-0badcafe\n"),
        ("a/b", "a/b-0badcafe"),
        ("..", "..-0badcafe/x"),
        ("a", "a-12345678-0badcafe"),
        ("a", "a-0BADCAFE"),
        ("a", ["a"]),
    ],
)
def test_what_is_no_folder_of_the_study(study: str, stored: object) -> None:
    with pytest.raises(StorageError):
        study_folder(stored, study=study)


def test_the_folder_of_a_study_whose_name_ends_like_a_folder() -> None:
    assert study_folder("a-12345678-0badcafe", study="a-12345678") == "a-12345678-0badcafe"
    assert study_folder(None, study="a") == ""
