"""The dashboard's note: what it says, and that users' strings stay text in it."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from hpstudy.artifacts import TestPredictions
from hpstudy.report.note import note_pictures, study_note
from hpstudy.results.study import StudyResults
from tests.report.studies import HOSTILE
from tests.results.synthetic import make_results


def test_a_confirmed_study_has_a_verdict_a_table_and_a_command() -> None:
    results = make_results(
        baselines={"model 1": 0.8},
        confirmed={"best": [0.912, 0.915, 0.909], "model 1": [0.805, 0.811, 0.807]},
    )
    lines = study_note(results).splitlines()
    assert (
        lines[0] == f"**Trial {results.candidate}: 91.20 % test accuracy on average over 3 fresh seeds (95 % "
        "interval 90.45 % to 91.95 %).**"
    )
    assert lines[2].startswith("| configuration | seeds | test accuracy | 95 % interval |")
    assert lines[3] == "|" + " --- |" * 7
    assert lines[4].startswith(f"| trial {results.candidate} | 3 | 91.20 % | 90.45 % to 91.95 % | – | – | candidate |")
    assert lines[5].startswith("| model 1 | 3 | 80.77 % |")
    assert lines[5].endswith(" | lower |")
    assert lines[-1] == "The full report: `hpstudy report synthetic`"


def test_without_a_confirmation_the_verdict_says_so() -> None:
    lines = study_note(make_results()).splitlines()
    assert lines[0].startswith("**Not confirmed: trial ")
    assert len(lines) == 3


def test_the_pictures_are_the_confusion_and_some_of_the_test_set() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2])
    predictions = TestPredictions(
        labels=labels,
        predicted=np.array([[0, 1, 1, 0, 1, 2], [0, 1, 2, 0, 0, 2]]),
        class_names=("bag", "$boot$", "<b>"),
        shown=np.array([0, 2]),
        images=np.zeros((2, 1, 8, 8), dtype=np.uint8),
    )
    pictures = note_pictures(predictions)
    assert list(pictures) == ["confusion", "predictions"]
    assert {Image.open(io.BytesIO(picture.png)).format for picture in pictures.values()} == {"PNG"}
    assert pictures == note_pictures(predictions)
    assert note_pictures(None) == {}


def study_named(place: str, words: str) -> StudyResults:
    """A confirmed study in which one string of the user's is hostile."""
    baseline = words if place == "baseline" else "model 1"
    results = make_results(
        words if place == "study" else "synthetic",
        description=words if place == "description" else "",
        baselines={baseline: 0.8},
        confirmed={"best": [0.912, 0.915, 0.909], baseline: [0.805, 0.811, 0.807]},
    )
    if place not in ("architecture", "former"):
        return results
    # A fair study's labels begin with the architecture, whose name may be any file's.
    before = f"{words}/0" if place == "former" else str(results.candidate)
    after = f"{words}/{results.candidate}" if place == "architecture" else str(results.candidate)
    labels = {str(results.candidate): after}
    return replace(
        results,
        candidate=after,
        former_candidates=(before,) if place == "former" else (),
        trials=results.trials.replace({"label": labels}),
        confirmations=results.confirmations.replace({"configuration": labels}),
    )


@pytest.mark.parametrize("place", ["study", "description", "baseline", "architecture", "former"])
def test_a_users_string_is_text_wherever_the_note_has_it(place: str) -> None:
    reader = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    for words in (*HOSTILE, "~~a~~ b@c.example www.c.example", "\x1b[31mred\x1b]0;title\x07", "\u202egnp.exe"):
        note = study_note(study_named(place, words))
        html = reader.render(note)
        assert set(re.findall(r"<([a-z0-9]+)", html)) <= {
            *("p", "strong", "code"),
            *("table", "thead", "tbody", "tr", "th", "td"),
        }
        assert len(re.findall("<tr>", html)) == 3, words
        assert len(re.findall("<td>", html)) == 14, words
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", note), words
        outside = re.sub("`+[^`]*`+", "", note)
        assert not re.search(r"://|www\.|@c", outside), words
