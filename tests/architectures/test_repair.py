"""`import_torchvision`, each case in a process of its own: imports cannot be undone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hpstudy.torchvision_repair import lacks_operators

FRESH = """
from hpstudy.torchvision_repair import import_torchvision
torchvision = import_torchvision()
assert import_torchvision() is torchvision
import torchvision.datasets, torchvision.transforms.v2
print(len(torchvision.models.list_models(module=torchvision.models)) >= 80)
"""
AFTER_A_FAILED_IMPORT = """
import sys
try:
    import torchvision
except RuntimeError as error:
    assert "torchvision::nms" in str(error)
    assert "torchvision" not in sys.modules
    assert "torchvision.extension" in sys.modules
from hpstudy.torchvision_repair import import_torchvision
print(import_torchvision().models.resnet18 is not None)
"""
MISSING_OPERATOR_THEN_ANOTHER_ERROR = """
import gc, pathlib, sys, tempfile, torch
folder = pathlib.Path(tempfile.mkdtemp())
sys.path.insert(0, str(folder))
(folder / "torchvision.py").write_text('''
import torch
@torch.library.register_fake("torchvision::nms")
def nms(dets, scores, iou_threshold):
    return dets
repaired = True
''')
from hpstudy.torchvision_repair import import_torchvision
assert import_torchvision().repaired
gc.collect()
assert torch.ops.torchvision.nms is not None

del sys.modules["torchvision"]
(folder / "torchvision.py").write_text("raise RuntimeError('something else')")
try:
    import_torchvision()
except RuntimeError as error:
    print(str(error) == "something else")
"""


@pytest.mark.parametrize(
    "program",
    [FRESH, AFTER_A_FAILED_IMPORT, MISSING_OPERATOR_THEN_ANOTHER_ERROR],
    ids=["fresh", "after a failed import", "a missing operator is declared, another error goes through"],
)
def test_torchvision_is_imported_in_a_fresh_process(program):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("operator torchvision::nms does not exist"), True),
        (RuntimeError("operator torchvision::roi_align does not exist"), False),
        (ValueError("operator torchvision::nms does not exist"), False),
    ],
)
def test_only_the_missing_operator_is_repaired(error, expected):
    assert lacks_operators(error) is expected
