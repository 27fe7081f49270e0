"""Writes a trained model as a folder that can be handed on: all of it, or nothing."""

from __future__ import annotations

import ast
import hashlib
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from hpstudy.errors import ArtifactError, InputError
from hpstudy.exports.card import model_card
from hpstudy.exports.manifest import MOST_BYTES, Manifest, ManifestError, manifest_text, read_manifest
from hpstudy.exports.model import CARD_FILE, CONFIG_FILE, EXPORT_FILES, SOURCE_FILE, WEIGHTS_FILE, TrainedModel
from hpstudy.exports.rebuild import build_architecture
from hpstudy.regular_file import read_regular
from hpstudy.training.weights import check_weights, load_weights


def write_export(model: TrainedModel, *, weights: Path, sha256: str | None, source: str | None, folder: Path) -> None:
    """Writes weights, `config.json`, a model card and the source of a user's architecture into a folder.

    The folder appears, or takes the place of an earlier export, once it is whole. No code of the user's is run; the
    weights of an architecture of hpstudy's or torchvision's are tried in their model first.

    Args:
        model: What is known of the model.
        weights: The file that `write_weights` wrote.
        sha256: What `write_weights` returned for it; None where nobody kept it.
        source: The text of a user's own architecture; None for any other.
        folder: Where to; it is made, as are the folders above it.

    Raises:
        InputError: The folder holds something else than an earlier export, or the user's architecture cannot stand by
            itself: its source is not known or imports its package's other files.
        ArtifactError: The weights are damaged or another model's; or the disk is full, or the folder cannot be
            written to.
    """
    target = folder.resolve()
    _check_target(target, shown=folder)
    if model.has_own_code:
        _check_source(model, source)
        digest = check_weights(weights, sha256=sha256)
    else:
        source = None
        digest = _check_fit(model, weights, sha256=sha256)
    with _replacing(target) as made:
        files = {WEIGHTS_FILE: digest}
        _write(made / WEIGHTS_FILE, read_regular(weights))
        if source is not None:
            files[SOURCE_FILE] = hashlib.sha256(source.encode()).hexdigest()
            _write(made / SOURCE_FILE, source.encode())
        _write(made / CONFIG_FILE, manifest_text(Manifest(model, files)).encode())
        _write(made / CARD_FILE, model_card(model, source=source).encode())


def _check_target(target: Path, *, shown: Path) -> None:
    """Refuses to touch what is not hpstudy's."""
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{shown}: is a file; name a folder with --output")
    if target == Path.cwd():  # it is replaced as a whole, and a shell would be left in a folder that is gone
        raise InputError(f"{shown}: is the folder that you are in; name another with --output")
    entries = {entry.name for entry in target.iterdir()} - {"__pycache__"}  # left by code beside the source
    if not entries:
        return
    try:
        read_manifest(read_regular(target / CONFIG_FILE, most_bytes=MOST_BYTES))
    except (OSError, ManifestError):
        raise InputError(
            f"{shown}: is not empty and no earlier export; nothing was written; name another folder with --output"
        ) from None
    if others := sorted(entries - set(EXPORT_FILES)):
        raise InputError(
            f"{shown}: is an earlier export that also holds {', '.join(others)}; nothing was written; "
            "take that away, or name another folder with --output"
        )


def _check_source(model: TrainedModel, source: str | None) -> None:
    architecture = model.config.architecture
    if source is None:
        raise InputError(
            f"{architecture}: no run recorded its source, without which the model cannot be loaded; "
            f"`hpstudy confirm {shlex.quote(model.study)}` records it"
        )
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{architecture}: its recorded source is no Python that runs here ({error})") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            raise InputError(
                f"{architecture}: line {node.lineno} imports another file of its package; an export holds the "
                "architecture's own file alone: write that import with the package's full name"
            )


def _check_fit(model: TrainedModel, weights: Path, *, sha256: str | None) -> str:
    """The checksum of weights that fit the model."""
    digest = check_weights(weights, sha256=sha256)
    load_weights(build_architecture(model, folder=weights.parent), weights, sha256=digest)
    return digest


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A folder to fill that takes the target's place at the end; on an error the target stays as it was."""
    made: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        filled, old = made / "new", made / "old"
        filled.mkdir()
        yield filled
        if target.exists():
            target.rename(old)
        try:
            filled.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise ArtifactError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    """Writes a file through to the disk: what is renamed must be whole."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
