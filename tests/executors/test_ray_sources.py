"""A user's architecture on its way: found in place where it is, else copied."""

from __future__ import annotations

from pathlib import Path

from hpstudy.architectures.build import find_builder
from hpstudy.executors.ray_sources import pack_sources, unpack_sources

NETS = b"from blocks import width\n\ndef net(input_shape, n_classes, *, dropout=0.0):\n    return width\n"


def test_a_file_travels_with_what_it_imports(tmp_path: Path) -> None:
    study, other = tmp_path / "study", tmp_path / "other"
    (study / "own").mkdir(parents=True)
    (study / "nets.py").write_bytes(NETS)
    (study / "blocks.py").write_bytes(b"width = 3\n")
    (study / "data.bin").write_bytes(b"\0")
    sources = pack_sources("nets.py:net", folder=study)
    assert sources == {"nets.py": NETS, "blocks.py": b"width = 3\n"}

    assert unpack_sources(sources, theirs=study, own=other) == study
    assert not other.exists()

    (study / "blocks.py").write_bytes(b"width = 4\n")  # another machine's file of that name
    assert unpack_sources(sources, theirs=study, own=other) == other
    assert {file.name: file.read_bytes() for file in other.iterdir()} == sources


def test_a_package_travels_with_its_folders(tmp_path: Path) -> None:
    package = tmp_path / "travelling_package"
    package.mkdir()
    (package / "__init__.py").write_bytes(b"")
    (package / "nets.py").write_bytes(b"def net(input_shape, n_classes, *, dropout=0.0):\n    return None\n")
    find_builder("travelling_package.nets:net", study_folder=tmp_path)
    sources = pack_sources("travelling_package.nets:net", folder=tmp_path)
    assert set(sources) == {"travelling_package/__init__.py", "travelling_package/nets.py"}


def test_what_ships_and_what_lies_elsewhere_stays(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "nets.py").write_bytes(b"")
    for architecture in ("lenet5", "torchvision:resnet18", "../nets.py:net", f"{tmp_path}/nets.py:net"):
        assert pack_sources(architecture, folder=tmp_path / "study") == {}
