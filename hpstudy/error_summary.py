"""An exception in one line that keeps what says what is wrong, wherever its text has it."""

from __future__ import annotations

_LONGEST = 300
"""Characters of a text; where there are more, two thirds are its beginning and one is its end."""

_ADVICE = (
    "CUDA kernel errors might be asynchronously reported",
    "For debugging consider passing CUDA_LAUNCH_BLOCKING",
    "Compile with `TORCH_USE_CUDA_DSA`",
    "Device-side assertion tracking was not enabled",
    "Search for `cudaError",
)
"""How the lines begin that torch adds to every error of a GPU, whatever it was."""


def summarize_error(error: BaseException) -> str:
    """An error in one line, `NameError: name 'x' is not defined`.

    Args:
        error: Any error.

    Returns:
        Its class and its text as `error_text` has it; the class alone where it has no text.
    """
    text, name = error_text(error), type(error).__name__
    return f"{name}: {text}" if text else name


def error_text(error: BaseException) -> str:
    """The text of an error in one line of 300 characters at most.

    All of its lines are kept, because libraries put what is wrong into any of them: torch's first line is often a
    heading (`Error(s) in loading state_dict for Linear:`), the last one of TorchScript and of einops has the fault.

    Args:
        error: Any error; of a SyntaxError the text without its place.

    Returns:
        The text without a full stop, its middle left out where it is too long; empty where it has none.
    """
    whole = str(error.msg if isinstance(error, SyntaxError) else error)
    lines = (" ".join(line.split()) for line in whole.splitlines())
    text = " ".join(line for line in lines if line and not line.startswith(_ADVICE)).removesuffix(".")
    if len(text) <= _LONGEST:
        return text
    tail = _LONGEST // 3
    return f"{text[: _LONGEST - tail - 3].rstrip()} … {text[-tail:].lstrip()}"
