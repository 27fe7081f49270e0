"""The arguments and options that several commands have, with their defaults; three may come from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StudyFile = Annotated[Path, typer.Argument(help="The study file.", metavar="STUDY.yaml", show_default=False)]
StudyName = Annotated[str, typer.Argument(help="A study in the storage.", metavar="NAME", show_default=False)]
StorageUrl = Annotated[
    str,
    typer.Option("--storage", help="Where studies are kept, as a database URL.", envvar="HPSTUDY_STORAGE"),
]
ArtifactsFolder = Annotated[
    Path,
    typer.Option("--artifacts", help="Where weights, predictions and pictures lie.", envvar="HPSTUDY_ARTIFACTS"),
]
DataFolder = Annotated[Path, typer.Option("--data", help="Where the data sets lie.", envvar="HPSTUDY_DATA")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Workers = Annotated[
    str | None,
    typer.Option("--workers", help="Trainings at once: a number, or auto.", metavar="N", show_default="1; ray: auto"),
]
ExecutorName = Annotated[
    str, typer.Option("--executor", help="What trains: local (processes of this machine) or ray (a Ray cluster).")
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        help="Ends after so long, at the end of an epoch; the same command goes on. 45s, 90m, 1h30m.",
        metavar="TIME",
        show_default="none",
    ),
]
DEFAULT_STORAGE = "sqlite:///hpstudy.db"
DEFAULT_DATA = Path("data")
DEFAULT_ARTIFACTS = Path("artifacts")
DEFAULT_OUTPUT = Path("reports")
