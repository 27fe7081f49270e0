"""The ways to obtain a data set; each fills a folder with the official files, or says why it cannot."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from hpstudy.datasets.files import home_of
from hpstudy.datasets.idx import STEMS
from hpstudy.error_summary import error_text
from hpstudy.torchvision_repair import import_torchvision

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package puts the four official files."""

DEBIAN_PACKAGE = "dataset-fashion-mnist"
"""The Debian package of Fashion-MNIST."""

_SOCKET_SECONDS = 15.0
_APT_SECONDS = 600.0
_UPDATE_SECONDS = 180.0
_REASON_CHARACTERS = 160


class WayFailedError(Exception):
    """Why one way did not lead to the files, in a few words."""


class _ExitedBadlyError(WayFailedError):
    """A program ended with another exit code than 0."""


@dataclass(frozen=True)
class Way:
    """One way to obtain a data set.

    Attributes:
        title: What it is, for messages.
        bring: Puts the files under a data folder, given the data set's row; raises WayFailedError or OSError.
    """

    title: str
    bring: Callable[[str, Path], None]


def copy_installed(name: str, folder: Path) -> None:
    """The four official files of Fashion-MNIST, copied from where Debian's package has put them.

    Args:
        name: The data set's row.
        folder: The data folder that gets them.

    Raises:
        WayFailedError: They are not there.
    """
    _copy(DEBIAN_FOLDER, name, folder)


def download(name: str, folder: Path) -> None:
    """The files from their official address, through torchvision, which checks their MD5 sums.

    Args:
        name: The data set's row; one of `mnist`, `fashion_mnist`, `kmnist`, `cifar10`, `cifar100`, `svhn`.
        folder: The data folder that gets them.

    Raises:
        WayFailedError: No connection within 15 seconds, or what came was damaged.
    """
    datasets = import_torchvision().datasets
    calls: Mapping[str, Callable[[], object]] = {
        "mnist": lambda: datasets.MNIST(folder, download=True),
        "fashion_mnist": lambda: datasets.FashionMNIST(folder, download=True),
        "kmnist": lambda: datasets.KMNIST(folder, download=True),
        "cifar10": lambda: datasets.CIFAR10(folder, download=True),
        "cifar100": lambda: datasets.CIFAR100(folder, download=True),
        "svhn": lambda: [datasets.SVHN(folder / "svhn", split, download=True) for split in ("train", "test")],
    }
    try:
        with _silent(), _failing_fast():
            calls[name]()
    except (
        EOFError,
        HTTPException,
        OSError,
        RuntimeError,
        ValueError,
        tarfile.TarError,
        zlib.error,
    ) as error:
        raise WayFailedError(error_text(error) or type(error).__name__) from error


def install_package(name: str, folder: Path) -> None:
    """Fashion-MNIST from Debian's package, installed by root with apt-get, then copied.

    Where the package is unknown, the package lists are updated once.

    Args:
        name: The data set's row.
        folder: The data folder that gets the files.

    Raises:
        WayFailedError: The user is not root, there is no apt-get, or it failed.
    """
    apt = _program("apt-get")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise WayFailedError("only root can install packages")
    install = [apt, "install", "--yes", "--no-install-recommends", DEBIAN_PACKAGE]
    _with_update(apt, install, cwd=None)
    _copy(DEBIAN_FOLDER, name, folder)


def unpack_package(name: str, folder: Path) -> None:
    """Fashion-MNIST from Debian's package, unpacked in a temporary folder; nothing is installed.

    Args:
        name: The data set's row.
        folder: The data folder that gets the files.

    Raises:
        WayFailedError: There is no apt-get or no dpkg-deb, or one of them failed.
    """
    apt, dpkg = _program("apt-get"), _program("dpkg-deb")
    with TemporaryDirectory() as temporary:
        place = Path(temporary)
        _with_update(apt, [apt, "download", DEBIAN_PACKAGE], cwd=place)
        packages = sorted(place.glob(f"{DEBIAN_PACKAGE}_*.deb"))
        if not packages:
            raise WayFailedError("apt-get download left no package")
        _run([dpkg, "-x", str(packages[0]), str(place / "unpacked")], seconds=_UPDATE_SECONDS, cwd=place)
        _copy(place / "unpacked" / DEBIAN_FOLDER.relative_to(DEBIAN_FOLDER.anchor), name, folder)


_DOWNLOAD = Way("torchvision's download", download)
_DEBIAN = (
    Way(f"Debian's package {DEBIAN_PACKAGE}, installed", install_package),
    Way(f"Debian's package {DEBIAN_PACKAGE}, unpacked without installing", unpack_package),
)

WAYS: Mapping[str, tuple[Way, ...]] = {
    "fashion_mnist": (Way("a copy on this machine", copy_installed), _DOWNLOAD, *_DEBIAN),
    "mnist": (_DOWNLOAD,),
    "kmnist": (_DOWNLOAD,),
    "cifar10": (_DOWNLOAD,),
    "cifar100": (_DOWNLOAD,),
    "svhn": (_DOWNLOAD,),
}
"""The ways to each data set that can be fetched, in the order in which they are tried."""


def _copy(source: Path, name: str, folder: Path) -> None:
    home = home_of(name, folder=folder)
    home.mkdir(parents=True, exist_ok=True)
    for stem in STEMS:
        if not (source / f"{stem}.gz").is_file():
            raise WayFailedError(f"no {stem}.gz in {source}" if source.is_dir() else f"no {source}")
        shutil.copyfile(source / f"{stem}.gz", home / f"{stem}.gz")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise WayFailedError(f"no {name} on this machine")
    return path


def _with_update(apt: str, command: list[str], *, cwd: Path | None) -> None:
    """Runs apt-get, and where it fails once more after an update of the package lists."""
    try:
        _run(command, seconds=_APT_SECONDS, cwd=cwd)
    except _ExitedBadlyError:
        # An update that fails for one list of many may still have brought the list that counts.
        with suppress(_ExitedBadlyError):
            _run([apt, "update"], seconds=_UPDATE_SECONDS, cwd=cwd)
        _run(command, seconds=_APT_SECONDS, cwd=cwd)


def _run(command: list[str], *, seconds: float, cwd: Path | None) -> None:
    """Runs a program to its end; what it wrote last is the reason where it fails."""
    title = f"{Path(command[0]).name} {command[1]}"
    try:
        done = subprocess.run(  # noqa: S603  # the program found on the path, with fixed arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False, cwd=cwd
        )
    except subprocess.TimeoutExpired as error:
        raise WayFailedError(f"{title} took more than {seconds:g} s") from error
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise _ExitedBadlyError(f"{title} failed: {last[:_REASON_CHARACTERS] or f'exit code {done.returncode}'}")


@contextmanager
def _silent() -> Iterator[None]:
    """Progress bars and prints of a library, kept from the terminal."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


@contextmanager
def _failing_fast() -> Iterator[None]:
    """Sockets opened meanwhile give up after 15 seconds of silence."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SOCKET_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
