"""`predict` on folders and pictures that were made to do harm: one sentence, nothing large, no waiting, no code."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from hpstudy.errors import ArtifactError
from hpstudy.exports.manifest import _checksum
from hpstudy.exports.model import TrainedModel
from hpstudy.exports.read import open_model, read_export
from hpstudy.exports.rebuild import build_architecture, tensors_without_memory
from hpstudy.spec.catalogue import ARCHITECTURES
from hpstudy.torchvision_repair import import_torchvision
from tests.exports.conftest import Export

TERABYTE = 10**12
Forge = Callable[[dict[str, Any]], object]


def of_model(**changes: object) -> Forge:
    return lambda config: config["model"].update(changes)


def of_training(**changes: object) -> Forge:
    return lambda config: config["model"]["config"].update(changes)


def of_data(**changes: object) -> Forge:
    return lambda config: config["model"]["config"]["dataset"].update(changes)


def of_scale(mean: list[float], std: list[float]) -> Forge:
    return of_data(normalize={"mean": mean, "std": std})


def colour(architecture: str) -> Forge:
    """Another architecture for pictures of a size that it takes; the weights stay."""

    def forge(config: dict[str, Any]) -> None:
        of_model(picture_shape=[3, 224, 224], input_shape=[3, 224, 224])(config)
        of_training(architecture=architecture, options={}, dropout=None)(config)

    return forge


HUGE = 10**9
CONFIGS: Mapping[str, Forge] = {
    "huge pictures": of_model(picture_shape=[1, HUGE, HUGE]),
    "huge input": of_model(input_shape=[1, HUGE, HUGE]),
    "large pictures": of_model(picture_shape=[1, 60_000, 60_000], input_shape=[1, 60_000, 60_000]),
    "endless pictures": of_model(picture_shape=[1, 10**30, 8]),
    "negative pictures": of_model(picture_shape=[1, -8, -8]),
    "no pixels": of_model(picture_shape=[1, 0, 8]),
    "two channels": of_model(picture_shape=[2, 8, 8]),
    "many channels": of_model(picture_shape=[HUGE, 8, 8], input_shape=[HUGE, 8, 8]),
    "fractions": of_model(picture_shape=[1, 8.5, 8]),
    "no classes": of_model(class_names=[]),
    "many classes": of_model(class_names=["x"] * 10**5),
    "huge image_size": of_data(image_size=HUGE),
    "negative image_size": of_data(image_size=-8),
    "huge padding": of_data(pad_resize=HUGE),
    "grey to colour": of_data(greyscale_to_rgb=True),
    "std 0": of_scale([0.5], [0.0]),
    "std below 0": of_scale([0.5], [-1.0]),
    "std of nothing": of_scale([0.5], []),
    "std NaN": of_scale([0.5], [float("nan")]),
    "mean NaN": of_scale([float("nan")], [0.5]),
    "mean infinite": of_scale([float("inf")], [0.5]),
    "means of other channels": of_scale([0.5, 0.5], [0.5, 0.5]),
    "more means than stds": of_scale([0.5, 0.5, 0.5], [0.5]),
    "std next to 0": of_scale([0.5], [1e-300]),
    "a billion blocks": of_training(options={"blocks": HUGE}),
    "blocks of another type": of_training(options={"blocks": "many"}),
    "no such option": of_training(options={"depth": HUGE}),
    "no such architecture": of_training(architecture="nonesuch", options={}),
    "dropout of 2": of_training(dropout=2.0),
    "dropout NaN": of_training(dropout=float("nan")),
    "a huge hidden layer": lambda config: (
        colour("alexnet")(config),
        of_training(options={"hidden": 10**12})(config),
    ),
    "vit_h_14": colour("torchvision:vit_h_14"),
    "regnet_y_128gf": colour("torchvision:regnet_y_128gf"),
}


def forged(folder: Path, forge: Forge) -> None:
    """Changes what `config.json` says, and its own checksum with it."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("sha256")
    forge(config)
    path.write_text(json.dumps({**config, "sha256": _checksum(config)}), encoding="utf-8")


def is_now(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """A file of a folder is now something else."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        make(folder / name)

    return change


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # a socket's path must be short


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, TERABYTE)


NO_FILES: Mapping[str, Callable[[Path], object]] = {
    "a named pipe": os.mkfifo,
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a device that waits": lambda path: path.symlink_to("/dev/tty"),
    "a socket": listening,
    "a folder": Path.mkdir,
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a terabyte": sparse,
}


def with_header(header: object, *, length: int | None = None, n_bytes: int = 0) -> Callable[[Path], object]:
    """Weights whose header says something, and so many bytes of zeros after it."""
    text = json.dumps(header).encode()
    beginning = struct.pack("<Q", len(text) if length is None else length)
    return lambda path: (path.write_bytes(beginning + text), os.truncate(path, len(beginning + text) + n_bytes))


def tensor(*shape: int, at: tuple[int, int], kind: str = "F32") -> dict[str, object]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(at)}


WEIGHTS: Mapping[str, Callable[[Path], object]] = {
    "a header as long as can be": with_header({}, length=2**64 - 1),
    "a header of 50 MB": with_header({}, length=50_000_000, n_bytes=60_000_000),
    "overlapping tensors": with_header({"a": tensor(8, at=(0, 32)), "b": tensor(8, at=(16, 48))}, n_bytes=48),
    "a tensor beyond the end": with_header({"a": tensor(10**9, at=(0, 4 * 10**9))}, n_bytes=32),
    "a tensor of a terabyte": with_header({"a": tensor(TERABYTE, at=(0, 4 * TERABYTE))}, n_bytes=4 * TERABYTE),
    "a size that overflows": with_header({"a": tensor(2**40, 2**40, at=(0, 32))}, n_bytes=32),
    "a negative size": with_header({"a": tensor(-8, at=(0, 32))}, n_bytes=32),
    "backwards": with_header({"a": tensor(8, at=(32, 0))}, n_bytes=32),
    "no such type": with_header({"a": tensor(8, at=(0, 32), kind="F99")}, n_bytes=32),
    "a deep header": lambda path: path.write_bytes(struct.pack("<Q", 10**6) + b"[" * 10**6),
    "a list": with_header([]),
    "nothing": Path.touch,
}


def bomb(path: Path) -> None:
    """A PNG file that says it has 10^10 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10**6)))


@pytest.fixture
def folder(trained: TrainedModel, export: Export) -> Path:
    return export(trained)


@pytest.mark.timeout(100)
def test_nothing_large_is_made_of_what_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture = tmp_path / "picture.png"
    Image.new("L", (8, 8), 90).save(picture)
    cases = {"sound": ["predict", str(folder), str(picture)]}

    def case(name: str, change: Callable[[Path], object], *, of: str) -> None:
        made = tmp_path / f"{of} {name}"
        shutil.copytree(folder, made)
        change(made)
        cases[f"{of}: {name}"] = ["predict", str(made), str(picture)]

    for name, forge in CONFIGS.items():
        case(name, lambda made, forge=forge: forged(made, forge), of="config")
    for name, make in NO_FILES.items():
        case(name, is_now("weights.safetensors", make), of="weights")
        case(name, is_now("config.json", make), of="config.json")
        make(tmp_path / f"{name}.png")
        cases[f"picture: {name}"] = ["predict", str(folder), str(tmp_path / f"{name}.png")]
    for name, make in WEIGHTS.items():
        case(name, is_now("weights.safetensors", make), of="weights")
    bomb(tmp_path / "bomb.png")
    cases["picture: bomb"] = ["predict", str(folder), str(tmp_path / "bomb.png")]
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")

    words = [sys.executable, "-m", "tests.exports.hostile", tmp_path / "cases.json"]
    root = Path(__file__).parents[2]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=90, check=True)
    found = json.loads(done.stdout)
    assert found.pop("sound") == [0, ""]
    expected = {name: [4] if name.startswith("picture") else [2, 3] for name in found}
    wrong = {name: told for name, told in found.items() if told[0] not in expected[name]}
    assert wrong == {}
    assert len(found) == len(CONFIGS) + 3 * len(NO_FILES) + len(WEIGHTS) + 1
    assert [name for name, told in found.items() if "Traceback" in told[1]] == []


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", NO_FILES)
def test_a_source_that_is_no_file_is_refused(
    own: TrainedModel, export: Export, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = export(own)
    monkeypatch.chdir(folder)
    is_now("architecture.py", NO_FILES[name])(folder)
    with pytest.raises(ArtifactError, match=r"architecture\.py: cannot be read"):
        read_export(folder)


def test_weights_that_grew_after_they_were_read_are_not_read(trained: TrainedModel, folder: Path) -> None:
    exported = read_export(folder)
    os.truncate(folder / "weights.safetensors", TERABYTE)
    with pytest.raises(ArtifactError, match="cannot be read"):
        open_model(exported, device=torch.device("cpu"))


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def check_shapes(trained: TrainedModel, architecture: str, side: int) -> None:
    shape = (3, side, side)
    config = replace(trained.config, architecture=architecture, options={}, dropout=None)
    model = replace(trained, config=config, picture_shape=shape, input_shape=shape)
    found = tensors_without_memory(model, folder=Path())
    assert sum(tensor.nbytes for tensor in found.values() if tensor.device.type != "meta") < 1_000_000
    if sum(tensor.nbytes for tensor in found.values()) < 40_000_000:
        assert shapes(found) == shapes(build_architecture(model, folder=Path()).state_dict())


@pytest.mark.parametrize(
    "architecture", [*(row.name for row in ARCHITECTURES), "torchvision:regnet_x_400mf", "torchvision:swin_t"]
)
def test_the_tensors_without_memory_are_those_of_the_network(trained: TrainedModel, architecture: str) -> None:
    check_shapes(trained, architecture, 64)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_so_are_those_of_every_network_of_torchvision(trained: TrainedModel) -> None:
    models = import_torchvision().models
    for name in models.list_models(module=models):
        check_shapes(trained, f"torchvision:{name}", 299 if name == "inception_v3" else 224)
