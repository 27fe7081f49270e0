from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def real_data() -> Path:
    """The data folder of this checkout, for tests that use real images where they are."""
    folder = Path(__file__).parents[2] / "data"
    if not folder.is_dir():
        pytest.skip("no data folder here")
    return folder
