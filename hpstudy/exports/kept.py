"""Which weights of a study were kept, and what its storage knows of the model that they are of."""

from __future__ import annotations

import math
import shlex
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from hpstudy.artifacts import StudyFiles
from hpstudy.errors import DamagedStudyError, InputError
from hpstudy.exports.model import TrainedModel
from hpstudy.results.configs import load_config, weights_checksum
from hpstudy.results.digests import damage_text
from hpstudy.results.load import load_results
from hpstudy.results.records import RecordedImages, architecture_source, recorded_images, recorded_versions
from hpstudy.results.study import ENDED, StudyResults, find_trial, part_of, title_of
from hpstudy.spec.catalogue import DATASETS
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.study import DatasetSpec
from hpstudy.tables import BASELINES, CONFIRM, SEARCH

BEST = "best"
Row = Mapping[Hashable, Any]


@dataclass(frozen=True)
class KeptModel:
    """A model whose weights were kept, ready to be exported.

    Attributes:
        model: What is known of it.
        weights: The file of its weights.
        sha256: Of that file as it was written; None where the storage does not say.
        source: The text of a user's architecture; None where it is not the user's, or no run recorded it.
    """

    model: TrainedModel
    weights: Path
    sha256: str | None
    source: str | None


@dataclass(frozen=True)
class _Kept:
    """Weights that exist: the configuration's label, the row of the training, which training it was."""

    label: str
    row: Row
    part: Literal["search", "baselines", "confirm"]
    path: Path


def find_kept(url: str, *, study: str, trial: str, artifacts: Path) -> KeptModel:
    """The model of a trial whose weights were kept.

    Args:
        url: The storage, which is not written.
        study: The study's name.
        trial: `best`: the confirmed candidate, else the best trial of the search. A label as in
            `StudyResults.trials`: its own training, else a confirmation of it.
        artifacts: The artifacts folder.

    Raises:
        InputError: No such study or trial; no weights of it were kept; or no run recorded what its images are.
        DamagedStudyError: Something of the study is not what hpstudy stored.
        StorageError: The storage cannot be read.
    """
    results = load_results(url, study=study)
    if damage := damage_text(results.digests):
        raise DamagedStudyError(damage, study=study)
    chosen = _chosen(results, trial, files=StudyFiles(artifacts / results.artifacts))
    images = recorded_images(results)
    if images is None:
        raise InputError(
            f"{study}: no run recorded the classes and the size of its images; "
            f"`hpstudy confirm {shlex.quote(study)}` records them"
        )
    trial_id = int(chosen.row["trial_id"])
    config = load_config(url, trial_id=trial_id)
    return KeptModel(
        model=_model(results, chosen, config=config, images=images),
        weights=chosen.path,
        sha256=weights_checksum(url, trial_id=trial_id),
        source=architecture_source(results, config.architecture),
    )


def _chosen(results: StudyResults, trial: str, *, files: StudyFiles) -> _Kept:
    row = results.trials.to_dict("records")[find_trial(results, trial)]
    kept = list(_kept(results, files=files)) if results.artifacts else []
    confirmed = [each for each in kept if (each.label, each.part) == (results.candidate, CONFIRM)]
    own = sorted((each for each in kept if each.label == row["label"]), key=lambda each: each.part == CONFIRM)
    wanted = [*confirmed, *own] if trial == BEST else own
    if wanted:
        return wanted[0]
    known = ", ".join(dict.fromkeys(each.label for each in kept))
    if not results.identity:
        raise InputError(f"{results.name}: hpstudy did not train this study, and has no weights of it")
    again = shlex.join(["hpstudy", "rerun", results.name, str(row["label"])])
    raise InputError(
        f"{results.name}: no weights of {title_of(row)} were kept; "
        f"{f'there are those of {known}' if known else f'there are none under {files.folder}'}; "
        + (f"`{again}` trains it again and keeps its weights" if row["state"] == "complete" else "it is not complete")
    )


def _kept(results: StudyResults, *, files: StudyFiles) -> Iterator[_Kept]:
    """Every file of weights that there is: of trials in their order, then of confirmations by seed."""
    for row in results.trials.to_dict("records"):
        label, part = str(row["label"]), part_of(row)
        path = files.weights(part, int(row["number"]))
        if path.is_file():
            yield _Kept(label, row, BASELINES if part == BASELINES else SEARCH, path)  # type: ignore[arg-type]
    for row in results.confirmations.sort_values("seed", kind="stable").to_dict("records"):
        path = files.weights(CONFIRM, int(row["number"]))
        if row["state"] == "complete" and path.is_file():
            yield _Kept(str(row["configuration"]), row, CONFIRM, path)  # type: ignore[arg-type]


def _model(results: StudyResults, chosen: _Kept, *, config: TrialConfig, images: RecordedImages) -> TrainedModel:
    trial = results.trials[results.trials["label"] == chosen.label].to_dict("records")[0]
    fresh = results.confirmations[results.confirmations["configuration"] == chosen.label]
    confirmed = fresh["test_accuracy"].dropna()
    ended = fresh["state"].isin(ENDED)
    whole = images.n_train + images.n_validation
    return TrainedModel(
        study=results.name,
        description=results.description,
        label=chosen.label,
        part=chosen.part,
        config=replace(config, dataset=replace(config.dataset, root="")),
        picture_shape=_picture_shape(config.dataset, images),
        input_shape=images.input_shape,
        class_names=tuple(name.encode(errors="replace").decode() for name in images.class_names),
        n_parameters=None if math.isnan(trial["n_parameters"]) else int(trial["n_parameters"]),
        n_images=whole if chosen.part == CONFIRM else images.n_train,
        validation_accuracy=_number(trial["value"]),
        test_accuracy=_number(chosen.row["test_accuracy"]) if chosen.part == CONFIRM else None,
        confirmed=tuple(float(accuracy) for accuracy in confirmed),
        n_diverged=int(ended.sum()) - len(confirmed),
        versions=recorded_versions(results),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _picture_shape(spec: DatasetSpec, images: RecordedImages) -> tuple[int, int, int]:
    """(channels, height, width) as the data set holds its pictures; the user's own have the size of the input."""
    shape = next(row.shape for row in DATASETS if row.name == spec.name)
    return shape or (images.channels, *images.input_shape[1:])
