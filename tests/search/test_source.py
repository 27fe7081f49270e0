"""Several sources as one, and what an observer hears."""

from __future__ import annotations

import pytest

from hpstudy.errors import ArtifactError, StudyFailedError
from hpstudy.search.loop import run
from hpstudy.search.source import Several, Watched, fewest_first, first_to_last
from hpstudy.spec.config import TrialConfig
from tests.search.test_loop import Jobs, Script


def several(config: TrialConfig, order) -> tuple[list[str], list[Jobs]]:
    sources = [Jobs(config, 3), Jobs(config, 2)]
    for name, source in zip("ab", sources, strict=True):
        source.left = [
            type(job)(f"{name}{index}", job.label, job.config, job.part, job.study_folder)
            for index, job in enumerate(source.left)
        ]
    executor = Script()
    run(Several(sources, order=order), executor)
    return executor.started, sources


def test_one_after_another(config: TrialConfig) -> None:
    started, sources = several(config, first_to_last)
    assert started == ["a0", "a1", "a2", "b0", "b1"]
    assert [key for key, _ in sources[1].ends] == ["b0", "b1"]
    assert {key for key, _ in sources[0].epochs} == {"a0", "a1", "a2"}


def test_in_turn(config: TrialConfig) -> None:
    started, _ = several(config, fewest_first)
    assert started == ["a0", "b0", "a1", "b1", "a2"]


def test_what_earlier_runs_have_trained_counts(config: TrialConfig) -> None:
    sources = [Jobs(config, 3), Jobs(config, 3)]
    several = Several(sources, order=fewest_first, n_started=[2, 0])
    order = []
    for _ in range(4):
        lefts = [len(source.left) for source in sources]
        several.next_jobs(1)
        order += [name for name, source, left in zip("ab", sources, lefts, strict=True) if len(source.left) < left]
    assert order == ["b", "b", "a", "b"]


class Notes:
    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def started(self, job):
        self.heard.append(("started", job.key))

    def epoch_ended(self, key, result, answer):
        self.heard.append(("epoch", key, result.epoch, answer))

    def ended(self, key, end):
        self.heard.append(("ended", key))


def test_an_observer_hears_everything_in_order(config: TrialConfig) -> None:
    notes = Notes()
    run(Watched(Jobs(config, 1, stop_at=1), observer=notes), Script())
    assert notes.heard == [
        ("started", "job 0"),
        ("epoch", "job 0", 0, "go"),
        ("epoch", "job 0", 1, "stop"),
        ("ended", "job 0"),
    ]


def test_an_observer_hears_of_the_end_that_makes_a_source_give_up(config: TrialConfig) -> None:
    class GivesUp(Jobs):
        def ended(self, key, end):
            raise StudyFailedError("five in a row")

    notes = Notes()
    with pytest.raises(StudyFailedError):
        run(Watched(GivesUp(config, 1), observer=notes), Script())
    assert notes.heard[-1] == ("ended", "job 0")


def test_an_observer_hears_nothing_of_an_end_that_was_not_stored(config: TrialConfig) -> None:
    class Full(Jobs):
        def ended(self, key, end):
            raise ArtifactError("predictions/search-0.npy: cannot be written")

    notes = Notes()
    with pytest.raises(ArtifactError):
        run(Watched(Full(config, 1), observer=notes), Script())
    assert ("ended", "job 0") not in notes.heard
