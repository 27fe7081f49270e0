"""Whether several studies may be compared: the same data, split, budget, epochs and seeds, or what differs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hpstudy.numbers import plural
from hpstudy.report.sections.head import dataset_text
from hpstudy.report.sections.reproduction import device_text
from hpstudy.results.records import recorded_versions, training_runs
from hpstudy.results.study import StudyResults

_ALIKE = 1.25
"""Epochs of training may differ by this factor: pruning stops each study at its own moments."""


@dataclass(frozen=True)
class Check:
    """One condition of a fair comparison.

    Attributes:
        name: What is compared: `Data`.
        passed: Whether the studies agree.
        fact: What they have in common, or each with what it has.
    """

    name: str
    passed: bool
    fact: str


def fairness(studies: Sequence[StudyResults]) -> tuple[Check, ...]:
    """The conditions under which accuracies of these studies can be held against each other.

    Args:
        studies: At least two, all made by hpstudy.
    """
    return (
        _same("Data", studies, data_of),
        _same("Preparation", studies, _preparation),
        _same("Split", studies, _split),
        _same("Sampled trials", studies, lambda study: plural(len(study.ended), "trial")),
        _budget(studies),
        _same("Epochs of a training", studies, lambda study: plural(study.identity["epochs"], "epoch")),
        _same("Confirmation seeds", studies, _seeds),
        _same("Machine", studies, _machine),
    )


def data_of(study: StudyResults) -> str:
    """The data set with the beginnings of its files' sums: equal texts are the same data."""
    sums = [f"{checksum[:8]}…" for _, checksum in sorted(study.identity.get("data", {}).items())]
    return dataset_text(study) + (f", files {', '.join(sums)}" if sums else "")


def data_headings(studies: Sequence[StudyResults]) -> dict[str, str]:
    """The data of each study by `data_of`, as a heading: with sums only where two data sets have one name."""
    names = {data_of(study): dataset_text(study) for study in studies}
    counts = Counter(names.values())
    return {data: name if counts[name] == 1 else data for data, name in names.items()}


def _same(name: str, studies: Sequence[StudyResults], said: Callable[[StudyResults], str]) -> Check:
    told = {study.name: said(study) for study in studies}
    if len(set(told.values())) == 1:
        return Check(name, passed=True, fact=next(iter(told.values())))
    by_text: dict[str, list[str]] = {}
    for study, text in told.items():
        by_text.setdefault(text, []).append(study)
    return Check(name, passed=False, fact="; ".join(f"{text} ({', '.join(names)})" for text, names in by_text.items()))


def _preparation(study: StudyResults) -> str:
    dataset = study.identity.get("dataset", {})
    kept = {name: value for name, value in dataset.items() if name not in ("name", "root", "share")}
    said = []
    if normalize := kept.pop("normalize", None):
        said.append(f"normalised with mean {normalize['mean']} and deviation {normalize['std']}")
    said += [f"{name.replace('_', ' ')} {json.dumps(value)}" for name, value in kept.items() if value not in (None, 0)]
    return ", ".join(said) or "as it is"


def _split(study: StudyResults) -> str:
    return f"{100 * study.identity['validation']:g} % for validation, drawn with study seed {study.identity['seed']}"


def _budget(studies: Sequence[StudyResults]) -> Check:
    """Epochs trained in the search, which may differ somewhat."""
    epochs = {study.name: int(study.search["epochs"].sum()) for study in studies}
    text = "; ".join(f"{plural(n, 'epoch')} ({study})" for study, n in epochs.items())
    return Check("Training in the search", passed=max(epochs.values()) <= _ALIKE * min(epochs.values()), fact=text)


def _seeds(study: StudyResults) -> str:
    if study.confirmations.empty:
        return "not confirmed"
    return plural(int(study.confirmations.groupby("configuration")["seed"].nunique().min()), "seed")


def _machine(study: StudyResults) -> str:
    """Every machine and division of it that the study's runs had, and the last one's torch."""
    torch = recorded_versions(study).get("torch")
    device = device_text(training_runs(study)) or "an unknown device"
    return f"{device}, torch {torch}" if torch else device
