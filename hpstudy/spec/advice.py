"""What a sound study file can hardly mean: samplers that do not suit it, settings without effect, small spaces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from hpstudy.numbers import listed
from hpstudy.spec.catalogue import SETTINGS
from hpstudy.spec.config import architecture_setting, baseline_values, configure, is_among
from hpstudy.spec.grid import is_countable, n_different
from hpstudy.spec.rows import Scalar
from hpstudy.spec.sameness import config_key
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import Choices, Domain, Fixed, Range, Setting, StudySpec

_DEFAULTS: Mapping[str, Domain] = {row.name: Fixed(row.default) for row in SETTINGS if row.default is not None}


def advice(spec: StudySpec) -> Iterator[str]:
    """A line for each thing that can be trained and is hardly meant, with what would suit."""
    yield from _on_sampler(spec)
    yield from _on_pruner(spec)
    yield from _on_size(spec)
    yield from _on_schedule(spec)
    yield from _on_conditions(spec)
    yield from _on_baselines(spec)


def n_combinations(spec: StudySpec, *, at_most: int) -> int | None:
    """How many different configurations a study can have, `at_most` for more; None where ranges have no steps."""
    settings = _settings(spec)
    return n_different(settings, epochs=spec.epochs, at_most=at_most) if all(map(is_countable, settings)) else None


def _settings(spec: StudySpec) -> tuple[Setting, ...]:
    return (architecture_setting(spec), *spec.settings.values())


def _on_sampler(spec: StudySpec) -> Iterator[str]:
    """CMA-ES and Gaussian processes model what every trial has, and see complete trials alone."""
    name = spec.sampler.name
    if name not in {"cmaes", "gp"}:
        return
    settings = _settings(spec) if not spec.fair else tuple(spec.settings.values())
    searched = [setting for setting in settings if not isinstance(setting.domain, Fixed)]
    alone = [one.name for one in searched if one.when or (name == "cmaes" and isinstance(one.domain, Choices))]
    if alone:
        what = "choices and settings under a condition" if name == "cmaes" else "settings under a condition"
        yield f"sampler: {name} draws {what} at random, here {listed(alone)}; tpe learns from them too."
    together = len(searched) - len(alone)
    needed = _needs(spec, n_together=together)
    if spec.pruner.name != "none":
        yield (
            f"sampler: {name} learns from complete trials alone, and not before {needed} are complete; the pruner "
            f"{spec.pruner.name} leaves few of {spec.trials}. tpe learns from stopped trials too; else take the pruner "
            "none."
        )
    elif spec.trials <= needed:
        yield f"sampler: {name} learns once {needed} trials are complete, of {spec.trials}; tpe begins earlier."


def _needs(spec: StudySpec, *, n_together: int) -> int:
    """Complete trials before the sampler draws by what it has learnt."""
    startup = int(spec.sampler.options.get("startup_trials", 0))
    if spec.sampler.name != "cmaes":
        return startup
    return startup + 4 + int(3 * math.log(max(n_together, 1)))  # a generation, as the package cmaes has it


def _on_pruner(spec: StudySpec) -> Iterator[str]:
    """A pruner that is never asked while something could be pruned."""
    options = spec.pruner.options
    startup, warmup = int(options.get("startup_trials", 0)), int(options.get("warmup_epochs", -1))
    first = int(options.get("min_epochs", warmup + 1))  # 0 for the pruner none
    if ("pruner",) in spec.positions and first >= spec.epochs:
        name = spec.pruner.name
        yield f"pruner: {name} cuts after {first} epochs first, which prunes nothing in trials of {spec.epochs}."
    elif startup >= spec.trials:
        yield f"pruner: {spec.pruner.name} begins after {startup} complete trials, of {spec.trials}: it prunes nothing."


def _on_size(spec: StudySpec) -> Iterator[str]:
    n_trials = spec.trials
    n_different_ones = n_combinations(spec, at_most=n_trials + 1)
    if spec.sampler.name != "grid" and n_different_ones is not None and n_different_ones <= n_trials:
        yield (
            f"trials: the settings have {n_different_ones} different configurations, each is trained once, and the "
            f"{n_trials} trials asked for are not reached; the sampler grid walks them without drawing any twice."
        )


def _on_schedule(spec: StudySpec) -> Iterator[str]:
    """StepLR that never steps, or steps by a factor of 1."""
    written = [name for name in ("step_gamma", "step_size") if name in spec.settings]
    gamma, size = (_domain(spec, name) for name in ("step_gamma", "step_size"))
    if not written:
        return
    verb = "changes" if len(written) == 1 else "change"
    if _low(size) >= spec.epochs:
        yield f"settings: {listed(written)} {verb} nothing where step_size is not below epochs, which is {spec.epochs}."
    elif _high(size) >= spec.epochs and gamma != Fixed(1.0):
        yield (
            f"settings.step_size: from {spec.epochs} on it changes nothing, nor does step_gamma, in trials of "
            f"{spec.epochs} epochs; let it end at {spec.epochs - 1}."
        )
    elif "step_size" in written and isinstance(gamma, Fixed) and gamma.value == 1:
        yield "settings.step_size: changes nothing while step_gamma is 1; give step_gamma a value below 1."


def _on_conditions(spec: StudySpec) -> Iterator[str]:
    absent = {name: domain for name, domain in _DEFAULTS.items() if name not in spec.settings}
    domains = {"architecture": architecture_setting(spec).domain, **absent}
    for setting in spec.settings.values():  # parents come first
        never = [key for key, allowed in setting.when.items() if not _meets(domains.get(key), allowed)]
        if never:
            yield f"settings.{setting.name}: never holds, for {never[0]} is never {_words(setting.when[never[0]])}."
        else:
            domains[setting.name] = setting.domain


def _on_baselines(spec: StudySpec) -> Iterator[str]:
    seeds = training_seeds(spec.seed, "baseline", 0)
    keys = {
        baseline.name: config_key(configure(spec, baseline_values(spec, baseline), epochs=baseline.epochs, seeds=seeds))
        for baseline in spec.baselines
    }
    for one, other in combinations(keys, 2):
        if keys[one] == keys[other]:
            yield f"baselines: {one} and {other} are one configuration, and are confirmed as one."


def _domain(spec: StudySpec, name: str) -> Domain:
    return spec.settings[name].domain if name in spec.settings else _DEFAULTS[name]


def _meets(domain: Domain | None, allowed: Sequence[Scalar]) -> bool:
    """Whether a parent can have one of some values; one that never holds itself, None, has none."""
    match domain:
        case Fixed(value):
            return is_among(value, tuple(allowed))
        case Choices(values):
            return any(is_among(value, tuple(allowed)) for value in values)
        case None:
            return False
    return True  # the reader of conditions has compared a range with them


def _low(domain: Domain) -> float:
    return min(_ends(domain))


def _high(domain: Domain) -> float:
    return max(_ends(domain))


def _ends(domain: Domain) -> list[float]:
    match domain:
        case Fixed(value):
            return [float(value)]
        case Choices(values):
            return [float(value) for value in values]
        case Range(low, high):
            return [float(low), float(high)]


def _words(values: Sequence[Scalar]) -> str:
    return " or ".join(map(str, values))
