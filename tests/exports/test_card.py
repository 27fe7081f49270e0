"""The model card: its numbers with what they are, and users' words as text alone."""

from __future__ import annotations

from dataclasses import replace

from hpstudy.exports.card import imported, model_card
from hpstudy.plain_text import escaped
from hpstudy.spec.study import DatasetSpec
from tests.conftest import SMALL_NET


def row(card: str, name: str) -> list[str]:
    (line,) = [line for line in card.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_confirmed_model_has_each_number_with_what_it_is(trained) -> None:
    card = model_card(trained, source=None)
    assert card.startswith(
        "# digits\\_study: trial 12\n\nAn image classifier: cnn for the 10 classes of digits, trained with"
    )
    assert "to confirm the configuration, on the whole training set.\nThe study asked: Which settings?\n" in card
    assert row(card, "validation accuracy")[1] == "95.00 %"
    assert row(card, "validation accuracy")[2].startswith("of another training of these settings, on the validation")
    assert row(card, "test accuracy")[1:] == [
        "93.00 %",
        "of these weights, on the test set, on which nothing was chosen",
    ]
    assert row(card, "mean test accuracy")[1:] == [
        "93.00 %",
        "of 3 fresh trainings with these settings, from 92.00 % to 94.00 %",
    ]
    assert row(card, "parameters")[1] == "1,234"
    assert row(card, "learning rate") == ["learning rate", "0.1"]
    assert row(card, "learning rate schedule")[1] == "multiplied by 0.5 every epoch"
    assert row(card, "its blocks") == ["its blocks", "1"]
    assert "1,437 pictures of digits. Classes: `0` 0, `1` 1, `2` 2," in card
    assert (
        "A picture is read grey and resized to 8×8 pixels, its aspect not kept.\nThe network takes 1×8×8 values" in card
    )
    assert "mean 0.5 and standard deviation 0.5." in card
    assert "With python 3.11.7, torch 2.13.0." in card
    assert "Predicting runs no code of this folder." in card


def test_what_is_not_known_is_not_claimed(own) -> None:
    model = replace(own, validation_accuracy=None, n_parameters=None, n_images=None, versions={}, description="")
    card = model_card(model, source=SMALL_NET)
    assert row(card, "test accuracy of fresh trainings")[1:] == ["–", "not confirmed: `hpstudy confirm` measures it"]
    for absent in ("| validation accuracy", "| test accuracy |", "| parameters", "The study asked", "\nWith "):
        assert absent not in card
    assert "\nPictures of digits." in card
    assert "**Predicting runs `architecture.py` of this folder.**" in card
    assert "It imports torch: what of that is no installed package" in card


def test_a_trial_of_the_search_says_so_and_counts_what_diverged(trained) -> None:
    model = replace(trained, part="search", test_accuracy=None, confirmed=(0.5,), n_diverged=2)
    card = model_card(model, source=None)
    assert "trained with hpstudy in the search, on the training part of the training set." in card
    assert row(card, "validation accuracy")[2].startswith("of these weights, ")
    assert row(card, "mean test accuracy")[2].endswith("from 50.00 % to 50.00 %; 2 more gave no number")


def test_the_preparation_is_said(trained) -> None:
    dataset = DatasetSpec("digits", pad_resize=2, greyscale_to_rgb=True)
    model = replace(trained, config=replace(trained.config, dataset=dataset), input_shape=(3, 8, 8))
    assert (
        "It is padded with 2 black pixels on each side and resized back. Its grey is repeated in three channels. "
        "The network takes 3×8×8 values (channels, height, width), from 0 to 1."
    ) in model_card(model, source=None)


def test_colour_is_not_said_to_be_repeated(trained) -> None:
    dataset = DatasetSpec("image_folder", greyscale_to_rgb=True)
    model = replace(
        trained, config=replace(trained.config, dataset=dataset), picture_shape=(3, 8, 8), input_shape=(3, 8, 8)
    )
    card = model_card(model, source=None)
    assert "A picture is read in colour" in card
    assert "repeated" not in card


def test_a_confirmation_without_a_number_is_one(trained) -> None:
    card = model_card(replace(trained, confirmed=(), n_diverged=3), source=None)
    assert row(card, "test accuracy of fresh trainings")[2] == "all of 3 gave no number"
    assert "not confirmed" not in card


def test_many_classes_are_counted(trained) -> None:
    names = tuple(f"class {number}" for number in range(103))
    assert ", `99` class 99, and 3 more, in config.json." in model_card(
        replace(trained, class_names=names), source=None
    )


def test_users_words_are_text(trained) -> None:
    harm = "<img src=x onerror=alert(1)> [a](https://b.c) | `x` **b**\n# head\u2028&lt; www.a.b @c"
    card = model_card(replace(trained, description=harm, class_names=(harm, "dog")), source=None)
    assert card.count(escaped(harm)) == 2
    assert harm.splitlines()[0] not in card


def test_imports_are_named_without_pythons_own() -> None:
    source = "import os.path, torch.nn\nfrom numpy import array\nfrom . import x\ndef f():\n    import blocks.a as b\n"
    assert imported(source) == ("blocks", "numpy", "torch")
    assert imported("x = 1") == ()
