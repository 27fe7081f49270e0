"""How trainings share a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpstudy.errors import InputError

pytest.importorskip("ray")

from hpstudy.executors.ray_cluster import Division, Node, divide

LAPTOP = [Node(2, 0)]
UNEQUAL = [Node(16, 0), Node(4, 0)]
GPUS = [Node(8, 2), Node(8, 1), Node(8, 0)]


@pytest.mark.parametrize(
    ("nodes", "n_workers", "on_gpus", "division"),
    [
        (LAPTOP, None, False, Division(2, 1, 0)),
        (LAPTOP, 1, False, Division(1, 2, 0)),
        (LAPTOP, 5, False, Division(2, 1, 0)),  # what does not fit would only wait
        (UNEQUAL, None, False, Division(20, 1, 0)),
        (UNEQUAL, 5, False, Division(5, 4, 0)),  # four on the large machine, one on the small
        (UNEQUAL, 4, False, Division(4, 4, 0)),
        (UNEQUAL, 2, False, Division(2, 8, 0)),
        (GPUS, None, True, Division(3, 1, 1.0)),
        (GPUS, 2, True, Division(2, 1, 1.0)),
        (GPUS, 6, True, Division(6, 1, 0.5)),
        (GPUS, 8, True, Division(8, 1, 0.3333)),  # Ray counts ten-thousandths, and three shares must fit
        ([Node(2, 1)], 4, True, Division(2, 1, 0.25)),  # each training needs a processor too
        (GPUS, None, False, Division(24, 1, 0)),
    ],
)
def test_shares(nodes: list[Node], n_workers: int | None, on_gpus: bool, division: Division) -> None:
    assert divide(nodes, n_workers=n_workers, on_gpus=on_gpus) == division


def test_a_cluster_that_cannot_train_is_refused() -> None:
    with pytest.raises(InputError, match="--device cuda: the Ray cluster has no GPU"):
        divide(LAPTOP, n_workers=1, on_gpus=True)
    with pytest.raises(InputError, match="the Ray cluster has no processor"):
        divide([Node(0, 0)], n_workers=None, on_gpus=False)
    with pytest.raises(InputError, match="no machine of the Ray cluster has both a GPU and a processor"):
        divide([Node(8, 0), Node(0, 2)], n_workers=None, on_gpus=True)


NICENESS = """
import os
import ray
from hpstudy.executors.ray_cluster import join_cluster, leave_cluster

join_cluster()
print(ray.get(ray.remote(lambda: os.getpriority(os.PRIO_PROCESS, 0)).remote()))
leave_cluster()
"""


@pytest.mark.slow
def test_trainings_have_the_priority_of_the_runner_on_a_cluster_that_it_starts(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", NICENESS], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, int(done.stdout)) == (0, os.getpriority(os.PRIO_PROCESS, 0)), done.stderr
