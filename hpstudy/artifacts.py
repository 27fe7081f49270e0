"""The files that belong to a study beside its database: weights, predictions and checkpoints."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import ArtifactError, StorageError
from hpstudy.regular_file import open_regular

_HALF_WRITTEN = re.compile(r"\..+\.(npy|npz|safetensors|ckpt)\..+")
"""What `written_whole` calls a file until it is whole."""


def study_folder(stored: object, *, study: str) -> str:
    """The name of a study's folder under the artifacts folder, as its storage has it; empty where it has none.

    Files are read, written and removed there, and a storage may be somebody else's: only the study's own is taken.

    Args:
        stored: What is stored of it.
        study: The study's name.

    Raises:
        StorageError: It is not the study's name, a hyphen and eight hexadecimal digits.
    """
    if stored is None or stored == "":
        return ""
    name, _, digits = stored.rpartition("-") if isinstance(stored, str) else ("", "", "")
    if name != study or not re.fullmatch(r"[0-9a-f]{8}", digits) or re.search(r"[/\\\0]", name):
        raise StorageError(
            f"{study}: the storage has {str(stored)[:80]!r} for the folder of its files, which hpstudy did not write "
            "there: it is named like the study, with a hyphen and eight hexadecimal digits. Nothing was touched; "
            f"`hpstudy delete {shlex.quote(study)}` deletes the study and leaves that folder alone"
        )
    return str(stored)


@dataclass(frozen=True)
class StudyFiles:
    """Where the files of one study lie, by part: `search`, `baselines`, `confirm`, or an architecture of a fair study.

    Each method raises an ArtifactError where the folder, or what it would name, is a link: files are written and
    removed there, and links may lead to somebody else's.

    Attributes:
        folder: `ARTIFACTS/NAME-xxxxxxxx`; made with the first file.
    """

    folder: Path

    def predictions(self, part: str, number: int) -> Path:
        """What a complete trial predicted: a class for each validation image (of a confirmation: test image)."""
        return self._own("predictions", f"{_plain(part)}-{number}.npy")

    def weights(self, part: str, number: int) -> Path:
        """The last weights of a trial; kept for the best trial, the baselines and one confirmed candidate."""
        return self._own("weights", f"{_plain(part)}-{number}.safetensors")

    def all_weights(self, part: str) -> list[tuple[int, Path]]:
        """(number of the trial, file) of the weights that there are of a part, whole or half-written."""
        return _numbered(self._own("weights"), part)

    def checkpoint(self, part: str, number: int) -> Path:
        """What a trial under way needs to go on after a crash; it is removed when the trial ends."""
        return self._own("checkpoints", f"{_plain(part)}-{number}.ckpt")

    def all_checkpoints(self, part: str) -> list[tuple[int, Path]]:
        """(number of the trial, file) of the checkpoints that there are of a part, whole or half-written."""
        return _numbered(self._own("checkpoints"), part)

    def remove_half_written(self) -> None:
        """Removes what processes that were killed in `written_whole` have left; nobody else may be writing here."""
        for file in self._own().rglob(".*"):
            if _HALF_WRITTEN.fullmatch(file.name):  # and not what file managers and network drives hide
                file.unlink(missing_ok=True)

    def test_predictions(self, candidate: str) -> Path:
        """What a confirmed candidate, by its label, predicted for the test set: `TestPredictions`."""
        return self._own(f"test-predictions-{_plain(candidate)}.npz")

    def _own(self, *names: str) -> Path:
        places = [*accumulate(names, Path.joinpath, initial=self.folder)]
        for place in places:
            if place.is_symlink():
                raise ArtifactError(
                    f"{place}: is a link, and hpstudy writes and removes files there; put what it leads to in its "
                    "place, or choose another --artifacts"
                )
        return places[-1]


def _plain(part: str) -> str:
    """A part's name as a file may have it: an architecture's may hold slashes and colons."""
    return quote(part, safe="")


def _numbered(folder: Path, part: str) -> list[tuple[int, Path]]:
    """The files `PART-NUMBER.…` of a folder, and those of `written_whole` that a killed process left beside them."""
    of_part = re.compile(rf"\.?{re.escape(_plain(part))}-(\d+)\..*")
    found = [(of_part.fullmatch(file.name), file) for file in sorted(folder.glob("*"))]
    return [(int(match[1]), file) for match, file in found if match]


@dataclass(frozen=True, eq=False)
class TestPredictions:
    """What the seeds of the confirmed candidate predicted for the test set, with some of its pictures.

    Attributes:
        labels: True class of each test image, int64 [N].
        predicted: Predicted class, int64 [S, N], one row a seed, in the order of the seeds.
        class_names: The classes in the order of their labels.
        shown: Positions in [0, N) of the pictures kept, int64 [M].
        images: These pictures, uint8 [M, C, H, W], C being 1 (grey) or 3 (red, green, blue).
    """

    __test__ = False  # pytest takes classes of this name for tests

    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    class_names: tuple[str, ...]
    shown: NDArray[np.int64]
    images: NDArray[np.uint8]


def write_predictions(path: Path, predicted: NDArray[np.int64]) -> str:
    """Writes predicted classes as `.npy`, in the smallest unsigned type that holds them.

    Returns:
        The file's SHA-256.

    Raises:
        ArtifactError: The disk is full, or the folder cannot be written to.
    """
    content = BytesIO()
    np.save(content, predicted.astype(np.min_scalar_type(int(predicted.max(initial=0)))), allow_pickle=False)
    with written_whole(path) as file:
        file.write(content.getvalue())
    return hashlib.sha256(content.getvalue()).hexdigest()


def read_predictions(path: Path, *, sha256: str = "") -> NDArray[np.int64] | None:
    """Reads what `write_predictions` wrote, int64 [N]; None where there is no such file.

    Args:
        path: The file.
        sha256: Its sum as it was written; empty where none was stored.

    Raises:
        ArtifactError: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        with open_regular(path) as file:
            content = file.read()
        predicted: NDArray[np.int64] = np.load(BytesIO(content), allow_pickle=False).astype(np.int64)
    except Exception as error:  # numpy, its parser of headers and what unpacks have errors of their own
        raise ArtifactError(f"{path}: is damaged ({error}); remove it, or put back a copy") from error
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise ArtifactError(f"{path}: is damaged (its checksum is another); remove it, or put back a copy")
    return predicted


def write_test_predictions(path: Path, predictions: TestPredictions) -> None:
    """Writes predictions as `.npz`, whole or not at all.

    Raises:
        ArtifactError: The disk is full, or the folder cannot be written to.
    """
    with written_whole(path) as file:
        np.savez_compressed(
            file,
            labels=predictions.labels,
            predicted=predictions.predicted,
            class_names=np.array(predictions.class_names, dtype=np.str_),
            shown=predictions.shown,
            images=predictions.images,
        )


def read_test_predictions(path: Path) -> TestPredictions | None:
    """Reads what `write_test_predictions` wrote; None where there is no such file.

    Raises:
        ArtifactError: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        # numpy leaves a file open that it has opened itself and cannot read.
        with open_regular(path) as file, np.load(file, allow_pickle=False) as found:
            return TestPredictions(
                labels=found["labels"],
                predicted=found["predicted"],
                class_names=tuple(map(str, found["class_names"])),
                shown=found["shown"],
                images=found["images"],
            )
    except Exception as error:  # the same
        raise ArtifactError(f"{path}: is damaged ({error}); `hpstudy confirm` writes it again") from error


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes its name once it is whole; on an error nothing is left and the old file stays.

    Raises:
        ArtifactError: The disk is full, or the folder cannot be written to.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
