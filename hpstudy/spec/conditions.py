"""When a setting exists: the file's `when`, and what follows by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.spec.catalogue import SETTINGS
from hpstudy.spec.findings import Findings
from hpstudy.spec.options import find_option
from hpstudy.spec.rows import Option, Scalar
from hpstudy.spec.study import Choices, Domain, Fixed, KeyPath, Range
from hpstudy.spec.values import legal_value
from hpstudy.spec.wording import RefusedError, did_you_mean, shown, unknown

Condition = dict[str, tuple[Scalar, ...]]


_DEFAULT_OPTIMIZER = str(next(row.default for row in SETTINGS if row.name == "optimizer"))


@dataclass(frozen=True)
class Parents:
    """What a condition can name.

    Attributes:
        written: Every setting of the file, broken ones included.
        domains: What the sound ones may be.
        architectures: The architectures offered; empty where they could not be read.
    """

    written: tuple[str, ...]
    domains: Mapping[str, Domain]
    architectures: tuple[str, ...]


def read_condition(raw: object, *, name: str, parents: Parents, findings: Findings) -> Condition:
    """The `when` of one setting, with what is wrong reported and left out.

    Args:
        raw: The mapping as the file has it: keys are settings or `architecture`, values scalars or lists.
        name: The setting that carries it.
        parents: What it can name.
        findings: Takes the problems.
    """
    path: KeyPath = ("settings", name, "when")
    if not isinstance(raw, dict) or not raw:
        findings.at(path, f"expected a mapping such as {{optimizer: [sgd, adam]}}, got {shown(raw)}")
        return {}
    domains = {**parents.domains, **_architecture_domain(parents.architectures)}
    condition: Condition = {}
    for key, entries in raw.items():
        if key == name:
            findings.at_key((*path, key), f"{name} cannot depend on itself; delete this condition")
        elif key not in parents.written and key != "architecture":
            known = ["architecture", *(other for other in parents.written if other != name)]
            findings.at_key((*path, key), unknown("setting in this file", key, known))
        elif key in domains:
            allowed = _parent_values(key, entries, domains[key], (*path, key), findings)
            if allowed:
                condition[key] = allowed
    return condition


def _architecture_domain(architectures: tuple[str, ...]) -> dict[str, Domain]:
    if not architectures:
        return {}
    return {"architecture": Choices(architectures) if len(architectures) > 1 else Fixed(architectures[0])}


def _parent_values(key: str, raw: object, domain: Domain, path: KeyPath, findings: Findings) -> tuple[Scalar, ...]:
    """The values of a parent under which the setting exists; impossible ones are reported and left out."""
    if isinstance(domain, Range) and isinstance(domain.low, float) and domain.step is None:
        findings.at(path, f"{key} is a continuous range, which hardly ever meets one value; give it a step")
        return ()
    if raw == []:
        findings.at(path, f"an empty list; give the values of {key}")
    entries = raw if isinstance(raw, list) else [raw]
    allowed: list[Scalar] = []
    for index, entry in enumerate(entries):
        try:
            allowed.append(_possible(key, entry, domain))
        except RefusedError as refused:
            findings.at((*path, index) if isinstance(raw, list) else path, str(refused))
    return tuple(dict.fromkeys(allowed))


def _possible(key: str, raw: object, domain: Domain) -> Scalar:
    """A value that the parent can have."""
    option = None if key == "architecture" else find_option(key, architectures=())
    value = _architecture(raw) if key == "architecture" else legal_value(option, raw)
    if isinstance(domain, Range):
        if _in_range(value, domain):
            return value
        bounds = f"from {shown(domain.low)} to {shown(domain.high)}"
        raise RefusedError(f"{key} is {bounds}, never {shown(raw)}")
    values = domain.values if isinstance(domain, Choices) else (domain.value,)
    if not any(type(value) is type(other) and value == other for other in values):
        listed = ", ".join(other if isinstance(other, str) else shown(other) for other in values)
        near = did_you_mean(raw, [str(other) for other in values]) if isinstance(raw, str) else ""
        raise RefusedError(f"{key} is never {shown(raw)}, only {listed}{'.' + near if near else ''}")
    return value


def _architecture(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    raise RefusedError(f"expected the name of an architecture, got {shown(raw)}")


def _in_range(value: Scalar, domain: Range) -> bool:
    if isinstance(value, (bool, str)) or not domain.low <= value <= domain.high:
        return False
    steps = (value - domain.low) / (domain.step or 1)
    return abs(steps - round(steps)) < 1e-9


def implied_condition(name: str, option: Option | None, *, parents: Parents, findings: Findings) -> Condition:
    """What follows by itself: momentum exists for the optimizers that have it, an option for its own.

    A parent that can take no other value gives no condition. A fixed setting that can never matter keeps a
    condition that never holds; one that is searched but can never matter is a problem.
    """
    condition: Condition = {}
    having = option.optimizers if option else ()
    offered = _offered_optimizers(parents)
    if having and not all(value in having for value in offered):
        possible = tuple(value for value in offered if value in having)
        if not possible and not isinstance(parents.domains.get(name), Fixed):
            fact = f"no optimizer offered has {name}, only {' and '.join(having)} have"
            findings.at(("settings", name), f"{fact}; offer one of these, or delete this line")
        condition["optimizer"] = possible or having
    if "." in name and len(parents.architectures) > 1:
        condition["architecture"] = (name.rpartition(".")[0],)
    return condition


def _offered_optimizers(parents: Parents) -> tuple[Scalar, ...]:
    """The optimizers that a trial can have; none where the file's own could not be read."""
    optimizer = parents.domains.get("optimizer")
    if isinstance(optimizer, Choices):
        return optimizer.values
    if isinstance(optimizer, Fixed):
        return (optimizer.value,)
    return () if "optimizer" in parents.written else (_DEFAULT_OPTIMIZER,)


def merge_conditions(name: str, given: Condition, implied: Condition, *, findings: Findings) -> Condition:
    """Both conditions in one: where both name a key, the values that both allow."""
    merged = dict(given)
    for key, allowed in implied.items():
        both = tuple(value for value in given.get(key, allowed) if value in allowed)
        if not both:
            listed = ", ".join(str(value) for value in allowed)
            findings.at(
                ("settings", name, "when", key),
                f"{name} exists only where {key} is {listed}; name one of these",
            )
        merged[key] = both or allowed
    return merged
