"""An exception in one line: what says what is wrong is kept, wherever a library puts it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hpstudy.error_summary import error_text, summarize_error

CUDA = """\
CUDA error: device-side assert triggered
Search for `cudaErrorAssert' in https://docs.nvidia.com/cuda for more information.
CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.
"""

EINOPS = """\
 Error while processing rearrange-reduction pattern "b (c h) -> b c h".
 Input tensor shape: torch.Size([2, 64]). Additional info: {'h': 10}.
 Shape mismatch, can't divide axis of length 64 in chunks of 10"""


@pytest.mark.parametrize(
    ("error", "summary"),
    [
        (ValueError("no"), "ValueError: no"),
        (ValueError(), "ValueError"),
        (ValueError("  \n "), "ValueError"),
        (ValueError("first\n\n  second line. "), "ValueError: first second line"),
        (SyntaxError("invalid syntax", ("nets.py", 2, 3, "y = =")), "SyntaxError: invalid syntax"),
        (RuntimeError(CUDA), "RuntimeError: CUDA error: device-side assert triggered"),
    ],
)
def test_an_error_is_one_line(error: Exception, summary: str) -> None:
    assert summarize_error(error) == summary


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (nn.Linear(3, 4).state_dict(), "size mismatch for weight: copying a param with shape torch.Size([4, 3])"),
        (nn.Linear(3, 5, bias=False).state_dict(), 'Missing key(s) in state_dict: "bias"'),
        ({**nn.Linear(3, 5).state_dict(), "more": torch.zeros(1)}, 'Unexpected key(s) in state_dict: "more"'),
    ],
)
def test_torchs_second_line_tells_what_does_not_fit(state: dict[str, torch.Tensor], kept: str) -> None:
    with pytest.raises(RuntimeError) as raised:
        nn.Linear(3, 5).load_state_dict(state)
    assert str(raised.value).splitlines()[0] == "Error(s) in loading state_dict for Linear:"
    assert kept in error_text(raised.value)


def test_the_last_line_is_kept_too() -> None:
    assert "can't divide axis of length 64 in chunks of 10" in error_text(ValueError(EINOPS))
    trace = "The following operation failed:\n" + "  at some line\n" * 400 + "RuntimeError: shapes do not fit"
    text = error_text(RuntimeError(trace))
    assert text.startswith("The following operation failed: at some line")
    assert text.endswith("RuntimeError: shapes do not fit")
    assert len(text) <= 300


@pytest.mark.parametrize("length", [299, 300, 301, 10_000_000])
def test_a_text_has_300_characters_at_most(length: int) -> None:
    assert len(error_text(ValueError("x" * length))) == min(length, 300)
