"""`hpstudy report` from its words to its files: what it prints, what it exits with, and what a fault leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from hpstudy.artifacts import StudyFiles
from hpstudy.main import main
from hpstudy.spec.study import Baseline, Confirm, StudySpec
from tests.report.drawing.fonts import write_font
from tests.search.conftest import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A storage with a confirmed study, one that is not, and two of plain Optuna, the second with two objectives."""
    folder = tmp_path_factory.mktemp("lab")
    return Lab(folder)


@pytest.fixture
def storage(lab: Lab, small_spec: StudySpec) -> Lab:
    if not Path(lab.folder / "lab.db").exists():
        baseline = Baseline("plain", "nets.py:tiny", 2, {"batch_size": 64})
        lab.run(replace(small_spec, trials=4, baselines=(baseline,), confirm=Confirm(top=1, seeds=3)))
        lab.run(replace(small_spec, name="open", trials=2, confirm=None))
        for name, directions in {"plain/optuna": ["minimize"], "two": ["minimize", "maximize"]}.items():
            study = optuna.create_study(study_name=name, storage=lab.url, directions=directions)
            for place in range(3):
                trial = study.ask()
                study.tell(trial, [trial.suggest_float("x", 0, 1) + place] * len(directions))
    return lab


def hpstudy(lab: Lab, folder: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """`hpstudy WORDS` on the storage as a process of its own, after some lines of Python."""
    program = f"import sys\n{before}\nfrom hpstudy.main import main\nsys.argv = ['hpstudy', *{words!r}]\nmain()\n"
    environment = {**os.environ, "HPSTUDY_STORAGE": lab.url, "HPSTUDY_ARTIFACTS": str(lab.folder / "artifacts")}
    return subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True)


def test_every_study_of_a_storage_is_reported_and_compared(storage: Lab, tmp_path: Path) -> None:
    done = hpstudy(storage, tmp_path, "report")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("  ")] == [
        "  reports/open.html",
        "  reports/small.html",
        "  reports/plain-optuna-02eab069.html",
        "  reports/index.html",
    ]
    assert lines[0].startswith("open: Not confirmed: trial ")
    assert lines[2].startswith("small: Trial ")
    assert "% test accuracy on average over 3 fresh seeds (95 % interval " in lines[2]
    assert lines[4].startswith("plain/optuna: Trial ")
    assert lines[6] == "3 studies compared"
    assert lines[8] == "two: has 2 objectives; hpstudy reads studies with one"
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == sorted(
        line.rpartition("/")[2] for line in lines if line.startswith("  ")
    )


def test_one_study_with_its_twin_and_what_its_candidate_predicted(storage: Lab, tmp_path: Path) -> None:
    done = hpstudy(storage, tmp_path, "report", "small", "--markdown", "--output", "out here")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == ["  out here/small.html", "  out here/small/README.md"]
    html = (tmp_path / "out here" / "small.html").read_text(encoding="utf-8")
    assert "Mistakes by class on the test set, over 3 seeds of the confirmed candidate" in html
    assert 'id="figure-confusion"' in html
    assert not (tmp_path / "out here" / "index.html").exists()
    assert (tmp_path / "out here" / "small" / "confusion.png").stat().st_size > 5_000


def test_two_reports_of_one_storage_are_equal_to_the_byte(storage: Lab, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert hpstudy(storage, tmp_path, "report", "small", "open", "--output", folder).returncode == 0
    for name in ("small.html", "open.html", "index.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_without_the_artifacts_the_report_says_what_is_missing(storage: Lab, tmp_path: Path) -> None:
    assert hpstudy(storage, tmp_path, "report", "small", "--artifacts", "elsewhere").returncode == 0
    html = (tmp_path / "reports" / "small.html").read_text(encoding="utf-8")
    assert "The predictions on the test set are not in the artifacts folder that the report was made with." in html


def test_nothing_that_it_needs_imports_torch_or_optuna(storage: Lab, tmp_path: Path) -> None:
    before = "import atexit\natexit.register(lambda: print(sorted({'torch', 'optuna'} & set(sys.modules))))"
    done = hpstudy(storage, tmp_path, "report", before=before)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "[]"


def test_characters_that_no_font_has_are_named_once(lab: Lab, tmp_path: Path) -> None:
    known, unknown = "\U000f1234", "\U000f1235"  # for private use, so that no font of this machine has them
    study = optuna.create_study(study_name="letters", storage=f"sqlite:///{tmp_path / 'letters.db'}")
    for choice in (known, unknown):
        trial = study.ask({"x": optuna.distributions.CategoricalDistribution([known, unknown])})
        study.tell(trial, trial.params["x"] == choice)
    write_font(tmp_path / "home" / "fonts" / "f.ttc", known)
    folders = {"XDG_DATA_HOME": str(tmp_path / "home"), "MPLCONFIGDIR": str(tmp_path / "fresh")}
    before = f"import os, warnings\nos.environ.update({folders!r})\nwarnings.simplefilter('error', UserWarning)"
    words = ("report", "letters", "--markdown", "--storage", "sqlite:///letters.db")
    done = hpstudy(lab, tmp_path, *words, before=before)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: ")
    assert "U+F1235" in line
    assert "U+F1234" not in line
    assert (tmp_path / "reports" / "letters" / "slice-x.png").exists()


def test_an_unknown_name_is_told_with_the_nearest_and_nothing_is_written(storage: Lab, tmp_path: Path) -> None:
    done = hpstudy(storage, tmp_path, "report", "open", "smal")
    assert done.returncode == 2
    assert done.stderr.endswith('has no such study. Did you mean "small"?\n')
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "there is no storage yet"),
        (lambda path: path.write_bytes(b""), "is an empty file"),
        (lambda path: path.write_text("no database at all, but long enough"), "is no SQLite database"),
        (lambda path: path.mkdir(), "is no file"),
    ],
)
def test_a_storage_that_cannot_be_read_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], make, told: str
) -> None:
    make(tmp_path / "x.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["hpstudy", "report", "--storage", "sqlite:///x.db"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    printed = capsys.readouterr()
    assert told in printed.err
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)


@pytest.mark.faults
def test_a_full_disk_leaves_the_old_report_and_no_other_file(storage: Lab, tmp_path: Path) -> None:
    assert hpstudy(storage, tmp_path, "report", "small", "--markdown").returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    # No file may grow beyond this, as on a disk that is full; other trials make another report.
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"
    for bytes_left, word in ((200_000, "small.html"), (0, "small.html")):
        done = hpstudy(storage, tmp_path, "report", "small", "--markdown", before=limit.format(bytes_left))
        assert done.returncode == 3
        assert f"reports/{word}: cannot be written (File too large)" in done.stderr
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_be_made_ends_with_3(storage: Lab, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file", encoding="utf-8")
    done = hpstudy(storage, tmp_path, "report", "small")
    assert done.returncode == 3
    assert "reports/small.html: cannot be written" in done.stderr


def test_damaged_predictions_are_told(storage: Lab, tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts" / storage.results().artifacts
    artifacts.mkdir(parents=True)
    StudyFiles(artifacts).test_predictions(str(storage.results().candidate)).write_bytes(b"PK\x03\x04 half a file")
    done = hpstudy(storage, tmp_path, "report", "small", "--artifacts", "artifacts")
    assert done.returncode == 3
    assert "is damaged" in done.stderr
