"""What of the user's function a study can set: read from its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from hpstudy.errors import InputError
from hpstudy.spec.rows import Interval, Option, Scalar

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_GIVEN = ("input_shape", "n_classes")
_CALL = f"({', '.join(_GIVEN)}, *, dropout, options…)"


def user_options(function: Callable[..., object], *, place: str) -> tuple[Option, ...]:
    """The options of the user's function: its parameters after the first two, besides `dropout`.

    Args:
        function: The user's function or class.
        place: Its name in the study file and where it is defined, for messages.

    Returns:
        One option a parameter whose default is a bool, int, float or str, in the order of the signature. A
        str makes a choice of any words. Parameters with other defaults cannot be set.

    Raises:
        InputError: It cannot be called as (input_shape, n_classes), or a further parameter has no default.
    """
    options = (_option(parameter) for parameter in _settable(function, place) if parameter.name != "dropout")
    return tuple(option for option in options if option is not None)


def takes_dropout(function: Callable[..., object], *, place: str) -> bool:
    """Whether the user's function has a parameter `dropout`.

    Raises:
        InputError: It cannot be called as (input_shape, n_classes), or a further parameter has no default.
    """
    return any(parameter.name == "dropout" for parameter in _settable(function, place))


def user_defaults(function: Callable[..., object], *, place: str) -> dict[str, Scalar]:
    """What the user's function takes where a study says nothing, by parameter: its options, and `dropout`.

    Raises:
        InputError: It cannot be called as (input_shape, n_classes), or a further parameter has no default.
    """
    settable = _settable(function, place)
    return {each.name: each.default for each in settable if isinstance(each.default, bool | int | float | str)}


def takes_no_shape(function: Callable[..., object]) -> bool:
    """Whether the default of the first parameter (`in_channels=1`) says that it is not meant for `input_shape`."""
    return isinstance(_given(function)[0].default, bool | int | float | str)


def call_in_words(function: Callable[..., object], *, input_shape: tuple[int, int, int], n_classes: int) -> str:
    """With what the user's function was called, and how to write it, where it has other names for the two.

    Args:
        function: The user's function or class; it can be called with two arguments.
        input_shape: (channels, height, width) of the images.
        n_classes: Number of classes.

    Returns:
        A clause that begins `it was called with in_channels=(1, 28, 28) and num_classes=10`; empty where the names are
        `input_shape` and `n_classes`.
    """
    names = [parameter.name for parameter in _given(function)]
    if tuple(names) == _GIVEN:
        return ""
    values = " and ".join(f"{name}={value}" for name, value in zip(names, (input_shape, n_classes), strict=False))
    return (
        f"it was called with {values}, as every architecture is with (input_shape, n_classes), "
        f"the shape being (channels, height, width); write it as {_CALL}"
    )


def _given(function: Callable[..., object]) -> list[inspect.Parameter]:
    """The parameters that take the shape and the number of classes; one alone where that is `*arguments`."""
    parameters = inspect.signature(function).parameters.values()
    return [each for each in parameters if each.kind in {*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL}][: len(_GIVEN)]


def _settable(function: Callable[..., object], place: str) -> list[inspect.Parameter]:
    """The named parameters after the first two, once it is sure that the function can be called."""
    try:
        signature = inspect.signature(function)
        signature.bind_partial((1, 28, 28), 10)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{place}: it is called with (input_shape, n_classes): {error}; write it as {_CALL}"
        ) from error
    parameters = list(signature.parameters.values())
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    settable = positional[len(_GIVEN) :] + [each for each in parameters if each.kind is each.KEYWORD_ONLY]
    without = [each.name for each in settable if each.default is each.empty and each.name != "dropout"]
    if without:
        raise InputError(
            f"{place}: its parameter {without[0]} has no default; an option needs one, which tells its kind"
        )
    return settable


def _option(parameter: inspect.Parameter) -> Option | None:
    """A parameter as an option; None where its default is of no kind that a study file can write."""
    match parameter.default:
        case bool() as default:
            return Option(parameter.name, "bool", default)
        case int() as default:
            return Option(parameter.name, "int", default, Interval())
        case float() as default:
            return Option(parameter.name, "float", default, Interval())
        case str() as default:
            return Option(parameter.name, "choice", default)
        case _:
            return None
