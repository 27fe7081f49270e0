"""The check before trial 0: what of a study can only be known with torch and the data at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hpstudy.architectures.build import accepts_dropout, builder_options
from hpstudy.architectures.check import ModelCheck, check_architecture
from hpstudy.datasets.images import TrainingData
from hpstudy.errors import InputError, Problem
from hpstudy.executors.local import LoadData
from hpstudy.search.space import first_values, offering
from hpstudy.spec.config import TrialConfig, baseline_values, configure
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import Choices, Domain, Fixed, KeyPath, Position, Range, StudySpec
from hpstudy.spec.wording import unknown


@dataclass(frozen=True)
class Candidate:
    """A configuration that a study may train, for the check.

    Attributes:
        label: An architecture's name, or a baseline's.
        place: Where it stands in the file.
        config: The configuration; of a searched setting its first value.
    """

    label: str
    place: KeyPath
    config: TrialConfig


@dataclass(frozen=True)
class Preflight:
    """What the check found.

    Attributes:
        problems: What cannot be trained, with its place in the file.
        models: Each architecture and each baseline that can be, with its layer table.
        data: The images of the search.
    """

    problems: tuple[Problem, ...]
    models: tuple[tuple[Candidate, ModelCheck], ...]
    data: TrainingData


def preflight(spec: StudySpec, *, load_data: LoadData) -> Preflight:
    """Pushes one batch of random images through every architecture and baseline of a study.

    Args:
        spec: A study that could be read; it may have lost settings with problems of their own.
        load_data: Gives the images.

    Raises:
        DataError: The images cannot be read.
    """
    candidates = list(_candidates(spec))
    data = load_data(candidates[0].config, "search")
    problems = [*_batch_problems(spec, n_images=len(data.train))]
    models = []
    for candidate in candidates:
        found = list(_option_problems(spec, candidate))
        if not found:
            try:
                models.append((candidate, _check(spec, candidate.config, data)))
            except InputError as error:
                found.append(_problem(spec, candidate.place, _fact(error, candidate)))
        problems += found
    return Preflight(tuple(dict.fromkeys(problems)), tuple(models), data)


def _candidates(spec: StudySpec) -> Iterator[Candidate]:
    seeds = training_seeds(spec.seed, "trial", 0)
    for index, architecture in enumerate(spec.architectures):
        values = first_values(offering(spec, architecture, trials=1))
        config = configure(spec, values, epochs=spec.epochs, seeds=seeds)
        yield Candidate(architecture, ("architecture", index), config)
    for baseline in spec.baselines:
        config = configure(spec, baseline_values(spec, baseline), epochs=baseline.epochs, seeds=seeds)
        yield Candidate(baseline.name, ("baselines", baseline.name), config)


def _check(spec: StudySpec, config: TrialConfig, data: TrainingData) -> ModelCheck:
    return check_architecture(
        config.architecture,
        options=config.options,
        input_shape=data.input_shape,
        n_classes=data.n_classes,
        dropout=config.dropout,
        study_folder=study_folder(spec),
    )


def study_folder(spec: StudySpec) -> Path:
    """The folder of the study file, where the user's own architectures are looked for."""
    return Path(spec.path).resolve().parent


def _option_problems(spec: StudySpec, candidate: Candidate) -> Iterator[Problem]:
    """Options that a user's architecture does not have, and dropout where a network has none."""
    architecture = candidate.config.architecture
    try:
        known = [option.name for option in builder_options(architecture, study_folder=study_folder(spec))]
        takes_dropout = accepts_dropout(architecture, study_folder=study_folder(spec))
    except InputError as error:
        yield _problem(spec, candidate.place, _fact(error, candidate))
        return
    parent: KeyPath = ("settings",) if candidate.place[0] == "architecture" else candidate.place
    for name in candidate.config.options:
        if name not in known:
            yield _problem(spec, (*parent, f"{architecture}.{name}"), unknown(f"option of {architecture}", name, known))
    setting = spec.settings.get("dropout")
    if not takes_dropout and setting is not None and _largest(setting.domain) > 0:
        fact = f"{architecture} has no dropout; leave the setting out, set it to 0, or give it a condition"
        if not setting.when:
            yield _problem(spec, ("settings", "dropout"), fact)


def _batch_problems(spec: StudySpec, *, n_images: int) -> Iterator[Problem]:
    fact = f"a batch cannot be larger than the {n_images:,} images of the training part"
    setting = spec.settings.get("batch_size")
    if setting is not None and _largest(setting.domain) > n_images:
        yield _problem(spec, ("settings", "batch_size"), f"{_largest(setting.domain):g}: {fact}")
    for baseline in spec.baselines:
        size = baseline.values.get("batch_size", 0)
        if int(size) > n_images:
            yield _problem(spec, ("baselines", baseline.name, "batch_size"), f"{size}: {fact}")


def _largest(domain: Domain) -> float:
    match domain:
        case Fixed(value):
            return float(value)
        case Choices(values):
            return max(float(value) for value in values)
        case Range(_, high):
            return float(high)


def _problem(spec: StudySpec, path: KeyPath, fact: str) -> Problem:
    position: Position = spec.position(*path)
    # An index means something in a list only: `architecture: lenet5` has none.
    written = [str(key) for key in path if not (isinstance(key, int) and path not in spec.positions)]
    return Problem(position.line, position.column, ".".join(written), fact)


def _fact(error: InputError, candidate: Candidate) -> str:
    """An error's sentence without the `architecture:` that the problem's place says already."""
    return str(error).removeprefix("architecture: ") if candidate.place[0] == "architecture" else str(error)


def largest_and_smallest_batch(spec: StudySpec) -> tuple[TrialConfig, TrialConfig]:
    """The first configuration with the smallest and with the largest batch of the study, to time both."""
    values = first_values(offering(spec, spec.architectures[0], trials=1))
    config = configure(spec, values, epochs=spec.epochs, seeds=training_seeds(spec.seed, "trial", 0))
    setting = spec.settings.get("batch_size")
    if setting is None:
        return config, config
    match setting.domain:
        case Range(low, high):
            sizes: list[int] = [int(low), int(high)]
        case Choices(choices):
            sizes = sorted(int(choice) for choice in choices)
        case Fixed(value):
            sizes = [int(value)]
    return replace(config, batch_size=sizes[0]), replace(config, batch_size=sizes[-1])
