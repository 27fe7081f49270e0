"""Case 18: what is wrong with an architecture is found by one batch, with the line of the user's code."""

from __future__ import annotations

import pytest
import torch

from hpstudy.architectures.check import check_architecture
from hpstudy.errors import InputError
from hpstudy.spec.catalogue import ARCHITECTURES


def check(architecture, folder, *, shape=(1, 28, 28), options=None, dropout=0.0, batch_size=2):
    return check_architecture(
        architecture,
        options=options or {},
        input_shape=shape,
        n_classes=10,
        dropout=dropout,
        study_folder=folder,
        batch_size=batch_size,
    )


@pytest.mark.parametrize("name", [row.name for row in ARCHITECTURES if row.name != "alexnet"])
def test_the_catalogues_architectures_pass(name, tmp_path):
    row = next(row for row in ARCHITECTURES if row.name == name)
    checked = check(name, tmp_path, shape=row.input_shape, dropout=0.5)
    assert checked.n_parameters == row.parameters
    assert sum(layer.parameters for layer in checked.layers) == row.parameters
    assert checked.layers[-1].output_shape == (10,)


def test_torchvision_passes(tmp_path):
    checked = check("torchvision:resnet18", tmp_path, shape=(1, 32, 32))
    assert checked.n_parameters == 11_689_512 - 990 * 513 - 2 * 64 * 49


def test_it_leaves_the_random_state_as_it_was_and_does_not_depend_on_it(tmp_path):
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    check("lenet5", tmp_path, dropout=0.5)
    assert torch.equal(torch.randn(3), expected)


CLASS = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, input_shape, n_classes, *, dropout=0.0):
        super().__init__()
        self.linear = nn.Linear(28 * 28, n_classes)

    def forward(self, images):
        logits = self.linear(images.flatten(1))
        {last}
"""
FAULTS = {
    "too few logits": (
        CLASS.format(last="return logits[:, :7]"),
        "nets.py:Net: nets.py:4: expected logits of shape [batch, 10], got [batch, 7]",
    ),
    "no batch": (
        CLASS.format(last="return logits[0]"),
        "nets.py:Net: nets.py:4: expected logits of shape [batch, 10], got [10]",
    ),
    "integers": (
        CLASS.format(last="return logits.long()"),
        "nets.py:Net: nets.py:4: expected floating-point logits, got torch.int64",
    ),
    "a tuple": (
        CLASS.format(last="return logits, logits"),
        "nets.py:Net: nets.py:4: expected logits of shape [batch, 10], got an object of type tuple",
    ),
    "detached": (
        CLASS.format(last="return logits.detach()"),
        ("nets.py:Net: nets.py:4: the logits do not depend on trainable parameters; was detach() or no_grad() used?"),
    ),
    "wrong under evaluation only": (
        CLASS.format(last="return logits if self.training else logits.argmax(1)"),
        "nets.py:Net: nets.py:4: expected logits of shape [batch, 10], got [batch]",
    ),
    "raises under evaluation only": (
        CLASS.format(last="return logits if self.training else self.absent"),
        (
            "nets.py:Net: nets.py:11: AttributeError: 'Net' object has no attribute 'absent'; "
            "it was given a batch of images [2, 1, 28, 28] and 10 classes"
        ),
    ),
    "raises while it is built": (
        "def Net(input_shape, n_classes):\n    return undefined",
        (
            "nets.py:Net: nets.py:2: NameError: name 'undefined' is not defined; "
            "it was given a batch of images [2, 1, 28, 28] and 10 classes"
        ),
    ),
    "raises in torch": (
        "from torch import nn\n\ndef Net(input_shape, n_classes):\n    return nn.Linear(-1, n_classes)",
        (
            "nets.py:Net: nets.py:4: RuntimeError: "
            "Trying to create tensor with negative dimension -1: [10, -1]; "
            "it was given a batch of images [2, 1, 28, 28] and 10 classes"
        ),
    ),
    "raises several lines": (
        "def Net(input_shape, n_classes):\n    raise ValueError('first\\nsecond')",
        (
            "nets.py:Net: nets.py:2: ValueError: first second; "
            "it was given a batch of images [2, 1, 28, 28] and 10 classes"
        ),
    ),
    "raises without words": (
        "def Net(input_shape, n_classes):\n    assert n_classes == 7",
        ("nets.py:Net: nets.py:2: AssertionError; it was given a batch of images [2, 1, 28, 28] and 10 classes"),
    ),
    "no parameters": (
        "from torch import nn\n\ndef Net(input_shape, n_classes):\n    return nn.Flatten()",
        "nets.py:Net: nets.py:3: the model has no trainable parameters; there is nothing to train",
    ),
    "no model": (
        "\ndef Net(input_shape, n_classes):\n    return 3",
        ("nets.py:Net: nets.py:2: it returned an object of type int; an architecture returns a torch.nn.Module"),
    ),
    "cannot take the size": (
        CLASS.format(last="return logits").replace("28 * 28", "32 * 32"),
        (
            "nets.py:Net: nets.py:10: RuntimeError: mat1 and mat2 shapes cannot be multiplied "
            "(2x784 and 1024x10); it was given a batch of images [2, 1, 28, 28] and 10 classes"
        ),
    ),
    "cannot take the size, without a line of its own": (
        (
            "from torch import nn\n\ndef Net(input_shape, n_classes):\n"
            "    return nn.Sequential(nn.Flatten(), nn.Linear(9, n_classes))"
        ),
        (
            "nets.py:Net: nets.py:3: RuntimeError: mat1 and mat2 shapes cannot be multiplied "
            "(2x784 and 9x10); it was given a batch of images [2, 1, 28, 28] and 10 classes"
        ),
    ),
}


@pytest.mark.parametrize(("source", "message"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_said_with_the_line_of_the_users_code(tmp_path, source, message):
    (tmp_path / "nets.py").write_text(source)
    with pytest.raises(InputError) as caught:
        check("nets.py:Net", tmp_path)
    assert str(caught.value) == message


def test_code_elsewhere_is_named_in_full(tmp_path):
    study, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    study.mkdir()
    elsewhere.mkdir()
    file = elsewhere / "nets.py"
    file.write_text("def Net(input_shape, n_classes):\n    raise ValueError('no')")
    with pytest.raises(InputError) as caught:
        check(f"{file}:Net", study)
    assert str(caught.value) == (
        f"{file}:Net: nets.py:2: ValueError: no; it was given a batch of images [2, 1, 28, 28] and 10 classes"
    )


def test_an_image_that_torchvision_cannot_take_is_an_error(tmp_path):
    with pytest.raises(InputError) as caught:
        check("torchvision:vgg11", tmp_path, shape=(1, 8, 8))
    assert str(caught.value).startswith("torchvision:vgg11: RuntimeError: ")
    assert str(caught.value).endswith("it was given a batch of images [2, 1, 8, 8] and 10 classes")


def test_an_error_of_the_catalogues_own_keeps_its_words(tmp_path):
    with pytest.raises(InputError, match=r"^lenet5: images of 8×8 are too small; the smallest that works is 12×12;"):
        check("lenet5", tmp_path, shape=(1, 8, 8))
