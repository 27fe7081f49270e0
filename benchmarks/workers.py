"""Worker processes: trials a minute against one process, the memory that they take, and what the runner itself costs.

    python -m benchmarks.workers [--trials 4] [--epochs 3] [--repeats 5] [--data data]
    python -m benchmarks.workers --memory
    python -m benchmarks.workers --toy

The first trains equal trials of LeNet-5 on Fashion-MNIST through the one loop, without a storage: in this process with
two threads and with one, in two workers of one thread each, and, where Ray is installed, in two actors of one thread
each. The sides take turns; processes are started and warm before the clock runs. `--memory` runs `hpstudy run` with one
worker and with four, and samples what the whole family of processes takes, pages that they share counted once. `--toy`
runs a study whose epochs last as long as LeNet-5's but compute nothing, in eight workers, and takes the processor time
of the runner.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks.trainings import config_of
from hpstudy.artifacts import StudyFiles
from hpstudy.executors.data import data_on
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import Event, Executor
from hpstudy.executors.workers import WorkerExecutor
from hpstudy.search.leases import NoOthers
from hpstudy.search.loop import run
from hpstudy.search.sources import search_source
from hpstudy.search.storage import open_storage
from hpstudy.search.studies import open_studies
from hpstudy.search.subject import subject_of
from hpstudy.search.trials import RunContext
from hpstudy.search.user_code import read_user_code
from hpstudy.spec.load import load_study
from hpstudy.training.job import Answer, EpochResult, Failure, Outcome, TrainingJob

RAY = find_spec("ray") is not None
if RAY:
    from hpstudy.executors.ray import RayExecutor

CPU = torch.device("cpu")
HERE = Path()
STUDY = Path(__file__).parents[1] / "studies" / "lenet_fashion.yaml"
N_TOYS = 8

TOY_STUDY = """
name: toy
dataset: digits
architecture: nets.py:paced
epochs: 6
trials: 24
seed: 1
settings:
  learning_rate: {low: 1e-3, high: 1.0, log: true}
  batch_size: 1024
pruner: median
confirm: false
"""

TOY_NET = """
import time
from torch import nn

class Paced(nn.Linear):
    def forward(self, images):
        time.sleep(1.15)  # an epoch is two passes of training and one of evaluation
        return super().forward(images.flatten(1))

def paced(input_shape, n_classes, *, dropout=0.0):
    channels, height, width = input_shape
    return Paced(channels * height * width, n_classes)
"""


class Jobs:
    """A source of some jobs that are trained to their end."""

    def __init__(self, jobs: Sequence[TrainingJob]) -> None:
        self._left = list(jobs)

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """The next of them."""
        taken, self._left = self._left[:n], self._left[n:]
        return taken

    def epoch_ended(self, _key: str, _result: EpochResult) -> Answer:
        """Always on."""
        return "go"

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Nothing may fail here."""
        if isinstance(end, Failure):
            sys.exit(f"{key}: {end.message}")

    def restarting(self, key: str) -> None:
        """Lets it."""

    def waits(self) -> bool:
        """Nobody else trains them."""
        return False


class InProcess(LocalExecutor):
    """The executor of this process, with a number of threads of its own."""

    def __init__(self, data: Path, *, n_threads: int) -> None:
        super().__init__(load_data=data_on(CPU, folder=data), device=CPU)
        self.n_threads = n_threads

    def start(self, jobs: Sequence[TrainingJob]) -> None:
        """Takes a job; its training uses the threads."""
        torch.set_num_threads(self.n_threads)
        super().start(jobs)


class Steady(WorkerExecutor):
    """Workers that take time from their first epoch on: when they have started."""

    began: tuple[float, float] | None = None

    def events(self, timeout_seconds: float) -> Sequence[Event]:
        """What the workers have sent."""
        events = super().events(timeout_seconds)
        if events and self.began is None:
            self.began = time.perf_counter(), time.process_time()
        return events


def lenet_jobs(n_trials: int, *, n_epochs: int) -> list[TrainingJob]:
    """Trials that differ in their seeds alone."""
    return [
        TrainingJob(f"lenet#{number}", f"trial {number}", config_of(number=number, n_epochs=n_epochs), "search", HERE)
        for number in range(n_trials)
    ]


def seconds_of(executor: Executor, jobs: Sequence[TrainingJob]) -> float:
    """How long an executor takes for some jobs."""
    started = time.perf_counter()
    run(Jobs(jobs), executor)
    return time.perf_counter() - started


def compare(*, n_trials: int, n_epochs: int, n_repeats: int, data: Path) -> None:
    """Prints trials a minute of each side, and how the workers compare with each side of one process."""
    torch.set_num_threads(2)
    load_data = data_on(CPU, folder=data)
    sides: dict[str, Executor] = {
        "one process, two threads": InProcess(data, n_threads=2),
        "one process, one thread": InProcess(data, n_threads=1),
        "two workers, one thread each": WorkerExecutor(load_data=load_data, device=CPU, n_workers=2),
    }
    if RAY:
        sides["two Ray actors, one thread each"] = RayExecutor(load_data=load_data, device=CPU, n_workers=2)
    minutes: dict[str, list[float]] = {name: [] for name in sides}
    with ExitStack() as opened:
        for executor in sides.values():
            opened.callback(executor.close)
        for executor in sides.values():
            seconds_of(executor, lenet_jobs(executor.capacity, n_epochs=1))  # starts and warms up
        for _ in range(n_repeats):
            for name, executor in sides.items():
                minutes[name].append(seconds_of(executor, lenet_jobs(n_trials, n_epochs=n_epochs)) / 60)
    print(
        f"LeNet-5, Fashion-MNIST, batch 64, {n_trials} trials of {n_epochs} epochs, {n_repeats} repeats in turn, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )
    for name, taken in minutes.items():
        print(f"{name:31} {spread([n_trials / each for each in taken])} trials a minute")
    ours = "two workers, one thread each"
    for name, taken in minutes.items():
        if name != ours:
            ratios = [other / mine for other, mine in zip(taken, minutes[ours], strict=True)]
            print(f"{'workers against ' + name:47} {spread(ratios)} times as fast")


def spread(values: Sequence[float]) -> str:
    """The median and both ends."""
    return f"{statistics.median(values):5.2f} ({min(values):.2f} to {max(values):.2f})"


def measure_memory(data: Path) -> None:
    """Prints the peak memory of a study with one worker and with four."""
    one, four = (peak_bytes(n_workers, data=data) for n_workers in (1, 4))
    print(f"one worker    {one / 1e9:.2f} GB")
    print(f"four workers  {four / 1e9:.2f} GB, {(four - one) / 1e9:.2f} GB above one")


def peak_bytes(n_workers: int, *, data: Path) -> int:
    """The most that `hpstudy run` and its workers take at once, pages that they share counted once."""
    command = [sys.executable, "-m", "hpstudy", "run", str(STUDY), "--no-confirm", "--data", str(data.resolve())]
    with tempfile.TemporaryDirectory() as folder:
        place = ["--storage", f"sqlite:///{folder}/hpstudy.db", "--artifacts", f"{folder}/artifacts"]  # no one else's
        runner = subprocess.Popen(
            [*command, *place, "--trials", "4", "--epochs", "2", "--workers", str(n_workers)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        peak = 0
        while runner.poll() is None:
            peak = max(peak, sum(map(_proportional_bytes, _family(runner.pid))))
            time.sleep(0.1)
    if runner.returncode:
        raise RuntimeError(f"hpstudy run ended with {runner.returncode}")
    return peak


def _family(pid: int) -> Iterator[int]:
    """A process and all that come from it."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:  # it has ended
        return
    for child in children:
        yield from _family(int(child))


def _proportional_bytes(pid: int) -> int:
    """A process's memory, each page divided by the number of processes that have it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def measure_runner(n_workers: int) -> None:
    """Prints how much of a core the runner of some toy workers uses."""
    with tempfile.TemporaryDirectory() as folder, open_storage(f"sqlite:///{folder}/toy.db") as storage:
        (Path(folder) / "nets.py").write_text(TOY_NET, encoding="utf-8")
        file = Path(folder) / "toy.yaml"
        file.write_text(TOY_STUDY, encoding="utf-8")
        spec = load_study(file)
        studies = open_studies(spec, storage, checksums={})
        others = NoOthers(Path(folder) / "toy.db")
        context = RunContext(spec.name, storage, run_id=0, code=read_user_code(subject_of(spec)), others=others)
        source = search_source(spec, studies, files=StudyFiles(Path(folder) / "artifacts"), context=context)
        load_data = data_on(CPU, folder=Path(folder))
        with closing(Steady(load_data=load_data, device=CPU, n_workers=n_workers)) as executor:
            run(source, executor)
            began, cpu_began = executor.began or (0.0, 0.0)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        n_epochs = sum(len(trial.intermediate_values) for trial in studies[spec.name].get_trials(deepcopy=False))
    print(
        f"{n_workers} workers, {n_epochs} epochs in {seconds:.1f} s: the runner took {cpu:.2f} s of processor time, "
        f"{1000 * cpu / n_epochs:.1f} ms an epoch, {100 * cpu / seconds:.2f} % of one core"
    )


def main() -> None:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(description="What worker processes bring and cost.")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--toy", action="store_true")
    arguments = parser.parse_args()
    if arguments.memory:
        measure_memory(arguments.data)
    elif arguments.toy:
        measure_runner(N_TOYS)
    else:
        compare(
            n_trials=arguments.trials,
            n_epochs=arguments.epochs,
            n_repeats=arguments.repeats,
            data=arguments.data,
        )


if __name__ == "__main__":
    main()
