"""A sentence of the report with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["controlled", "association", "nothing", "note"]


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        text: One or two sentences of plain text; names and values in them are the user's and may hold anything.
        figure: Key of the figure or table that shows it: `comparison`, `leaderboard`, `learning-curves`,
            `best-so-far`, `slice-<setting>` or `confusion`.
        kind: `controlled` (confirmed configurations on the same seeds: may be read as an effect), `association` (trials
            of a search, in which settings vary together), `nothing` (looked for, and not found) or `note` (what was
            counted or measured).
    """

    text: str
    figure: str
    kind: Kind


@dataclass(frozen=True)
class Findings:
    """What a study says and what it cannot say.

    Attributes:
        said: At most eight, in the order to be read; at least three where a study of some size is complete.
        cannot_say: Sentences.
    """

    said: tuple[Finding, ...]
    cannot_say: tuple[str, ...]


def slice_of(setting: str) -> str:
    """The key of a setting's own figure."""
    return f"slice-{setting}"
