"""The order of settings: each after the settings that its condition names."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.spec.conditions import Condition
from hpstudy.spec.findings import Findings


def parents_first(conditions: Mapping[str, Condition], *, findings: Findings) -> list[str]:
    """The settings in the file's order, but each after the settings that its condition names.

    Args:
        conditions: By setting, in the file's order; keys that are no setting here (`architecture`) are no
            parents.
        findings: Takes each circle, written out.

    Returns:
        The settings without those that are part of a circle or depend on one.
    """
    ordered: list[str] = []
    remaining = list(conditions)
    while remaining:
        parents = {name: [key for key in conditions[name] if key in conditions] for name in remaining}
        ready = next((name for name in remaining if set(parents[name]) <= set(ordered)), None)
        if ready is None:
            _report_circles(parents, findings)
            return ordered
        ordered.append(ready)
        remaining.remove(ready)
    return ordered


def _report_circles(parents: Mapping[str, list[str]], findings: Findings) -> None:
    """Each circle once, from the setting of it that stands first in the file."""
    reported: set[str] = set()
    for name in parents:
        chain = [name]
        while chain[-1] in parents and chain.count(chain[-1]) == 1:
            chain.append(next(key for key in parents[chain[-1]] if key in parents))
        circle = chain[chain.index(chain[-1]) :]
        if name == circle[0] and not reported & set(circle):
            reported |= set(circle)
            fact = f"a circle of conditions: {' → '.join(circle)}; drop one of them"
            findings.at(("settings", name, "when"), fact)
