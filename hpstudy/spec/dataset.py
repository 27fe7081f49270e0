"""The data set of a study file, checked against its row of the catalogue."""

from __future__ import annotations

from hpstudy.spec.catalogue import DATASETS
from hpstudy.spec.file import DatasetShape, NormalizeShape, StudyShape
from hpstudy.spec.findings import Findings
from hpstudy.spec.rows import DatasetRow
from hpstudy.spec.study import DatasetSpec, Normalization
from hpstudy.spec.wording import did_you_mean, shown

USER_PICTURES = "image_folder"


def read_dataset(shape: StudyShape, findings: Findings) -> DatasetSpec | None:
    """The data set, with its usual normalisation where the file gives none.

    Args:
        shape: The file's shape.
        findings: Takes an unknown name and the options that do not belong to the data set.

    Returns:
        The data set; None where the file names none that hpstudy knows.
    """
    given = shape.dataset
    if given is None:
        if not findings.has(("dataset",)):
            findings.at(("dataset",), "nothing stands here; name a data set, for example digits")
        return None
    row = next((row for row in DATASETS if row.name == given.name), None)
    if row is None:
        names = [row.name for row in DATASETS]
        fact = f"no data set {shown(given.name)}.{did_you_mean(given.name, names)} Known: {', '.join(names)}"
        findings.at(("dataset", "name"), fact)
        return None
    _check_belonging(given, row, findings)
    return DatasetSpec(
        name=given.name,
        root=given.root,
        share=given.share,
        image_size=given.image_size,
        normalize=_normalization(given, row, findings),
        pad_resize=given.pad_resize,
        shuffle=given.shuffle,
        greyscale_to_rgb=given.greyscale_to_rgb,
        test_share=given.test_share,
    )


def _check_belonging(given: DatasetShape, row: DatasetRow, findings: Findings) -> None:
    """Options that only some data sets have."""
    if row.name == USER_PICTURES:
        if not given.root and not findings.has(("dataset", "root")):
            findings.at(("dataset",), "root is missing; add root: with the folder of your pictures")
    else:
        for key in ("root", "test_share"):
            if key in given.model_fields_set:
                fact = f"belongs to {USER_PICTURES} alone, not to {row.name}; delete this line"
                findings.at_key(("dataset", key), fact)
    if given.greyscale_to_rgb and row.shape is not None and row.shape[0] != 1:
        fact = f"{row.name} is in colour already; delete this line"
        findings.at_key(("dataset", "greyscale_to_rgb"), fact)


def _normalization(given: DatasetShape, row: DatasetRow, findings: Findings) -> Normalization | None:
    if "normalize" not in given.model_fields_set:
        return Normalization(row.mean, row.std)
    if given.normalize is None:
        return None
    n_channels = row.shape[0] if row.shape is not None else None
    if given.greyscale_to_rgb:
        n_channels = 3
    allowed = {1, n_channels} if n_channels else {1, 3}
    for key, values in (("mean", given.normalize.mean), ("std", given.normalize.std)):
        if len(values) not in allowed:
            counts = " or ".join(str(count) for count in sorted(allowed))
            fact = f"expected {counts} {_numbers(max(allowed))}, one for all or one a channel, got {len(values)}"
            findings.at(
                ("dataset", "normalize", key),
                fact if max(allowed) > 1 else _one_channel(row.name, len(values)),
            )
            return Normalization(row.mean, row.std)
    return _broadcast(given.normalize)


def _numbers(count: int) -> str:
    return "number" if count == 1 else "numbers"


def _one_channel(name: str, n_values: int) -> str:
    return f"expected 1 number, as {name} has one channel, got {n_values}"


def _broadcast(given: NormalizeShape) -> Normalization:
    """Mean and standard deviation of equal length."""
    n_values = max(len(given.mean), len(given.std))
    mean, std = (values * n_values if len(values) == 1 else values for values in (given.mean, given.std))
    return Normalization(tuple(float(value) for value in mean), tuple(float(value) for value in std))
