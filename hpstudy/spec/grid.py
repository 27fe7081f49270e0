"""Every combination of settings, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from hpstudy.spec.config import holds
from hpstudy.spec.rows import Scalar
from hpstudy.spec.sameness import training_key
from hpstudy.spec.study import Choices, Fixed, Range, Setting

_MOST_WALKED = 20
"""So many combinations are walked for each configuration that is asked for: several may be one configuration."""


def combinations(
    settings: Sequence[Setting], *, chosen: Mapping[str, Scalar] | None = None
) -> Iterator[dict[str, Scalar]]:
    """The configurations that settings can have, in their order.

    Args:
        settings: Parents before the settings whose conditions name them. A range without a step is walked in steps
            of 1; of one that is no range of whole numbers only the first value means something then.
        chosen: What holds already.

    Returns:
        A value for each setting that exists under the others.
    """
    values = dict(chosen or {})
    if not settings:
        yield values
        return
    first, rest = settings[0], settings[1:]
    if not holds(first, values):
        yield from combinations(rest, chosen=values)
        return
    for value in _possible(first):
        yield from combinations(rest, chosen={**values, first.name: value})


def n_different(settings: Sequence[Setting], *, epochs: int, at_most: int) -> int:
    """How many different configurations settings can have, as far as it matters.

    Args:
        settings: As for `combinations`.
        epochs: Of a trial.
        at_most: What is returned where there are as many or more, or where a range has no separate values.
    """
    if not all(map(is_countable, settings)):
        return at_most
    walked = islice(combinations(settings), _MOST_WALKED * at_most)
    different = set()
    n_walked = 0
    for values in walked:
        n_walked += 1
        different.add(training_key(values, epochs=epochs))
        if len(different) == at_most:
            return at_most
    return at_most if n_walked == _MOST_WALKED * at_most else len(different)


def is_countable(setting: Setting) -> bool:
    """Whether a setting has separate values."""
    domain = setting.domain
    return not isinstance(domain, Range) or isinstance(domain.low, int) or domain.step is not None


def _possible(setting: Setting) -> Iterator[Scalar]:
    match setting.domain:
        case Fixed(value):
            yield value
        case Choices(values):
            yield from values
        case Range(low, high, _, step):
            width = step or 1
            # Half a step of tolerance: 0.1 + 0.1 + 0.1 is not 0.3.
            count = int((high - low) / width + 0.5) + 1
            yield from (low + index * width for index in range(count))
