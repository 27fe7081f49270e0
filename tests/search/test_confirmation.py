"""The confirmation: what is trained, on which data and seeds, and that it is never done twice or chosen by the test."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from sqlalchemy import delete

from hpstudy.artifacts import StudyFiles
from hpstudy.datasets import load
from hpstudy.errors import InputError, StudyInterruptedError
from hpstudy.executors import local
from hpstudy.results.confirmed import confirmed, headline
from hpstudy.results.confirmed_table import caption
from hpstudy.results.predictions import candidate_predictions
from hpstudy.search import runner
from hpstudy.search.configurations import choose_configurations
from hpstudy.search.predictions import choose_shown
from hpstudy.search.storage import open_storage
from hpstudy.spec.study import Baseline, Confirm, Range, Setting, StudySpec
from hpstudy.tables import CANDIDATES_ATTRIBUTE, CONFIRM_SEED, CONFIRMS, RUNS
from tests.damage import forget_digests
from tests.search.conftest import Lab, Notes, told

PLAIN = Baseline("plain", "nets.py:tiny", 2, {"batch_size": 64, "learning_rate": 0.05})

DIVERGES = """
from torch import nn

def tiny(input_shape, n_classes, *, dropout=0.0, hidden=8):
    return Net(n_classes, hidden)

class Net(nn.Module):
    def __init__(self, n_classes, hidden):
        super().__init__()
        self.layer = nn.Linear(64, n_classes)
        self.fails = hidden == 9
        self.n_seen = 0

    def forward(self, images):
        self.n_seen += self.training * len(images)
        # More images than an epoch of the search has: only the whole training set gets here.
        return self.layer(images.flatten(1)) * (float("nan") if self.fails and self.n_seen > 1300 else 1)
"""


@pytest.fixture
def spec(small_spec: StudySpec) -> StudySpec:
    """Four trials and a baseline; the best two and the baseline confirmed on two seeds."""
    return replace(small_spec, trials=4, baselines=(PLAIN,), confirm=Confirm(top=2, seeds=2))


def test_the_best_and_the_baselines_are_trained_on_paired_seeds(lab: Lab, spec: StudySpec) -> None:
    notes = lab.run(spec)
    results = lab.results()
    first, second = results.ranked["label"][:2]
    assert notes.labels[5:] == [
        f"{title}, seed {seed}" for seed in (1, 2) for title in (f"trial {first}", f"trial {second}", "plain")
    ]
    confirmations = results.confirmations
    assert confirmations["configuration"].tolist() == [first, first, second, second, "plain", "plain"]
    assert confirmations["seed"].tolist() == [1, 2] * 3
    assert confirmations["epochs"].tolist() == [3, 3, 3, 3, 2, 2]
    assert confirmations["test_accuracy"].between(0.3, 1).all()
    assert (results.candidate, results.former_candidates) == (first, ())
    seeds = [trial.user_attrs["config"]["seeds"] for trial in confirmation(lab).trials]
    assert seeds[0] == seeds[1] == seeds[2]
    assert seeds[0] != seeds[3]
    searched = optuna.load_study(study_name="small", storage=lab.url).trials
    assert seeds[0]["weights"] not in {trial.user_attrs["config"]["seeds"]["weights"] for trial in searched}


def test_the_test_set_is_evaluated_once_a_training_and_never_by_the_search(
    lab: Lab, spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    load_split = load.load_split

    def watched(dataset, *, folder, split):
        opened.append(split)
        images = load_split(dataset, folder=folder, split=split)
        return replace(images, checksums={split: f"sum of {split}"})

    monkeypatch.setattr(load, "load_split", watched)
    lab.run(replace(spec, confirm=None))
    assert opened == ["train"]
    lab.confirm()
    assert opened == ["train", "train", "train", "test"]
    results = lab.results()
    searched, confirmed = results.runs["record"]
    assert searched["data"] == confirmed["data"] == {"train": "sum of train"}
    assert "test_data" not in searched
    assert confirmed["test_data"] == {"test": "sum of test"}
    of_test = results.epochs[results.epochs["trial_id"].isin(results.confirmations["trial_id"])]
    last = of_test.groupby("trial_id")["epoch"].transform("max") == of_test["epoch"]
    assert of_test["val_accuracy"].notna().tolist() == last.tolist()
    assert of_test[last]["val_accuracy"].tolist() == pytest.approx(
        results.confirmations.sort_values("trial_id")["test_accuracy"].tolist()
    )


def test_it_trains_on_the_whole_training_set(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    images = lab.results().runs["record"].iloc[-1]["images"]
    assert images["train"] + images["validation"] + images["test"] == 1797
    predictions = candidate_predictions(lab.results(), artifacts=files(lab).folder.parent)
    assert predictions.predicted.shape == (2, images["test"])
    assert predictions.class_names == tuple("0123456789")


def test_seeds_and_configurations_are_added_and_nothing_is_trained_twice(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    before = told(lab.results())
    assert lab.confirm().labels == lab.run(spec).labels == []
    assert told(lab.results()) == before
    assert len(lab.confirm(seeds=3).labels) == 3
    assert len(lab.confirm(top=3).labels) == 3
    assert lab.confirm(top=1, seeds=1).labels == []
    assert lab.results().confirmations.groupby("configuration")["seed"].apply(list).tolist() == [[1, 2, 3]] * 4


def test_an_interrupted_confirmation_ends_like_one_that_was_not(lab: Lab, spec: StudySpec, tmp_path: Path) -> None:
    straight = f"sqlite:///{tmp_path / 'straight.db'}"
    lab.run(spec, url=straight)
    lab.run(replace(spec, confirm=None))
    n_interruptions = 0
    for last in (1, 2, 3, 5, 1):
        notes = Notes(after_epoch=lambda n, last=last: n == last and os.kill(os.getpid(), signal.SIGINT))
        with suppress(StudyInterruptedError):
            lab.run(spec, notes=notes)
        n_interruptions += lab.results().state == "interrupted"
    lab.run(spec)
    assert n_interruptions >= 4
    assert told(lab.results()) == told(lab.results(url=straight))


def test_a_better_trial_of_a_longer_search_becomes_the_candidate_and_the_former_is_kept(
    lab: Lab, spec: StudySpec
) -> None:
    low = replace(
        spec, settings={**spec.settings, "learning_rate": Setting("learning_rate", Range(1e-4, 1.0, log=True))}
    )
    lab.run(replace(low, trials=1))
    lab.run(replace(low, trials=8))
    results = lab.results()
    best = results.ranked["label"].iloc[0]
    assert best != "0"
    assert (results.candidate, results.former_candidates) == (best, ("0",))
    assert candidate_predictions(results, artifacts=files(lab).folder.parent) is not None
    files(lab).test_predictions(best).unlink()  # as if the new candidate's confirmation had not ended
    assert files(lab).test_predictions("0").exists()
    assert candidate_predictions(results, artifacts=files(lab).folder.parent) is None


@pytest.mark.parametrize(
    ("written", "asked", "n_trainings"),
    [
        ("confirm: {top: 1, seeds: 2}", {}, 1 * 2),
        ("confirm: {top: 1, seeds: 2}", {"top": 2}, 2 * 2),
        ("confirm: false", {}, 2 * 3),
    ],
)
def test_a_study_that_was_not_confirmed_is_confirmed_as_its_file_says(
    lab: Lab, spec: StudySpec, written: str, asked: dict[str, int], n_trainings: int
) -> None:
    text = spec.text.replace("confirm: false", written)
    lab.run(replace(spec, trials=2, baselines=(), confirm=None, text=text))
    lab.confirm(**asked)
    assert len(lab.results().confirmations) == n_trainings


def test_another_test_set_is_refused_before_anything_is_trained(
    lab: Lab, spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.run(spec)
    before = told(lab.results())
    load_split = load.load_split

    def replaced(dataset, *, folder, split):
        images = load_split(dataset, folder=folder, split=split)
        return replace(images, checksums={"digits.csv": "0123456789abcdef"}) if split == "test" else images

    monkeypatch.setattr(load, "load_split", replaced)
    with pytest.raises(
        InputError, match=r"^small: has been confirmed on another test set than is there now:\n  test data\.digits"
    ) as raised:
        lab.confirm(seeds=9)
    assert raised.value.exit_code == 2
    assert told(lab.results()) == before


def test_a_diverged_seed_counts_as_such(lab: Lab, spec: StudySpec, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(DIVERGES, encoding="utf-8")
    lab.run(replace(spec, baselines=(Baseline("wide", "nets.py:tiny", 1, {"nets.py:tiny.hidden": 9}),)))
    wide = lab.results().confirmations.query("configuration == 'wide'")
    assert wide["state"].tolist() == ["pruned", "pruned"]
    assert wide["reason"].tolist() == ["diverged in epoch 1: the loss was not finite"] * 2
    assert wide["test_accuracy"].isna().all()


def test_it_keeps_the_weights_of_best_baselines_and_candidate_alone(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    results = lab.results()
    best, candidate = results.ranked["number"].iloc[0], results.confirmations["number"].iloc[0]
    kept = sorted(path.name for path in (files(lab).folder / "weights").iterdir())
    assert kept == ["baselines-0.safetensors", f"confirm-{candidate}.safetensors", f"search-{best}.safetensors"]
    assert len(list((files(lab).folder / "predictions").iterdir())) == 5 + 6
    assert results.trials["n_parameters"].tolist() == [64 * 8 + 8 + 8 * 10 + 10] * 5


def test_the_layer_tables_are_recorded(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    results = lab.results()
    models, best = results.runs["record"].iloc[-1]["models"], results.ranked["label"].iloc[0]
    assert set(models) == {best, "plain"}
    assert models[best]["n_parameters"] == sum(layer["parameters"] for layer in models[best]["layers"]) == 610
    assert models[best]["layers"][-1]["output_shape"] == [10]


def test_a_fair_study_confirms_the_best_of_each_architecture(lab: Lab, spec: StudySpec, tmp_path: Path) -> None:
    text = (tmp_path / "nets.py").read_text(encoding="utf-8")
    (tmp_path / "others.py").write_text(text.replace("hidden=8", "hidden=16"), encoding="utf-8")
    names = ("nets.py:tiny", "others.py:tiny")
    fair = replace(spec, architectures=names, fair=True, baselines=(), confirm=Confirm(top=1, seeds=2))
    lab.run(fair)
    results = lab.results()
    assert {label.rpartition("/")[0] for label in results.confirmations["configuration"]} == set(names)
    assert len(results.confirmations) == 4


def test_equal_values_of_two_architectures_have_one_order_here_and_in_the_report(
    lab: Lab, spec: StudySpec, tmp_path: Path
) -> None:
    (tmp_path / "others.py").write_text((tmp_path / "nets.py").read_text(encoding="utf-8"), encoding="utf-8")
    names = ("nets.py:tiny", "others.py:tiny")
    lab.run(replace(spec, architectures=names, fair=True, baselines=(), confirm=None))
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection, connection:
        connection.execute("UPDATE trial_values SET value = 0.5")
    ranked = lab.results().ranked["label"].tolist()
    assert ranked == [f"{name}/{number}" for number in (0, 1) for name in names]
    with open_storage(lab.url) as storage:
        chosen = choose_configurations(storage, "small", top=4)
    assert [one.label for one in chosen] == ranked


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("nets.py", r"small: has been trained on something else than what is there now:\n  source\.nets\.py:tiny: "),
        ("unknown", r"smell: the storage has no such study of hpstudy's\. Did you mean \"small\"\?"),
        ("no trial", r"small: no trial is complete yet, so there is nothing to confirm"),
    ],
)
def test_what_cannot_be_confirmed_is_told(lab: Lab, spec: StudySpec, tmp_path: Path, damage: str, message: str) -> None:
    if damage == "no trial":
        stop = Notes(after_epoch=lambda _n: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(StudyInterruptedError):
            lab.run(spec, notes=stop)
    else:
        lab.run(replace(spec, confirm=None))
    if damage == "nets.py":
        (tmp_path / "nets.py").write_text((tmp_path / "nets.py").read_text(encoding="utf-8") + "\n# changed\n")
    with pytest.raises(InputError, match=message):
        lab.confirm("smell" if damage == "unknown" else "small")


def test_a_training_that_was_killed_while_it_was_marked_is_no_result_yet(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    n_confirmed = len(lab.results().confirmations)
    with open_storage(lab.url) as storage:
        optuna.load_study(study_name="small/confirm", storage=storage.optuna).ask().set_user_attr(CONFIRMS, "0")
    assert len(lab.results().confirmations) == n_confirmed


def test_one_that_was_killed_between_its_two_marks_is_planned_once(lab: Lab, spec: StudySpec) -> None:
    lab.run(replace(spec, confirm=None))
    best = str(lab.results().ranked["label"].iloc[0])
    with open_storage(lab.url) as storage:
        trial = optuna.create_study(study_name="small/confirm", storage=storage.optuna, direction="maximize").ask()
        trial.set_user_attr(CONFIRMS, best)
    notes = lab.confirm(top=1, seeds=1)
    assert (notes.plans[0].n_trials, notes.n_ended, len(lab.results().confirmations)) == (2, 2, 2)


def test_a_network_that_is_gone_and_not_confirmed_is_not_needed(lab: Lab, spec: StudySpec, tmp_path: Path) -> None:
    gone = tmp_path / "gone.py"
    gone.write_text("def net(input_shape, n_classes, *, width=3):\n    raise ValueError('no')\n", encoding="utf-8")
    lab.run(replace(spec, confirm=None, baselines=(*spec.baselines, Baseline("gone", "gone.py:net", 1, {}))))
    gone.unlink()
    lab.confirm(top=1, seeds=1)
    runs = lab.results().runs["record"]
    tiny = {"nets.py:tiny": {"dropout": 0.0, "hidden": 8}}
    assert [record["architecture_defaults"] for record in runs] == [{**tiny, "gone.py:net": {"width": 3}}, tiny]


def test_a_study_that_was_never_run_cannot_be_confirmed(lab: Lab, spec: StudySpec) -> None:
    lab.run(replace(spec, confirm=None))
    with open_storage(lab.url) as storage, storage.engine.begin() as connection:
        connection.execute(delete(RUNS))
    forget_digests(lab.folder / "lab.db")
    with pytest.raises(InputError, match="small: has never been run; `hpstudy run` it with its study file first"):
        lab.confirm()


def test_a_training_without_a_mark_is_planned_once(lab: Lab, spec: StudySpec) -> None:
    lab.run(replace(spec, confirm=None))
    with open_storage(lab.url) as storage:
        optuna.create_study(study_name="small/confirm", storage=storage.optuna, direction="maximize").ask()
    notes = lab.confirm(top=1, seeds=1)
    assert (notes.plans[0].n_trials, notes.n_ended, len(lab.results().confirmations)) == (2, 2, 2)


@pytest.mark.parametrize("is_planned", [False, True])
def test_one_that_was_marked_but_not_begun_is_trained_if_it_is_planned(
    lab: Lab, spec: StudySpec, *, is_planned: bool
) -> None:
    lab.run(replace(spec, confirm=None))
    label = "plain" if is_planned else str(lab.results().ranked["label"].iloc[-1])
    with open_storage(lab.url) as storage:
        trial = optuna.create_study(study_name="small/confirm", storage=storage.optuna, direction="maximize").ask()
        trial.set_user_attr(CONFIRMS, label)
        trial.set_user_attr(CONFIRM_SEED, 1)
    notes = lab.confirm(top=1, seeds=1)
    best = lab.results().ranked["label"].iloc[0]
    assert (notes.plans[0].n_trials, notes.plans[0].n_ended, notes.n_ended) == (2, 0, 2)
    assert set(lab.results().confirmations["configuration"]) == {best, "plain"}
    assert len(lab.results().confirmations) == 2


def test_seeds_that_failed_are_tried_again_by_the_next_run(lab: Lab, spec: StudySpec, monkeypatch) -> None:
    no_memory = {"left": 3}

    def train(*arguments):
        if arguments[0].part == "confirm" and no_memory["left"]:
            no_memory["left"] -= 1
            raise MemoryError("no room")
        return (yield from train_as_ever(*arguments))

    train_as_ever = local.train
    monkeypatch.setattr(local, "train", train)
    lab.run(spec)
    assert lab.results().confirmations["state"].tolist().count("failed") == 3
    again = lab.confirm()
    assert (again.plans[0].n_ended, again.plans[0].n_trials, len(again.labels)) == (3, 6, 3)
    assert {one.n_failed for one in confirmed(lab.results()).configurations} == {0}
    assert {one.n_complete for one in confirmed(lab.results()).configurations} == {2}
    assert lab.confirm().labels == []


def test_a_run_that_is_stopped_before_it_confirms_leaves_the_former_candidate(lab: Lab, spec: StudySpec) -> None:
    low = replace(
        spec, settings={**spec.settings, "learning_rate": Setting("learning_rate", Range(1e-4, 1.0, log=True))}
    )
    lab.run(replace(low, trials=1))
    weights = files(lab).all_weights("confirm")
    stop = Notes(after_epoch=lambda n: n == 7 * 3 and os.kill(os.getpid(), signal.SIGINT))  # of the last trial
    with pytest.raises(StudyInterruptedError, match="small: stopped by SIGINT"):
        lab.run(replace(low, trials=8), notes=stop)
    results = lab.results()
    assert results.ranked["label"].iloc[0] != "0"
    assert (results.candidate, results.former_candidates) == ("0", ())
    assert "The search has gone on: its best is now trial" in headline(results)
    assert files(lab).all_weights("confirm") == weights
    lab.run(replace(low, trials=8))
    assert lab.results().former_candidates == ("0",)
    assert "Before the search went on, trial 0 had been the candidate." in caption(lab.results())


def test_so_does_one_that_is_stopped_while_it_opens_the_test_set(
    lab: Lab, spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = replace(
        spec, settings={**spec.settings, "learning_rate": Setting("learning_rate", Range(1e-4, 1.0, log=True))}
    )
    lab.run(replace(low, trials=1))
    weights = files(lab).all_weights("confirm")
    monkeypatch.setattr(runner, "require_test_set", lambda *_args, **_named: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(StudyInterruptedError, match="small: stopped by SIGINT"):
        lab.run(replace(low, trials=8))
    assert lab.results().ranked["label"].iloc[0] != "0"
    assert lab.results().candidate == "0"
    assert files(lab).all_weights("confirm") == weights


def test_a_candidate_that_was_refused_the_test_set_is_none_yet(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    candidate = lab.results().candidate
    head = optuna.load_study(study_name="small", storage=lab.url)
    confirmed = set(lab.results().confirmations["configuration"])
    other = next(label for label in lab.results().trials["label"] if label not in confirmed)
    head.set_user_attr(CANDIDATES_ATTRIBUTE, [candidate, other])
    assert (lab.results().candidate, lab.results().former_candidates) == (candidate, ())


def test_a_confirmation_that_is_not_planned_any_more_is_finished(lab: Lab, spec: StudySpec) -> None:
    stop = Notes(after_epoch=lambda n: n == 4 * 3 + 2 + 4 and os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(StudyInterruptedError):
        lab.run(spec, notes=stop)
    interrupted = stop.labels[-1]
    assert interrupted.endswith(", seed 1")
    notes = lab.run(replace(spec, trials=12))
    best = {f"trial {label}, seed 1" for label in lab.results().ranked["label"][:2]}
    assert interrupted not in best
    assert interrupted in notes.labels
    assert (notes.plans[-1].n_trials, notes.plans[-1].n_ended) == (7, 1)
    assert set(lab.results().confirmations["state"]) == {"complete"}
    assert lab.confirm().labels == []


@pytest.mark.parametrize("damaged", [lambda content: content[:100], lambda content: content[:-1] + b"\x07"])
def test_predictions_that_were_damaged_cost_the_report_a_seed(
    lab: Lab, spec: StudySpec, caplog: pytest.LogCaptureFixture, damaged: Callable[[bytes], bytes]
) -> None:
    lab.run(spec)
    number = lab.results().confirmations["number"].iloc[0]
    file = files(lab).predictions("confirm", number)
    file.write_bytes(damaged(file.read_bytes()))
    assert lab.confirm().labels == []
    assert f"confirm-{number}.npy: is damaged" in caplog.text
    assert len(candidate_predictions(lab.results(), artifacts=files(lab).folder.parent).predicted) == 1


def test_a_network_of_a_package_is_confirmed_in_another_process_than_it_was_searched(
    lab: Lab, spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "confirmed_nets"
    package.mkdir()
    text = (tmp_path / "nets.py").read_text(encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "small.py").write_text(text, encoding="utf-8")
    names = ("confirmed_nets.small:tiny",)
    lab.run(replace(spec, architectures=names, baselines=(), confirm=None))
    for module in ("confirmed_nets.small", "confirmed_nets"):
        monkeypatch.delitem(sys.modules, module)
    assert len(lab.confirm(top=1, seeds=1).labels) == 1
    for module in ("confirmed_nets.small", "confirmed_nets"):
        monkeypatch.delitem(sys.modules, module)
    (package / "small.py").write_text(f"{text}# changed\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"source\.confirmed_nets\.small:tiny: \w{12} in the storage, \w{12} in"):
        lab.confirm(top=1, seeds=2)


def test_right_and_wrong_pictures_come_from_every_class_in_turn() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2, 2])
    predicted = np.array([0, 0, 1, 1, 0, 2, 0])
    assert choose_shown(labels, predicted).tolist() == [0, 3, 5, 1, 2, 4, 6]


def confirmation(lab: Lab) -> optuna.Study:
    return optuna.load_study(study_name="small/confirm", storage=lab.url)


def files(lab: Lab) -> StudyFiles:
    return StudyFiles(lab.folder / "artifacts" / lab.results().artifacts)
