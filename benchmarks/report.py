"""How long a report takes, and how large it is: a study of 10,000 trials × 20 epochs, and one of 50.

Each study is made up and written to a new SQLite file. Then it is read and its HTML report written, several times; the
first time, which imports and warms up, is left out. A report of 10,000 trials may take 10 s and 6 MB and its study
1.5 s to read, one of 50 trials 3 s and 2.5 MB.

    python -m benchmarks.report [--repeats 5] [--trials 10000] [--epochs 20]
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pandas as pd
import plotly

from hpstudy.report.page import write_report
from hpstudy.results.load import load_results
from hpstudy.results.study import StudyResults
from tests.results.big import write_big_study


def main() -> None:
    """Prints a line a study and step: the median, the range and the size."""
    parser = argparse.ArgumentParser(description="How long reading a study and writing its report take.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(f"pandas {pd.__version__}, plotly {plotly.__version__}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        for n_trials, n_epochs in ((50, 14), (arguments.trials, arguments.epochs)):
            url = write_big_study(Path(folder) / f"{n_trials}.db", n_trials=n_trials, n_epochs=n_epochs)
            print(f"{n_trials:,} trials of {n_epochs} epochs, {arguments.repeats} repeats")
            measure(url, output=Path(folder), repeats=arguments.repeats)


def measure(url: str, *, output: Path, repeats: int) -> None:
    """Times the reading of the study `big` in a storage and the writing of its report."""

    def read() -> StudyResults:
        return load_results(url, study="big")

    results = read()
    path = write_report(results, output=output, predictions=None)
    print(f"  load_results   {told(read, repeats)}")
    report = told(lambda: write_report(results, output=output, predictions=None), repeats)
    print(f"  write_report   {report}, {path.stat().st_size / 1e6:.2f} MB")


def told(step: Callable[[], object], repeats: int) -> str:
    """The median of a step's times with their range."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return f"{statistics.median(times):6.2f} s ({min(times):.2f} to {max(times):.2f})"


if __name__ == "__main__":
    main()
