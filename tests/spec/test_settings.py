from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from hpstudy.spec.load import Reading
from hpstudy.spec.study import Choices, Domain, Fixed, Range, Setting

Read = Callable[..., Reading]


def settings(read: Read, text: str, *, architecture: str = "lenet5") -> Mapping[str, Setting]:
    head = f"name: x\ndataset: mnist\narchitecture: {architecture}\nbaselines: {{a: {{architecture: cnn}}}}\n"
    reading = read(f"{head}settings:\n{text}\n")
    assert reading.problems == ()
    assert reading.spec is not None
    return reading.spec.settings


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("learning_rate: 1", Fixed(1.0)),
        ("learning_rate: [1e-2]", Fixed(0.01)),
        ("learning_rate: {value: 1e-2}", Fixed(0.01)),
        ("learning_rate: [1, 0.1]", Choices((1.0, 0.1))),
        ("learning_rate: {choices: [0.1, 1]}", Choices((0.1, 1.0))),
        ("learning_rate: {low: 1e-4, high: 1, log: true}", Range(1e-4, 1.0, log=True)),
        ("dropout: {low: 0, high: 0.3, step: 0.1}", Range(0.0, 0.3, step=0.1)),
        ("dropout: {low: 0, high: 0.3, log: false}", Range(0.0, 0.3)),
        ("batch_size: {low: 32, high: 96, step: 32}", Range(32, 96, step=32)),
        ("batch_size: {low: 8, high: 512, log: true}", Range(8, 512, log=True)),
        ("batch_size: 0o100", Fixed(64)),
        ("lenet5.width: {low: 1, high: 3}", Range(1, 3)),
    ],
)
def test_a_setting_is_fixed_chosen_or_drawn(written: str, domain: Domain, read: Read) -> None:
    (setting,) = settings(read, f"  {written}").values()

    assert setting.domain == domain
    assert repr(setting.domain) == repr(domain)
    assert setting.when == {}


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("{low: 1, high: 3}", Range(1, 3)),
        ("{low: 1, high: 3.0}", Range(1.0, 3.0)),
        ("{low: -1, high: 3, step: 2}", Range(-1, 3, step=2)),
        ("[2, 2.5, true, a]", Choices((2, 2.5, True, "a"))),
        ("on", Fixed("on")),
    ],
)
def test_an_option_of_a_users_own_architecture_may_be_anything(written: str, domain: Domain, read: Read) -> None:
    read_back = settings(read, f"  nets.py:Net.depth: {written}", architecture="nets.py:Net")

    assert repr(read_back["nets.py:Net.depth"].domain) == repr(domain)


def test_momentum_exists_for_the_optimizers_that_have_it(read: Read) -> None:
    def when(optimizer: str, momentum: str = "{low: 0, high: 0.9}") -> object:
        return settings(read, f"  optimizer: {optimizer}\n  momentum: {momentum}")["momentum"].when

    assert when("[adam, sgd]") == {"optimizer": ("sgd",)}
    assert when("[sgd, rmsprop]") == {}
    assert when("sgd") == {}
    assert when("adam", momentum="0.9") == {"optimizer": ("sgd", "rmsprop")}
    assert settings(read, "  momentum: [0.5, 0.9]")["momentum"].when == {}


def test_the_files_condition_and_the_implied_one_both_hold(read: Read) -> None:
    text = """\
  optimizer: [sgd, adam, rmsprop]
  momentum: {low: 0, high: 0.9, when: {optimizer: [sgd, adam], batch_size: 32}}
  batch_size: [32, 64]"""

    assert settings(read, text)["momentum"].when == {"optimizer": ("sgd",), "batch_size": (32,)}


def test_an_option_exists_where_its_architecture_is_chosen(read: Read) -> None:
    text = "  lenet5.width: [1, 2]\n  cnn.blocks: {value: 3, when: {architecture: [cnn]}}"

    several = settings(read, text, architecture="[lenet5, cnn]")
    assert several["lenet5.width"].when == {"architecture": ("lenet5",)}
    assert several["cnn.blocks"].when == {"architecture": ("cnn",)}


def test_parents_come_first_and_else_the_files_order_holds(read: Read) -> None:
    text = """\
  dropout: {low: 0, high: 0.5, when: {augment: flip}}
  momentum: [0.5, 0.9]
  augment: {choices: [none, flip], when: {step_size: [1, 2]}}
  learning_rate: [0.1, 0.2]
  step_size: {low: 1, high: 3}
  optimizer: [sgd, adam]
  weight_decay: 0"""

    assert list(settings(read, text)) == [
        "learning_rate",
        "step_size",
        "augment",
        "dropout",
        "optimizer",
        "momentum",
        "weight_decay",
    ]


@pytest.mark.parametrize(
    ("parent", "value", "allowed"),
    [
        ("learning_rate: [0.1, 1]", "1", (1.0,)),
        ("step_gamma: {low: 0.5, high: 0.9, step: 0.1}", "[0.6, 0.8, 0.6]", (0.6, 0.8)),
        ("batch_size: 32", "32", (32,)),
        ("alexnet.lrn: [true, false]", "true", (True,)),
    ],
)
def test_a_condition_has_values_of_its_parents_kind(
    parent: str, value: str, allowed: tuple[object, ...], read: Read
) -> None:
    name = parent.partition(":")[0]
    text = f"  dropout: {{low: 0, high: 0.5, when: {{{name}: {value}}}}}\n  {parent}"

    when = settings(read, text, architecture="alexnet")["dropout"].when
    assert when == {name: allowed}


def test_a_broken_parent_is_reported_once(lines: Callable[..., list[str]]) -> None:
    text = """\
name: x
dataset: mnist
architecture: lenet5
settings:
  optimizer: [sgd, adm]
  momentum: {low: 0, high: 0.9}
  dropout: {low: 0, high: 0.9, when: {optimizer: sgd}}
"""
    assert lines(text) == [
        (
            "s.yaml:5:20: settings.optimizer: expected one of sgd, adam, adamw, rmsprop, adagrad, "
            'got "adm". Did you mean "adam"?'
        )
    ]
