"""Debian's Chromium, for the tests marked `browser`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

PATIENCE_SECONDS = 120
"""How long a page may take for what it is to do: a machine that has much else to do draws slowly."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, closed at the end. Playwright allows one at a time in a process.

    Without one the test is skipped, or fails where HPSTUDY_REQUIRE_BROWSER says that there must be one.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        missing = pytest.fail if os.environ.get("HPSTUDY_REQUIRE_BROWSER") else pytest.skip
        missing("no chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox"], timeout=1000 * PATIENCE_SECONDS
        )
        yield launched
        launched.close()
