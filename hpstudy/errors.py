"""Every error that a user of hpstudy can meet, and the exit code that it ends a command with.

HpstudyError                     1  the base: a sentence that a person can act on
├── InputError                   2  something that the user wrote
│   └── StudyFileError           2  a study file, with all of its problems
├── StorageError                 3  the database cannot be used
│   ├── StudyBusyError           3  another runner has the study
│   └── DamagedStudyError        3  what is stored of a study is not what hpstudy and Optuna write
├── ArtifactError                3  a file of a study cannot be written, or is damaged
├── DataError                    4  a data set is absent or damaged
├── StudyFailedError             1  the study ended, but no trial succeeded or five failed in a row
├── RerunDiffersError            1  a trial trained again gave another curve
├── StudyTimeoutError            0  the time that was given is over; the study can be gone on with
└── StudyInterruptedError    128+  a signal stopped the study (128 and its number), which can be gone on with
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a study file.

    Attributes:
        line: Line from 1; 0 where the problem is of the whole file or of a command-line option.
        column: Column from 1; 0 with line 0.
        place: What is wrong there, in the file's own words: `settings.learning_rate.low`, or `--trials`.
        fact: What is wrong, what is allowed, and the nearest name or the repair.
    """

    line: int
    column: int
    place: str
    fact: str


class HpstudyError(Exception):
    """A failure that is told in one sentence; `exit_code` is what the command ends with."""

    exit_code = 1


class InputError(HpstudyError):
    """Something the user wrote cannot be used."""

    exit_code = 2


class StudyFileError(InputError):
    """A study file with problems: all of them at once, in the order of the file."""

    def __init__(self, path: str, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(self._line(problem) for problem in self.problems))

    def _line(self, problem: Problem) -> str:
        position = f"{self.path}:{problem.line}:{problem.column}: " if problem.line else f"{self.path}: "
        return position + (f"{problem.place}: " if problem.place else "") + problem.fact


class StorageError(HpstudyError):
    """The storage cannot be opened, read or written."""

    exit_code = 3


class StudyBusyError(StorageError):
    """Another runner is working on the study."""


class DamagedStudyError(StorageError):
    """What is stored of a study is not what hpstudy and Optuna write; other studies beside it may be sound.

    Attributes:
        fact: What is wrong and where: `trial 3, config: is no JSON`.
    """

    def __init__(self, fact: str, *, study: str = "", repair: str = "") -> None:
        self.fact = fact
        super().__init__(": ".join(part for part in (study, fact) if part) + (f"; {repair}" if repair else ""))


class ArtifactError(HpstudyError):
    """A file that belongs to a study (weights, predictions, a report) cannot be written, or is damaged."""

    exit_code = 3


class DataError(HpstudyError):
    """A data set is absent, damaged, or holds files that are no images."""

    exit_code = 4


class StudyFailedError(HpstudyError):
    """The study ended without a trial that succeeded, or stopped because five trainings in a row failed."""


class RerunDiffersError(HpstudyError):
    """A trial that was trained again did not give its stored curve."""


class StudyTimeoutError(HpstudyError):
    """The time that the study was given is over before its end; the same command goes on with it."""

    exit_code = 0


class StudyInterruptedError(HpstudyError):
    """A signal stopped the study; the same command goes on with it.

    Attributes:
        signal_number: Of the signal; the exit code is 128 more, as shells have it.
    """

    def __init__(self, message: str, *, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
