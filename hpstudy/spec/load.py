"""A study file as a `StudySpec`, with every problem of it in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hpstudy.errors import Problem, StudyFileError
from hpstudy.spec.architecture import read_architectures
from hpstudy.spec.baselines import Surroundings, read_baselines
from hpstudy.spec.check import check_study
from hpstudy.spec.components import read_pruner, read_sampler
from hpstudy.spec.dataset import read_dataset
from hpstudy.spec.document import Document, parse_document, read_document
from hpstudy.spec.file import StudyShape
from hpstudy.spec.findings import Findings
from hpstudy.spec.rows import Scalar
from hpstudy.spec.settings import read_settings
from hpstudy.spec.shape import read_shape
from hpstudy.spec.study import Confirm, KeyPath, Position, StudySpec

OPTIONS: Mapping[str, str] = {
    "name": "--name",
    "trials": "--trials",
    "epochs": "--epochs",
}
"""The keys that the command line overrides, and the option that does it."""


@dataclass(frozen=True)
class Reading:
    """What reading a study file gave.

    Attributes:
        spec: The study without its broken parts, for the checks that need torch or data; None where the
            document, the data set or the architecture is unusable. It may be run only where there are no
            problems.
        problems: All problems, in the order of the file.
    """

    spec: StudySpec | None
    problems: tuple[Problem, ...]


def load_study(path: Path, *, overrides: Mapping[str, Scalar] | None = None) -> StudySpec:
    """A checked study.

    Args:
        path: The study file, as the user named it.
        overrides: Values of the command line in place of the file's, by key (see `OPTIONS`).

    Raises:
        InputError: The path is missing, a folder, or cannot be read.
        StudyFileError: The file has problems: all of them.
    """
    reading = read_study(path, overrides=overrides)
    if reading.spec is None or reading.problems:
        raise StudyFileError(str(path), reading.problems)
    return reading.spec


def read_study(path: Path, *, overrides: Mapping[str, Scalar] | None = None) -> Reading:
    """A study file as far as it is sound, and its problems.

    Args:
        path: The study file, as the user named it.
        overrides: Values of the command line in place of the file's, by key (see `OPTIONS`). Baselines
            without epochs of their own follow an overridden `epochs`.

    Raises:
        InputError: The path is missing, a folder, or cannot be read.
    """
    given = overrides or {}
    try:
        document = _override(read_document(path), given)
    except StudyFileError as error:
        return Reading(None, error.problems)
    options = {key: OPTIONS[key] for key in given}
    findings = Findings(document.positions, keys=document.keys, options=options)
    spec = _read(str(path), document, findings)
    return Reading(spec, tuple(sorted({*document.problems, *findings.problems})))


def written_confirm(text: str) -> Confirm | None:
    """What the text of a study file that was loaded once says of its confirmation; None where it says `false`."""
    data = _mapping(parse_document(text, path=Path()).data)
    return _confirm(StudyShape.model_validate({key: value for key, value in data.items() if key == "confirm"}))


def written_trials(text: str) -> int | None:
    """How many trials the text of a study file asks for; None for a text that is none."""
    try:
        data = _mapping(parse_document(text, path=Path()).data)
        return StudyShape.model_validate({key: value for key, value in data.items() if key == "trials"}).trials
    except (StudyFileError, ValidationError):
        return None


def _override(document: Document, overrides: Mapping[str, Scalar]) -> Document:
    """The document with other values, which stand nowhere in the file."""
    data: dict[str, Any] = {**_mapping(document.data), **overrides}
    positions: dict[KeyPath, Position] = {
        path: position for path, position in document.positions.items() if path[0] not in overrides
    }
    return replace(document, data=data, positions=positions)


def _mapping(data: object) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _read(path: str, document: Document, findings: Findings) -> StudySpec | None:
    """The study, with what is unsound reported and left out; None where the data set or architecture is."""
    shape = read_shape(_mapping(document.data), findings)
    dataset = read_dataset(shape, findings)
    architectures = read_architectures(shape, findings)
    settings = read_settings(shape.settings, architectures=architectures, findings=findings)
    surroundings = Surroundings(architectures, shape.epochs, settings)
    baselines = read_baselines(shape.baselines, surroundings=surroundings, findings=findings)
    sampler, pruner = read_sampler(shape, findings), read_pruner(shape, findings)
    if dataset is None or not architectures:
        return None
    spec = StudySpec(
        name=shape.name,
        description=shape.description,
        dataset=dataset,
        architectures=architectures,
        epochs=shape.epochs,
        trials=shape.trials,
        seed=shape.seed,
        settings=settings,
        validation=shape.validation,
        sampler=sampler,
        pruner=pruner,
        confirm=_confirm(shape),
        baselines=baselines,
        fair=shape.fair,
        max_seconds=shape.max_seconds,
        path=path,
        text=document.text,
        positions=document.positions,
    )
    check_study(spec, findings)
    return spec


def _confirm(shape: StudyShape) -> Confirm | None:
    return Confirm(shape.confirm.top, shape.confirm.seeds) if shape.confirm else None
