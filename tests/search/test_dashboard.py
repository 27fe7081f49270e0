"""What a study shows in optuna-dashboard: notes, pictures, and the command that starts it, for real."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note, save_note

from hpstudy.errors import ArtifactError, InputError, StorageError
from hpstudy.search.dashboard import BOUNDARY, publish
from hpstudy.search.dashboard_server import serve_dashboard
from hpstudy.search.removal import delete_study
from hpstudy.search.storage import open_storage
from hpstudy.spec.study import StudySpec
from hpstudy.tables import ARTIFACTS_ATTRIBUTE
from tests.search.conftest import Lab

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73"
    "00000010494441547801636460606062600001000019000379f5a2e60000000049454e44ae426082"
)


@pytest.fixture
def lab(tmp_path: Path, small_spec: StudySpec) -> Lab:
    """A storage with a study of one trial."""
    made = Lab(tmp_path)
    made.run(replace(small_spec, trials=1, epochs=1))
    return made


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """An artifacts folder that is not there yet; the study's own files lie in another."""
    return tmp_path / "pictures"


def study_of(lab: Lab) -> optuna.Study:
    return optuna.load_study(study_name="small", storage=lab.url)


def system_attributes(lab: Lab):
    with open_storage(lab.url) as storage:
        return storage.optuna.get_study_system_attrs(storage.optuna.get_study_id_from_name("small"))


def contents(folder: Path) -> list[bytes]:
    return sorted((file.read_bytes() for file in folder.iterdir()), key=len)


def test_published_twice_is_there_once(lab: Lab, artifacts: Path) -> None:
    for _ in range(2):
        publish(lab.url, study="small", note="**91 %**", pictures={"confusion": PNG}, artifacts=artifacts)
    (meta,) = get_all_artifact_meta(study_of(lab))
    assert (meta.filename, meta.mimetype) == ("confusion.png", "image/png")
    assert {file.name for file in artifacts.iterdir()} == {meta.artifact_id}
    assert get_note(study_of(lab)) == f"**91 %**\n\n{BOUNDARY}\n"
    assert system_attributes(lab)["dashboard:note_ver"] == 1


def test_a_changed_picture_takes_the_place_of_the_old_one(lab: Lab, artifacts: Path) -> None:
    publish(lab.url, study="small", note="", pictures={"confusion": b"old", "grid": b"gone"}, artifacts=artifacts)
    before = {meta.filename: meta.artifact_id for meta in get_all_artifact_meta(study_of(lab))}
    publish(lab.url, study="small", note="", pictures={"confusion": PNG}, artifacts=artifacts)
    after = {meta.filename: meta.artifact_id for meta in get_all_artifact_meta(study_of(lab))}
    assert after == {"confusion.png": before["confusion.png"]}
    assert contents(artifacts) == [PNG]


def test_what_a_person_has_added_stays(lab: Lab, artifacts: Path) -> None:
    publish(lab.url, study="small", note="first", pictures={}, artifacts=artifacts)
    save_note(study_of(lab), get_note(study_of(lab)) + "\nTry more epochs.\n")
    mine = artifacts.parent / "confusion.png"
    mine.write_bytes(b"mine")
    artifacts.mkdir()
    store = optuna.artifacts.FileSystemArtifactStore(artifacts)
    optuna.artifacts.upload_artifact(artifact_store=store, file_path=str(mine), study_or_trial=study_of(lab))
    for _ in range(2):
        publish(lab.url, study="small", note="second", pictures={"confusion": PNG}, artifacts=artifacts)
    assert get_note(study_of(lab)) == f"second\n\n{BOUNDARY}\n\nTry more epochs.\n"
    assert contents(artifacts) == [b"mine", PNG]


def test_a_note_that_was_there_before_stays_below(lab: Lab, artifacts: Path) -> None:
    save_note(study_of(lab), "My own words.")
    publish(lab.url, study="small", note="verdict", pictures={}, artifacts=artifacts)
    assert get_note(study_of(lab)) == f"verdict\n\n{BOUNDARY}\n\nMy own words.\n"


def test_a_removal_in_the_dashboard_does_not_hinder(lab: Lab, artifacts: Path) -> None:
    publish(lab.url, study="small", note="", pictures={"confusion": PNG}, artifacts=artifacts)
    with dashboard(lab.url, artifacts) as (_, address):
        (picture,) = artifacts.iterdir()
        removal = urllib.request.Request(f"{address}api/artifacts/1/{picture.name}", method="DELETE")
        urllib.request.urlopen(removal, timeout=100).close()
    assert contents(artifacts) == []
    publish(lab.url, study="small", note="", pictures={"confusion": PNG}, artifacts=artifacts)
    assert contents(artifacts) == [PNG]


def test_an_unknown_study_and_a_file_for_a_folder(lab: Lab, artifacts: Path) -> None:
    with pytest.raises(InputError, match=r"^smal: the storage has no such study; `hpstudy list`"):
        publish(lab.url, study="smal", note="", pictures={}, artifacts=artifacts)
    artifacts.write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot be written"):
        publish(lab.url, study="small", note="", pictures={"confusion": PNG}, artifacts=artifacts)
    assert get_all_artifact_meta(study_of(lab)) == []


def test_deletion_takes_the_files_along(lab: Lab) -> None:
    artifacts = lab.folder / "artifacts"
    publish(lab.url, study="small", note="", pictures={"confusion": PNG}, artifacts=artifacts)
    (artifacts / "other-0badcafe").mkdir()
    folder = artifacts / study_of(lab).user_attrs[ARTIFACTS_ATTRIBUTE]
    assert (folder / "weights" / "search-0.safetensors").exists()
    delete_study(lab.url, study="small", artifacts=artifacts)
    assert [file.name for file in artifacts.iterdir()] == ["other-0badcafe"]


@pytest.mark.parametrize("folder", ["..", "small-/../../precious", "other-0badcafe", "small-b-0badcafe", ""])
def test_deletion_keeps_to_the_studys_own_folder(lab: Lab, artifacts: Path, folder: str) -> None:
    for precious in (
        artifacts / "small-",
        artifacts.parent / "precious",
        artifacts / "other-0badcafe",
        artifacts / "small-b-0badcafe",
    ):
        precious.mkdir(parents=True)
    study_of(lab).set_user_attr(ARTIFACTS_ATTRIBUTE, folder)
    delete_study(lab.url, study="small", artifacts=artifacts)
    assert (artifacts.parent / "precious").is_dir()
    assert (artifacts / "other-0badcafe").is_dir()
    assert (artifacts / "small-b-0badcafe").is_dir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_notes_and_pictures_until_a_signal(
    lab: Lab, artifacts: Path, number: signal.Signals
) -> None:
    publish(lab.url, study="small", note="**91 %**", pictures={"confusion": PNG}, artifacts=artifacts)
    with dashboard(lab.url, artifacts) as (server, address):
        (listed,) = asked(f"{address}api/studies")["study_summaries"]
        assert listed["study_name"] == "small"
        study = asked(f"{address}api/studies/{listed['study_id']}")
        assert study["note"]["body"] == f"**91 %**\n\n{BOUNDARY}\n"
        assert shown_picture(address) == PNG
        server.send_signal(number)
        assert server.wait(timeout=100) == 0
        assert server.communicate() == ("", "")


def test_no_storage_and_a_taken_port_are_told(lab: Lab, artifacts: Path) -> None:
    absent = lab.folder / "absent.db"
    with pytest.raises(StorageError, match=r"there is no storage yet; `hpstudy run STUDY\.yaml` makes it"):
        serve_dashboard(f"sqlite:///{absent}", artifacts=artifacts, port=0, announce=pytest.fail, warn=pytest.fail)
    assert not absent.exists()
    assert not artifacts.exists()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as told:
            serve_dashboard(lab.url, artifacts=artifacts, port=port, announce=pytest.fail, warn=pytest.fail)
    assert str(told.value) == f"--port: {port} is taken by another program; choose another, or 0 for a free one"
    assert told.value.exit_code == 2


def test_a_read_only_folder_is_told(lab: Lab, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions do not bind root, whom tests may run as.
    monkeypatch.setattr("os.access", lambda path, _mode: path != lab.folder)
    with pytest.raises(StorageError, match="cannot be written to, which optuna-dashboard needs; copy the storage"):
        serve_dashboard(lab.url, artifacts=artifacts, port=0, announce=pytest.fail, warn=pytest.fail)


def test_a_reader_meanwhile_sees_the_old_picture_or_the_new(lab: Lab, artifacts: Path) -> None:
    pictures = [PNG, 1000 * PNG]
    publish(lab.url, study="small", note="", pictures={"c": PNG}, artifacts=artifacts)
    with dashboard(lab.url, artifacts) as (_, address), ThreadPoolExecutor(1) as reader:
        seen = reader.submit(lambda: [shown_picture(address) in pictures for _ in range(30)])
        n_published = 0
        while not seen.done():
            n_published += 1
            publish(lab.url, study="small", note="", pictures={"c": pictures[n_published % 2]}, artifacts=artifacts)
        assert seen.result() == [True] * 30
        assert n_published > 1


def shown_picture(address: str) -> bytes:
    """The bytes of the only picture that the dashboard shows with the first study."""
    (picture,) = asked(f"{address}api/studies/1")["artifacts"]
    with urllib.request.urlopen(f"{address}artifacts/1/{picture['artifact_id']}", timeout=100) as answer:
        assert answer.headers["Content-Type"] == "image/png"
        return answer.read()


@contextmanager
def dashboard(url: str, artifacts: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`hpstudy dashboard` on a free port, with its address, until the body has ended."""
    words = [sys.executable, "-m", "hpstudy", "dashboard", "--port", "0", "--storage", url, "--artifacts", artifacts]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        said = server.stdout.readline().split()
        assert said[:3] == ["optuna-dashboard", "is", "at"], server.communicate()
        yield server, said[3].rstrip(";")
    finally:
        server.kill()
        server.communicate()


def asked(address: str):
    """The JSON that an address answers with."""
    with urllib.request.urlopen(address, timeout=100) as answer:
        return json.load(answer)
