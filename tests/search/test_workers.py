"""A study on worker processes: the same trials, and each can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from hpstudy.executors.data import data_on
from hpstudy.executors.protocol import Executor
from hpstudy.executors.workers import WorkerExecutor
from hpstudy.search.rerun import rerun_trial
from hpstudy.search.session import run_study
from hpstudy.spec.load import load_study
from tests.search.conftest import CPU, Lab, Notes, told


def workers(lab: Lab, n_workers: int) -> Callable[[], Executor]:
    load_data = data_on(CPU, folder=lab.folder)
    return lambda: WorkerExecutor(load_data=load_data, device=CPU, n_workers=n_workers)


def test_a_study_on_two_workers_equals_one_in_this_process(lab: Lab, small_study: Path) -> None:
    text = small_study.read_text(encoding="utf-8").replace("confirm: false", "confirm: {top: 1, seeds: 2}")
    small_study.write_text(f"{text}sampler: random\n", encoding="utf-8")  # tpe looks at which trials have ended
    spec = load_study(small_study)
    alone = f"sqlite:///{lab.folder / 'alone.db'}"
    lab.run(spec, url=alone)
    notes = Notes()
    run_study(spec, place=replace(lab.place(), open_executor=workers(lab, 2)), observer=notes)
    results = lab.results()
    assert told(results) == told(lab.results(url=alone))
    assert (notes.n_ended, notes.lost_causes) == (8, [])
    record = results.runs["record"].iloc[0]
    assert (record["workers"], record["threads"]) == (2, max(1, torch.get_num_threads() // 2))
    again = rerun_trial("small", "best", place=lab.place(), observer=Notes())
    assert (again.n_epochs, again.n_threads) == (3, 1)
