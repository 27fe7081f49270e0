"""The Optuna studies that make up a study: the search or searches, and the baselines."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, NopPruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from hpstudy.architectures.sources import architecture_sources
from hpstudy.artifacts import study_folder
from hpstudy.errors import InputError, StudyBusyError
from hpstudy.numbers import listed
from hpstudy.results.queries import parts_left, study_names
from hpstudy.search.digesting import attributes_changing
from hpstudy.search.sampling import build_pruner
from hpstudy.search.space import offering
from hpstudy.search.storage import Storage
from hpstudy.search.subject import Subject
from hpstudy.search.user_code import require_there, source_sums
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.identity import baseline_identities, changed_baselines, differences, identity, short_sum
from hpstudy.spec.study import Component, StudySpec
from hpstudy.tables import (
    ARTIFACTS_ATTRIBUTE,
    BASELINE,
    BASELINES,
    BASELINES_ATTRIBUTE,
    CONFIG,
    CONFIRM,
    DESCRIPTION_ATTRIBUTE,
    IDENTITY_ATTRIBUTE,
    PART_SEPARATOR,
    RULES,
    RULES_ATTRIBUTE,
    RUN,
    VALIDATION_ACCURACY,
)


def searches(spec: StudySpec) -> dict[str, StudySpec]:
    """The searches of a study by name: itself, or where it is fair one an architecture with its share of trials."""
    if not spec.fair:
        return {spec.name: spec}
    return {
        part_name(spec.name, architecture): offering(spec, architecture, trials=spec.trials // len(spec.architectures))
        for architecture in spec.architectures
    }


def part_name(name: str, part: str) -> str:
    """The name of the Optuna study that is a part of a study: `NAME/baselines`."""
    return f"{name}{PART_SEPARATOR}{part}"


def open_studies(spec: StudySpec, storage: Storage, *, checksums: Mapping[str, str]) -> dict[str, Study]:
    """Opens or makes the Optuna studies of a study.

    Args:
        spec: The study.
        storage: Where it is kept. The study `NAME` itself carries identity, baselines and description, also where
            it is fair and has no trials of its own.
        checksums: SHA-256 of each data file: other images make another study, and so does another text of a user's
            architecture.

    Returns:
        The studies that have trials, by name: each search, and `NAME/baselines` if there are any.

    Raises:
        InputError: The storage has a study of this name that is another one.
        StorageError: The storage names a folder for its files that is not the study's.
    """
    current = identity(spec) | _evidence(spec.folder, spec.architectures, checksums)
    _check_identity(spec, storage, current)
    head = open_part(storage, spec.name)
    with attributes_changing(storage, study=spec.name):
        if IDENTITY_ATTRIBUTE not in head.user_attrs:  # it begins: today's rules hold, and are noted before its mark
            head.set_user_attr(RULES_ATTRIBUTE, RULES)
        head.set_user_attr(IDENTITY_ATTRIBUTE, current)
        head.set_user_attr(BASELINES_ATTRIBUTE, head.user_attrs.get(BASELINES_ATTRIBUTE, {}) | _baselines(spec))
        head.set_user_attr(DESCRIPTION_ATTRIBUTE, spec.description)
        if not study_folder(head.user_attrs.get(ARTIFACTS_ATTRIBUTE), study=spec.name):
            # Not the name alone: two storages may have a study of one name, and share a folder.
            head.set_user_attr(ARTIFACTS_ATTRIBUTE, f"{spec.name}-{secrets.token_hex(4)}")
    pruners = dict.fromkeys(searches(spec), spec.pruner)
    if spec.baselines:
        pruners[part_name(spec.name, BASELINES)] = Component("none")
    rules = int(head.user_attrs.get(RULES_ATTRIBUTE, 1))
    return {
        name: open_part(storage, name, pruner=build_pruner(pruner, epochs=spec.epochs, rules=rules))
        for name, pruner in pruners.items()
    }


def open_part(
    storage: Storage, name: str, *, metric: str = VALIDATION_ACCURACY, pruner: BasePruner | None = None
) -> Study:
    """Opens an Optuna study whose objective is an accuracy, or makes it.

    Args:
        storage: Where it is kept.
        name: Its name.
        metric: What Optuna and its dashboard call the objective. A study that has no name for it, as one of an earlier
            hpstudy, is given this one; another name, which somebody else gave it, stays.
        pruner: None stops nothing.
    """
    study = optuna.create_study(
        study_name=name,
        storage=storage.optuna,
        pruner=pruner or NopPruner(),
        direction="maximize",
        load_if_exists=True,
    )
    if study.metric_names is None:
        with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
            study.set_metric_names([metric])
    return study


def stored_searches(storage: Storage, study: str) -> list[str]:
    """The Optuna studies of a study whose trials were sampled: itself, or its architectures."""
    apart = {part_name(study, BASELINES), part_name(study, CONFIRM)}
    parts = (name for name in storage.study_names() if name == study or name.startswith(part_name(study, "")))
    return sorted(name for name in parts if name not in apart)


def stored_trials(storage: Storage, name: str, *states: TrialState) -> list[FrozenTrial]:
    """The trials of an Optuna study that are in one of some states; none where there is no such study."""
    if name not in storage.study_names():
        return []
    study = optuna.load_study(study_name=name, storage=storage.optuna)
    return study.get_trials(deepcopy=False, states=states)


def require_searched(storage: Storage, study: str, *, live: Collection[int]) -> None:
    """Refuses to confirm a study while others search it: the candidate is fixed once the search has ended.

    Args:
        storage: Where the study is.
        study: Its name.
        live: The runs of other runners that may be under way.

    Raises:
        StudyBusyError: A trial or a baseline of theirs is under way.
    """
    parts = [*stored_searches(storage, study), part_name(study, BASELINES)]
    under_way = [trial for name in parts for trial in stored_trials(storage, name, TrialState.RUNNING)]
    if any(trial.user_attrs.get(RUN) in live for trial in under_way):
        raise StudyBusyError(f"{study}: other runners are searching it; confirm it once they have ended")


def check_evidence(subject: Subject, storage: Storage, *, checksums: Mapping[str, str]) -> None:
    """Refuses to go on with a stored study on other images, or with another text of the user's architectures.

    Args:
        subject: The study, as it was recorded.
        storage: Where it is.
        checksums: SHA-256 of each data file of the search.

    Raises:
        InputError: Something is not what it was, or not where it was.
    """
    head = optuna.load_study(study_name=subject.name, storage=storage.optuna)
    stored = head.user_attrs[IDENTITY_ATTRIBUTE]
    known = {key: stored.get(key, {}) for key in ("source", "data")}
    offered = [name for name in subject.architectures if name in stored["architecture"]]
    trained = trained_baselines(storage, subject.name)
    named = {name: found for name, found in head.user_attrs[BASELINES_ATTRIBUTE].items() if name in trained}
    sources = {*known["source"], *(file for found in named.values() for file in found.get("source", {}))}
    require_there(subject.name, sources, folder=subject.folder)
    changed = (
        *differences(known, _evidence(subject.folder, offered, checksums)),
        *changed_baselines(named, {name: _with_source(named[name], subject.folder, offered) for name in named}),
    )
    if changed:
        shown = "\n".join(f"  {line}" for line in changed)
        raise InputError(f"{subject.name}: has been trained on something else than what is there now:\n{shown}")


def _evidence(folder: Path, architectures: Iterable[str], checksums: Mapping[str, str]) -> dict[str, Any]:
    """What else makes a study the same, beside its file: sums of the user's code and of the data."""
    return {
        "source": source_sums(architectures, folder),
        "data": {name: short_sum(checksum) for name, checksum in checksums.items()},
    }


def _baselines(spec: StudySpec) -> dict[str, Any]:
    """The baselines' identities, each with the sums of a network that it alone has."""
    return {
        name: _with_source(found, spec.folder, spec.architectures) for name, found in baseline_identities(spec).items()
    }


def _with_source(baseline: Mapping[str, Any], folder: Path, offered: Collection[str]) -> dict[str, Any]:
    """A baseline's identity with the sums of its network, unless hpstudy has that or the study's identity has them."""
    own = {key: value for key, value in baseline.items() if key != "source"}
    sums = {} if own["architecture"] in offered else source_sums([own["architecture"]], folder)
    return own | ({"source": sums} if sums else {})


def _with_source_of(other: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """A baseline's identity with the sums that another has, or without any."""
    sums = {"source": other["source"]} if "source" in other else {}
    return {key: value for key, value in baseline.items() if key != "source"} | sums


def _check_identity(spec: StudySpec, storage: Storage, current: Mapping[str, Any]) -> None:
    existing = storage.study_names()
    if spec.name not in existing:
        _check_parts(spec.name, storage, [name for name in existing if name.startswith(part_name(spec.name, ""))])
        return
    is_ours = spec.name in storage.transact(study_names)
    found = optuna.load_study(study_name=spec.name, storage=storage.optuna)
    if not is_ours and found.directions == [StudyDirection.MAXIMIZE] and not found.get_trials(deepcopy=False):
        return  # made by a run that was killed before it could say what it is
    if not is_ours:
        raise InputError(
            f"{spec.name}: the storage has a study of this name that hpstudy did not make; choose another with --name"
        )
    stored = found.user_attrs
    known, baselines = dict(stored[IDENTITY_ATTRIBUTE]), _baselines(spec)
    trained = trained_baselines(storage, spec.name)
    # A network that has only failed may be mended.
    if not _has_results(storage, spec, trained):
        known["source"] = current["source"]
    named = {
        name: found if name in trained else _with_source_of(baselines.get(name, {}), found)
        for name, found in stored.get(BASELINES_ATTRIBUTE, {}).items()
    }
    # Those that the file has no more are confirmed all the same.
    gone = {name: found for name, found in named.items() if name in trained and name not in baselines}
    baselines |= {name: _with_source(found, spec.folder, spec.architectures) for name, found in gone.items()}
    changed = (*differences(known, current), *changed_baselines(named, baselines))
    if changed:
        _require_in_place(spec, known, current, n_changed=len(changed))
        shown = "\n".join(f"  {line}" for line in changed)
        raise InputError(
            f"{spec.path}: is not the study {spec.name} that the storage has:\n{shown}\n"
            f"Keep both with --name {spec.name}-2, or undo the change."
        )


def _require_in_place(spec: StudySpec, known: Mapping[str, Any], current: Mapping[str, Any], *, n_changed: int) -> None:
    """Refuses pictures that were moved, if nothing else has changed: the stored trials name their old folder."""
    before, now = known["dataset"].get("root"), current["dataset"].get("root")
    if n_changed == 1 and before != now and known.get("data") == current["data"]:
        raise InputError(
            f"{spec.path}: the pictures of {spec.name} were in {before} and are in {now} now; its stored trials look "
            f"for them in {before}. Put the folder back, or a link to it, and write dataset.root: {before}"
        )


def _check_parts(study: str, storage: Storage, parts: Sequence[str]) -> None:
    """Refuses a new study that would take what is there for parts of it."""
    left = storage.transact(lambda connection: parts_left(connection, study))
    if foreign := sorted(set(parts) - set(left)):
        raise InputError(
            f"{study}: the storage has {listed(foreign)}, which a study of this name would take for part of it; "
            "choose another name with --name"
        )
    if left:
        raise InputError(
            f"{study}: the storage has parts of a study of this name that was deleted; "
            f"`hpstudy delete {study}` deletes them too"
        )


def _has_results(storage: Storage, spec: StudySpec, trained: Mapping[str, str]) -> bool:
    """Whether a trial that was sampled has ended well, or a baseline with a network that is the study's own."""
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    if any(stored_trials(storage, name, *ended) for name in {spec.name, *searches(spec)}):
        return True
    offered = set(trained.values()) & set(spec.architectures)
    return bool(architecture_sources(offered, folder=spec.folder))


def trained_baselines(storage: Storage, study: str) -> dict[str, str]:
    """The architecture of each baseline that is complete, by its name."""
    complete = stored_trials(storage, part_name(study, BASELINES), TrialState.COMPLETE)
    configs = {str(trial.user_attrs[BASELINE]): trial.user_attrs[CONFIG] for trial in complete}
    return {name: TrialConfig.from_json(config).architecture for name, config in configs.items()}
