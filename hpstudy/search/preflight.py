"""The check before trial 0: what of a study can only be known with torch and the data at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from hpstudy.architectures.build import accepts_dropout, builder_options
from hpstudy.architectures.check import ModelCheck, check_architecture
from hpstudy.datasets.images import TrainingData
from hpstudy.datasets.load import check_test_set
from hpstudy.errors import InputError, Problem
from hpstudy.executors.data import LoadData
from hpstudy.search.processor import lacks_bfloat16
from hpstudy.search.space import first_values, offering
from hpstudy.spec.advice import advice
from hpstudy.spec.config import TrialConfig, baseline_values, configure
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import Baseline, Choices, Domain, Fixed, KeyPath, Position, Range, StudySpec
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
        warnings: What can be trained, but is hardly meant, in a line each.
    """

    problems: tuple[Problem, ...]
    models: tuple[tuple[Candidate, ModelCheck], ...]
    data: TrainingData
    warnings: tuple[str, ...]


def preflight(spec: StudySpec, *, load_data: LoadData, data_folder: Path) -> Preflight:
    """Pushes one batch of random images through every architecture and baseline of a study.

    Where the study is to be confirmed and has no problem, the files of its test set are decoded too, and let go of.

    Args:
        spec: A study that could be read; it may have lost settings with problems of their own.
        load_data: Gives the images.
        data_folder: Where the data sets lie.

    Raises:
        DataError: The images cannot be read, or those of the test set that a confirmation needs.
        InputError: They cannot be prepared as the study says.
    """
    candidates = list(_candidates(spec))
    data = load_data(candidates[0].config, "search")
    problems = [*_batch_problems(spec, n_images=len(data.train))]
    warnings: list[str] = []
    models: list[tuple[Candidate, ModelCheck]] = []
    checked: dict[tuple[object, ...], ModelCheck] = {}
    for candidate in candidates:
        found = list(_option_problems(spec, candidate))
        if not found:
            try:
                network = _network(candidate.config)
                if network not in checked:
                    checked[network] = _check(spec, candidate.config, data)
                models.append((candidate, checked[network]))
                _check_single_images(spec, candidate, data, problems=found, warnings=warnings)
            except InputError as error:
                found.append(_problem(spec, candidate.place, _fact(error, candidate)))
        problems += found
    if spec.confirm and not problems:
        check_test_set(spec.dataset, folder=data_folder)
    warnings += [*advice(spec), *_softmax_warnings(models), *_seed_warnings(models), *_precision_warnings(spec)]
    return Preflight(tuple(dict.fromkeys(problems)), tuple(models), data, tuple(dict.fromkeys(warnings)))


def first_config(spec: StudySpec, architecture: str) -> TrialConfig:
    """The first configuration of an architecture: of every setting the first choice or the lower end."""
    values = first_values(offering(spec, architecture, trials=1))
    return configure(spec, values, epochs=spec.epochs, seeds=training_seeds(spec.seed, "trial", 0))


def baseline_config(spec: StudySpec, baseline: Baseline) -> TrialConfig:
    """The configuration of a baseline, with the seeds of trial 0."""
    seeds = training_seeds(spec.seed, "trial", 0)
    return configure(spec, baseline_values(spec, baseline), epochs=baseline.epochs, seeds=seeds)


def _candidates(spec: StudySpec) -> Iterator[Candidate]:
    for index, architecture in enumerate(spec.architectures):
        yield Candidate(architecture, ("architecture", index), first_config(spec, architecture))
    for baseline in spec.baselines:
        yield Candidate(baseline.name, ("baselines", baseline.name), baseline_config(spec, baseline))


def _network(config: TrialConfig) -> tuple[object, ...]:
    """What tells a configuration's network from another's."""
    return (config.architecture, tuple(sorted(config.options.items())), config.dropout)


def _check(spec: StudySpec, config: TrialConfig, data: TrainingData, *, batch_size: int = 2) -> ModelCheck:
    return check_architecture(
        config.architecture,
        options=config.options,
        input_shape=data.input_shape,
        n_classes=data.n_classes,
        dropout=config.dropout,
        study_folder=spec.folder,
        batch_size=batch_size,
    )


def _check_single_images(
    spec: StudySpec, candidate: Candidate, data: TrainingData, *, problems: list[Problem], warnings: list[str]
) -> None:
    """Batches of one image, which batch norm may refuse: a problem where there are no others, else a warning."""
    offered = candidate.place[0] == "architecture"
    setting = spec.settings.get("batch_size") if offered else None
    exists = setting and candidate.label in setting.when.get("architecture", (candidate.label,))
    sizes = _choices(setting.domain) if setting and exists else (candidate.config.batch_size,)
    if 1 not in sizes:
        return
    try:
        _check(spec, candidate.config, data, batch_size=1)
    except InputError as error:
        path: KeyPath = ("settings", "batch_size") if offered else (*candidate.place, "batch_size")
        if set(sizes) == {1}:
            problems.append(_problem(spec, path, f"1: one image is too few to train on: {error}; give 2 or more"))
        else:
            warnings.append(f"{path[0]}.batch_size: trials with batches of 1 will fail: {error}; begin at 2")


def _option_problems(spec: StudySpec, candidate: Candidate) -> Iterator[Problem]:
    """Options that an architecture does not have, and dropout where a network has none."""
    architecture = candidate.config.architecture
    try:
        known = {option.name: option.kind for option in builder_options(architecture, study_folder=spec.folder)}
        takes_dropout = accepts_dropout(architecture, study_folder=spec.folder)
    except InputError as error:
        yield _problem(spec, candidate.place, _fact(error, candidate))
        return
    offered = candidate.place[0] == "architecture"
    parent: KeyPath = ("settings",) if offered else candidate.place
    prefix = f"{architecture}."
    written = (
        [name.removeprefix(prefix) for name in spec.settings if name.startswith(prefix)]
        if offered
        else candidate.config.options
    )
    for name in written:
        path = (*parent, prefix + name)
        if name not in known:
            yield _problem(spec, path, unknown(f"option of {architecture}", name, list(known)))
        elif offered and known[name] == "int" and not _is_whole(spec.settings[prefix + name].domain):
            yield _problem(spec, path, "expected whole numbers alone, as the default of this option is one")
    setting = spec.settings.get("dropout")
    if offered and not takes_dropout and setting and not setting.when and _largest(setting.domain) > 0:
        fact = f"{architecture} has no dropout; leave the setting out, set it to 0, or give it a condition"
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


def _softmax_warnings(models: Iterable[tuple[Candidate, ModelCheck]]) -> Iterator[str]:
    for name in sorted({candidate.config.architecture for candidate, model in models if model.gives_probabilities}):
        yield (
            f"{name}: its outputs sum to 1, as after a softmax. The loss expects logits and takes the softmax itself; "
            "leave it out of the network."
        )


def _seed_warnings(models: Iterable[tuple[Candidate, ModelCheck]]) -> Iterator[str]:
    for name in sorted({candidate.config.architecture for candidate, model in models if model.begins_equal}):
        yield (
            f"{name}: two seeds gave it equal weights, so that its trainings differ in the order of images and in "
            "dropout alone. If it calls torch.manual_seed, leave that out."
        )


def _precision_warnings(spec: StudySpec) -> Iterator[str]:
    setting = spec.settings.get("precision")
    offered = set(_choices(setting.domain)) if setting else set()
    offered |= {baseline.values.get("precision") for baseline in spec.baselines}
    if "bfloat16" in offered and lacks_bfloat16() and not torch.accelerator.is_available():
        yield (
            "precision: this processor has no instructions for bfloat16, so it takes several times as long as float32; "
            "leave the setting out."
        )


def _choices(domain: Domain) -> tuple[object, ...]:
    match domain:
        case Fixed(value):
            return (value,)
        case Choices(values):
            return values
        case Range(low, high):
            return (low, high)


def _is_whole(domain: Domain) -> bool:
    return all(isinstance(value, int) for value in _choices(domain))


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
    written = [str(key) for key in path if not isinstance(key, int) or path in spec.positions]
    return Problem(position.line, position.column, ".".join(written), fact)


def _fact(error: InputError, candidate: Candidate) -> str:
    """An error's sentence without the `architecture:` that the problem's place says already."""
    return str(error).removeprefix("architecture: ") if candidate.place[0] == "architecture" else str(error)
