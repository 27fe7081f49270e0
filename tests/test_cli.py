"""The commands as a user types them: what they print, and what they exit with."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note
from PIL import Image

from hpstudy import __version__
from hpstudy.main import main

COMMANDS = (
    *("init", "check", "run", "confirm", "list", "show", "report", "rerun", "export", "predict", "delete"),
    *("dashboard", "datasets", "architectures"),
)


class Shell:
    """Runs commands in this process, in a folder of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of `hpstudy WORDS`."""
        self.monkeypatch.setattr(sys, "argv", ["hpstudy", *words])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err


@pytest.fixture
def hpstudy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return Shell(monkeypatch, capsys)


def hpstudy_process(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`hpstudy WORDS` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "hpstudy", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_a_study_from_its_file_to_its_removal(hpstudy: Shell, small_study: Path) -> None:
    code, out, err = hpstudy("run", "small.yaml", "--trials", "4")
    assert (code, err) == (0, "")
    assert out.startswith("small begins: 4 trainings\ntrial 0 ")
    assert out.count(" complete ") >= 4
    assert "Best 4 of 4 trials" in out
    assert "hpstudy show small TRIAL" in out
    assert hpstudy("run", "small.yaml", "--trials", "4")[1].startswith(
        "small has all of its 4 trainings; nothing to train\n"
    )
    assert hpstudy("run", "small.yaml", "--trials", "5")[1].startswith("small goes on: 4 of 5 trainings have ended\n")

    code, out, _ = hpstudy("list")
    header, row = (line.split() for line in out.splitlines())
    assert header[:4] == ["study", "complete", "pruned", "failed"]
    assert row[:4] == ["small", "5", "0", "0"]
    assert "finished" in row

    assert "Best 5 of 5 trials" in hpstudy("show", "small")[1]
    code, out, _ = hpstudy("show", "small", "3")
    assert out.startswith("small, trial 3: complete\n")
    assert [line.split()[0] for line in out.rstrip().splitlines()[-3:]] == ["1", "2", "3"]
    assert hpstudy("show", "small", "best")[0] == 0

    assert hpstudy("delete", "small", "--yes") == (0, "small is deleted\n", "")
    assert hpstudy("list")[1] == "No study yet. `hpstudy init` writes a starter study.\n"


def test_a_confirmed_study_is_shown_in_the_dashboard_until_it_is_deleted(hpstudy: Shell, small_study: Path) -> None:
    text = small_study.read_text(encoding="utf-8").replace("confirm: false", "confirm: {top: 1, seeds: 2}")
    small_study.write_text(text, encoding="utf-8")
    code, out, err = hpstudy("run", "small.yaml", "--trials", "1")
    assert (code, err) == (0, "")
    verdict = re.search(r"^Trial 0: \d+\.\d\d % test accuracy on average over 2 fresh seeds", out, flags=re.MULTILINE)
    assert verdict
    study = optuna.load_study(study_name="small", storage="sqlite:///hpstudy.db")
    assert get_note(study).startswith(f"**{verdict[0]}")
    shown = {meta.filename: Path("artifacts", meta.artifact_id) for meta in get_all_artifact_meta(study)}
    assert set(shown) == {"confusion.png", "predictions.png"}
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in shown.values())
    assert hpstudy("delete", "small", "--yes")[0] == 0
    assert list(Path("artifacts").iterdir()) == []


@pytest.mark.parametrize("drawn", ["report.drawing.pictures.draw_picture", "search.dashboard.open_storage"])
def test_what_cannot_be_drawn_after_a_run_is_one_line(
    hpstudy: Shell, small_study: Path, monkeypatch: pytest.MonkeyPatch, drawn: str
) -> None:
    text = small_study.read_text(encoding="utf-8").replace("confirm: false", "confirm: {top: 1, seeds: 2}")
    small_study.write_text(text, encoding="utf-8")

    def fails(*_arguments, **_keywords):
        raise ValueError("no\nbackend")

    monkeypatch.setattr(f"hpstudy.{drawn}", fails)
    code, out, err = hpstudy("run", "small.yaml", "--trials", "1", "--epochs", "1")
    assert code == 0
    assert "Confirmed on the test set" in out
    assert (err.count("\n"), err.count("warning: small: no "), err.count("(ValueError: no backend)")) == (1, 1, 1)
    assert "Traceback" in hpstudy("--debug", "confirm", "small")[2]
    study = optuna.load_study(study_name="small", storage="sqlite:///hpstudy.db")
    assert ("test accuracy" in get_note(study)) is not drawn.endswith("open_storage")
    assert get_all_artifact_meta(study) == []


def test_an_unexpected_error_shows_its_place_and_no_control_character(
    hpstudy: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_url):
        raise ValueError("no\x1b[2J")

    monkeypatch.setattr("hpstudy.results.listing.list_studies", fails)
    code, out, err = hpstudy("list")
    assert (code, out) == (1, "")
    assert err.startswith("Traceback")
    assert err.endswith("ValueError: no�[2J\n")
    with pytest.raises(ValueError, match="no"):
        hpstudy("--debug", "list")


def test_a_model_is_confirmed_compared_exported_and_used(hpstudy: Shell, small_study: Path) -> None:
    hpstudy("run", "small.yaml", "--trials", "2")
    code, out, _ = hpstudy("confirm", "small", "--top", "1", "--seeds", "2")
    assert code == 0
    assert out.startswith("small, confirmation begins: 2 trainings\n")
    assert "Confirmed on the test set" in out
    code, out, err = hpstudy("confirm", "small", "--seeds", "3")
    assert (code, err) == (0, "")
    assert out.startswith("small, confirmation goes on: 2 of 3 trainings have ended\n")
    code, out, _ = hpstudy("rerun", "small", "0")
    assert code == 0
    assert re.search(
        r"^trial 0: 3 epochs on \d+ threads?, equal to the last bit; its weights are kept$", out, re.MULTILINE
    )
    assert hpstudy("export", "small", "--output", "model")[:2] == (
        0,
        "model is written. Next: hpstudy predict model PICTURE\n",
    )
    Image.new("L", (8, 8), 200).save("picture.png")
    code, out, _ = hpstudy("predict", "model", "picture.png", "--top", "2")
    assert code == 0
    assert "picture.png" in out
    assert len(re.findall(r"\d+\.\d\d %", out)) == 2


def test_a_run_that_ends_with_its_time_says_what_is_done_and_shows_it(hpstudy: Shell, small_study: Path) -> None:
    code, out, err = hpstudy("run", "small.yaml", "--timeout", "0.01s")
    assert (code, err) == (0, "")
    told = "small: the time is over, 0 of 6 trainings of the search are done; the same command goes on with it\n"
    assert told in out
    assert "small is not finished" in out
    assert hpstudy("run", "small.yaml", "--timeout", "1h")[0] == 0
    assert "finished" in hpstudy("list")[1]


def test_a_password_is_not_recorded_with_the_command(hpstudy: Shell, small_study: Path) -> None:
    hpstudy("run", "small.yaml", "--trials", "1", "--data", "https://me:s3cret@host/data")
    with sqlite3.connect("hpstudy.db") as connection:
        (command,) = connection.execute("SELECT command FROM hpstudy_runs").fetchone()
    connection.close()
    assert command == "hpstudy run small.yaml --trials 1 --data 'https://***@host/data'"


def test_another_name_and_other_epochs_make_another_study(hpstudy: Shell, small_study: Path) -> None:
    hpstudy("run", "small.yaml", "--trials", "1")
    code, _, err = hpstudy("run", "small.yaml", "--trials", "1", "--epochs", "1")
    assert code == 2
    assert "epochs: 3 in the storage, 1 in the file" in err
    assert "--name small-2" in err
    assert hpstudy("run", "small.yaml", "--trials", "1", "--epochs", "1", "--name", "other")[0] == 0
    assert [line.split()[0] for line in hpstudy("list")[1].splitlines()] == ["study", "other", "small"]


def test_init_writes_a_study_that_can_be_checked(hpstudy: Shell) -> None:
    assert hpstudy("init", "mine.yaml")[1] == "mine.yaml is written. Next: hpstudy check mine.yaml\n"
    code, out, _ = hpstudy("check", "mine.yaml")
    assert code == 0
    assert "61,706 parameters" in out
    assert "mine.yaml: no problem found" in out
    assert ", less what pruning saves.\n" in out
    assert re.search(r"The confirmation takes (about|under) .* more\.", out)
    assert hpstudy("init", "mine.yaml")[::2] == (2, "mine.yaml: there is such a file already; name another\n")


def test_without_a_pruner_nothing_is_promised_of_it(hpstudy: Shell, small_study: Path) -> None:
    assert "pruner: none" in small_study.read_text(encoding="utf-8")
    assert "pruning" not in hpstudy("check", "small.yaml")[1]


def test_problems_of_file_architecture_and_data_come_in_one_go(hpstudy: Shell, small_study: Path) -> None:
    text = small_study.read_text(encoding="utf-8")
    text = text.replace("batch_size: 256", "batch_size: 5000").replace("trials: 6", "trials: 0")
    text = text.replace("optimizer: [sgd, adam]", "optimizer: [sgd, adma]\n  nets.py:tiny.hiden: 3")
    small_study.write_text(text, encoding="utf-8")
    code, out, err = hpstudy("run", "small.yaml")
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert [line.split(": ")[0:2] for line in lines] == [
        ["small.yaml:6:9", "trials"],
        ["small.yaml:10:20", "settings.optimizer"],
        ["small.yaml:11:23", "settings.nets.py:tiny.hiden"],
        ["small.yaml:13:15", "settings.batch_size"],
    ]
    assert lines[1].endswith('Did you mean "adam"?')
    assert lines[2].endswith('no option of nets.py:tiny "hiden". Did you mean "hidden"?')
    assert lines[3].endswith("5000: a batch cannot be larger than the 1,293 images of the training part")


def test_a_softmax_at_the_end_is_warned_of_in_a_line(hpstudy: Shell, small_study: Path, tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    last = "nn.Linear(hidden, n_classes),"
    text = nets.read_text(encoding="utf-8").replace(last, f"{last} nn.Softmax(1),")
    nets.write_text(text, encoding="utf-8")
    for words in (("check", "small.yaml"), ("run", "small.yaml", "--trials", "1", "--epochs", "1", "--no-confirm")):
        code, _, err = hpstudy(*words)
        assert code == 0
        assert err == (
            "warning: nets.py:tiny: its outputs sum to 1, as after a softmax. The loss expects logits and takes the "
            "softmax itself; leave it out of the network.\n"
        )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("run", "smal.yaml"), 2, "smal.yaml: no such file. Did you mean small.yaml?"),
        (
            ("run", "small.yaml", "--device", "tpu"),
            2,
            "--device: no device 'tpu'; known: auto, cpu, cuda, mps",
        ),
        (("run", "small.yaml", "--executor", "slurm"), 2, "--executor: no executor 'slurm'; known: local, ray"),
        (
            ("run", "small.yaml", "--workers", "many"),
            2,
            "--workers: 'many' is neither a whole number of at least 1 nor auto",
        ),
        (
            ("run", "small.yaml", "--storage", "nonsense"),
            2,
            "--storage: this is no database URL; write for example sqlite:///hpstudy.db",
        ),
        (
            ("run", "small.yaml", "--storage", "sqlite:///no/where.db"),
            3,
            "no: there is no such folder; make it, or choose another --storage",
        ),
        (
            ("run", "small.yaml", "--storage", "sqlite:///nets.py"),
            3,
            "nets.py: is no SQLite database; nothing was overwritten; choose another --storage",
        ),
        (
            ("run", "small.yaml", "--storage", "sqlite+aiosqlite:///a.db"),
            2,
            "--storage: sqlite+aiosqlite is not supported; use sqlite:///FILE",
        ),
        (
            ("run", "small.yaml", "--storage", "sqlite:///file:a.db?uri=true"),
            2,
            "--storage: a study needs a file: sqlite:///hpstudy.db",
        ),
        (("list",), 3, "hpstudy.db: there is no storage yet; `hpstudy run STUDY.yaml` makes it"),
        (("show", "small"), 3, "hpstudy.db: there is no storage yet; `hpstudy run STUDY.yaml` makes it"),
        (("datasets", "fetch", "minst"), 2, "mnist"),
        (("datasets", "--data", "elsewhere", "fetch", "fer2013"), 4, "no FER2013 under elsewhere"),
        (("datasets", "fetch", "fer2013", "--data", "elsewhere"), 4, "no FER2013 under elsewhere"),
        (
            ("run", "small.yaml", "--timeout", "90"),
            2,
            "--timeout: '90' is no time above 0; write it as 45s, 90m, 1h or 1h30m",
        ),
        (("confirm", "small", "--timeout", "0s"), 2, "--timeout: '0s' is no time above 0"),
    ],
)
def test_a_mistake_has_one_message_and_its_exit_code(
    hpstudy: Shell, small_study: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    ended, out, err = hpstudy(*words)
    assert (ended, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_an_absent_data_set_is_exit_4_and_problems_of_the_file_come_first(hpstudy: Shell, small_study: Path) -> None:
    text = small_study.read_text(encoding="utf-8").replace("dataset: digits", "dataset: mnist")
    small_study.write_text(text, encoding="utf-8")
    code, _, err = hpstudy("run", "small.yaml")
    assert code == 4
    assert "hpstudy datasets fetch mnist" in err
    small_study.write_text(text.replace("trials: 6", "trials: no"), encoding="utf-8")
    code, _, err = hpstudy("run", "small.yaml")
    assert code == 2
    assert err.startswith("small.yaml:6:9: trials: ")


def test_unknown_study_and_trial_are_told_with_what_there_is(hpstudy: Shell, small_study: Path) -> None:
    hpstudy("run", "small.yaml", "--trials", "1")
    assert 'Did you mean "small"?' in hpstudy("show", "smal")[2]
    code, _, err = hpstudy("show", "small", "7")
    assert (code, err) == (2, "small: no trial '7'; known: 0 to 0, best\n")
    assert hpstudy("delete", "smal", "--yes")[0] == 2


def test_listings_need_no_study(hpstudy: Shell) -> None:
    code, out, _ = hpstudy("datasets")
    assert code == 0
    states = {line.split()[0]: line for line in out.splitlines() if line and not line.startswith(" ")}
    assert "built in" in states["digits"]
    assert "absent" in states["cifar10"]
    code, out, _ = hpstudy("architectures")
    assert code == 0
    for name in ("lenet5", "alexnet-cifar", "resnet-mini", "torchvision:NAME"):
        assert name in out


WITHOUT_TORCH = """
import sys
from hpstudy.main import main
for words in (["--help"], ["list"], ["show", "small"], ["report"], ["architectures"], ["init", "x.yaml"]):
    sys.argv = ["hpstudy", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (words, end.code)
    assert "torch" not in sys.modules, words
    assert "optuna" not in sys.modules, words
"""


def test_what_only_reads_leaves_torch_out(hpstudy: Shell, small_study: Path, tmp_path: Path) -> None:
    hpstudy("run", "small.yaml", "--trials", "1", "--epochs", "1")
    command = [sys.executable, "-c", WITHOUT_TORCH]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_path_that_cannot_be_is_told(tmp_path: Path) -> None:
    done = hpstudy_process(tmp_path, "predict", "x" * 300, "picture.png")
    assert done.returncode == 3
    assert done.stderr.strip().endswith("xxx: File name too long")
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = hpstudy_process(tmp_path, "--debug", "run", "absent.yaml")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "absent.yaml: no such file" in done.stderr


def test_version_and_help_name_every_command(hpstudy: Shell) -> None:
    assert hpstudy("--version")[1] == f"hpstudy {__version__}\n"
    out = hpstudy("--help")[1]
    for command in COMMANDS:
        assert f"  {command} " in out


def test_without_colour_without_a_locale_in_a_path_with_spaces(small_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    for file in ("small.yaml", "nets.py"):
        (folder / file).write_text((tmp_path / file).read_text(encoding="utf-8"), encoding="utf-8")
    done = hpstudy_process(
        folder,
        "run",
        "small.yaml",
        "--trials",
        "2",
        "--epochs",
        "1",
        NO_COLOR="1",
        LANG="C",
        LC_ALL="C",
        COLUMNS="60",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "Best 2 of 2 trials" in done.stdout


def test_a_closed_pipe_ends_cleanly(tmp_path: Path) -> None:
    command = f"{sys.executable} -m hpstudy architectures | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.faults
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full device: Linux has one")
@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        ("architectures", ""),
        ("architectures", "1"),
        ("list", ""),
        ("show small best", ""),
        ("run small.yaml --epochs 1 --trials 2", ""),
        ("--version", "1"),
    ],
)
def test_a_full_disk_below_the_output_is_one_sentence(
    hpstudy: Shell, small_study: Path, tmp_path: Path, words: str, unbuffered: str
) -> None:
    if "small" in words or words == "list":
        hpstudy("run", "small.yaml", "--trials", "1", "--epochs", "1")
    command = f"{sys.executable} -m hpstudy {words} > /dev/full"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "the output cannot be written (No space left on device)\n")


@pytest.mark.faults
@pytest.mark.parametrize("words", ["list", "show small", "--version", "run small.yaml --epochs 1 --trials 2"])
def test_a_pipe_that_nobody_reads_ends_it_silently(
    hpstudy: Shell, small_study: Path, tmp_path: Path, words: str
) -> None:
    hpstudy("run", "small.yaml", "--trials", "1", "--epochs", "1")
    command = f"(sleep 0.2; {sys.executable} -m hpstudy {words}; echo $? > code) | true"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert int((tmp_path / "code").read_text()) in (1, 141)


@pytest.mark.faults
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_hinder_nothing(small_study: Path, tmp_path: Path, closed: str) -> None:
    command = f"{sys.executable} -m hpstudy run small.yaml --epochs 1 --trials 1 {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("small begins: 1 training" in done.stdout) == (closed == "2>&-")


@pytest.mark.parametrize("words", [("run", "small.yaml"), ("delete", "small", "--yes")])
def test_a_server_that_is_not_there_is_told_without_the_password(hpstudy: Shell, small_study: Path, words) -> None:
    code, out, err = hpstudy(*words, "--storage", "postgresql+psycopg://me:s3cret@127.0.0.1:1/db")
    assert (code, out) == (3, "")
    assert err.startswith("127.0.0.1:1/db: ")
    assert "s3cret" not in err
