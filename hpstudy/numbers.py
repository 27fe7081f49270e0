"""Numbers and times as people read them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_MINUTE = 60
_HOUR = 3600
_MOST_DIGITS = 10_000_000


def percent(fraction: float) -> str:
    """A fraction as `91.04 %`; an en dash for a number that is not there."""
    return "–" if math.isnan(fraction) else f"{100 * fraction:.2f} %"


def points(difference: float) -> str:
    """A difference of fractions with its sign: `+0.42 points`, `−12.30 points`; an en dash where it is not there."""
    return "–" if math.isnan(difference) else f"{_signed(difference)} points"


def percent_range(low: float, high: float) -> str:
    """An interval of fractions: `90.60 % to 91.20 %`."""
    return f"{percent(low)} to {percent(high)}"


def points_range(low: float, high: float) -> str:
    """An interval of differences of fractions: `−0.10 to +0.74 points`."""
    return f"{_signed(low)} to {points(high)}"


def p_value(p: float) -> str:
    """A probability as `p = 0.013` or `p < 0.001`; an en dash for one that is not there."""
    if math.isnan(p):
        return "–"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def duration(seconds: float) -> str:
    """A time as `40 ms`, `4.2 s`, `41 s`, `12 min 5 s` or `3 h 20 min`; an en dash for one that is not there."""
    if math.isnan(seconds):
        return "–"
    if seconds < 0.1:  # a tenth would be 0.0
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:  # below it a tenth still tells something
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def read_duration(text: str) -> float | None:
    """Seconds of a time as people write it: `45s`, `90m`, `1h`, `1h30m`, `1.5h`; None for anything else, and for 0."""
    number = r"(\d+(?:\.\d+)?)"
    found = re.fullmatch(rf"(?:{number}h)?(?:{number}m)?(?:{number}s)?", text, re.ASCII)
    if not found:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * _HOUR + minutes * _MINUTE + seconds or None


def about(seconds: float) -> str:
    """A time that is only estimated: `under a minute`, `about 12 min`, `about 3.5 h`."""
    if seconds < _MINUTE:
        return "under a minute"
    if seconds < 2 * _HOUR:
        return f"about {round(seconds / _MINUTE)} min"
    return f"about {seconds / _HOUR:.1f} h"


def value(setting: object) -> str:
    """A setting's value: floats with three digits that count, whole ones in full; an en dash where none was set."""
    setting = setting.item() if hasattr(setting, "item") else setting  # of numpy
    if isinstance(setting, bool):
        return str(setting).lower()
    if setting is None or (isinstance(setting, float) and math.isnan(setting)):
        return "–"
    if isinstance(setting, float):
        # Whole numbers become floats in a column where one is missing.
        return f"{setting:.0f}" if setting.is_integer() and abs(setting) < _MOST_DIGITS else f"{setting:.3g}"
    return str(setting)


def values(settings: Sequence[object]) -> list[str]:
    """Several values of one setting; with more digits where three make different ones look alike."""
    texts = [value(setting) for setting in settings]
    told = [(setting, text) for setting, text in zip(settings, texts, strict=True) if text != "–"]
    if len({text for _, text in told}) == len({setting for setting, _ in told}):
        return texts
    return [
        f"{setting:.9g}" if isinstance(setting, float) and text != "–" else text
        for setting, text in zip(settings, texts, strict=True)
    ]


def heading(setting: str) -> str:
    """A setting's name, short: `learning rate`; an option's without its architecture: `width`."""
    return setting.rpartition(".")[2].replace("_", " ")


def headings(settings: Sequence[str]) -> dict[str, str]:
    """Names of settings side by side: short ones, but for options of two architectures that would look alike."""
    short = {setting: heading(setting) for setting in settings}
    counts = Counter(short.values())
    return {setting: name if counts[name] == 1 else setting_words(setting) for setting, name in short.items()}


def setting_words(setting: str) -> str:
    """A setting's name in a sentence: `learning rate`; an option with its architecture: `width of lenet5`."""
    of, _, option = setting.rpartition(".")
    words = option.replace("_", " ")
    return f"{words} of {of}" if of else words


def plural(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`; thousands apart."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = words
    return f"{', '.join(rest)} and {last}" if rest else last


def quoted(name: str) -> str:
    """A user's own name inside a sentence, such as a class that is called `4`: `“4”`."""
    return f"“{name}”"


def _signed(difference: float) -> str:
    """Hundredths of a point with their sign; what rounds to nothing has none."""
    digits = f"{abs(100 * difference):.2f}"
    if float(digits) == 0:
        return digits
    return f"{'+' if difference > 0 else '−'}{digits}"
