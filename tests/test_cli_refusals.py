"""What cannot be trained or confirmed is refused before trial 0, by `check` and `run` alike."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.test_cli import Shell

BATCH_NORM = """\
from torch import nn

def Net(input_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Linear(4, n_classes))
"""
EXTRA_STATE = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, input_shape, n_classes):
        super().__init__()
        self.linear = nn.Linear(64, n_classes)
        self.steps = 0

    def get_extra_state(self):
        return {"steps": self.steps}

    def set_extra_state(self, state):
        self.steps = state["steps"]

    def forward(self, images):
        self.steps += self.training
        return self.linear(images.flatten(1))
"""
SEEDED = """\
import torch
from torch import nn

def Net(input_shape, n_classes):
    torch.manual_seed(42)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes))
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, capsys)


def digits(folder: Path, network: str, settings: str, rest: str = "") -> None:
    (folder / "nets.py").write_text(network, encoding="utf-8")
    (folder / "s.yaml").write_text(
        "name: s\ndataset: {name: digits, share: 0.1}\narchitecture: nets.py:Net\nepochs: 1\ntrials: 1\n"
        f"settings: {settings}\nconfirm: {{top: 1, seeds: 2}}\n{rest}",
        encoding="utf-8",
    )


def photos(folder: Path, damage: Callable[[Path], object]) -> None:
    """Two classes, each with six training and two test pictures of noise, and something done to them."""
    noise = np.random.default_rng(0)
    for name in ("ant", "cat"):
        for part, count in {"train": 6, "test": 2}.items():
            (folder / "photos" / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(0, 256, (12, 12), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "photos" / part / name / f"img_{number:03}.jpg")
    (folder / "s.yaml").write_text(
        "name: s\ndataset: {name: image_folder, root: photos, image_size: 12}\narchitecture: lenet5\nepochs: 1\n"
        "trials: 1\nsettings: {learning_rate: {low: 1e-3, high: 1e-2}, batch_size: 4}\nvalidation: 0.5\n"
        "confirm: {top: 1, seeds: 2}\n",
        encoding="utf-8",
    )
    damage(folder / "photos")


def cut(root: Path) -> None:
    picture = root / "test/ant/img_001.jpg"
    picture.write_bytes(picture.read_bytes()[:-40])


def emptied(root: Path) -> None:
    for picture in (root / "test/cat").iterdir():
        picture.unlink()


def without_class(root: Path) -> None:
    emptied(root)
    (root / "test/cat").rmdir()


TEST_PARTS = {
    "a broken picture": (cut, "test/ant/img_001.jpg"),
    "an empty class": (emptied, "test/cat"),
    "a class that is not there": (without_class, "lacking: cat"),
    "another class": (lambda root: (root / "test/cat").rename(root / "test/dog"), "unknown: dog"),
    "no picture but something else": (lambda root: (root / "test/ant/notes.txt").write_text("x"), "test/ant/notes.txt"),
    "train and val alone": (lambda root: (root / "test").rename(root / "val"), "rename val/ to test/"),
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(("damage", "named"), TEST_PARTS.values(), ids=TEST_PARTS)
def test_a_test_part_that_cannot_be_read_is_refused_where_it_is_confirmed(
    shell: Shell, tmp_path: Path, command: str, damage: Callable[[Path], object], named: str
) -> None:
    photos(tmp_path, damage)
    code, _, told = shell(command, "s.yaml")
    assert code == 4
    assert named in told
    assert not (tmp_path / "hpstudy.db").exists()


@pytest.mark.parametrize("damage", [cut, TEST_PARTS["train and val alone"][0]])
def test_a_test_part_that_is_not_confirmed_on_is_not_looked_at(
    shell: Shell, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    photos(tmp_path, damage)
    assert shell("run", "s.yaml", "--no-confirm")[0] == 0
    file = tmp_path / "s.yaml"
    file.write_text(file.read_text().replace("confirm: {top: 1, seeds: 2}", "confirm: false"))
    assert shell("check", "s.yaml")[0] == 0


def test_a_test_set_that_has_to_be_obtained_is_missed_before_trial_0(shell: Shell, tmp_path: Path) -> None:
    raw = tmp_path / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for file in sorted(Path(__file__).parents[1].glob("data/MNIST/raw/train-*")):
        (raw / file.name).symlink_to(file)
    if not any(raw.iterdir()):
        pytest.skip("MNIST is not here")
    text = "name: s\ndataset: {name: mnist, share: 0.01}\narchitecture: [lenet5, cnn]\n"
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    assert shell("run", "s.yaml")[0] == 4


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("network", "settings", "rest", "told"),
    [
        (EXTRA_STATE, "{learning_rate: [0.1, 0.2]}", "", ("architecture", "_extra_state is of type dict")),
        (
            BATCH_NORM,
            "{learning_rate: [0.1, 0.2], batch_size: 1}",
            "",
            ("settings.batch_size", "Expected more than 1"),
        ),
        (
            BATCH_NORM,
            "{learning_rate: [0.1, 0.2]}",
            "baselines: {one: {batch_size: 1}}\n",
            ("baselines.one.batch_size", "Expected more than 1"),
        ),
    ],
)
def test_a_network_that_cannot_be_trained_or_kept_is_refused(
    shell: Shell, tmp_path: Path, command: str, network: str, settings: str, rest: str, told: tuple[str, str]
) -> None:
    digits(tmp_path, network, settings, rest)
    code, _, message = shell(command, "s.yaml")
    assert code == 2
    assert all(part in message for part in told)
    assert not (tmp_path / "hpstudy.db").exists()


@pytest.mark.parametrize(
    ("command", "sizes"),
    [(("check",), "[1, 32]"), (("check",), "{low: 1, high: 2}"), (("run", "--no-confirm"), "[1, 32, 16, 8, 4]")],
)
def test_some_batches_of_one_image_are_warned_of(
    shell: Shell, tmp_path: Path, command: tuple[str, ...], sizes: str
) -> None:
    digits(tmp_path, BATCH_NORM, f"{{batch_size: {sizes}}}", "seed: 1\n")
    code, _, told = shell(*command, "s.yaml")
    assert code == 0
    assert "warning: settings.batch_size: trials with batches of 1 will fail" in told


@pytest.mark.parametrize("architecture", ["lenet5-sigmoid", "nets.py:Net"])
def test_batches_of_one_image_are_no_fault_without_batch_norm(shell: Shell, tmp_path: Path, architecture: str) -> None:
    digits(tmp_path, SEEDED.replace("torch.manual_seed(42)", "pass"), "{learning_rate: [0.1, 0.2], batch_size: 1}")
    file = tmp_path / "s.yaml"
    text = file.read_text().replace("nets.py:Net", architecture).replace("share: 0.1", "share: 0.1, image_size: 12")
    file.write_text(text.replace("image_size: 12", "image_size: 8") if "nets" in architecture else text)
    code, _, told = shell("check", "s.yaml")
    assert (code, told) == (0, "")


def test_a_network_that_seeds_itself_is_warned_of_and_recorded(shell: Shell, tmp_path: Path) -> None:
    digits(tmp_path, SEEDED, "{learning_rate: [0.1, 0.2]}")
    code, _, told = shell("run", "s.yaml", "--no-confirm")
    assert code == 0
    assert "warning: nets.py:Net: two seeds gave it equal weights" in told
    with closing(sqlite3.connect(tmp_path / "hpstudy.db")) as database:
        (record,) = database.execute("SELECT record FROM hpstudy_runs").fetchone()
    assert json.loads(record)["equal_weights"] == ["nets.py:Net"]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--lr", "learning_rate is a setting"),
        ("--lr=0.1", "learning_rate is a setting"),
        ("--batch-size", "batch_size is a setting"),
        ("--optimizer", "optimizer is a setting"),
        ("--seed", "seed is given in the study file"),
        ("--max-epochs", "--epochs of `hpstudy run`"),
        ("--frobnicate", "No such option: --frobnicate"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_an_option_that_the_study_file_has_is_told_so(shell: Shell, command: str, option: str, told: str) -> None:
    code, _, message = shell(command, "s.yaml", option, "0.1")
    assert code == 2
    assert told in " ".join(message.split())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("learning_rate: 0.1", "learning_rate is a setting, write it under settings"),
        ("lr: 0.1", "learning_rate is a setting, write it under settings"),
        ("max_epochs: 3", 'Did you mean "epochs"?'),
        ("trails: 3", 'Did you mean "trials"?'),
    ],
)
def test_a_key_that_stands_elsewhere_or_is_called_otherwise_is_told(
    shell: Shell, tmp_path: Path, line: str, told: str
) -> None:
    digits(tmp_path, SEEDED, "{learning_rate: [0.1, 0.2]}", f"{line}\n")
    code, _, message = shell("check", "s.yaml")
    assert code == 2
    assert f"s.yaml:8:1: {line.partition(':')[0]}: no key" in message
    assert told in message
