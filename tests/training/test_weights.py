"""Weights on disk: equal bits back, and every file that must not be used is refused with its sentence."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from hpstudy.errors import ArtifactError
from hpstudy.training.weights import check_weights, load_weights, write_weights


def network(hidden: int = 5, *, seed: int = 0) -> nn.Sequential:
    """A convolution, batch norm (which has buffers) and a linear layer; channels-last, as in training."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, hidden), nn.Linear(hidden, 2)
    )
    return model.to(memory_format=torch.channels_last)


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "search-3.safetensors"


def test_a_model_comes_back_with_equal_bits_and_keeps_its_layout(path: Path) -> None:
    model = network().train()
    batch = torch.rand(8, 3, 4, 4).to(memory_format=torch.channels_last)
    model(batch)  # batch norm's buffers move
    digest = write_weights(model, path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest() == check_weights(path, sha256=None)
    other = network(seed=1)
    load_weights(other, path, sha256=digest)
    assert equal(state(model), state(other))
    assert int(other[1].num_batches_tracked) == 1
    assert other[0].weight.is_contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        assert torch.equal(model.eval()(batch), other.eval()(batch))
    assert [file.name for file in path.parent.iterdir()] == ["search-3.safetensors"]


def test_the_same_weights_give_the_same_file(path: Path) -> None:
    assert write_weights(network(), path) == write_weights(network(), path.with_name("again.safetensors"))


class Tied(nn.Module):
    """Two layers with one weight, and a buffer that is a part of another."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4, bias=False)
        self.second = nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("whole", torch.arange(6.0))
        self.register_buffer("part", self.whole[2:4])


def test_shared_tensors_are_written_under_each_of_their_names(path: Path) -> None:
    torch.manual_seed(0)
    model = Tied()
    digest = write_weights(model, path)
    written = load_file(path)
    assert written.keys() == {"first.weight", "second.weight", "whole", "part"}
    assert written["part"].tolist() == [2.0, 3.0]
    other = Tied()
    load_weights(other, path, sha256=digest)
    assert equal(state(model), state(other))
    assert other.second.weight is other.first.weight


def test_one_altered_byte_is_refused_and_the_model_stays(path: Path) -> None:
    digest = write_weights(network(), path)
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    model = network(seed=1)
    before = state(model)
    with pytest.raises(ArtifactError) as raised:
        load_weights(model, path, sha256=digest)
    actual = hashlib.sha256(content).hexdigest()
    assert str(raised.value) == (
        f"{path}: is not the file that was written (its SHA-256 begins with {actual[:12]}, expected {digest[:12]}); "
        "it was altered or cut short and is not used"
    )
    assert raised.value.exit_code == 3
    assert equal(before, state(model))


@pytest.mark.parametrize("kept", [0, 5, 8, 100, -1])
def test_a_file_that_is_cut_short_is_refused_without_its_checksum_too(path: Path, kept: int) -> None:
    digest = write_weights(network(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArtifactError, match=r"search-3\.safetensors: is cut short or no safetensors file \("):
        load_weights(network(), path, sha256=None)
    with pytest.raises(ArtifactError, match="is cut short or no safetensors file"):
        check_weights(path, sha256=None)
    with pytest.raises(ArtifactError, match="is not the file that was written"):
        load_weights(network(), path, sha256=digest)


def test_other_shapes_are_refused_with_the_tensor_and_both_shapes(path: Path) -> None:
    digest = write_weights(network(hidden=6), path)
    model = network(seed=1)
    before = state(model)
    with pytest.raises(ArtifactError) as raised:
        load_weights(model, path, sha256=digest)
    assert str(raised.value) == (
        f"{path}: these are not the weights of this model: 3.weight: expected [5, 64], got [6, 64]; "
        "3.bias: expected [5], got [6]; 4.weight: expected [2, 5], got [2, 6]"
    )
    assert equal(before, state(model))


def test_other_names_and_types_are_refused_and_counted(path: Path) -> None:
    given = state(network())
    given["0.bias"] = given["0.bias"].double()
    for name in ("1.weight", "1.bias", "4.bias"):
        given[f"x{name}"] = given.pop(name)
    path.parent.mkdir()
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in given.items()}))
    with pytest.raises(ArtifactError) as raised:
        load_weights(network(), path, sha256=None)
    assert str(raised.value).endswith(
        "model: 0.bias: expected float32, got float64; 1.weight is missing; 1.bias is missing; and 4 more"
    )


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.mark),))


@pytest.mark.parametrize("how", ["torch", "legacy", "pickle", "text"])
def test_a_pickle_is_never_opened(tmp_path: Path, how: str) -> None:
    path, mark = tmp_path / "weights.safetensors", tmp_path / "ran"
    if how in {"torch", "legacy"}:
        torch.save({"weight": Trap(mark)}, path, _use_new_zipfile_serialization=how == "torch")
    else:
        path.write_bytes(pickle.dumps(Trap(mark), protocol=0 if how == "text" else 4))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    fact = "is cut short or no safetensors" if how == "text" else "is a pickle, which could run code when it is opened"
    with pytest.raises(ArtifactError, match=fact):
        load_weights(network(), path, sha256=digest)
    with pytest.raises(ArtifactError, match=fact):
        check_weights(path, sha256=None)
    assert not mark.exists()


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gone\.safetensors: there is no such file$"):
        load_weights(network(), tmp_path / "gone.safetensors", sha256=None)
    with pytest.raises(ArtifactError, match=r"cannot be read \(Is a directory\)$"):
        load_weights(network(), tmp_path, sha256=None)


class Talking(nn.Linear):
    """A model whose state is more than tensors."""

    def get_extra_state(self) -> dict[str, int]:
        return {"seen": 3}


def test_a_state_that_is_no_tensor_is_told(path: Path) -> None:
    with pytest.raises(
        ArtifactError, match=r"the model's state cannot be written as plain numbers \(_extra_state is of type dict"
    ):
        write_weights(Talking(2, 2), path)
    assert not path.exists()


FULL_DISK = """
import resource, sys
from pathlib import Path
from torch import nn
from hpstudy.errors import ArtifactError
from hpstudy.training.weights import write_weights

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_weights(nn.Linear(1000, 1000), Path(sys.argv[1]))
except ArtifactError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file_and_no_other(path: Path) -> None:
    digest = write_weights(network(), path)
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{path}: cannot be written (File too large)\n"
    assert check_weights(path, sha256=None) == digest
    assert [file.name for file in path.parent.iterdir()] == ["search-3.safetensors"]
