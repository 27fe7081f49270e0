"""A study in a folder of its own, run by real `hpstudy run` processes that can be killed, and what they printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import chdir, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from hpstudy.cli import app
from hpstudy.results.load import load_results
from hpstudy.results.study import StudyResults

POINTS = Path(__file__).parent / "points"

_LINE = re.compile(
    r"(?P<label>\S.*?) +(?P<state>complete|pruned|diverged) +(?P<accuracy>\d+\.\d\d %|–) +"
    r"(?P<epochs>\d+)/\d+ epochs +\d.*?  (?P<settings>.*)"
)
"""A training's line as `hpstudy run` prints it where there is no terminal."""

_FAILED = re.compile(r"(?P<label>\S.*?) +failed +(?P<reason>\w+): .*")


@dataclass(frozen=True)
class Ended:
    """A training that has ended, as a person is told of it.

    Attributes:
        label: `trial 3`, a baseline's name, or either with `, seed 2`.
        state: complete, pruned, diverged or failed.
        accuracy: As printed; a dash where there is none.
        epochs: Trained.
        settings: As printed.
    """

    label: str
    state: str
    accuracy: str
    epochs: int
    settings: str


@dataclass(frozen=True)
class Run:
    """A `hpstudy run` under way, and the file that it prints to."""

    process: subprocess.Popen[bytes]
    output: Path

    def has_begun(self) -> bool:
        """Whether it has said so: it holds the study then."""
        return self.output.stat().st_size > 0

    def wait(self, seconds: float = 600) -> int:
        """Its exit code; a run that takes longer is killed.

        Raises:
            AssertionError: It took longer.
        """
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it has not ended within {seconds:.0f} s: {self.text()}") from None

    def text(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Bench:
    """A folder with a study file.

    Attributes:
        folder: Its own; everything that the study writes is below it.
        options: Of every run of it, such as `--workers 2`.
        environment: Of every run.
    """

    folder: Path
    options: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def write(self, **files: str) -> Bench:
        """Makes the folder with the study file `study_yaml`, and `nets_py` where it needs that."""
        self.folder.mkdir(parents=True)
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return self

    @property
    def database(self) -> Path:
        """The storage."""
        return self.folder / "hpstudy.db"

    @property
    def artifacts(self) -> Path:
        """Where weights and predictions lie."""
        return self.folder / "artifacts"

    @property
    def url(self) -> str:
        """The storage's."""
        return f"sqlite:///{self.database}"

    def start(self, **environment: str) -> Run:
        """Starts the study's command, or goes on with it."""
        output = self._next_output()
        words = [sys.executable, "-m", "hpstudy", "run", "study.yaml", *self.options]
        with output.open("wb") as printed:
            process = subprocess.Popen(
                words,
                cwd=self.folder,
                env={**self._environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        return Run(process, output)

    def finish(self) -> str:
        """Runs the command to its end, which must be a good one; returns what it has printed."""
        run = self.start()
        code = run.wait()
        assert code == 0, f"exit {code}: {run.text()}"
        return run.text()

    def finish_here(self) -> None:
        """As `finish`, but in this process, which has imported torch: that takes most of a small study's time."""
        words = ["hpstudy", "run", "study.yaml", *self.options]
        with (
            self._next_output().open("w", encoding="utf-8") as printed,
            redirect_stdout(printed),
            chdir(self.folder),
            patch.object(sys, "argv", words),
            suppress(SystemExit),  # of a good end; any other raises its error
        ):
            app()

    def results(self) -> StudyResults:
        """The study, as its readers see it."""
        (name,) = re.findall(r"^name: (\S+)", (self.folder / "study.yaml").read_text(encoding="utf-8"), re.MULTILINE)
        return load_results(self.url, study=name)

    def printed(self) -> list[Ended]:
        """The trainings that any run so far has told to have ended."""
        lines = [line for file in sorted(self.folder.glob("run-*.txt")) for line in _whole_lines(file)]
        return [ended for line in lines if (ended := _ended(line))]

    def _next_output(self) -> Path:
        return self.folder / f"run-{len(list(self.folder.glob('run-*.txt'))):03}.txt"

    def _environment(self) -> dict[str, str]:
        paths = [str(POINTS), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        ours = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
        return {**os.environ, **ours, **dict(self.environment)}


def _whole_lines(file: Path) -> list[str]:
    """Without the last one where its end is missing."""
    return file.read_text(encoding="utf-8").split("\n")[:-1]


def _ended(line: str) -> Ended | None:
    if found := _LINE.fullmatch(line):
        return Ended(found["label"], found["state"], found["accuracy"], int(found["epochs"]), found["settings"].strip())
    if found := _FAILED.fullmatch(line):
        return Ended(found["label"], "failed", "–", 0, found["reason"])
    return None
