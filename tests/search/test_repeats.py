"""One configuration is trained once: draws that repeat one, and equal ones in a confirmation."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest
from optuna.trial import Trial, TrialState, create_trial

from hpstudy.errors import InputError
from hpstudy.report.sections.search_summary import search_facts
from hpstudy.results.confirmed import confirmed, full_name, headline
from hpstudy.results.exhaustion import is_exhausted
from hpstudy.results.listing import list_studies
from hpstudy.results.study import find_trial
from hpstudy.search.askers import SearchAsker
from hpstudy.search.repeated_draws import RepeatedDraws
from hpstudy.search.repeats import Draws
from hpstudy.search.storage import Storage
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import Baseline, Choices, Component, Confirm, Fixed, Range, Setting, StudySpec
from hpstudy.tables import CONFIG, MOST_REPEATS, REPEATS
from tests.search.conftest import Lab


@pytest.fixture
def spec(small_spec: StudySpec) -> StudySpec:
    """Four configurations of one epoch, and twelve trials asked for."""
    settings = {
        "learning_rate": Setting("learning_rate", Choices((0.01, 0.1))),
        "optimizer": Setting("optimizer", Choices(("sgd", "adam"))),
        "momentum": Setting("momentum", Fixed(0.5), {"optimizer": ("sgd",)}),
        "batch_size": Setting("batch_size", Fixed(256)),
    }
    return replace(small_spec, settings=settings, epochs=1, trials=12, sampler=Component("random"))


def stored(lab: Lab, name: str = "small") -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name, storage=lab.url).trials


def with_repeats(lab: Lab, spec: StudySpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of before the rule: every draw was trained."""
    with monkeypatch.context() as patch:
        patch.setattr(SearchAsker, "original", lambda *_arguments: None)
        patch.setattr(Draws, "n_to_come", lambda _draws, study: spec.trials - len(study.trials))
        lab.run(spec)


def test_a_draw_that_repeats_one_ends_with_its_result_and_counts_nowhere(lab: Lab, spec: StudySpec) -> None:
    notes = lab.run(spec)
    assert (notes.plans[0].n_trials, len(notes.labels)) == (4, 4)
    results, trials = lab.results(), stored(lab)
    assert len(results.trials) == len(results.ended) == 4
    assert len(trials) == 4 + len(results.repeats) > 4
    for label, original in results.repeats.items():
        repeat, first = trials[int(label)], trials[int(original)]
        assert int(original) < int(label)
        assert (repeat.state, repeat.value) == (first.state, first.value)
        assert repeat.params == first.params
        assert not repeat.intermediate_values
    assert not set(results.epochs["trial_id"]) - set(results.trials["trial_id"])
    assert list_studies(lab.url)["complete"].tolist() == [4]
    assert is_exhausted(results)
    assert "exhausted" in dict(search_facts(results))["Repeats"]
    again = lab.run(replace(spec, trials=50))
    assert (again.labels, len(stored(lab))) == ([], len(trials))
    with pytest.raises(InputError, match="repeats trial"):
        find_trial(results, next(iter(results.repeats)))


def test_a_study_without_repeats_has_no_such_trials(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(small_spec)
    assert not any(REPEATS in trial.user_attrs for trial in stored(lab))


def test_a_draw_that_was_killed_before_it_was_known_to_repeat_is_found_again(lab: Lab, spec: StudySpec) -> None:
    lab.run(replace(spec, trials=1))
    (first,) = stored(lab)
    study = optuna.load_study(study_name="small", storage=lab.url)
    killed = study.ask()
    config = TrialConfig.from_json(first.user_attrs[CONFIG])
    killed.set_user_attr(CONFIG, replace(config, seeds=training_seeds(1, "trial", 1)).to_json())
    assert lab.run(replace(spec, trials=1)).labels == []
    assert (stored(lab)[1].state, stored(lab)[1].value) == (TrialState.COMPLETE, first.value)
    assert lab.results().repeats == {"1": "0"}


class Drawn:
    """Trials of one search, each told what it draws."""

    def __init__(self, lab: Lab, spec: StudySpec) -> None:
        storage = optuna.storages.RDBStorage(lab.url)
        self.study = optuna.create_study(study_name=spec.name, storage=storage, direction="maximize")
        self.asker = SearchAsker(spec)
        holder = Storage(None, self.study._storage)
        self.repeats = RepeatedDraws(storage=holder, asker=self.asker, own=lambda _trial: None, tell=self.tell)
        self.spec = spec

    def tell(self, trial: Trial, *, value: float | None, state: TrialState) -> None:
        self.study.tell(trial, value, state=state)

    def draw(self, rate: float, optimizer: str = "adam") -> tuple[Trial, TrialConfig]:
        self.study.enqueue_trial({"learning_rate": rate, "optimizer": optimizer})
        trial = self.study.ask()
        config = self.asker.configure(trial)
        trial.set_user_attr(CONFIG, config.to_json())
        return trial, config

    def end(self, trial: Trial, state: TrialState, *, value: float | None = None) -> None:
        if state is TrialState.PRUNED:
            trial.report(value, 1)
        self.study.tell(trial, value if state is TrialState.COMPLETE else None, state)

    def state(self, number: int):
        trial = self.study.trials[number]
        return trial.state, trial.value


def test_a_repeat_of_a_trial_that_was_stopped_is_stopped_with_its_value(lab: Lab, spec: StudySpec) -> None:
    drawn = Drawn(lab, spec)
    drawn.end(drawn.draw(0.1)[0], TrialState.PRUNED, value=0.25)
    assert drawn.repeats.take(*drawn.draw(0.1))
    assert not drawn.repeats.take(*drawn.draw(0.01))
    assert drawn.state(1) == (TrialState.PRUNED, 0.25)


def test_one_of_a_trial_under_way_waits_for_its_end(lab: Lab, spec: StudySpec) -> None:
    drawn = Drawn(lab, spec)
    first, _ = drawn.draw(0.1)
    assert drawn.repeats.take(*drawn.draw(0.1))
    drawn.repeats.settle(drawn.study)
    assert (drawn.state(1)[0], drawn.repeats.numbers) == (TrialState.RUNNING, {1})
    assert drawn.asker._draws.n_to_come(drawn.study) == 3
    drawn.end(first, TrialState.COMPLETE, value=0.5)
    drawn.repeats.settle(drawn.study)
    assert (drawn.state(1), drawn.repeats.numbers) == ((TrialState.COMPLETE, 0.5), set())


def test_one_of_a_trial_that_fails_is_trained_once_more(lab: Lab, spec: StudySpec) -> None:
    drawn = Drawn(lab, spec)
    drawn.end(drawn.draw(0.01)[0], TrialState.COMPLETE, value=0.5)  # so that the network is known to work
    first, _ = drawn.draw(0.1)
    second, config = drawn.draw(0.1)
    assert drawn.repeats.take(second, config)
    assert drawn.repeats.take(*drawn.draw(0.1))
    drawn.end(first, TrialState.FAIL)
    drawn.repeats.settle(drawn.study)
    assert (list(drawn.repeats.released()), drawn.repeats.numbers) == ([2], {3})
    drawn.end(second, TrialState.FAIL)
    drawn.repeats.settle(drawn.study)
    assert (drawn.state(3)[0], drawn.repeats.numbers) == (TrialState.FAIL, set())


def test_failures_before_anything_has_succeeded_may_have_been_mended(lab: Lab, spec: StudySpec) -> None:
    drawn = Drawn(lab, spec)
    for _ in range(3):
        drawn.end(drawn.draw(0.1)[0], TrialState.FAIL)
    drawn.end(drawn.draw(0.01)[0], TrialState.COMPLETE, value=0.5)
    assert not drawn.repeats.take(*drawn.draw(0.1))


def test_what_a_server_may_have_taken_back_is_done_once(lab: Lab, spec: StudySpec) -> None:
    drawn = Drawn(lab, spec)
    first, _ = drawn.draw(0.1)
    assert drawn.repeats.take(*drawn.draw(0.1))
    before = drawn.repeats.in_hand
    drawn.end(first, TrialState.COMPLETE, value=0.5)
    drawn.repeats.settle(drawn.study)
    drawn.repeats.in_hand = before  # the answer was lost, and what it answered is stored
    drawn.repeats.settle(drawn.study)
    assert (drawn.state(1), drawn.repeats.numbers) == ((TrialState.COMPLETE, 0.5), set())


def test_a_search_ends_after_a_hundred_repeats_in_a_row(small_spec: StudySpec) -> None:
    endless = {"dropout": Setting("dropout", Range(0.0, 0.5))}
    spec = replace(small_spec, settings=endless, trials=5)
    study = optuna.create_study()
    study.add_trial(create_trial(value=0.5))
    for _ in range(MOST_REPEATS - 1):
        study.add_trial(create_trial(value=0.5, user_attrs={REPEATS: 0}))
    assert Draws(spec).n_to_come(study) == 4
    study.add_trial(create_trial(value=0.5, user_attrs={REPEATS: 0}))
    assert Draws(spec).n_to_come(study) == 0


def test_different_configurations_of_an_old_study_are_confirmed(
    lab: Lab, spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_repeats(lab, spec, monkeypatch)
    assert len(lab.results().trials) == 12  # as they were
    assert len(lab.confirm(top=3, seeds=2).labels) == 6
    results = lab.results()
    rows = results.trials.set_index("label").loc[results.confirmations["configuration"].unique()]
    assert len(rows) == len(rows.drop_duplicates(["learning_rate", "optimizer"])) == 3
    best = results.ranked["label"].iloc[0]
    assert results.candidate == best
    assert f"{best} (= trial" in headline(results)
    more = replace(spec, trials=20)
    assert len(lab.run(more).labels) == 4 - len(results.trials.drop_duplicates(["learning_rate", "optimizer"]))


def test_a_confirmation_of_before_is_read_as_one(lab: Lab, spec: StudySpec, monkeypatch: pytest.MonkeyPatch) -> None:
    with_repeats(lab, spec, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr("hpstudy.search.configurations.config_key", lambda config: repr(config.seeds) + repr(config))
        lab.confirm(top=12, seeds=1)
    assert len(stored(lab, "small/confirm")) == 12
    found = confirmed(lab.results())
    assert found is not None
    n_different = len(lab.results().trials.drop_duplicates(["learning_rate", "optimizer"]))
    assert len(found.configurations) == n_different
    assert [one.n_complete for one in found.configurations] == [1] * n_different
    assert lab.confirm(top=3, seeds=1).labels == []


def test_a_baseline_that_equals_the_best_trial_is_confirmed_with_it(lab: Lab, spec: StudySpec) -> None:
    same = {"learning_rate": 0.1, "optimizer": "adam", "batch_size": 256}
    other = {"learning_rate": 0.05, "optimizer": "adam", "batch_size": 256}
    plain = (Baseline("plain", "nets.py:tiny", 1, same), Baseline("other", "nets.py:tiny", 1, other))
    notes = lab.run(replace(spec, baselines=plain, confirm=Confirm(top=4, seeds=1)))
    assert len(notes.labels) == 4 + 2 + 5
    results = lab.results()
    labels = [str(label) for label in results.confirmations["configuration"]]
    assert len(labels) == 5
    assert "plain" not in labels
    (shared,) = {other for other in results.equal["plain"] if other != "plain"}
    assert full_name(results, shared) == f"trial {shared} (= plain)"
    assert f"trial {shared} (= plain), seed 1" in notes.labels
