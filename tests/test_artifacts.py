"""The files beside the database: what is damaged is told, and nothing of anybody else's is removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpstudy.artifacts import (
    StudyFiles,
    TestPredictions,
    read_predictions,
    read_test_predictions,
    write_predictions,
    write_test_predictions,
)
from hpstudy.errors import ArtifactError

PREDICTIONS = TestPredictions(
    labels=np.arange(40) % 4,
    predicted=np.arange(80).reshape(2, 40) % 4,
    class_names=("a", "b", "c", "d"),
    shown=np.arange(3),
    images=np.arange(3 * 16, dtype=np.uint8).reshape(3, 1, 4, 4),
)


def test_whatever_bit_is_wrong_the_reader_says_so_or_has_other_numbers(tmp_path: Path) -> None:
    files = StudyFiles(tmp_path)
    one, all_seeds = files.predictions("confirm", 0), files.test_predictions("0")
    write_predictions(one, PREDICTIONS.labels)
    write_test_predictions(all_seeds, PREDICTIONS)
    refused = []
    for path, read in ((one, read_predictions), (all_seeds, read_test_predictions)):
        whole = path.read_bytes()
        for place in range(0, len(whole) * 8, 7):
            bits = bytearray(whole)
            bits[place // 8] ^= 1 << place % 8
            path.write_bytes(bits)
            try:
                read(path)
            except ArtifactError as error:
                refused.append((type(error.__cause__).__name__, str(error).startswith(f"{path}: is damaged (")))

    assert all(said for _, said in refused)
    assert {"error", "TokenError", "BadZipFile", "ValueError"} <= {kind for kind, _ in refused}  # "error" is zlib's


def test_with_its_sum_every_wrong_bit_of_predictions_is_refused(tmp_path: Path) -> None:
    path = StudyFiles(tmp_path).predictions("confirm", 0)
    sha256 = write_predictions(path, PREDICTIONS.labels)
    whole = path.read_bytes()
    assert read_predictions(path, sha256=sha256).tolist() == PREDICTIONS.labels.tolist()
    for place in range(0, len(whole) * 8, 7):
        bits = bytearray(whole)
        bits[place // 8] ^= 1 << place % 8
        path.write_bytes(bits)
        with pytest.raises(ArtifactError):
            read_predictions(path, sha256=sha256)


def test_half_written_files_are_removed_and_what_others_hide_there_stays(tmp_path: Path) -> None:
    files = StudyFiles(tmp_path)
    half = [
        tmp_path / "predictions" / ".search-0.npy.x1",
        tmp_path / "weights" / ".nets.py%3Atiny-3.safetensors.tmpa",
        tmp_path / "checkpoints" / ".confirm-2.ckpt._b",
        tmp_path / ".test-predictions-7.npz.qq",
    ]
    kept = [tmp_path / "predictions" / "search-0.npy", tmp_path / ".directory", tmp_path / "weights" / ".nfs0001"]
    for file in (*half, *kept):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"left")
    notebook = tmp_path / ".ipynb_checkpoints"
    notebook.mkdir()

    files.remove_half_written()

    assert [file for file in (*half, *kept) if file.exists()] == kept
    assert notebook.is_dir()


@pytest.mark.parametrize("read", [read_predictions, read_test_predictions])
def test_no_file_is_none(tmp_path: Path, read) -> None:
    assert read(tmp_path / "none") is None
