"""The checks themselves: each finds the damage that it is for."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hpstudy.errors import DamagedStudyError
from tests.faults.bench import Bench
from tests.faults.invariants import Curves, check_after_kill, check_equal, check_finished
from tests.faults.study import N_TRIALS

pytestmark = pytest.mark.faults

FIRST = "(SELECT min(trial_id) FROM hpstudy_epochs)"


@pytest.fixture
def bench(tmp_path: Path, reference: Bench) -> Bench:
    """A copy of a study that has ended well."""
    shutil.copytree(reference.folder, tmp_path / "study")
    return Bench(tmp_path / "study")


def change(bench: Bench, statement: str) -> None:
    with closing(sqlite3.connect(bench.database)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


def forget_an_epoch(bench: Bench) -> None:
    change(bench, f"DELETE FROM hpstudy_epochs WHERE epoch = 1 AND trial_id = {FIRST}")


def alter_an_accuracy(bench: Bench) -> None:
    change(bench, f"UPDATE hpstudy_epochs SET val_accuracy = 0.123 WHERE trial_id = {FIRST}")


def alter_a_setting(bench: Bench) -> None:
    change(
        bench,
        "UPDATE trial_user_attributes SET value_json = replace(value_json, 'adam', 'sgd') "
        f"WHERE key = 'config' AND trial_id = {FIRST}",
    )


def leave_one_running(bench: Bench) -> None:
    change(bench, f"UPDATE trials SET state = 'RUNNING' WHERE trial_id = {FIRST}")


def lose_the_study(bench: Bench) -> None:
    bench.database.unlink()


def cut_the_database(bench: Bench) -> None:
    bench.database.write_bytes(bench.database.read_bytes()[:-4096])


def cut_a_file(suffix: str) -> Callable[[Bench], None]:
    def cut(bench: Bench) -> None:
        file = next(bench.artifacts.rglob(f"*{suffix}"))
        file.write_bytes(file.read_bytes()[:-9])

    return cut


def print_twice(bench: Bench) -> None:
    (output,) = bench.folder.glob("run-*.txt")
    shutil.copy(output, output.with_name("run-001.txt"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (forget_an_epoch, "the epochs do not count from 0"),
        (alter_an_accuracy, "printed Ended"),
        (alter_a_setting, "printed Ended"),
        (leave_one_running, "printed Ended"),
        (lose_the_study, "and the storage has no study"),
        (cut_the_database, "integrity_check|cannot be opened"),
        (cut_a_file(".npy"), "is damaged"),
        (cut_a_file(".npz"), "is damaged"),
        (cut_a_file(".safetensors"), "is damaged"),
        (print_twice, "trained twice"),
    ],
)
def test_damage_is_found_after_a_kill(bench: Bench, damage: Callable[[Bench], None], told: str) -> None:
    check_after_kill(bench)
    damage(bench)
    with pytest.raises((AssertionError, DamagedStudyError), match=told):
        check_after_kill(bench)


@pytest.mark.parametrize("name", [".search-0.npy.abc", "checkpoints/search-0.ckpt"])
def test_what_is_left_over_is_found_at_the_end(bench: Bench, name: str) -> None:
    check_finished(bench, n_trials=N_TRIALS)
    left = bench.artifacts / bench.results().artifacts / name
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    with pytest.raises(AssertionError, match="are left"):
        check_finished(bench, n_trials=N_TRIALS)


def test_a_missing_trial_is_found_at_the_end(bench: Bench) -> None:
    with pytest.raises(AssertionError, match="trials"):
        check_finished(bench, n_trials=N_TRIALS + 1)


def test_another_last_bit_is_found(bench: Bench, reference: Bench) -> None:
    curves = Curves()
    curves.check(reference)
    check_equal(bench, reference)
    change(bench, f"UPDATE hpstudy_epochs SET train_loss = train_loss * (1 + 1e-15) WHERE trial_id = {FIRST}")
    with pytest.raises(AssertionError, match="another curve"):
        curves.check(bench)
    with pytest.raises(AssertionError, match="values or curves differ"):
        check_equal(bench, reference)
