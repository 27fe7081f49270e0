"""What is inherited from the environment fails no command."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from hpstudy.environment import settle_environment

WARNING_NET = """
import warnings
from torch import nn

def tiny(input_shape, n_classes, *, dropout=0.0, hidden=8):
    warnings.warn("old", DeprecationWarning)
    channels, height, width = input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, n_classes), nn.Dropout(dropout))
"""

NOWHERE = "/proc/nowhere"
"""Nothing can be read or written there."""

INHERITED = {
    "a notebook": {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "TERM": "xterm-color"},
    "nonsense": {"MPLBACKEND": "nonsense", "COLUMNS": "abc", "TERM": "nonsense", "OMP_NUM_THREADS": "x"},
    "strict": {
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "0",
        "LINES": "-5",
    },
    "developer": {"PYTHONWARNINGS": "e::DeprecationWarning,error", "PYTHONDEVMODE": "1", "COLUMNS": "100000000"},
    "no folders": {"HOME": NOWHERE, "MPLCONFIGDIR": NOWHERE, "TMPDIR": NOWHERE, "XDG_CACHE_HOME": NOWHERE},
    "no locale": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "-5"},
    "empty": dict.fromkeys(("HPSTUDY_STORAGE", "HPSTUDY_ARTIFACTS", "HPSTUDY_DATA", "COLUMNS", "TERM"), ""),
}


@pytest.fixture(autouse=True)
def _restored() -> None:
    """What a test changes of the process's environment and warnings is put back."""
    before, options = dict(os.environ), list(sys.warnoptions)
    with warnings.catch_warnings():
        yield
    sys.warnoptions[:] = options
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("stated", ["abc", "0", "-5", "100000000", "²", "٣", "1e2", "", "9" * 5000])
def test_a_width_that_is_none_is_left_to_the_terminal(stated: str) -> None:
    os.environ.update(COLUMNS=stated, LINES=stated)
    settle_environment()
    assert not {"COLUMNS", "LINES"} & set(os.environ)


def test_a_width_that_is_one_stays() -> None:
    os.environ.update(COLUMNS="60", LINES="24")
    settle_environment()
    assert (os.environ["COLUMNS"], os.environ["LINES"]) == ("60", "24")


@pytest.mark.parametrize(
    ("stated", "left"), [("error", None), ("ignore::UserWarning,err::FutureWarning", None), ("ignore", "ignore")]
)
def test_no_warning_is_an_error_for_this_process_or_its_workers(stated: str, left: str | None) -> None:
    os.environ["PYTHONWARNINGS"] = stated
    sys.warnoptions[:] = ["always::BytesWarning", *stated.split(",")]  # the first as by -W
    warnings.resetwarnings()
    warnings.simplefilter("error" if left is None else "ignore")
    settle_environment()
    assert os.environ.get("PYTHONWARNINGS") == left
    assert sys.warnoptions == ["always::BytesWarning", *([left] if left else [])]
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("seen", UserWarning, stacklevel=1)
        warnings.warn("not seen", DeprecationWarning, stacklevel=1)
    assert [str(one.message) for one in caught] == ([] if left else ["seen"])


def test_a_message_is_printed_whatever_the_columns(tmp_path: Path) -> None:
    done = hpstudy(tmp_path, "show", "mine", COLUMNS="0", LINES="²")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("hpstudy.db: there is no storage yet")


@pytest.mark.slow
@pytest.mark.parametrize("inherited", INHERITED.values(), ids=INHERITED)
def test_nothing_inherited_fails_a_run(small_study: Path, inherited: dict[str, str]) -> None:
    folder = small_study.parent
    (folder / "nets.py").write_text(WARNING_NET, encoding="utf-8")
    text = small_study.read_text(encoding="utf-8").replace("confirm: false", "confirm: {top: 1, seeds: 2}")
    small_study.write_text(text, encoding="utf-8")
    done = hpstudy(folder, "run", "small.yaml", "--trials", "2", "--epochs", "1", **inherited)
    assert (done.returncode, done.stdout.count(" complete ")) == (0, 4)
    assert "Best 2 of 2 trials" in done.stdout
    assert "warning: " not in done.stderr  # the note and its pictures, too
    assert "Traceback" not in done.stderr
    report = hpstudy(folder, "report", "small", "--markdown", **inherited)
    assert report.returncode == 0
    assert (folder / "reports" / "small" / "confusion.png").exists()


def hpstudy(folder: Path, *words: str, **inherited: str) -> subprocess.CompletedProcess[str]:
    """`hpstudy WORDS` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "hpstudy", *words],
        cwd=folder,
        env={**os.environ, **inherited},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
