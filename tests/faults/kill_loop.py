"""The kill loop: `kill -9` of the runner or of a worker at random instants, again and again, until each study is done.

    python -m tests.faults.kill_loop --kills 100 --seed 7

After each kill every invariant of `invariants.py` is checked, then the same command goes on. The seed, which is
printed, decides the instants as fractions of what a run takes on this machine. A failure keeps the study's folder and
ends with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.bench import Bench, Run
from tests.faults.invariants import (
    Curves,
    check_after_kill,
    check_database,
    check_equal,
    check_finished,
    check_printed,
    has_study,
)
from tests.faults.processes import end_together, is_alive, workers_of
from tests.faults.study import CHECKPOINT_EVERY_EPOCH

N_TRIALS = 10

STUDY = f"""
name: faults
dataset: {{name: digits, image_size: 28}}
architecture: lenet5
epochs: 4
trials: {N_TRIALS}
seed: 1
settings:
  learning_rate: {{low: 1e-3, high: 1e-1, log: true}}
  optimizer: [sgd, adam]
  momentum: {{low: 0.0, high: 0.95}}
  batch_size: [64, 128]
  dropout: {{low: 0.0, high: 0.5}}
validation: 0.15
sampler: SAMPLER
pruner: {{name: median, startup_trials: 3, warmup_epochs: 1}}
confirm: {{top: 2, seeds: 2}}
baselines:
  plain: {{learning_rate: 0.01, optimizer: adam, batch_size: 64}}
"""
"""A dozen seconds of LeNet-5 on the embedded digits: a baseline, ten trials, some of them pruned, a confirmation."""

STARTING = 0.1
"""Share of the kills that come before a run has said that it begins: most of that time is the import of torch."""

WINDOW = 0.4
"""The other kills come within this share of the time that the study takes from there on, so several hit one study."""


@dataclass(frozen=True)
class Kind:
    """What is killed.

    Attributes:
        name: For the tally, and for `--kind`.
        victim: The runner, or one of its workers.
        options: Of the command.
        sampler: With several workers the trials that TPE knows depend on which have ended, so settings would differ
            between two studies; random ones depend on the trial's number alone, and equal settings can be compared.
    """

    name: str
    victim: str
    options: tuple[str, ...]
    sampler: str


KINDS = (
    Kind("runner", "runner", (), "{name: tpe, startup_trials: 4}"),
    Kind("runner-with-2-workers", "runner", ("--workers", "2"), "random"),
    Kind("worker-of-2", "worker", ("--workers", "2"), "random"),
)


@dataclass
class Tally:
    """How many kills there were, and what they hit."""

    hits: Counter[str] = field(default_factory=Counter)
    n_studies: int = 0
    began: float = field(default_factory=time.monotonic)

    def line(self, kind: Kind) -> str:
        """For people: `runner: 100 kills in 21 studies, 14 min, no failure. Hit: …`."""
        minutes = (time.monotonic() - self.began) / 60
        hits = ", ".join(f"{n} {where}" for where, n in self.hits.most_common())
        kills = f"{self.hits.total()} kills in {self.n_studies} studies, {minutes:.0f} min"
        return f"{kind.name}: {kills}, no failure. Hit: {hits}"


class KillLoop:
    """The studies of one kind of kill, beside one that was left alone."""

    def __init__(self, kind: Kind, *, folder: Path, seed: int) -> None:
        self._kind = kind
        self._folder = folder
        self._random = random.Random(f"{seed} {kind.name}")
        self._curves = Curves()
        self._tally = Tally()

    def run(self, n_kills: int) -> Tally:
        """Kills so often; each study that was begun is brought to its end."""
        reference = self._bench("reference")
        self._measure(reference)
        check_finished(reference, n_trials=N_TRIALS)
        self._curves.check(reference)
        while self._tally.hits.total() < n_kills:
            bench = self._bench(f"study-{self._tally.n_studies:03}")
            self._finish(bench, n_kills)
            check_finished(bench, n_trials=N_TRIALS, may_crash=self._kind.victim == "worker")
            self._curves.check(bench)
            if not self._kind.options:
                check_equal(bench, reference)
            self._tally.n_studies += 1
            print(f"  {bench.folder.name}: {self._tally.hits.total()} of {n_kills} kills", flush=True)
        return self._tally

    def _bench(self, name: str) -> Bench:
        environment = (("SET", CHECKPOINT_EVERY_EPOCH),)
        bench = Bench(self._folder / name, options=self._kind.options, environment=environment)
        return bench.write(study_yaml=STUDY.replace("SAMPLER", self._kind.sampler))

    def _measure(self, reference: Bench) -> None:
        """Runs the study alone; how long it takes to begin, and from there to its end."""
        run = reference.start()
        began = time.monotonic()
        while not run.has_begun() and run.process.poll() is None:
            time.sleep(0.02)
        self._start_seconds = time.monotonic() - began
        code = run.wait()
        assert code == 0, f"exit {code}: {run.text()}"
        self._work_seconds = time.monotonic() - began - self._start_seconds

    def _finish(self, bench: Bench, n_kills: int) -> None:
        """Runs the command again and again, until it has ended by itself."""
        while True:
            run = bench.start()
            kill = self._kill_runner if self._kind.victim == "runner" else self._kill_workers
            try:
                ended = kill(bench, run, n_kills)
            finally:
                run.process.kill()  # after a failed check
                run.process.wait()
            if ended:
                code = run.process.returncode
                assert code == 0, f"exit {code}: {run.text()}"
                return

    def _kill_runner(self, bench: Bench, run: Run, n_kills: int) -> bool:
        """Kills the runner, unless it ends before; returns whether it has ended by itself."""
        if self._tally.hits.total() >= n_kills:
            run.wait()
            return True
        if self._random.random() < STARTING:
            ended = _wait(run, self._random.uniform(0, self._start_seconds))
        else:
            self._wait_for_begin(run)
            check_owned(bench, run)
            ended = _wait(run, self._random.uniform(0, WINDOW * self._work_seconds))
        if ended:
            return True
        workers = workers_of(run.process.pid)
        has_begun = run.has_begun()
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
        # Five seconds on a machine that has nothing else to do: there a run begins after three.
        seconds = max(5.0, 2 * self._start_seconds)
        assert end_together(workers, seconds=seconds), f"workers live on for {seconds:.0f} s after their runner's death"
        check_after_kill(bench)
        self._tally.hits[where(bench) if has_begun else "while starting"] += 1
        return False

    def _kill_workers(self, bench: Bench, run: Run, n_kills: int) -> bool:
        """Kills one worker after the other, until the runner has ended by itself."""
        self._wait_for_begin(run)
        while not _wait(run, self._random.uniform(0, WINDOW * self._work_seconds)):
            workers = workers_of(run.process.pid)
            if self._tally.hits.total() >= n_kills or not workers:
                continue
            place = where(bench)
            os.kill(self._random.choice(workers), signal.SIGKILL)
            check_database(bench.database)
            printed = bench.printed()  # before the storage is read: the runner goes on
            check_printed(bench.results(), printed)
            self._tally.hits[place] += 1
        return True

    def _wait_for_begin(self, run: Run) -> None:
        deadline = time.monotonic() + 60 + 10 * self._start_seconds
        while not run.has_begun() and run.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not begin: {run.text()}"
            time.sleep(0.02)


def check_owned(bench: Bench, run: Run) -> None:
    """Once a run has begun, what is RUNNING has a live owner: this run."""
    lock = bench.folder / ".hpstudy.db.faults.lock"
    owner = lock.read_text(encoding="utf-8")
    state = bench.results().state
    if is_alive(run.process.pid) and run.process.poll() is None and state != "finished":
        assert f"process {run.process.pid} " in owner, f"the study is held by {owner}, not by {run.process.pid}"
        assert state == "running", f"the study is {state}, and its runner lives"


def where(bench: Bench) -> str:
    """What a run was doing, as far as the storage tells."""
    if not has_study(bench):
        return "while making the study"
    results = bench.results()
    for rows, doing in ((results.trials, "training"), (results.confirmations, "confirming")):
        unfinished = rows[rows["state"].isin(["running", "interrupted"])]
        if len(unfinished):
            furthest = unfinished.iloc[unfinished["epochs"].argmax()]
            if not furthest["epochs"]:
                return f"before an epoch, {doing}"
            is_last = furthest["epochs"] == furthest["epochs_planned"] or bool(furthest["reason"])
            return f"after the last epoch, {doing}" if is_last else doing
    return "after the study" if results.state == "finished" else "between two trainings"


def _wait(run: Run, seconds: float) -> bool:
    """Whether the run has ended within the time."""
    try:
        run.process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def main() -> None:
    """Runs the kinds one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10, help="of each kind (10)")
    parser.add_argument("--seed", type=int, default=None, help="decides the instants (drawn)")
    parser.add_argument("--kind", action="append", choices=[kind.name for kind in KINDS], help="(all)")
    given = parser.parse_args()
    seed = secrets.randbelow(10_000) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="hpstudy-faults-"))
    print(f"seed {seed}, {given.kills} kills of each kind, in {folder}", flush=True)
    tallies = []
    for kind in KINDS:
        if given.kind and kind.name not in given.kind:
            continue
        try:
            tally = KillLoop(kind, folder=folder / kind.name, seed=seed).run(given.kills)
        except Exception:  # noqa: BLE001  # whatever it is, where the studies lie is to be told
            traceback.print_exc()
            sys.exit(f"{kind.name}, seed {seed}: failed; the studies are kept in {folder / kind.name}")
        tallies.append(tally.line(kind))
        print(tallies[-1], flush=True)
    print(f"\nseed {seed}", *tallies, sep="\n")


if __name__ == "__main__":
    main()
