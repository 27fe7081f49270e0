"""The user's own architectures: where they are found, what can be set, and every error word for word."""

from __future__ import annotations

import os
import re
import sys
import textwrap

import pytest
import torch

from hpstudy.architectures.build import accepts_dropout, build_model, builder_options, find_builder
from hpstudy.architectures.user import load_user_function
from hpstudy.errors import InputError
from hpstudy.spec.rows import Option

NET = """
from torch import nn

def Net(input_shape, n_classes, *, dropout=0.1, width=8, scale=1.5, bias=True, kind="wide", extra=None):
    size = input_shape[0] * input_shape[1] * input_shape[2]
    hidden = nn.Linear(size, width)
    return nn.Sequential(nn.Flatten(), hidden, nn.Dropout(dropout), nn.Linear(width, n_classes))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study folder; modules imported from it are forgotten afterwards."""
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")


def build(architecture, folder, **options):
    return build_model(
        architecture, options=options, input_shape=(1, 4, 4), n_classes=3, dropout=0.0, study_folder=folder
    )


@pytest.mark.parametrize(
    ("place", "architecture"),
    [
        ("nets.py", "nets.py:Net"),
        ("models/nets.py", "models/nets.py:Net"),
        ("lone_module.py", "lone_module:Net"),
        ("own_package/nets.py", "own_package.nets:Net"),
    ],
)
def test_it_is_found_beside_the_study_file(folder, place, architecture):
    write(folder / place, NET)
    model = build(architecture, folder, width=5)
    assert tuple(model(torch.randn(2, 1, 4, 4)).shape) == (2, 3)
    assert model[1].out_features == 5
    assert sys.path[0] != str((folder / place).parent)


def test_what_stands_beside_it_can_be_imported_while_it_is_built(folder):
    write(folder / "besides.py", "UNITS = 6\n")
    write(
        folder / "late.py",
        """
        from torch import nn

        def net(input_shape, n_classes):
            import besides

            return nn.Linear(besides.UNITS, n_classes)
        """,
    )
    assert build("late.py:net", folder).in_features == 6


def test_a_class_is_an_architecture_too(folder):
    write(
        folder / "nets.py",
        """
        from torch import nn

        class Net(nn.Module):
            def __init__(self, input_shape, n_classes, width=4):
                super().__init__()
                self.linear = nn.Linear(width, n_classes)
        """,
    )
    assert build("nets.py:Net", folder, width=6).linear.in_features == 6


def test_two_files_of_one_name_do_not_clash(folder):
    for name in ("a", "b"):
        write(folder / name / "nets.py", f"def name(input_shape, n_classes): return {name!r}")
    found = [load_user_function("nets.py:name", study_folder=folder / name) for name in ("a", "b")]
    assert [function((1, 4, 4), 3) for function in found] == ["a", "b"]


def test_a_file_is_run_once_and_again_after_a_change_within_the_same_second(folder):
    file = folder / "nets.py"
    write(file, "def f(input_shape, n_classes): return 1")
    first = load_user_function("nets.py:f", study_folder=folder)
    assert load_user_function("nets.py:f", study_folder=folder) is first
    stamp = file.stat().st_mtime_ns
    write(file, "def f(input_shape, n_classes): return 2")
    os.utime(file, ns=(stamp, stamp))
    assert load_user_function("nets.py:f", study_folder=folder)((1, 4, 4), 3) == 2


def test_a_file_may_import_its_neighbours(folder):
    write(folder / "neighbour_blocks.py", "SIZE = 7")
    write(folder / "nets.py", "from neighbour_blocks import SIZE\ndef f(input_shape, n_classes): return SIZE")
    assert load_user_function("nets.py:f", study_folder=folder)((1, 4, 4), 3) == 7


def test_a_file_may_import_torchvision(folder):
    write(folder / "nets.py", "from torchvision.models import resnet18\ndef f(input_shape, n_classes): return 1")
    assert load_user_function("nets.py:f", study_folder=folder)((1, 4, 4), 3) == 1


def test_options_are_read_from_the_signature(folder):
    write(folder / "nets.py", NET)
    assert builder_options("nets.py:Net", study_folder=folder) == (
        Option("width", "int", 8),
        Option("scale", "float", 1.5),
        Option("bias", "bool", True),
        Option("kind", "choice", "wide"),
    )
    assert accepts_dropout("nets.py:Net", study_folder=folder) is True


def test_a_function_without_dropout_refuses_it(folder):
    write(folder / "nets.py", "from torch import nn\ndef Net(input_shape, n_classes): return nn.Linear(1, 1)")
    assert accepts_dropout("nets.py:Net", study_folder=folder) is False
    assert build("nets.py:Net", folder).in_features == 1
    with pytest.raises(InputError, match=r"^nets\.py:Net has no dropout; leave the setting out or set it to 0$"):
        build_model("nets.py:Net", options={}, input_shape=(1, 4, 4), n_classes=3, dropout=0.1, study_folder=folder)


LOADING = {
    "missing file": (
        "",
        "net.py:Net",
        'net.py:Net: there is no file net.py in FOLDER. Did you mean "nets.py"?',
    ),
    "missing module": (
        "",
        "no_such_package.nets:Net",
        "no_such_package.nets:Net: there is no module no_such_package in FOLDER, nor is one installed",
    ),
    "missing name": (
        "def Net(a, b): ...",
        "nets.py:Nett",
        'nets.py:Nett: nets.py has no Nett. Did you mean "Net"?',
    ),
    "empty name": ("", "nets.py:", "nets.py:: write it as file.py:name or as package.module:name"),
    "no function": (
        "Net = 3",
        "nets.py:Net",
        (
            "nets.py:Net: Net in nets.py is of type int; an architecture is a function "
            "(input_shape, n_classes, *, dropout, options…) that returns a torch.nn.Module"
        ),
    ),
    "raises": (
        "x = 1\n\ny = z",
        "nets.py:Net",
        "nets.py:Net: nets.py:3: NameError: name 'z' is not defined",
    ),
    "raises in a library": (
        "import json\njson.loads('[')",
        "nets.py:Net",
        "nets.py:Net: nets.py:2: JSONDecodeError: Expecting value: line 1 column 2 (char 1)",
    ),
    "syntax": ("x = 1\ny = = 2", "nets.py:Net", "nets.py:Net: nets.py:2: SyntaxError: invalid syntax"),
    "its import is missing": (
        "\nimport no_such_library",
        "nets.py:Net",
        "nets.py:Net: nets.py:2: ModuleNotFoundError: No module named 'no_such_library'",
    ),
    "a module's import is missing": (
        "\nimport no_such_library",
        "nets:Net",
        "nets:Net: nets.py:2: ModuleNotFoundError: No module named 'no_such_library'",
    ),
}


@pytest.mark.parametrize(("source", "architecture", "message"), LOADING.values(), ids=LOADING)
def test_what_cannot_be_loaded_is_said_with_its_line(folder, source, architecture, message):
    (folder / "nets.py").write_text(source)
    with pytest.raises(InputError) as caught:
        find_builder(architecture, study_folder=folder)
    assert str(caught.value) == message.replace("FOLDER", str(folder.resolve()))


BUILDING = {
    "no model": (
        "\ndef Net(input_shape, n_classes):\n    return {}",
        {},
        ("nets.py:Net: nets.py:2: it returned an object of type dict; an architecture returns a torch.nn.Module"),
    ),
    "one parameter": (
        "def Net(input_shape): ...",
        {},
        (
            "nets.py:Net: nets.py:1: it is called with (input_shape, n_classes): "
            "too many positional arguments; write it as (input_shape, n_classes, *, dropout, options…)"
        ),
    ),
    "no default": (
        "def Net(input_shape, n_classes, width): ...",
        {},
        ("nets.py:Net: nets.py:1: its parameter width has no default; an option needs one, which tells its kind"),
    ),
    "unknown option": (
        "def Net(input_shape, n_classes, *, width=1, depth=2): ...",
        {"widht": 2},
        'nets.py:Net.widht: nets.py:Net has no option widht. Did you mean "width"? Its options: width, depth',
    ),
}


@pytest.mark.parametrize(("source", "options", "message"), BUILDING.values(), ids=BUILDING)
def test_what_cannot_be_called_is_said_with_its_line(folder, source, options, message):
    (folder / "nets.py").write_text(source)
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        build("nets.py:Net", folder, **options)


def test_a_file_that_raises_can_be_repaired_and_loaded(folder):
    file = folder / "nets.py"
    file.write_text("raise ValueError('not yet')")
    before = set(sys.modules)
    with pytest.raises(InputError, match=r"nets\.py:1: ValueError: not yet"):
        find_builder("nets.py:f", study_folder=folder)
    assert set(sys.modules) == before
    file.write_text("def f(input_shape, n_classes): return 4")
    assert load_user_function("nets.py:f", study_folder=folder)((1, 4, 4), 3) == 4


def test_an_unknown_architecture_is_told_with_the_near_and_the_known_names(folder):
    with pytest.raises(InputError) as caught:
        find_builder("lenet", study_folder=folder)
    assert str(caught.value) == (
        'architecture: no architecture "lenet". Did you mean "lenet5"? '
        "Known: lenet5, lenet5-sigmoid, alexnet-cifar, alexnet, cnn, inception-mini, resnet-mini, "
        "torchvision:NAME, or your own as package.module:name or file.py:name"
    )


@pytest.mark.parametrize(
    ("line", "repair"),
    [
        ("from .neighbours import block", "from neighbours import block"),
        ("from .neighbours import block as b, other", "from neighbours import block as b, other"),
        ("from . import neighbours as n", "import neighbours as n"),
        ("from ..package.blocks import (\n    block,\n)", "from package.blocks import block"),
    ],
)
@pytest.mark.parametrize("place", ["nets.py", "between.py"])
def test_a_relative_import_is_told_as_it_has_to_be_written(folder, place, line, repair):
    write(folder / "nets.py", "import between\n")
    write(folder / place, f"x = 1\n{line}\n")
    with pytest.raises(InputError, match=rf"nets\.py:Net: {re.escape(place)}:2: ImportError: ") as raised:
        find_builder("nets.py:Net", study_folder=folder)
    assert f"write `{repair}`" in str(raised.value)
    sys.modules.pop("between", None)
