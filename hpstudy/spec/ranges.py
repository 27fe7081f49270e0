"""Ranges: from `{low, high, log, step}` of the file to a `Range` that every sampler takes."""

from __future__ import annotations

from decimal import Decimal

from hpstudy.spec.findings import Findings
from hpstudy.spec.rows import Interval, Option
from hpstudy.spec.study import KeyPath, Range
from hpstudy.spec.values import typed_value
from hpstudy.spec.wording import expected, shown, wanted

Number = int | float

MAX_STEPS = 1_000_000


def read_range(option: Option | None, raw: dict[str, object], *, path: KeyPath, findings: Findings) -> Range | None:
    """The range of a setting, or None where it has a problem.

    Args:
        option: What the setting is in the catalogue; None for an option of a user's own architecture, which
            is an integer if both of its bounds are.
        raw: The mapping as the file has it, with low, high, log or step in it.
        path: Where it stands.
        findings: Takes the problems.

    Returns:
        A range with low < high; both are floats unless the setting is an integer.
    """
    if option is not None and option.kind in {"bool", "choice"}:
        findings.at(path, f"a range is for numbers; this setting is {wanted(option)}. Give a list of choices")
        return None
    missing = [key for key in ("low", "high") if key not in raw]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        findings.at(path, f"{' and '.join(missing)} {verb} missing; a range has low and high")
    n_before = len(findings.problems)
    as_int = option.kind == "int" if option else all(type(raw.get(key)) is int for key in ("low", "high"))
    known = option or Option("", "int" if as_int else "float", None)
    low, high = (_bound(known, key, raw, path, findings) for key in ("low", "high"))
    step = _step(known, raw, path, findings)
    log = _log(raw, path, findings)
    if missing or len(findings.problems) > n_before or low is None or high is None:
        return None
    drawn = Range(low, high, log=log, step=step)
    return drawn if _fits(drawn, known.legal, path=path, findings=findings) else None


def _bound(option: Option, key: str, raw: dict[str, object], path: KeyPath, findings: Findings) -> Number | None:
    if key not in raw:
        return None
    value = typed_value(option, raw[key])
    if isinstance(value, (int, float)) and value in option.legal:
        return value
    findings.at((*path, key), expected(wanted(option), raw[key]))
    return None


def _step(option: Option, raw: dict[str, object], path: KeyPath, findings: Findings) -> Number | None:
    if "step" not in raw:
        return None
    noun = "a whole number of at least 1" if option.kind == "int" else "a number above 0"
    value = typed_value(option, raw["step"])
    if isinstance(value, (int, float)) and value > 0:
        return value
    findings.at((*path, "step"), expected(noun, raw["step"]))
    return None


def _log(raw: dict[str, object], path: KeyPath, findings: Findings) -> bool:
    log = raw.get("log", False)
    if isinstance(log, bool):
        return log
    findings.at((*path, "log"), expected("true or false", log))
    return False


def _fits(drawn: Range, legal: Interval, *, path: KeyPath, findings: Findings) -> bool:
    """Whether the parts of a range go together; the first that does not is reported."""
    if drawn.low == drawn.high:
        fact = f"low and high are both {shown(drawn.low)}, so nothing varies; give the value itself"
        findings.at((*path, "high"), fact)
    elif drawn.low > drawn.high:
        fact = f"{shown(drawn.low)} is above high, {shown(drawn.high)}; swap them"
        findings.at((*path, "low"), fact)
    elif drawn.log and drawn.low <= 0:
        fact = f"a logarithmic range begins above 0, got {shown(drawn.low)}; raise low or leave log out"
        findings.at((*path, "low"), fact)
    elif drawn.log and drawn.step is not None:
        findings.at((*path, "step"), "a logarithmic range takes no step; leave out step or log")
    elif drawn.step is not None and (drawn.high - drawn.low) / drawn.step > MAX_STEPS:
        findings.at((*path, "step"), f"more than {MAX_STEPS:,} steps; leave step out for a continuous range")
    elif drawn.step is not None and not _reaches(drawn):
        findings.at((*path, "step"), _unreached(drawn, legal))
    else:
        return True
    return False


def _reaches(drawn: Range) -> bool:
    """Whether the steps end at high, in the decimals that the file writes (0.1 three times is 0.3)."""
    span = Decimal(str(drawn.high)) - Decimal(str(drawn.low))
    return span % Decimal(str(drawn.step)) == 0


def _unreached(drawn: Range, legal: Interval) -> str:
    low, high, step = (Decimal(str(value)) for value in (drawn.low, drawn.high, drawn.step))
    n_below = (high - low) // step
    ends = [low + n * step for n in (n_below, n_below + 1) if n > 0 and float(low + n * step) in legal]
    fact = f"steps of {step} from {low} do not reach {high}"
    if not ends:
        return f"{fact}; give a smaller step"
    return f"{fact}; the nearest high that fits is {min(ends, key=lambda end: abs(end - high))}"
