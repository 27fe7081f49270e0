"""File names and anchors from names that users gave, which may hold anything in a study that plain Optuna made."""

from __future__ import annotations

import hashlib
import re

_PLAIN_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_TAKEN = frozenset({"index"})
"""What other files of the report are called."""


def file_stem(study: str) -> str:
    """What the files of a study's report are called: the study's name where it is a plain one.

    Any other name, `../x` or one with a slash in it, loses what is not plain and takes eight digits of its hash, so
    that two names never meet and no file lies outside of the folder.
    """
    if _PLAIN_FILE.fullmatch(study) and study.casefold() not in _TAKEN:
        return study
    return f"{_slug(study)[:60] or 'study'}-{_digits(study)}"


def anchor(key: str) -> str:
    """A fragment identifier for the key of a figure or a table; different keys have different ones."""
    slug = _slug(key)
    return slug if slug == key else f"{slug or 'part'}-{_digits(key)}"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")


def _digits(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
