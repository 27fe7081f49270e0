"""What of the user's function a study can set: read from its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from hpstudy.errors import InputError
from hpstudy.spec.rows import Interval, Option, Scalar

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_GIVEN = 2  # input_shape and n_classes


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


def _settable(function: Callable[..., object], place: str) -> list[inspect.Parameter]:
    """The named parameters after the first two, once it is sure that the function can be called."""
    try:
        signature = inspect.signature(function)
        signature.bind_partial((1, 28, 28), 10)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{place}: it is called with (input_shape, n_classes): {error}; "
            "write it as (input_shape, n_classes, *, dropout, options…)"
        ) from error
    parameters = list(signature.parameters.values())
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    settable = positional[_GIVEN:] + [each for each in parameters if each.kind is each.KEYWORD_ONLY]
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
