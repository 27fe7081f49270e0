"""torchvision, also where its compiled operators do not fit the installed torch.

PyPI's torchvision is a CUDA build. Beside a CPU build of torch its operators cannot load, and
`import torchvision` fails with "operator torchvision::nms does not exist", because fake kernels are
registered for them all the same. Declaring the missing operators first makes data sets, models and
transforms usable; the operators on boxes stay unavailable, which image classification does not need.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch

_BOX_OPERATORS = ("torchvision::nms", "torchvision::qnms")
_BOX_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision() -> ModuleType:
    """The module `torchvision`, imported once; later calls return the same module.

    Where the import fails because its operator `torchvision::nms` does not exist, the missing operators are
    declared and it is imported again. Everywhere else torchvision is left as it is.

    Returns:
        The module. Its submodules (`torchvision.models`, `torchvision.datasets`) are imported with it.

    Raises:
        ImportError: torchvision is not installed.
        RuntimeError: Its import fails for any other reason.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if not lacks_operators(error):
            raise
    # Python drops the module that failed, but keeps those that it had imported: half a torchvision.
    for name in [name for name in sys.modules if name.split(".", 1)[0] == "torchvision"]:
        del sys.modules[name]
    for operator in _BOX_OPERATORS:
        # Without a library of ours, torch keeps the declaration for the life of the process.
        torch.library.define(operator, _BOX_SCHEMA)
    return importlib.import_module("torchvision")


def lacks_operators(error: BaseException) -> bool:
    """Whether an error is the one that `import torchvision` raises without its compiled operators."""
    return isinstance(error, RuntimeError) and "operator torchvision::nms does not exist" in str(error)
