"""What the rows of the catalogue are: a named thing, its options, and their legal values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Interval:
    """The legal values of a number: ends are included unless `open_low` or `open_high`."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        low = f"{'above' if self.open_low else 'at least'} {self.low:g}" if self.low > -math.inf else ""
        high = f"{'below' if self.open_high else 'at most'} {self.high:g}" if self.high < math.inf else ""
        return " and ".join(part for part in (low, high) if part) or "any number"


@dataclass(frozen=True)
class Option:
    """One value that a user can set: a setting, or an option of an architecture, sampler or pruner.

    Attributes:
        name: As it stands in a study file.
        kind: The type of its values.
        default: What holds where the file does not say; None for an option that then is absent.
        legal: Bounds of a number.
        choices: The legal words of a choice.
        optimizers: The optimizers that have it; empty means all. (Only settings use it.)
        argument: The keyword of the target that takes it; empty means the same as `name`.
        meaning: One clause for listings.
        also: What other programs call it, in lower case, for messages.
    """

    name: str
    kind: Literal["int", "float", "bool", "choice"]
    default: Scalar | None
    legal: Interval = Interval()
    choices: tuple[str, ...] = ()
    optimizers: tuple[str, ...] = ()
    argument: str = ""
    meaning: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A named thing: where its code is, and what can be set.

    Attributes:
        name: As it stands in a study file.
        target: `"module:function"` that makes it.
        options: What can be set, with hpstudy's defaults.
        meaning: One clause for listings.
    """

    name: str
    target: str
    options: tuple[Option, ...] = ()
    meaning: str = ""


@dataclass(frozen=True)
class ArchitectureRow(Row):
    """An architecture that ships.

    Attributes:
        dropout: The published dropout, the default of the setting `dropout` for this architecture.
        input_shape: The published input (channels, height, width), to which `parameters` belongs.
        parameters: The published network's parameter count, at `input_shape` and `n_classes`.
        n_classes: The published number of classes.
    """

    dropout: float = 0.0
    input_shape: tuple[int, int, int] = (1, 28, 28)
    n_classes: int = 10
    parameters: int = 0


@dataclass(frozen=True)
class DatasetRow(Row):
    """A data set that hpstudy can read.

    Attributes:
        shape: (channels, height, width); None where the user's pictures decide.
        n_classes: Number of classes; None where the user's folders decide.
        n_train: Images in the training set; None where the user's pictures decide.
        mean: The usual normalisation of pixels in [0, 1], one value a channel (or one for all).
        std: The same for the standard deviation.
        folder: Where under the data folder its files lie.
    """

    shape: tuple[int, int, int] | None = None
    n_classes: int | None = None
    n_train: int | None = None
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    folder: str = ""
