"""`config.json`: what is known of an exported model with the checksums of its files and of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hpstudy.exports.model import TrainedModel
from hpstudy.exports.plausible import first_implausible

FORMAT = "hpstudy export"
VERSION = 1
"""Goes up when a reader of the version before could not use the folder."""

MOST_BYTES = 16_000_000
"""A thousand classes take 20 kB."""


class ManifestError(Exception):
    """Why a text is no manifest that can be used, as a clause."""


@dataclass(frozen=True)
class Manifest:
    """What `config.json` says.

    Attributes:
        model: What is known of the model.
        files: SHA-256 (hexadecimal) of each other file that counts, by name.
    """

    model: TrainedModel
    files: Mapping[str, str]


_ADAPTER = TypeAdapter(Manifest)


def manifest_text(manifest: Manifest) -> str:
    """The manifest as JSON; equal manifests give equal texts."""
    content = {"format": FORMAT, "version": VERSION, **_ADAPTER.dump_python(manifest, mode="json")}
    return json.dumps({**content, "sha256": _checksum(content)}, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def read_manifest(content: bytes) -> Manifest:
    """The manifest of a file's bytes.

    Args:
        content: What `manifest_text` gave, in UTF-8. White space between its values may differ; nothing else may.

    Raises:
        ManifestError: It is no manifest, is of a later hpstudy, was altered, lacks something, or says what can be of
            no model.
    """
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError("is cut short or no JSON") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ManifestError("is no hpstudy export's")
    if found.get("version") != VERSION:
        raise ManifestError("is of another version of hpstudy's exports; read it with a newer hpstudy")
    expected = found.pop("sha256", None)
    if expected != _checksum(found):
        raise ManifestError("was altered (its own checksum does not fit)")
    del found["format"], found["version"]
    try:
        # As JSON: in strict mode a list stands for a tuple only there.
        manifest = _ADAPTER.validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ManifestError(f"{place}: {first['msg']}") from error
    if fact := first_implausible(manifest.model):
        raise ManifestError(f"model.{fact}")
    return manifest


def _checksum(content: Mapping[str, Any]) -> str:
    """Over the values in one fixed form of JSON, so that an editor's line ends do not count."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
