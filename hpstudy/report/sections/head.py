"""The head of a report: what was studied, what came of it, and how much was trained."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hpstudy.numbers import duration, listed, plural
from hpstudy.redaction import without_passwords
from hpstudy.report.sections.reproduction import device_text
from hpstudy.report.sections.search_summary import planned_trials, trials_by_state
from hpstudy.results.confirmed import headline
from hpstudy.results.digests import damage_text
from hpstudy.results.records import recorded_images, training_runs
from hpstudy.results.study import StudyResults


@dataclass(frozen=True)
class Head:
    """What stands on top.

    Attributes:
        name: The study.
        question: Its description; may be empty.
        damage: What is not as hpstudy stored it; empty for a sound study.
        verdict: The answer in one line.
        facts: Terms and what holds.
    """

    name: str
    question: str
    damage: str
    verdict: str
    facts: tuple[tuple[str, str], ...]


def head(results: StudyResults) -> Head:
    """The head of a study's report."""
    facts = []
    if results.identity:
        facts += [("Data", data_text(results)), ("Architecture", listed(architectures(results)))]
    else:
        facts.append(("Made by", f"plain Optuna; {'larger' if results.maximize else 'smaller'} values are better"))
    facts += [("State", _state(results)), ("Trials", trials_by_state(results))]
    if len(results.baselines):
        facts.append(("Named models", str(len(results.baselines))))
    if results.identity:
        facts.append(("Trained", _trained(results)))
    if device := device_text(training_runs(results)):
        facts.append(("Device", device))
    question, damage = without_passwords(results.description), damage_text(results.digests)
    return Head(results.name, question, damage, headline(results), tuple(facts))


def architectures(results: StudyResults) -> list[str]:
    """The architectures that a study offers."""
    return [str(name) for name in results.identity.get("architecture", ())]


def dataset_text(results: StudyResults) -> str:
    """A study's data set, with the share of it where that is not all."""
    dataset = results.identity.get("dataset", {})
    share = dataset.get("share", 1.0)
    return str(dataset.get("name", "–")) + (f" ({100 * share:g} % of it)" if share < 1 else "")


def data_text(results: StudyResults) -> str:
    """A study's data set with its numbers of images, as far as a run recorded them."""
    text, images = dataset_text(results), recorded_images(results)
    if images is None:
        return text
    parts = {"training": images.n_train, "validation": images.n_validation, "test": images.n_test}
    counts = [f"{count:,} {name}" for name, count in parts.items() if count]
    return f"{text}: {listed(counts)} images, {len(images.class_names):,} classes"


def _state(results: StudyResults) -> str:
    if results.state == "finished":
        return "finished"
    target = planned_trials(results)
    ended = len(results.ended)
    progress = f"{ended} of {target} trials" if target is not None else plural(ended, "trial")
    if results.state == "running":
        return f"running: {progress} have ended; this report shows what was there when it was made"
    return f"stopped after {progress}; the same command goes on with it"


def _trained(results: StudyResults) -> str:
    epochs = len(results.epochs)
    text = f"{plural(epochs, 'epoch')}, {duration(float(results.epochs['seconds'].sum()))} of training"
    wall = _run_seconds(training_runs(results))
    return f"{text} in {duration(wall)} of runs" if wall else text


def _run_seconds(runs: pd.DataFrame) -> float:
    """How long runs took together; 0 where one is under way or was killed, since its end is not known."""
    if runs.empty or runs["ended_at"].isna().any():
        return 0.0
    return float((runs["ended_at"] - runs["started_at"]).dt.total_seconds().sum())
