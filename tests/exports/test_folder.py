"""The folder of an export: what is in it, what it replaces, and every folder that must not be used."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hpstudy.errors import ArtifactError, InputError
from hpstudy.exports.manifest import Manifest, manifest_text
from hpstudy.exports.predict import predict
from hpstudy.exports.read import open_model, read_export
from hpstudy.exports.write import write_export
from hpstudy.training.weights import write_weights
from tests.conftest import SMALL_NET
from tests.exports.conftest import network

CPU = torch.device("cpu")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_it_comes_back_equal(trained, own, export, tmp_path) -> None:
    exported = read_export(export(trained))
    assert exported.model == trained
    assert exported.source_sha256 is None
    weights = tmp_path / "out" / "weights.safetensors"
    assert exported.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert sorted(contents(tmp_path / "out")) == ["README.md", "config.json", "weights.safetensors"]
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755 & ~_umask()
    exported = read_export(export(own))
    assert exported.model == own
    assert exported.source_sha256 == hashlib.sha256(SMALL_NET.encode()).hexdigest()
    assert (tmp_path / "out" / "architecture.py").read_text(encoding="utf-8") == SMALL_NET


def _umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now


def test_the_config_says_what_a_person_looks_for(trained, export) -> None:
    found = json.loads((export(trained) / "config.json").read_text(encoding="utf-8"))
    assert (found["format"], found["version"]) == ("hpstudy export", 1)
    model = found["model"]
    assert (model["config"]["optimizer"], model["config"]["learning_rate"]) == ("sgd", 0.1)
    assert model["class_names"] == list("0123456789")
    assert model["input_shape"] == [1, 8, 8]
    assert (model["validation_accuracy"], model["test_accuracy"]) == (0.95, 0.93)


def test_two_exports_of_one_model_are_equal_and_the_second_takes_the_firsts_place(trained, export, tmp_path) -> None:
    first = contents(export(trained))
    assert contents(export(trained)) == first
    assert contents(export(replace(trained, label="13"))) != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.safetensors", "out"]


def test_an_empty_folder_and_folders_that_are_not_there_are_filled(trained, export, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    export(trained)
    deep = tmp_path / "a" / "b" / "c"
    write_export(trained, weights=tmp_path / "kept.safetensors", sha256=None, source=None, folder=deep)
    assert read_export(deep).model == trained


def test_what_is_not_an_export_is_left_alone(trained, export, tmp_path, monkeypatch) -> None:
    export(trained)
    weights = tmp_path / "kept.safetensors"
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    with pytest.raises(
        InputError, match=r"mine: is not empty and no earlier export; nothing was written; name another"
    ):
        write_export(trained, weights=weights, sha256=None, source=None, folder=mine)
    (mine / "config.json").write_text("{}")
    with pytest.raises(InputError, match="is not empty and no earlier export") as raised:
        write_export(trained, weights=weights, sha256=None, source=None, folder=mine)
    assert raised.value.exit_code == 2
    assert (mine / "thesis.txt").read_text() == "mine"
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "blocks.py").write_text("SIZE = 7")
    with pytest.raises(InputError, match=r"is an earlier export that also holds blocks\.py; nothing was written"):
        write_export(trained, weights=weights, sha256=None, source=None, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == before | {"blocks.py": b"SIZE = 7"}
    with pytest.raises(InputError, match=r"kept\.safetensors: is a file; name a folder"):
        write_export(trained, weights=weights, sha256=None, source=None, folder=weights)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match=r"\.: is the folder that you are in; name another with --output"):
        write_export(trained, weights=weights, sha256=None, source=None, folder=Path())


def test_weights_that_are_not_the_models_are_not_exported(trained, export, tmp_path) -> None:
    weights = tmp_path / "other.safetensors"
    write_weights(torch.nn.Linear(2, 2), weights)
    export(trained)
    before = contents(tmp_path / "out")
    with pytest.raises(ArtifactError, match=r"other\.safetensors: these are not the weights of this model"):
        write_export(trained, weights=weights, sha256=None, source=None, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_own_code_that_cannot_stand_by_itself_is_not_exported(own, export, tmp_path) -> None:
    with pytest.raises(
        InputError, match=r"models/nets\.py:tiny: no run recorded its source.*hpstudy confirm digits_stu"
    ):
        export(own, source=None)
    with pytest.raises(InputError, match=r"models/nets\.py:tiny: line 2 imports another file of its package"):
        export(own, source="import torch\nfrom .blocks import block\n")
    with pytest.raises(InputError, match=r"its recorded source is no Python that runs here \(invalid syntax"):
        export(own, source="x = = 1\n")
    assert not (tmp_path / "out").exists()


FULL_DISK = """
import resource, sys
from pathlib import Path
from hpstudy.errors import ArtifactError
from hpstudy.exports.read import read_export
from hpstudy.exports.write import write_export

out = Path(sys.argv[1])
model = read_export(out).model
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_export(model, weights=out / "weights.safetensors", sha256=None, source=None, folder=out)
except ArtifactError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_earlier_export_and_nothing_else(trained, export, tmp_path) -> None:
    before = contents(export(trained))
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / 'out'}: cannot be written (File too large)\n"
    assert contents(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.safetensors", "out"]


def flipped(name: str) -> Callable[[Path], None]:
    """Changes one byte in the middle of a file."""

    def spoil(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return spoil


def cut(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return spoil


def gone(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


DAMAGED = {
    "weights altered": (flipped("weights.safetensors"), r"out/weights\.safetensors: is not the file that was written"),
    "weights cut short": (cut("weights.safetensors"), r"out/weights\.safetensors: is not the file that was written"),
    "weights gone": (gone("weights.safetensors"), r"out/weights\.safetensors: there is no such file"),
    "config cut short": (cut("config.json"), r"out/config\.json: is cut short or no JSON; export the model again"),
    "source altered": (
        flipped("architecture.py"),
        r"out/architecture\.py: is not the code that was exported; it was altered and is not run",
    ),
    "source gone": (gone("architecture.py"), r"out/architecture\.py: cannot be read \(No such file"),
}


@pytest.mark.parametrize(("spoil", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_export_is_refused(own, export, spoil, message) -> None:
    folder = export(own)
    spoil(folder)
    with pytest.raises(ArtifactError, match=message) as raised:
        read_export(folder)
    assert raised.value.exit_code == 3


def test_no_altered_byte_of_the_config_goes_unnoticed(trained, export) -> None:
    """White space between values apart: it says nothing."""
    folder = export(trained)
    path = folder / "config.json"
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        if content[position : position + 1].isspace():
            continue
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(
            ArtifactError, match=r"config\.json: (was altered|is cut short|is no hpstudy|is of another)"
        ):
            read_export(folder)


def rewritten(folder: Path, exported: Manifest) -> None:
    (folder / "config.json").write_text(manifest_text(exported), encoding="utf-8")


def test_a_forged_export_with_other_shapes_or_a_pickle_is_refused_too(trained, export, tmp_path) -> None:
    folder = export(trained)
    weights = folder / "weights.safetensors"
    tensors = load_file(weights)
    name = next(iter(tensors))
    save_file({**tensors, name: torch.zeros(3, 3)}, weights)
    rewritten(folder, Manifest(trained, {"weights.safetensors": hashlib.sha256(weights.read_bytes()).hexdigest()}))
    with pytest.raises(ArtifactError, match=rf"not the weights of this model: {name}: expected \[.*\], got \[3, 3\]"):
        predict(read_export(folder), [], device=CPU)
    mark = tmp_path / "ran"
    torch.save({"weight": Trap(str(mark))}, weights)
    rewritten(folder, Manifest(trained, {"weights.safetensors": hashlib.sha256(weights.read_bytes()).hexdigest()}))
    with pytest.raises(ArtifactError, match=r"weights\.safetensors: is a pickle, which could run code"):
        read_export(folder)
    assert not mark.exists()


class Trap:
    """What makes a folder when it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (self.mark,))


def test_a_name_never_leads_to_code_outside_of_the_folder(own, export) -> None:
    """The config may name any module; what runs is the file beside it, whose checksum has been compared."""
    config = replace(own.config, architecture="os:tiny")
    folder = export(own)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in contents(folder)}
    rewritten(folder, Manifest(replace(own, config=config), files))
    assert open_model(read_export(folder), device=CPU)[1].out_features == 6
    del files["architecture.py"]
    rewritten(folder, Manifest(replace(own, config=config), files))
    with pytest.raises(ArtifactError, match="lacks the checksum of a file"):
        read_export(folder)


MANIFESTS = {
    "a list": ("[]", "is no hpstudy export's"),
    "another's": ('{"format": "keras"}', "is no hpstudy export's"),
    "a later one": (
        '{"format": "hpstudy export", "version": 2}',
        "is of another version of hpstudy's exports; read it",
    ),
    "without checksum": (
        '{"format": "hpstudy export", "version": 1}',
        r"was altered \(its own checksum does not fit\)",
    ),
    "deep": ("[" * 100_000, "is cut short or no JSON"),
    "not text": ("\udcff", "is cut short or no JSON"),
}


@pytest.mark.parametrize(("content", "message"), MANIFESTS.values(), ids=MANIFESTS)
def test_what_is_no_manifest_is_refused(tmp_path, content, message) -> None:
    (tmp_path / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ArtifactError, match=rf"config\.json: {message}"):
        read_export(tmp_path)


def test_a_value_of_another_type_is_named(trained, tmp_path) -> None:
    wrong = replace(trained, input_shape=(1, 8, "8"))  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="serialized value may not be as expected"):
        rewritten(tmp_path, Manifest(wrong, {}))
    with pytest.raises(ArtifactError, match=r"config\.json: model\.input_shape\.2: Input should be a valid integer"):
        read_export(tmp_path)


def test_a_folder_that_is_no_export_is_told(tmp_path) -> None:
    with pytest.raises(InputError, match=r"nowhere: there is no such folder"):
        read_export(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"is no export: it has no config\.json; `hpstudy export NAME --output DIR`"):
        read_export(tmp_path)


def test_reading_runs_no_code_and_opening_does(own, export, tmp_path) -> None:
    mark = tmp_path / "ran"
    folder = export(own, source=f"import os\nos.mkdir({str(mark)!r})\n{SMALL_NET}")
    exported = read_export(folder)
    assert not mark.exists()
    open_model(exported, device=CPU)
    assert mark.is_dir()


def test_code_that_was_altered_after_it_was_read_is_not_run(own, export, tmp_path) -> None:
    mark = tmp_path / "ran"
    exported = read_export(export(own, source=SMALL_NET))
    (exported.folder / "architecture.py").write_text(f"import os\nos.mkdir({str(mark)!r})\n{SMALL_NET}")
    with pytest.raises(ArtifactError, match="it was altered and is not run"):
        open_model(exported, device=CPU)
    assert not mark.exists()


def test_a_model_that_is_opened_is_the_one_that_was_exported(trained, export, tmp_path) -> None:
    opened = open_model(read_export(export(trained)), device=CPU)
    original = network(trained, tmp_path).state_dict()
    assert not opened.training
    assert opened.state_dict().keys() == original.keys()
    assert all(torch.equal(tensor, original[name]) for name, tensor in opened.state_dict().items())


def test_reading_an_export_needs_no_database(trained, export) -> None:
    program = (
        "import sys; from pathlib import Path; from hpstudy.exports.predict import predict; "
        "from hpstudy.exports.read import read_export; read_export(Path(sys.argv[1])); "
        "print({'optuna', 'sqlalchemy', 'pandas'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program, str(export(trained))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"
