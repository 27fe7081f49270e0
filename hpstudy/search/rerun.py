"""A stored trial trained again, to see whether its curve comes out the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from hpstudy.artifacts import StudyFiles
from hpstudy.errors import InputError, RerunDiffersError, StudyFailedError
from hpstudy.executors.local import LocalExecutor
from hpstudy.results.configs import load_config, load_run_id
from hpstudy.results.load import load_results
from hpstudy.results.records import run_record
from hpstudy.results.study import find_trial, part_of, title_of
from hpstudy.search.examination import require_sound
from hpstudy.search.loop import run
from hpstudy.search.place import Place
from hpstudy.search.provenance import describe_run
from hpstudy.search.source import Observer, Watched
from hpstudy.search.storage import open_storage
from hpstudy.search.studies import check_evidence
from hpstudy.search.subject import Subject, stored_subject
from hpstudy.training.job import Answer, EpochResult, Failure, Outcome, TrainingJob

MEASURED = ("learning_rate", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
"""What of an epoch must be equal; the time that it takes need not."""


_DECIDES = ("device", "processor", "engine", "threads")
"""What decides the bits beside the versions."""


@dataclass(frozen=True)
class Rerun:
    """What came of training a trial again; its curve was the stored one to the last bit.

    Attributes:
        title: `trial 12`, or a baseline's name.
        n_epochs: Epochs trained.
        n_threads: Threads that both used.
        weights_kept: Whether the weights were kept; a trial that was stopped early has none.
    """

    title: str
    n_epochs: int
    n_threads: int
    weights_kept: bool


def rerun_trial(study: str, trial: str, *, place: Place, observer: Observer) -> Rerun:
    """Trains a trial of the search, or a baseline, as far as it was trained, with as many threads, and compares.

    Nothing is stored but the weights, and these only where the curve is the same: then `hpstudy export` finds them.

    Args:
        study: The study's name.
        trial: The trial's label, `best`, or a baseline's name.
        place: Where the study was stored, and where to train.
        observer: Is told of everything that happens.

    Raises:
        InputError: No such study or trial, no epoch of it is stored, or images or code are not what they were.
        RerunDiffersError: The curve is another.
        StudyFailedError: The training raised an exception.
        StorageError: The storage cannot be read.
    """
    require_sound(place.storage_url, study=study)
    results = load_results(place.storage_url, study=study)
    row = results.trials.to_dict("records")[find_trial(results, trial)]
    stored = results.epochs[results.epochs["trial_id"] == row["trial_id"]]
    if stored.empty:
        raise InputError(f"{study}: no epoch of {title_of(row)} is stored, so there is nothing to compare")
    subject = _checked_subject(study, place=place, trial_id=int(row["trial_id"]))
    run_id = load_run_id(place.storage_url, trial_id=int(row["trial_id"]))
    recorded = run_record(results, run_id=run_id) if run_id is not None else {}
    torch.set_num_threads(int(recorded.get("threads", torch.get_num_threads())))
    path = StudyFiles(place.artifacts / results.artifacts).weights(part_of(row), int(row["number"]))
    job = TrainingJob(
        key=f"{study}#{row['label']}",
        label=title_of(row),
        config=load_config(place.storage_url, trial_id=int(row["trial_id"])),
        part="search",
        study_folder=subject.folder,
        weights=path.with_name(f".{path.name}.rerun") if row["state"] == "complete" else None,
    )
    source = _train(job, n_epochs=len(stored), place=place, observer=observer)
    difference = first_difference(stored, source.results)
    if difference:
        if job.weights:
            job.weights.unlink(missing_ok=True)
        now = describe_run(subject, device=place.device, data=place.load_data(job.config, "search"))
        now["threads"] = torch.get_num_threads()
        raise RerunDiffersError(f"{study}, {job.label}: {difference}; {_changes(recorded, now)}")
    if job.weights:
        job.weights.replace(path)
    return Rerun(job.label, len(stored), torch.get_num_threads(), weights_kept=job.weights is not None)


class RerunSource:
    """The one job of a rerun, and the epochs that come of it."""

    def __init__(self, job: TrainingJob, *, n_epochs: int) -> None:
        self._waiting = [job]
        self._is_cut = n_epochs < job.config.epochs
        self._n_epochs = n_epochs
        self.results: list[EpochResult] = []

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """The job, once."""
        jobs, self._waiting = self._waiting[:n], self._waiting[n:]
        return jobs

    def epoch_ended(self, _key: str, result: EpochResult) -> Answer:
        """Goes on as far as the trial was trained the first time."""
        self.results.append(result)
        return "stop" if self._is_cut and len(self.results) == self._n_epochs else "go"

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Takes the end.

        Raises:
            StudyFailedError: The training raised an exception.
        """
        if isinstance(end, Failure):
            raise StudyFailedError(f"{key}: failed with {end.reason}: {end.message}")

    def restarting(self, _key: str) -> None:
        """Never happens: it is trained in this process."""

    def waits(self) -> bool:
        """Nobody else trains it."""
        return False


def first_difference(stored: pd.DataFrame, again: Sequence[EpochResult]) -> str:
    """Where two curves differ first, in words; empty where they are equal to the last bit.

    Args:
        stored: Rows of `StudyResults.epochs`, by epoch.
        again: The same epochs, trained again.
    """
    for row, result in zip(stored.to_dict("records"), again, strict=True):
        for name in MEASURED:
            then, now = row[name], getattr(result, name)
            if then != now:
                return f"the {name.replace('_', ' ')} of epoch {result.epoch + 1} was {then!r} and is {now!r}"
    return ""


def _train(job: TrainingJob, *, n_epochs: int, place: Place, observer: Observer) -> RerunSource:
    source = RerunSource(job, n_epochs=n_epochs)
    executor = LocalExecutor(load_data=place.load_data, device=place.device)
    try:
        run(Watched(source, observer=observer), executor)
    finally:
        executor.close()
    return source


def _checked_subject(study: str, *, place: Place, trial_id: int) -> Subject:
    """The study as it was recorded, on the same images and with the same code."""
    with open_storage(place.storage_url) as storage:
        subject = stored_subject(storage, study)
        data = place.load_data(load_config(place.storage_url, trial_id=trial_id), "search")
        check_evidence(subject, storage, checksums=data.train.checksums)
    return subject


def _changes(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What of the machine and the software is not what it was."""
    then = {**recorded.get("versions", {}), **{key: recorded.get(key) for key in _DECIDES}}
    today = {**now["versions"], **{key: now[key] for key in _DECIDES}}
    changed = [f"{key} {then.get(key)} then, {today[key]} now" for key in today if then.get(key) != today[key]]
    return "; ".join(changed) if changed else "versions, processor, threads and engine are those recorded"
