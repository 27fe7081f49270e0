"""The `settings` of a study file: from the file's mapping to `Setting`s in the order of their conditions."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.spec.conditions import (
    Condition,
    Parents,
    implied_condition,
    merge_conditions,
    read_condition,
)
from hpstudy.spec.domains import read_domain
from hpstudy.spec.findings import Findings
from hpstudy.spec.options import find_option
from hpstudy.spec.order import parents_first
from hpstudy.spec.rows import Option
from hpstudy.spec.study import Domain, Setting
from hpstudy.spec.wording import RefusedError


def read_settings(
    raw: Mapping[str, object], *, architectures: tuple[str, ...], findings: Findings
) -> dict[str, Setting]:
    """The sound settings of a file.

    Args:
        raw: The file's mapping: names to scalars, lists, or mappings with low and high, choices, or value.
        architectures: The architectures offered; empty where they could not be read.
        findings: Takes the problems.

    Returns:
        The settings by name, in the file's order except that parents stand before what depends on them. A
        setting with a problem is left out.
    """
    options: dict[str, Option | None] = {}
    domains: dict[str, Domain] = {}
    for name, value in raw.items():
        try:
            options[name] = find_option(name, architectures=architectures)
        except RefusedError as refused:
            findings.at_key(("settings", name), str(refused))
            continue
        domain = read_domain(options[name], value, path=("settings", name), findings=findings)
        if domain is not None:
            domains[name] = domain
    parents = Parents(tuple(raw), domains, architectures)
    conditions = {name: _condition(raw[name], name, options[name], parents, findings) for name in options}
    sound = {name: conditions[name] for name in domains}
    return {name: Setting(name, domains[name], sound[name]) for name in parents_first(sound, findings=findings)}


def _condition(raw: object, name: str, option: Option | None, parents: Parents, findings: Findings) -> Condition:
    """The whole condition of one setting."""
    given: Condition = {}
    if isinstance(raw, dict) and "when" in raw:
        given = read_condition(raw["when"], name=name, parents=parents, findings=findings)
    implied = implied_condition(name, option, parents=parents, findings=findings)
    return merge_conditions(name, given, implied, findings=findings)
