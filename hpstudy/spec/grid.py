"""Every combination of settings, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hpstudy.spec.config import holds
from hpstudy.spec.rows import Scalar
from hpstudy.spec.study import Choices, Fixed, Range, Setting


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
