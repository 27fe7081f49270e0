from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hpstudy.errors import StudyFileError
from hpstudy.spec.load import Reading, read_study


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reading]:
    """Reads a text as the study file `s.yaml` of the working folder."""
    monkeypatch.chdir(tmp_path)

    def read_text(text: str | bytes, **overrides: bool | int | str) -> Reading:
        Path("s.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
        return read_study(Path("s.yaml"), overrides=overrides)

    return read_text


@pytest.fixture
def lines(read: Callable[..., Reading]) -> Callable[..., list[str]]:
    """The messages about a text, a line each."""

    def messages(text: str | bytes, **overrides: bool | int | str) -> list[str]:
        problems = read(text, **overrides).problems
        return str(StudyFileError("s.yaml", problems)).split("\n") if problems else []

    return messages
