"""What several values of a study file must hold together."""

from __future__ import annotations

from collections.abc import Callable

from hpstudy.spec.findings import Findings
from hpstudy.spec.grid import is_countable
from hpstudy.spec.study import Fixed, Range, Setting, StudySpec


def check_study(spec: StudySpec, findings: Findings) -> None:
    """Reports every value that is sound by itself but not beside the others.

    Args:
        spec: The study as far as it was sound; a part with a problem of its own is not judged again.
        findings: Takes the problems.
    """
    checks: tuple[Callable[[StudySpec, Findings], None], ...] = (
        _check_search,
        _check_grid,
        _check_cmaes,
        _check_first_cut,
        _check_fair,
    )
    for check in checks:
        check(spec, findings)


def _searched(spec: StudySpec) -> list[Setting]:
    return [setting for setting in spec.settings.values() if not isinstance(setting.domain, Fixed)]


def _check_search(spec: StudySpec, findings: Findings) -> None:
    if findings.has(("settings",)) or findings.has(("architecture",)) or findings.has(("baselines",)):
        return
    if not _searched(spec) and len(spec.architectures) == 1 and not spec.baselines:
        fact = "nothing varies; give a setting several values, as in batch_size: [32, 64, 128]"
        findings.at(("settings",), fact)


def _check_grid(spec: StudySpec, findings: Findings) -> None:
    if spec.sampler.name != "grid":
        return
    for setting in _searched(spec):
        if not is_countable(setting):
            fact = "the sampler grid needs separate values; give a list or a step, or take another sampler"
            findings.at(("settings", setting.name), fact)


def _check_cmaes(spec: StudySpec, findings: Findings) -> None:
    """CmaEsSampler learns from the numeric ranges that every trial has, and draws all else at random."""
    if spec.sampler.name != "cmaes" or findings.has(("settings",)):
        return
    if not any(isinstance(setting.domain, Range) and not setting.when for setting in _searched(spec)):
        fact = "cmaes learns from ranges that every trial has, and this study has none; take tpe"
        findings.at(("sampler", "name"), fact)


def _check_first_cut(spec: StudySpec, findings: Findings) -> None:
    """A first cut that no trial reaches: the file says that it prunes, and nothing would be.

    After the last epoch nothing is pruned any more.
    """
    if "epochs" in findings.options or findings.has(("epochs",)):
        return
    written = [name for name in spec.pruner.options if ("pruner", name) in findings.positions]
    for name in written:
        value = spec.pruner.options[name]
        if name == "warmup_epochs" and isinstance(value, int) and value > spec.epochs - 2:
            fact = f"a warm-up of {value} in trials of {spec.epochs} epochs prunes nothing"
            findings.at(("pruner", name), f"{fact}; give fewer, or take the pruner none")
        if name == "min_epochs" and isinstance(value, int) and value >= spec.epochs:
            fact = f"a first cut after {value} epochs in trials of {spec.epochs} prunes nothing"
            findings.at(("pruner", name), f"{fact}; give fewer, or take the pruner none")


def _check_fair(spec: StudySpec, findings: Findings) -> None:
    if not spec.fair or findings.has(("architecture",)):
        return
    n_offered = len(spec.architectures)
    if n_offered < 2:
        findings.at(
            ("fair",),
            "compares several architectures, and one is offered; offer more or delete this line",
        )
    elif spec.trials % n_offered and not findings.has(("trials",)):
        nearest = max(round(spec.trials / n_offered), 1) * n_offered
        fact = f"{spec.trials} trials do not divide among {n_offered} architectures; give {nearest}"
        findings.at(("trials",), fact)
