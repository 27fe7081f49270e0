from __future__ import annotations

import gzip
import socket
import struct
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest

from hpstudy.datasets import ways
from hpstudy.datasets.files import home_of
from hpstudy.datasets.idx import STEMS
from hpstudy.datasets.obtain import fetch, status
from hpstudy.errors import DataError, InputError
from hpstudy.torchvision_repair import import_torchvision

GOOD = b"\x1f\x8b the official file"
REASON = "no route to any host"


def check_fakes(name: str, folder: Path) -> None:
    """The files written here are official; anything else is not."""
    home = home_of(name, folder=folder)
    for stem in STEMS:
        path = home / f"{stem}.gz"
        if not path.is_file() or path.read_bytes() != GOOD:
            raise DataError(f"{path}: not the official file")


def fill(folder: Path, content: bytes = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem in STEMS:
        (folder / f"{stem}.gz").write_bytes(content)
    return folder


class Machine:
    """A machine with a network that is blocked, no package and programs of our own on the path."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.debian = root / "usr/share/datasets/fashion-mnist"
        self.programs = root / "bin"
        self.programs.mkdir()
        self.data = root / "data"
        self.said: list[str] = []
        monkeypatch.setattr(ways, "DEBIAN_FOLDER", self.debian)
        monkeypatch.setenv("PATH", str(self.programs))
        self.patch = monkeypatch
        self.root_user(0)

    def root_user(self, number: int) -> None:
        self.patch.setattr("os.geteuid", lambda: number)

    def program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\necho "{name} $1" >> {self.programs}/log\n{script}\n')
        path.chmod(0o755)

    def calls(self) -> list[str]:
        log = self.programs / "log"
        return log.read_text().splitlines() if log.exists() else []

    def fetch(self, name: str = "fashion_mnist") -> Path:
        return fetch(name, folder=self.data, say=self.said.append, check=check_fakes)

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.data)) for path in self.data.rglob("*") if path.is_file())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    mnist = import_torchvision().datasets.mnist

    def blocked(url: str, **_: object) -> None:
        print("Failed to download (trying next):")
        raise URLError(REASON)

    monkeypatch.setattr(mnist, "download_and_extract_archive", blocked)
    return Machine(tmp_path, monkeypatch)


FINAL = [f"FashionMNIST/raw/{stem}.gz" for stem in sorted(STEMS)]


def test_files_that_are_there_are_left_alone(machine: Machine) -> None:
    home = fill(machine.data / "FashionMNIST/raw")
    before = {path: path.stat().st_mtime_ns for path in home.iterdir()}
    assert machine.fetch() == home
    assert machine.said == [f"Fashion-MNIST: complete in {home}"]
    assert {path: path.stat().st_mtime_ns for path in home.iterdir()} == before


def test_a_copy_on_the_machine_is_copied(machine: Machine) -> None:
    fill(machine.debian)
    assert machine.fetch() == machine.data / "FashionMNIST/raw"
    assert machine.files() == FINAL
    assert machine.said == [
        "Fashion-MNIST: trying a copy on this machine …",
        f"Fashion-MNIST: ready in {machine.data}/FashionMNIST/raw",
    ]


def test_damaged_files_are_replaced(machine: Machine) -> None:
    fill(machine.debian)
    fill(machine.data / "FashionMNIST/raw", b"<html>")
    machine.fetch()
    assert machine.files() == FINAL
    check_fakes("fashion_mnist", machine.data)


def test_a_download_is_taken_and_unpacked_files_are_left_behind(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts = []

    def download(folder: Path, *, download: bool) -> None:
        timeouts.append((download, socket.getdefaulttimeout()))
        fill(folder / "FashionMNIST/raw")
        (folder / "FashionMNIST/raw" / STEMS[0]).write_bytes(b"unpacked")

    monkeypatch.setattr(import_torchvision().datasets, "FashionMNIST", download)
    machine.fetch()
    assert machine.files() == FINAL
    assert timeouts == [(True, 15.0)]
    assert socket.getdefaulttimeout() is None


def test_root_installs_the_package(machine: Machine) -> None:
    fill(machine.programs / "package")
    machine.program("apt-get", f"mkdir -p {machine.debian} && cp {machine.programs}/package/* {machine.debian}")
    machine.fetch()
    assert machine.files() == FINAL
    assert machine.calls() == ["apt-get install"]


def test_an_unknown_package_is_tried_again_after_an_update(machine: Machine) -> None:
    fill(machine.programs / "package")
    known = machine.programs / "known"
    machine.program(
        "apt-get",
        f"""case "$1" in
update) touch {known};;
install) test -e {known} || {{ echo 'E: Unable to locate package' >&2; exit 100; }}
mkdir -p {machine.debian}; cp {machine.programs}/package/* {machine.debian};;
esac""",
    )
    machine.fetch()
    assert machine.files() == FINAL
    assert machine.calls() == ["apt-get install", "apt-get update", "apt-get install"]


def test_a_user_who_is_not_root_unpacks_the_package(machine: Machine) -> None:
    machine.root_user(1000)
    fill(machine.programs / "package")
    machine.program("apt-get", "touch dataset-fashion-mnist_1_all.deb")
    inside = machine.debian.relative_to(machine.debian.anchor)
    machine.program("dpkg-deb", f'mkdir -p "$3/{inside}" && cp {machine.programs}/package/* "$3/{inside}"')
    machine.fetch()
    assert machine.files() == FINAL
    assert machine.calls() == ["apt-get download", "dpkg-deb -x"]
    assert not machine.debian.exists()


def test_when_no_way_works_each_is_named_with_its_reason(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.root_user(1000)
    machine.program("apt-get", "echo 'W: something'; echo 'E: Unable to locate package' >&2; exit 100")
    machine.program("dpkg-deb", "exit 1")
    with pytest.raises(DataError) as raised:
        machine.fetch()
    unpacked = "Debian's package dataset-fashion-mnist, unpacked without installing"
    home = machine.data / "FashionMNIST/raw"
    lines = str(raised.value).splitlines()
    downloaded = lines.pop(2)
    assert downloaded.startswith("  torchvision's download: Error downloading train-images-idx3-ubyte.gz: Tried http")
    assert downloaded.endswith(f"got: <urlopen error {REASON}>")
    assert lines == [
        "Fashion-MNIST: no way led to its files:",
        f"  a copy on this machine: no {machine.debian}",
        "  Debian's package dataset-fashion-mnist, installed: only root can install packages",
        f"  {unpacked}: apt-get download failed: E: Unable to locate package",
        f"With internet, run it again; without, put the four official .gz files into {home}.",
    ]
    assert raised.value.exit_code == 4
    assert machine.files() == []
    assert capfd.readouterr() == ("", "")


def test_a_machine_without_apt_says_so(machine: Machine) -> None:
    with pytest.raises(DataError, match="no apt-get on this machine"):
        machine.fetch()


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", GOOD[:5]])
def test_files_that_do_not_pass_the_check_get_no_final_name(machine: Machine, content: bytes) -> None:
    fill(machine.debian, content)
    with pytest.raises(DataError, match=r"a copy on this machine: .*not the official file"):
        machine.fetch()
    assert machine.files() == []
    assert list(machine.data.iterdir()) == []


def test_a_half_copied_package_leaves_nothing(machine: Machine) -> None:
    fill(machine.debian)
    (machine.debian / f"{STEMS[3]}.gz").unlink()
    with pytest.raises(DataError, match=f"no {STEMS[3]}.gz in {machine.debian}"):
        machine.fetch()
    assert list(machine.data.iterdir()) == []


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "mnist", "kmnist"])
def test_without_a_network_the_official_archives_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blocked(*_: object, **__: object) -> None:
        raise URLError(REASON)

    monkeypatch.setattr(urllib.request, "urlopen", blocked)
    said: list[str] = []
    with pytest.raises(DataError, match=r"torchvision's download: .*\nWith internet, run it again; without, "):
        fetch(name, folder=tmp_path, say=said.append)
    assert len(said) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("digits", "digits: comes with scikit-learn; there is nothing to fetch"),
        (
            "image_folder",
            "image_folder: reads your own pictures from dataset.root; there is nothing to fetch",
        ),
    ],
)
def test_what_needs_no_files_says_so(name: str, sentence: str, tmp_path: Path) -> None:
    said: list[str] = []
    assert fetch(name, folder=tmp_path / "data", say=said.append) == tmp_path / "data"
    assert said == [sentence]
    assert not (tmp_path / "data").exists()


def test_fer2013_is_brought_by_the_user(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"download fer2013.csv or icml_face_data.csv from the Kaggle competition"):
        fetch("fer2013", folder=tmp_path, say=print)


@pytest.mark.parametrize(
    "ask",
    [
        lambda name, folder: fetch(name, folder=folder, say=print),
        lambda name, folder: status(name, folder=folder),
    ],
)
def test_an_unknown_name_gets_the_nearest(ask: Callable[[str, Path], object], tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match='datasets: no data set "fashion_mnits". Did you mean "fashion_mnist"?'.replace("?", r"\?"),
    ):
        ask("fashion_mnits", tmp_path)


def idx_folder(folder: Path, *, packed: bool) -> None:
    home = folder / "MNIST/raw"
    home.mkdir(parents=True)
    for stem in STEMS:
        n = 60_000 if stem.startswith("train") else 10_000
        images = struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28) + bytes(n * 784)
        content = images if "images" in stem else struct.pack(">4BI", 0, 0, 8, 1, n) + bytes(n)
        (home / (f"{stem}.gz" if packed else stem)).write_bytes(gzip.compress(content, 1) if packed else content)


@pytest.mark.parametrize("packed", [True, False])
def test_status_of_idx_files(tmp_path: Path, packed: bool) -> None:
    assert status("mnist", folder=tmp_path) == "absent"
    idx_folder(tmp_path, packed=packed)
    assert status("mnist", folder=tmp_path) == "ready"
    path = tmp_path / "MNIST/raw" / (f"{STEMS[0]}.gz" if packed else STEMS[0])
    whole = path.read_bytes()
    for content in (whole[:-1], b"<html>" + whole[6:], b"") if packed else (whole[:-1], b""):
        path.write_bytes(content)
        assert status("mnist", folder=tmp_path) == "damaged"
    path.unlink()
    assert status("mnist", folder=tmp_path) == "damaged"


@pytest.mark.parametrize(
    ("name", "files"),
    [
        (
            "cifar10",
            {f"cifar-10-batches-py/{n}" for n in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]},
        ),
        ("cifar100", {"cifar-100-python/train", "cifar-100-python/test"}),
        ("svhn", {"svhn/train_32x32.mat", "svhn/test_32x32.mat"}),
        ("fer2013", {"fer2013/icml_face_data.csv"}),
    ],
)
def test_status_of_other_files(tmp_path: Path, name: str, files: set[str]) -> None:
    assert status(name, folder=tmp_path) == "absent"
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"x")
    assert status(name, folder=tmp_path) == "ready"
    (tmp_path / min(files)).write_bytes(b"")
    assert status(name, folder=tmp_path) == "damaged"


def test_status_of_binary_cifar_goes_by_size(tmp_path: Path) -> None:
    home = tmp_path / "cifar-100-binary"
    home.mkdir()
    for name, count in (("train.bin", 50_000), ("test.bin", 10_000)):
        with (home / name).open("wb") as file:
            file.truncate(count * 3074)  # sparse: no space is used
    assert status("cifar100", folder=tmp_path) == "ready"
    with (home / "test.bin").open("wb") as file:
        file.truncate(10_000 * 3074 - 1)
    assert status("cifar100", folder=tmp_path) == "damaged"


def test_status_of_what_needs_no_files(tmp_path: Path) -> None:
    assert status("digits", folder=tmp_path) == "built in"
    assert status("image_folder", folder=tmp_path) == "yours"
