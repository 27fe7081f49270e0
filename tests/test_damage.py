"""Damaged databases: no command ends with a traceback or writes elsewhere, and sound studies are listed as always."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.damage import FOREIGN, HURT, NEIGHBOUR, Bench, Shell, files, hurt, outside

CODES = {0, 2, 3}


def examine(bench: Bench, home: Path, shell: Shell, *, seed: int, thoroughly: bool) -> None:
    """Changes a copy of the database in one place, and lets every command have it."""
    folder = home / "lab" / "inner"
    database = bench.copy(folder)
    study, what = hurt(database, seed=seed)
    before = files(home)

    def run(*words: str) -> tuple[int, str]:
        try:
            code, said = shell(*words)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {what}: {' '.join(words)} ended with {error!r}") from error
        assert code in CODES, f"seed {seed}, {what}: {' '.join(words)} ended with {code}: {said}"
        assert "Traceback" not in said, what
        return code, said

    code, listed = run("list")
    assert code == 0, f"seed {seed}, {what}: {listed}"
    line = next(line for line in listed.splitlines() if line.startswith(NEIGHBOUR))
    assert line.split()[1:4] == ["3", "0", "0"], f"seed {seed}, {what}"
    run("show", NEIGHBOUR)
    is_damaged = run("show", study)[0] == 3
    run("show", study, "best")
    run("export", study, "--output", "model")
    if is_damaged or thoroughly:
        # With a sound study it has nothing to train; a damaged one ends it at once.
        run("confirm", study)
        run("run", "hurt.yaml", "--trials", "3")
    if is_damaged:
        assert f"{study}: " in listed.partition("Damaged:")[2], f"seed {seed}, {what}: {listed}"
        for command in (("report", study), ("rerun", study, "best"), ("confirm", study)):
            assert run(*command)[0] == 3, f"seed {seed}, {what}: {command}"
    if thoroughly:
        assert run("report")[0] == (3 if "Damaged:" in listed else 0), f"seed {seed}, {what}"
        assert (folder / "reports" / f"{NEIGHBOUR}.html").exists()
        if study == FOREIGN:
            run("report", study)
    chosen = (folder / "model", folder / "reports", folder / "artifacts")
    assert not list(outside(before, files(home), chosen=chosen)), f"seed {seed}, {what}"
    if study == HURT and f"{HURT} " in listed:
        code, said = run("delete", HURT, "--yes")
        assert code == 0, f"seed {seed}, {what}: {said}"
        assert HURT not in run("list")[1].split(), f"seed {seed}, {what}"
    assert run("show", NEIGHBOUR)[0] == 0
    shutil.rmtree(home / "lab")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "lab" / "inner", monkeypatch, capsys)


def test_a_few_damaged_rows(bench: Bench, tmp_path: Path, shell: Shell) -> None:
    for seed in range(10):
        examine(bench, tmp_path, shell, seed=seed, thoroughly=False)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("batch", range(10))
def test_five_hundred_damaged_rows(bench: Bench, tmp_path: Path, shell: Shell, batch: int) -> None:
    for seed in range(100 + 50 * batch, 150 + 50 * batch):
        examine(bench, tmp_path, shell, seed=seed, thoroughly=True)
