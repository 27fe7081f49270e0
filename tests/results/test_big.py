"""Ten thousand trials load in about a second; here a tenth of that, with a limit that a busy machine keeps."""

from __future__ import annotations

import time
from pathlib import Path

from hpstudy.results.listing import list_studies
from hpstudy.results.load import load_results
from tests.results.big import write_big_study


def test_a_thousand_trials_of_twenty_epochs_load_quickly(tmp_path: Path) -> None:
    url = write_big_study(tmp_path / "big.db", n_trials=1_000, n_epochs=20)
    load_results(url, study="big")  # imports what the first load needs
    began = time.process_time()
    results = load_results(url, study="big")
    list_studies(url)
    assert time.process_time() - began < 1.0  # 0.1 s on a quiet machine
    counts = results.search["state"].value_counts().to_dict()
    assert counts == {"complete": 780, "pruned": 200, "failed": 20}
    assert len(results.epochs) == (780 + 2) * 20 + 200 * 6
    assert results.baselines["label"].tolist() == ["model 1", "model 2"]
    assert results.searched == ("learning_rate", "optimizer", "batch_size", "dropout", "lenet5.width")


def test_two_studies_in_one_storage_keep_their_trials_apart(tmp_path: Path) -> None:
    for name, n_trials in (("first", 12), ("second", 5)):
        url = write_big_study(tmp_path / "big.db", n_trials=n_trials, n_epochs=3, name=name)
    for name, n_trials in (("first", 12), ("second", 5)):
        results = load_results(url, study=name)
        assert results.search["number"].tolist() == list(range(n_trials))
        assert set(results.epochs["trial_id"]) <= set(results.trials["trial_id"])
        last = results.epochs.groupby("trial_id")["val_accuracy"].last()
        complete = results.trials[results.trials["state"] == "complete"].set_index("trial_id")["value"]
        assert last[complete.index].tolist() == complete.tolist()
