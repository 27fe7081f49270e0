"""The commands: each parses, calls one function, and prints."""

from __future__ import annotations

import math
import shlex
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hpstudy import __version__
from hpstudy.errors import DataError, HpstudyError, InputError, StudyFileError, StudyTimeoutError
from hpstudy.options import (
    DEFAULT_ARTIFACTS,
    DEFAULT_DATA,
    DEFAULT_OUTPUT,
    DEFAULT_STORAGE,
    ArtifactsFolder,
    DataFolder,
    Device,
    ExecutorName,
    StorageUrl,
    StudyFile,
    StudyName,
    Timeout,
    Workers,
)
from hpstudy.terminal.console import open_console, say

if TYPE_CHECKING:  # what a command needs is imported where it runs: `--help` and `list` stay fast, without torch
    from hpstudy.executors.data import LoadData
    from hpstudy.report.drawing.figure import Picture
    from hpstudy.search.place import Place
    from hpstudy.search.preflight import Preflight
    from hpstudy.spec.load import Reading
    from hpstudy.spec.study import StudySpec


class _Commands(TyperGroup):
    """The commands; an option that a study file has instead is told so."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # click's, of which typer has a copy of its own or not
        try:
            return super().invoke(ctx)
        except Exception as error:
            if fact := _in_study_file(getattr(error, "option_name", "")):
                raise InputError(fact) from error
            raise


def _in_study_file(option: str) -> str:
    """Where to write what somebody gave as an option that no command has; empty where it is no part of a study file."""
    from hpstudy.spec.load import OPTIONS
    from hpstudy.spec.other_names import meant_by

    meant = meant_by(option)
    if meant is None or not option.startswith("--"):
        return ""
    if meant.setting:
        return (
            f"{option}: {meant.name} is a setting, which stands in the study file: "
            f"under settings:, as {meant.name}: {meant.setting.default}"
        )
    of_run = f"with {OPTIONS[meant.name]} of `hpstudy run`, or " if meant.name in OPTIONS else ""
    return f"{option}: no such option; {meant.name} is given {of_run}in the study file, as {meant.name}: …"


app = typer.Typer(
    name="hpstudy",
    cls=_Commands,
    help="Hyperparameter studies of image classifiers from one YAML file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
datasets_app = typer.Typer(help="Lists the data sets, or obtains one.", invoke_without_command=True)
app.add_typer(datasets_app, name="datasets")


@app.callback(invoke_without_command=True)
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: FBT002  # a flag; `main` reads it
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Hyperparameter studies of image classifiers from one YAML file."""
    if version:
        say(f"hpstudy {__version__}")
        raise typer.Exit


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")] = Path("study.yaml"),
) -> None:
    """Writes a commented starter study."""
    from hpstudy.spec.starter import starter_study

    if file.exists():
        raise InputError(f"{file}: there is such a file already; name another")
    try:
        file.write_text(starter_study(file.stem), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from error
    say(f"{file} is written. Next: hpstudy check {shlex.quote(str(file))}")


@app.command()
def check(file: StudyFile, data: DataFolder = DEFAULT_DATA, device: Device = "auto") -> None:
    """Checks a study file: every value, and one batch through every architecture; estimates the time."""
    from hpstudy.executors.data import data_on
    from hpstudy.search.estimate import estimate_study
    from hpstudy.spec.load import read_study
    from hpstudy.terminal.models import checked_study
    from hpstudy.training.device import choose_device

    chosen = choose_device(device)
    spec, found = _checked(file, read_study(file), data_on(chosen, folder=data), data_folder=data)
    estimate = estimate_study(spec, data=found.data, device=chosen)
    for line in estimate.left_out:
        _warn(f"left out of the estimate: {line}")
    models = [(candidate.label, model.layers) for candidate, model in found.models]
    open_console().print(checked_study(spec, models=models, input_shape=found.data.input_shape, estimate=estimate))


@app.command()
def run(
    file: StudyFile,
    trials: Annotated[int | None, typer.Option(help="Sampled trials in all.", show_default=False)] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of a trial.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="Another name for the study.", show_default=False)] = None,
    storage: StorageUrl = DEFAULT_STORAGE,
    data: DataFolder = DEFAULT_DATA,
    artifacts: ArtifactsFolder = DEFAULT_ARTIFACTS,
    device: Device = "auto",
    workers: Workers = None,
    executor: ExecutorName = "local",
    timeout: Timeout = None,
    no_confirm: Annotated[bool, typer.Option("--no-confirm", help="Leave the test set alone.")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Runs a study, or goes on with it: trains its baselines and trials, stops weak ones early, confirms the best."""
    from hpstudy.database import file_of
    from hpstudy.search.session import run_study
    from hpstudy.spec.config import searched_settings
    from hpstudy.spec.load import read_study
    from hpstudy.terminal.progress import RunProgress

    deadline = _deadline(timeout)
    file_of(storage)  # refused before anything is read, if it is none
    given = {"trials": trials, "epochs": epochs, "name": name}
    reading = read_study(file, overrides={key: value for key, value in given.items() if value is not None})
    place = _place(storage, artifacts=artifacts, data=data, device=device, workers=workers, executor=executor)
    if no_confirm and reading.spec:
        reading = replace(reading, spec=replace(reading.spec, confirm=None))
    spec, _ = _checked(file, reading, place.load_data, data_folder=data)
    with _time_may_end(), RunProgress(open_console(), searched=searched_settings(spec)) as progress:
        run_study(spec, place=place, observer=progress, deadline=deadline)
    _show_results(spec.name, storage=storage, artifacts=artifacts)


@app.command()
def confirm(
    name: StudyName,
    top: Annotated[
        int | None, typer.Option(help="How many of the best.", min=1, show_default="as before, else as its file says")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="How many seeds each.", min=1, show_default="as before, else as its file says")
    ] = None,
    storage: StorageUrl = DEFAULT_STORAGE,
    data: DataFolder = DEFAULT_DATA,
    artifacts: ArtifactsFolder = DEFAULT_ARTIFACTS,
    device: Device = "auto",
    workers: Workers = None,
    executor: ExecutorName = "local",
    timeout: Timeout = None,
) -> None:
    """Trains the best trials and the baselines again on fresh seeds, and evaluates each once on the test set."""
    from hpstudy.results.load import load_results
    from hpstudy.search.session import confirm_study
    from hpstudy.terminal.progress import RunProgress

    deadline = _deadline(timeout)
    searched = load_results(storage, study=name).searched
    place = _place(storage, artifacts=artifacts, data=data, device=device, workers=workers, executor=executor)
    with _time_may_end(), RunProgress(open_console(), searched=searched) as progress:
        confirm_study(name, top=top or 0, seeds=seeds or 0, place=place, observer=progress, deadline=deadline)
    _show_results(name, storage=storage, artifacts=artifacts)


@app.command()
def rerun(
    name: StudyName,
    trial: Annotated[str, typer.Argument(help="A trial's number, best, or a baseline's name.", metavar="TRIAL")],
    storage: StorageUrl = DEFAULT_STORAGE,
    data: DataFolder = DEFAULT_DATA,
    artifacts: ArtifactsFolder = DEFAULT_ARTIFACTS,
    device: Device = "auto",
) -> None:
    """Trains a stored trial again, compares its curve bit by bit, and keeps its weights."""
    from hpstudy.numbers import plural
    from hpstudy.results.load import load_results
    from hpstudy.search.rerun import rerun_trial
    from hpstudy.terminal.progress import RunProgress

    place = _place(storage, artifacts=artifacts, data=data, device=device)
    with RunProgress(open_console(), searched=load_results(storage, study=name).searched) as progress:
        found = rerun_trial(name, trial, place=place, observer=progress)
    kept = "; its weights are kept" if found.weights_kept else ""
    epochs, threads = plural(found.n_epochs, "epoch"), plural(found.n_threads, "thread")
    say(f"{found.title}: {epochs} on {threads}, equal to the last bit{kept}")


@app.command("list")
def list_command(storage: StorageUrl = DEFAULT_STORAGE) -> None:
    """Lists the studies in the storage."""
    from hpstudy.results.listing import list_studies
    from hpstudy.terminal.studies import study_list

    console = open_console()
    console.print(study_list(list_studies(storage), console=console))


@app.command()
def show(
    name: StudyName,
    trial: Annotated[
        str | None, typer.Argument(help="A trial's number, best, or a baseline's name.", metavar="TRIAL")
    ] = None,
    storage: StorageUrl = DEFAULT_STORAGE,
) -> None:
    """Shows a study's leaderboard, or one trial with its epochs."""
    from hpstudy.results.load import load_results
    from hpstudy.results.study import find_trial
    from hpstudy.terminal.summary import damage, study_summary
    from hpstudy.terminal.tables import trial_details

    results = load_results(storage, study=name)
    console = open_console()
    if trial is None:
        console.print(study_summary(results, console=console))
    else:
        console.print(*damage(results), trial_details(results, trial=find_trial(results, trial)))


@app.command()
def export(
    name: StudyName,
    output: Annotated[Path, typer.Option("--output", help="The folder to write.", metavar="DIR", show_default=False)],
    trial: Annotated[
        str, typer.Argument(help="A trial's number, best (the confirmed candidate first), or a baseline's name.")
    ] = "best",
    storage: StorageUrl = DEFAULT_STORAGE,
    artifacts: ArtifactsFolder = DEFAULT_ARTIFACTS,
) -> None:
    """Writes a trained model to a folder: weights, and all that is needed to load them."""
    from hpstudy.exports.kept import find_kept
    from hpstudy.exports.write import write_export

    kept = find_kept(storage, study=name, trial=trial, artifacts=artifacts)
    write_export(kept.model, weights=kept.weights, sha256=kept.sha256, source=kept.source, folder=output)
    say(f"{output} is written. Next: hpstudy predict {shlex.quote(str(output))} PICTURE")


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="What `hpstudy export` wrote.", metavar="DIR", show_default=False)],
    images: Annotated[list[Path], typer.Argument(help="Picture files.", metavar="IMAGE...", show_default=False)],
    top: Annotated[int, typer.Option("--top", help="Classes shown of each picture.", min=1)] = 3,
    device: Device = "auto",
) -> None:
    """Classifies pictures with an exported model. Of a user's own architecture the code in DIR is run."""
    from hpstudy.exports.predict import predict as predict_images
    from hpstudy.exports.read import read_export
    from hpstudy.terminal.predictions import prediction_table
    from hpstudy.training.device import choose_device

    exported = read_export(folder)
    probabilities = predict_images(exported, images, device=choose_device(device))
    names = exported.model.class_names
    open_console().print(prediction_table(images, class_names=names, probabilities=probabilities, top=top))


@app.command()
def report(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Studies in the storage; all where none is named.", metavar="NAME", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder that reports are written to.")] = DEFAULT_OUTPUT,
    markdown: Annotated[bool, typer.Option("--markdown", help="Also as Markdown, with pictures.")] = False,  # noqa: FBT002  # a flag
    storage: StorageUrl = DEFAULT_STORAGE,
    artifacts: ArtifactsFolder = DEFAULT_ARTIFACTS,
) -> None:
    """Writes a study's report as one HTML file, and a page that compares several. Ends with 3 where one is damaged."""
    from hpstudy.report.write import write_reports
    from hpstudy.terminal.reports import written_reports

    written = write_reports(storage, names=names or (), output=output, artifacts=artifacts, with_markdown=markdown)
    open_console().print(written_reports(written), soft_wrap=True)
    _warn_of_boxes(*(report.undrawn for report in written))
    if any(report.damaged for report in written):
        raise typer.Exit(3)


@app.command()
def delete(
    name: StudyName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002  # a flag
    storage: StorageUrl = DEFAULT_STORAGE,
    artifacts: ArtifactsFolder = DEFAULT_ARTIFACTS,
) -> None:
    """Deletes a study with all that belongs to it, after asking."""
    from hpstudy.search.removal import check_deletable, delete_study

    check_deletable(storage, study=name)
    if not yes:
        try:
            sure, code = typer.confirm(f"Delete {name} with all of its trials for ever?"), 1
        except typer.Abort:  # Ctrl-C, or nobody is there to answer
            sure, code = False, 130 if sys.stdin.isatty() else 1
        if not sure:
            say("nothing is deleted")
            raise typer.Exit(code)
    delete_study(storage, study=name, artifacts=artifacts)
    say(f"{name} is deleted")


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(help="Where it listens; 0 takes a free port.", min=0, max=65535)] = 8080,
    storage: StorageUrl = DEFAULT_STORAGE,
    artifacts: ArtifactsFolder = DEFAULT_ARTIFACTS,
) -> None:
    """Opens the storage in optuna-dashboard, for this machine alone, until Ctrl-C."""
    from hpstudy.search.dashboard_server import serve_dashboard

    def announce(address: str) -> None:
        say(f"optuna-dashboard is at {address}; Ctrl-C ends it")

    def warn(fault: str) -> None:
        say(fault, stderr=True)

    serve_dashboard(storage, artifacts=artifacts, port=port, announce=announce, warn=warn)


@datasets_app.callback()
def datasets(context: typer.Context, data: DataFolder = DEFAULT_DATA) -> None:
    """Lists the data sets and whether they are there."""
    context.obj = data
    if context.invoked_subcommand is None:
        from hpstudy.datasets.obtain import status
        from hpstudy.spec.catalogue import DATASETS
        from hpstudy.terminal.models import dataset_list

        open_console().print(dataset_list([(row, status(row.name, folder=data)) for row in DATASETS]))


@datasets_app.command()
def fetch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A data set's name.", metavar="NAME")],
    data: Annotated[Path | None, typer.Option(help="Where the data sets lie.", show_default=str(DEFAULT_DATA))] = None,
) -> None:
    """Obtains a data set: a copy on this machine, a download, or Debian's package."""
    from hpstudy.datasets import obtain

    obtain.fetch(name, folder=data or context.obj, say=say)


@app.command()
def architectures() -> None:
    """Lists the architectures with their options."""
    from hpstudy.spec.catalogue import ARCHITECTURES
    from hpstudy.terminal.models import architecture_list

    open_console().print(architecture_list(ARCHITECTURES))


def _checked(file: Path, reading: Reading, load_data: LoadData, *, data_folder: Path) -> tuple[StudySpec, Preflight]:
    """The study, once neither its file nor its architectures and data have a problem; all of them at once."""
    from hpstudy.search.preflight import preflight

    if reading.spec is None:
        raise StudyFileError(str(file), reading.problems)
    try:
        found = preflight(reading.spec, load_data=load_data, data_folder=data_folder)
    except (DataError, InputError):
        if reading.problems:
            raise StudyFileError(str(file), reading.problems) from None
        raise
    if problems := (*reading.problems, *found.problems):
        raise StudyFileError(str(file), problems)
    for warning in found.warnings:
        _warn(warning)
    return reading.spec, found


def _place(
    storage: str, *, artifacts: Path, data: Path, device: str, workers: str | None = None, executor: str = "local"
) -> Place:
    """Where a study runs, as the options say."""
    from hpstudy.executors.choice import choose_executor
    from hpstudy.search.place import Place

    chosen = choose_executor(executor, device=device, workers=workers, data_folder=data)
    return Place(
        storage_url=storage,
        artifacts=artifacts,
        load_data=chosen.load_data,
        device=chosen.device,
        open_executor=chosen.open,
        command=_command_line(),
    )


def _deadline(timeout: str | None) -> float:
    """When the time that `--timeout` gives from now on is over, on `time.monotonic`."""
    from hpstudy.numbers import read_duration

    if timeout is None:
        return math.inf
    seconds = read_duration(timeout)
    if seconds is None:
        raise InputError(f"--timeout: {timeout!r} is no time above 0; write it as 45s, 90m, 1h or 1h30m")
    return time.monotonic() + seconds


@contextmanager
def _time_may_end() -> Iterator[None]:
    """Says it where the time was over before the end; the command then shows what there is."""
    try:
        yield
    except StudyTimeoutError as end:
        say(str(end))


def _command_line() -> str:
    """The command as it was typed, for the record, but for a password."""
    from hpstudy.redaction import without_passwords

    return shlex.join(["hpstudy", *map(without_passwords, sys.argv[1:])])


def _show_results(study: str, *, storage: str, artifacts: Path) -> None:
    """Prints how a study stands after a run, and shows it in optuna-dashboard."""
    from hpstudy.report.note import note_pictures, study_note
    from hpstudy.results.load import load_results
    from hpstudy.results.predictions import candidate_predictions
    from hpstudy.terminal.summary import study_summary

    results = load_results(storage, study=study)
    console = open_console()
    console.print(study_summary(results, console=console))
    pictures: dict[str, Picture] = {}
    with _decorating(f"{study}: no pictures in optuna-dashboard"):
        pictures = note_pictures(candidate_predictions(results, artifacts=artifacts))
        _warn_of_boxes(*(picture.undrawn for picture in pictures.values()))
    with _decorating(f"{study}: no note in optuna-dashboard"):
        from hpstudy.search.dashboard import publish

        files = {name: picture.png for name, picture in pictures.items()}
        publish(storage, study=study, note=study_note(results), pictures=files, artifacts=artifacts)


@contextmanager
def _decorating(consequence: str) -> Iterator[None]:
    """What is drawn after the work ends in one line where it cannot be: the exit code is the work's.

    Args:
        consequence: What there is not then.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001  # what draws is of others, and has errors of its own
        if "--debug" in sys.argv:
            traceback.print_exc()
        fact = str(error) if isinstance(error, HpstudyError) else f"{type(error).__name__}: {error}"
        _warn(f"{consequence} ({' '.join(fact.split())})")


def _warn(sentence: str) -> None:
    say(f"warning: {sentence}", stderr=True, style="yellow")


def _warn_of_boxes(*undrawn: frozenset[str]) -> None:
    """Says, once a command, which characters of its pictures no font of the machine has."""
    from hpstudy.terminal.undrawn import undrawn_warning

    if sentence := undrawn_warning(frozenset[str]().union(*undrawn)):
        _warn(sentence)
