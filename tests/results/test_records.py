"""What several runs recorded, merged."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from hpstudy.results.records import (
    RecordedImages,
    architecture_source,
    equal_weights,
    last_record,
    recorded_images,
    recorded_versions,
    training_runs,
)
from hpstudy.results.study import StudyResults
from tests.results.synthetic import make_results

IMAGES = {"train": 54_000, "validation": 6_000, "input_shape": [1, 28, 28], "classes": ["shirt", "bag"]}


def with_records(*records: dict) -> StudyResults:
    """A study whose runs all had it under way."""
    runs = make_results().runs
    made = [runs.assign(run_id=number, record=[record]) for number, record in enumerate(records, start=1)]
    return replace(make_results(), runs=pd.concat(made, ignore_index=True) if made else runs.iloc[:0])


def test_the_last_word_counts_and_what_a_confirmation_adds_is_added() -> None:
    searched = {"threads": 1, "images": IMAGES, "versions": {"torch": "2.11"}, "architecture_sources": {"a.py:A": "A"}}
    confirmed = {"threads": 2, "images": {"test": 10_000}, "versions": {"torch": "2.13"}, "architecture_sources": {}}
    results = with_records(searched, {}, confirmed)
    assert last_record(results)["threads"] == 2
    assert recorded_images(results) == RecordedImages(
        n_train=54_000,
        n_validation=6_000,
        n_test=10_000,
        input_shape=(1, 28, 28),
        channels=1,
        class_names=("shirt", "bag"),
    )
    assert recorded_versions(results) == {"torch": "2.13"}
    assert architecture_source(results, "a.py:A") == "A"
    assert architecture_source(results, "b.py:B") is None


def test_a_run_that_trained_nothing_has_no_say_on_machine_and_versions() -> None:
    trained = {"threads": 1, "versions": {"torch": "2.11"}, "images": IMAGES}
    idle = {"threads": 2, "versions": {"torch": "2.13"}, "images": {"test": 10_000}}
    results = with_records(trained, idle)
    late = results.runs["started_at"] + pd.to_timedelta([0, 24], unit="h")
    results = replace(results, runs=results.runs.assign(started_at=late, ended_at=late + pd.Timedelta(hours=3)))
    assert training_runs(results)["run_id"].tolist() == [1]
    assert (last_record(results)["threads"], recorded_versions(results)) == (1, {"torch": "2.11"})
    assert recorded_images(results).n_test == 10_000
    killed = replace(results, runs=results.runs.assign(ended_at=[pd.NaT, late[1]], run_id=[8, 9]))
    early = killed.runs["started_at"] - pd.to_timedelta([2, 24], unit="h")  # hours before anything was trained
    killed = replace(killed, runs=killed.runs.assign(started_at=early))
    assert training_runs(killed)["run_id"].tolist() == [9]
    under_way = replace(results, runs=results.runs.assign(ended_at=pd.NaT))
    assert training_runs(under_way)["run_id"].tolist() == [1]
    assert len(training_runs(replace(results, runs=results.runs.tail(1)))) == 1


@pytest.mark.parametrize("records", [(), ({},)])
def test_of_what_no_run_recorded_there_is_nothing(records: tuple[dict, ...]) -> None:
    results = with_records(*records)
    assert (recorded_images(results), dict(recorded_versions(results))) == (None, {})


def test_before_a_confirmation_no_test_images_are_known() -> None:
    images = recorded_images(with_records({"images": IMAGES}))
    assert images is not None
    assert images.n_test == 0


@pytest.mark.parametrize(("recorded", "names"), [(["nets.py:Net"], ["nets.py:Net"]), ([], []), (3, []), (None, [])])
def test_networks_that_ignore_seeds_are_those_of_the_last_run(recorded: object, names: list[str]) -> None:
    assert equal_weights(with_records({"equal_weights": ["old.py:Net"]}, {"equal_weights": recorded})) == names


def test_a_run_of_an_earlier_version_did_not_look_for_networks_that_ignore_seeds() -> None:
    assert equal_weights(with_records({"threads": 1})) == []
