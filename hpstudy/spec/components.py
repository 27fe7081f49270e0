"""The sampler and the pruner of a study file, checked against their rows of the catalogue."""

from __future__ import annotations

from hpstudy.spec.catalogue import PRUNERS, SAMPLERS
from hpstudy.spec.file import ComponentShape, StudyShape
from hpstudy.spec.findings import Findings
from hpstudy.spec.rows import Row, Scalar
from hpstudy.spec.study import Component
from hpstudy.spec.values import legal_value
from hpstudy.spec.wording import RefusedError, did_you_mean, shown, unknown


def read_sampler(shape: StudyShape, findings: Findings) -> Component:
    """The sampler with all of its options; the default, `tpe`, where the file names an unknown one."""
    return _read_component("sampler", shape.sampler, SAMPLERS, findings)


def read_pruner(shape: StudyShape, findings: Findings) -> Component:
    """The pruner with all of its options; the default, `successive_halving`, where the file names an unknown one."""
    return _read_component("pruner", shape.pruner, PRUNERS, findings)


def _read_component(key: str, shape: ComponentShape, rows: tuple[Row, ...], findings: Findings) -> Component:
    row = next((row for row in rows if row.name == shape.name), None)
    if row is None:
        names = [row.name for row in rows]
        fact = f"no {key} {shown(shape.name)}.{did_you_mean(shape.name, names)} Known: {', '.join(names)}"
        findings.at((key, "name"), fact)
        return Component(rows[0].name, _defaults(rows[0]))
    options = _defaults(row)
    for option in row.options:
        if option.name in (shape.model_extra or {}):
            try:
                options[option.name] = legal_value(option, (shape.model_extra or {})[option.name])
            except RefusedError as refused:
                findings.at((key, option.name), str(refused))
    for name in (shape.model_extra or {}).keys() - options.keys():
        if options:
            findings.at_key((key, name), f"{row.name} has {unknown('option', name, options)}")
        else:
            findings.at_key((key, name), f"{row.name} has no options; delete this line")
    return Component(row.name, options)


def _defaults(row: Row) -> dict[str, Scalar]:
    return {option.name: option.default for option in row.options if option.default is not None}
