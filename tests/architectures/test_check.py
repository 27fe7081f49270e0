"""Case 18: what is wrong with an architecture is found by one batch, with the line of the user's code."""

from __future__ import annotations

import pytest
import torch

from hpstudy.architectures.build import build_model
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
        check("torchvision:squeezenet1_1", tmp_path, shape=(1, 8, 12))
    assert str(caught.value) == (
        "torchvision:squeezenet1_1: images of 8×12 are too small; the smallest that works is 17×17; "
        "set image_size of the data set to 17 or more"
    )
    assert check("torchvision:squeezenet1_1", tmp_path, shape=(1, 17, 17)).n_parameters > 700_000


def test_an_error_of_the_catalogues_own_keeps_its_words(tmp_path):
    with pytest.raises(InputError, match=r"^lenet5: images of 8×8 are too small; the smallest that works is 12×12;"):
        check("lenet5", tmp_path, shape=(1, 8, 8))


def written(folder, source):
    (folder / "nets.py").write_text(source)
    with pytest.raises(InputError) as caught:
        check("nets.py:Net", folder, dropout=None)
    return str(caught.value)


CONVOLUTION = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, {signature}):
        super().__init__()
        {body}
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, {classes}))

    def forward(self, images):
        {forward}
"""


@pytest.mark.parametrize(
    ("signature", "body", "classes", "forward", "called"),
    [
        (
            "in_channels=1, num_classes=10",
            "self.stem = nn.Conv2d(in_channels, 1, 3)",
            "num_classes",
            "return self.layers(self.stem(images))",
            "in_channels=(1, 28, 28) and num_classes=10",
        ),
        (
            "in_channels, num_classes",
            "self.stem = nn.Conv2d(in_channels, 1, 3)",
            "num_classes",
            "return self.layers(self.stem(images))",
            "in_channels=(1, 28, 28) and num_classes=10",
        ),
        (
            "num_classes, in_channels",
            "pass",
            "num_classes",
            "return self.layers(images)",
            "num_classes=(1, 28, 28) and in_channels=10",
        ),
        (
            "input_size, num_classes",
            "self.stem = nn.Linear(input_size, 1)",
            "num_classes",
            "return self.layers(images)",
            "input_size=(1, 28, 28) and num_classes=10",
        ),
        ("config, n=10", "config.width", "n", "return self.layers(images)", "config=(1, 28, 28) and n=10"),
        ("config, n=10", "config['width']", "n", "return self.layers(images)", "config=(1, 28, 28) and n=10"),
        # Nothing is raised while it is built: it fails on the batch, or gives as many logits as it likes.
        (
            "channels=1, num_classes=10",
            "self.channels = channels",
            "num_classes",
            "return self.layers(images.repeat(1, self.channels, 1, 1))",
            "channels=(1, 28, 28) and num_classes=10",
        ),
        (
            "pretrained=False, progress=True",
            "pass",
            "1000",
            "return self.layers(images)",
            "pretrained=(1, 28, 28) and progress=10",
        ),
        ("*arguments", "arguments[0].width", "10", "return self.layers(images)", "arguments=(1, 28, 28)"),
    ],
)
def test_a_network_written_for_other_arguments_is_told_with_what_it_is_called(
    tmp_path, signature, body, classes, forward, called
):
    source = CONVOLUTION.format(signature=signature, body=body, classes=classes, forward=forward)
    message = written(tmp_path, source)
    assert f"it was called with {called}" in message
    assert "(input_shape, n_classes, *, dropout, options…)" in message


@pytest.mark.parametrize("signature", ["self", "self, num_classes", "self, *, input_shape, n_classes"])
def test_a_network_that_cannot_be_called_with_two_arguments_is_told_how_to_be_written(tmp_path, signature):
    message = written(tmp_path, f"from torch import nn\nclass Net(nn.Module):\n    def __init__({signature}): ...\n")
    assert "too many positional arguments" in message
    assert "(input_shape, n_classes, *, dropout, options…)" in message


@pytest.mark.parametrize(
    ("signature", "error"),
    [
        ("input_shape, n_classes", "raise TypeError('no')"),
        ("input_shape=(1, 28, 28), n_classes=10", "raise TypeError('no')"),
        ("s, n", "raise ValueError('no')"),
    ],
)
def test_an_error_of_another_kind_is_not_laid_on_the_arguments(tmp_path, signature, error):
    assert "called with" not in written(tmp_path, f"def Net({signature}):\n    {error}\n")


DOUBLE = "import torch\nfrom torch import nn\n\ndef Net(input_shape, n_classes):\n    return nn.Sequential({layers})\n"


@pytest.mark.parametrize("kind", ["double", "bfloat16"])
def test_weights_of_another_type_than_images_are_told(tmp_path, kind):
    layers = f"nn.Flatten(), nn.Linear(784, n_classes).{kind}()"
    message = written(tmp_path, DOUBLE.format(layers=layers))
    assert {"double": "float64", "bfloat16": "bfloat16"}[kind] in message
    assert "images are float32" in message


def test_a_default_type_that_the_users_code_sets_is_told(tmp_path):
    source = DOUBLE.format(layers="nn.Flatten(), nn.Linear(784, n_classes)").replace(
        "\n\n", "\ntorch.set_default_dtype(torch.float64)\n\n", 1
    )
    try:
        assert "weights are float64, and images are float32" in written(tmp_path, source)
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_state_that_does_not_fit_is_told_by_its_second_line(tmp_path):
    source = (
        "from torch import nn\n\ndef Net(input_shape, n_classes):\n    layer = nn.Linear(784, n_classes)\n"
        "    layer.load_state_dict(nn.Linear(784, 7).state_dict())\n    return layer\n"
    )
    assert "nets.py:5: RuntimeError: Error(s) in loading state_dict for Linear: size mismatch for weight" in written(
        tmp_path, source
    )


def test_what_the_layer_table_alone_finds_is_told_in_the_models_words(tmp_path):
    source = CLASS.format(last="return logits if len(images) > 1 else images.absent")
    message = written(tmp_path, source)
    assert "AttributeError: 'Tensor' object has no attribute 'absent'" in message
    assert "torchinfo" not in message


LAZY = """\
from torch import nn

def Net(input_shape, n_classes):
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(n_classes))
"""


def test_lazy_layers_get_their_sizes_from_an_image_and_their_weights_from_the_seed(tmp_path):
    (tmp_path / "nets.py").write_text(LAZY)
    checked = check("nets.py:Net", tmp_path, shape=(1, 8, 8), dropout=None)
    assert checked.n_parameters == (9 * 8 + 8) + 2 * 8 + (8 * 36 * 10 + 10)
    assert sum(layer.parameters for layer in checked.layers) == checked.n_parameters
    assert not checked.begins_equal
    models = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        models.append(
            build_model(
                "nets.py:Net", options={}, input_shape=(1, 8, 8), n_classes=10, dropout=None, study_folder=tmp_path
            )
        )
    one, same, other = (model.state_dict() for model in models)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["4.weight"], other["4.weight"])
    assert torch.equal(one["1.running_mean"], torch.zeros(8))
    assert all(module.training for module in models[0].modules())


def test_a_lazy_layer_that_an_image_does_not_reach_is_refused(tmp_path):
    source = CLASS.format(last="return self.more(logits) if self.training else logits").replace(
        "n_classes)\n\n", "n_classes)\n        self.more = nn.LazyLinear(n_classes)\n\n"
    )
    assert "the sizes of more.weight, more.bias are still open" in written(tmp_path, source)
