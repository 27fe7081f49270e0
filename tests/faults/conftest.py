"""What the fault tests compare with."""

from __future__ import annotations

import pytest

from tests.faults.bench import Bench
from tests.faults.invariants import check_finished
from tests.faults.study import N_TRIALS, small_bench


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The small study, left alone."""
    bench = small_bench(tmp_path_factory.mktemp("reference") / "study")
    bench.finish()
    check_finished(bench, n_trials=N_TRIALS)
    return bench
