"""The architectures that a study file names. Whether a user's own exists is checked where torch is."""

from __future__ import annotations

import re

from hpstudy.spec.catalogue import ARCHITECTURES, TORCHVISION
from hpstudy.spec.file import StudyShape
from hpstudy.spec.findings import Findings
from hpstudy.spec.study import KeyPath
from hpstudy.spec.torchvision_names import torchvision_names
from hpstudy.spec.wording import RefusedError, nearest, only_once, shown

_OWN = re.compile(r"[^:\s]+:[A-Za-z_]\w*")


def read_architectures(shape: StudyShape, findings: Findings) -> tuple[str, ...]:
    """The architectures offered, in the file's order; empty where any of them is unusable.

    Args:
        shape: The file's shape.
        findings: Takes unknown and repeated names.
    """
    names: list[str] = []
    n_wrong = 0
    for index, name in enumerate(shape.architecture):
        path: KeyPath = ("architecture", index)
        try:
            only_once(architecture_name(name), names)
            names.append(name)
        except RefusedError as refused:
            findings.at(path, str(refused))
            n_wrong += 1
    return () if n_wrong else tuple(names)


def architecture_name(name: object) -> str:
    """A name that can be an architecture's: one of the catalogue, `torchvision:NAME`, or the user's own.

    Raises:
        RefusedError: It cannot.
    """
    known = sorted(row.name for row in ARCHITECTURES)
    if isinstance(name, str) and (name in known or _OWN.fullmatch(name)):
        return name
    near = _near(name, known) if isinstance(name, str) else ""
    raise RefusedError(
        f"no architecture {shown(name)}.{near} "
        f"Known: {', '.join(known)}, torchvision:NAME, or your own as package.module:name or file.py:name"
    )


def _near(name: str, known: list[str]) -> str:
    """The nearest name of hpstudy's and torchvision's, as it has to be written; nothing where none is near."""
    written = {name: name for name in known}
    written |= {name: TORCHVISION + name for name in torchvision_names() if name not in written}
    meant = nearest(name.rpartition(".")[2], written)  # torchvision.models.resnet18
    return f' Did you mean "{written[meant]}"?' if meant else ""
