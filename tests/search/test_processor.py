"""What /proc/cpuinfo tells of a processor, and where there is none."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from hpstudy.search import processor

INTEL = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2 {more}\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd {more}\n"


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        (INTEL.format(more=""), True),
        (INTEL.format(more="avx512_bf16"), False),
        (INTEL.format(more="amx_bf16 amx_tile"), False),
        (ARM.format(more=""), True),
        (ARM.format(more="svebf16 bf16"), False),
        ("processor\t: 0\n", False),
    ],
)
def test_bfloat16_is_found_among_the_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, lacks: bool
) -> None:
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    assert processor.lacks_bfloat16() is lacks


def test_the_name_is_that_of_the_first_core_else_what_python_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "cpuinfo")
    known = platform.processor() or platform.machine()
    assert processor.processor_name() == known
    assert not processor.lacks_bfloat16()
    (tmp_path / "cpuinfo").write_text(INTEL.format(more=""), encoding="utf-8")
    assert processor.processor_name() == "Some CPU @ 2 GHz"
    (tmp_path / "cpuinfo").write_text(ARM.format(more=""), encoding="utf-8")
    assert processor.processor_name() == known
