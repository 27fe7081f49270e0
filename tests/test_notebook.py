"""A run from a notebook: no cursor moves in it, and its page stays short."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.browser import chromium
from tests.kernel import KERNEL

NET = """
import logging, sys, warnings
from torch import nn

def tiny(input_shape, n_classes, *, dropout=0.0):
    print("printed\\x1b[2J")
    print("complained\\x1b[2J", file=sys.stderr)
    warnings.warn("warned\\x1b[2J")
    logging.getLogger("net").warning("logged\\x1b[2J")
    channels, height, width = input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, n_classes))
"""

STUDY = """
name: small
dataset: digits
architecture: nets.py:tiny
epochs: 3
trials: 4
seed: 1
settings: {learning_rate: {low: 1e-3, high: 1.0, log: true}, optimizer: [sgd, adam], batch_size: [64, 256]}
baselines: {mild: {learning_rate: 0.1, optimizer: sgd}}
pruner: none
confirm: {top: 1, seeds: 2}
"""
"""Nine trainings: four trials, a baseline, and two seeds of each of the two that are confirmed."""

SCREEN = (1280, 800)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NET, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def lines_of_trainings(text: str) -> list[str]:
    """The lines that name an ended training."""
    return re.findall(r"^(?:trial \d|mild)(?:, seed \d)? +complete +\d", text, re.MULTILINE)


def test_on_the_pseudo_terminal_of_a_kernel_a_training_is_a_line(study: Path) -> None:
    # IPython runs what follows `!` so, with 24 lines of 80 columns.
    run = pexpect.spawn(
        sys.executable,
        ["-m", "hpstudy", "run", "small.yaml"],
        cwd=str(study),
        env={**os.environ, **KERNEL},
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=100,
    )
    run.expect(pexpect.EOF)
    run.close()
    text = run.before.replace("\r\n", "\n")
    assert run.exitstatus == 0
    assert len(lines_of_trainings(text)) == 9
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    for word in ("printed", "complained", "warned", "logged"):
        assert f"{word}\N{REPLACEMENT CHARACTER}[2J" in text
    assert len([line for line in text.splitlines() if "\N{REPLACEMENT CHARACTER}" not in line]) < 80
    assert (study / "artifacts").exists()
    assert "optuna-dashboard" not in text  # nothing was left out: matplotlib had nothing against the kernel's backend


@pytest.mark.slow
def test_in_a_real_notebook_nine_trainings_are_less_than_two_screens(study: Path, tmp_path: Path) -> None:
    python = tmp_path / "other" / "bin" / "python"  # an environment without hpstudy, as a kernel's may be
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "other"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "nbconvert", "ipykernel"], check=True)
    (study / "nets.py").write_text(re.sub(r"^    (?:print|warnings|logging).*\n", "", NET, flags=re.MULTILINE), "utf-8")
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "id": "run"}
    cell["source"] = f"!{sys.executable} -m hpstudy run small.yaml; echo ended with $?"
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (study / "run.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for kind in ("notebook", "html"):
        convert = [python, "-m", "nbconvert", "--execute", "--to", kind, "run.ipynb", "--output", f"ran-{kind}"]
        subprocess.run(convert, cwd=study, check=True, capture_output=True)
        (study / "hpstudy.db").unlink()
    outputs = json.loads((study / "ran-notebook.ipynb").read_text(encoding="utf-8"))["cells"][0]["outputs"]
    text = "".join("".join(output["text"]) for output in outputs).replace("\r\n", "\n")
    assert len(lines_of_trainings(text)) == 9
    assert text.rstrip().endswith("ended with 0")
    assert "\x1b" not in text
    assert len(text) < 5000
    with chromium() as browser:
        page = browser.new_page(viewport=dict(zip(("width", "height"), SCREEN, strict=True)))
        page.goto((study / "ran-html.html").as_uri(), wait_until="domcontentloaded")
        assert page.evaluate("document.querySelector('main').scrollHeight") < 2 * SCREEN[1]
