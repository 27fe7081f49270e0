"""What is no regular file is never opened to read, by whatever reads files that others may have put there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hpstudy.artifacts import read_predictions, read_test_predictions
from hpstudy.datasets import files
from hpstudy.errors import HpstudyError
from hpstudy.regular_file import open_regular, read_regular
from hpstudy.training.checkpoints import restore_checkpoint
from hpstudy.training.weights import check_weights

pytestmark = pytest.mark.timeout(20)  # a pipe that nobody writes to would wait for ever

READERS: dict[str, Callable[[Path], object]] = {
    "checkpoint": lambda path: restore_checkpoint(path, None, fingerprint=b""),  # type: ignore[arg-type]
    "predictions": read_predictions,
    "test predictions": read_test_predictions,
    "data": files.read,
    "weights": lambda path: check_weights(path, sha256=None),
}


def linked(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("make", [os.mkfifo, linked, Path.mkdir], ids=["pipe", "device", "folder"])
def test_no_reader_waits_or_reads_without_end(tmp_path: Path, reader: str, make: Callable[[Path], object]) -> None:
    make(tmp_path / "file")
    with pytest.raises(HpstudyError) as raised:
        READERS[reader](tmp_path / "file")
    assert raised.value.exit_code in (3, 4)


def test_a_file_and_a_link_to_one_are_read(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"123\r\n")
    link.symlink_to(file)
    assert read_regular(file) == read_regular(link, most_bytes=5) == b"123\r\n"


@pytest.mark.parametrize(
    ("make", "number"),
    [(os.mkfifo, errno.EINVAL), (Path.mkdir, errno.EISDIR), (lambda _: None, errno.ENOENT)],
    ids=["pipe", "folder", "nothing"],
)
def test_the_error_says_what_is_there(tmp_path: Path, make: Callable[[Path], object], number: int) -> None:
    make(tmp_path / "file")
    with pytest.raises(OSError) as raised:  # noqa: PT011  # the number says which
        open_regular(tmp_path / "file")
    assert raised.value.errno == number


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.truncate(tmp_path / "file", 10**12)
    with pytest.raises(OSError, match="it has 1,000,000,000,000 bytes, and may have 10") as raised:
        read_regular(tmp_path / "file", most_bytes=10)
    assert raised.value.errno == errno.EFBIG


def test_what_takes_the_place_of_a_file_meanwhile_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    before = (tmp_path / "file").stat()
    monkeypatch.setattr("hpstudy.regular_file.os.stat", lambda _: before)
    with pytest.raises(OSError, match="it is a named pipe"):
        read_regular(tmp_path / "pipe")
