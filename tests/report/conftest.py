"""A headless Chromium for the tests that open a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser import PATIENCE_SECONDS, chromium

ALL_DRAWN = "[...document.querySelectorAll('.plot')].every(plot => plot.querySelector('.main-svg'))"


@dataclass
class Opened:
    """A page and what it did that a report must not do."""

    page: Page
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def draw_all(self) -> None:
        """Makes the window so high that every figure is near and so is drawn."""
        size = self.page.viewport_size
        assert size
        self.page.set_viewport_size({"width": size["width"], "height": 30_000})
        self.until(ALL_DRAWN)
        self.page.set_viewport_size(size)
        self.page.wait_for_timeout(100)

    def until(self, expression: str) -> None:
        """Waits until a JavaScript expression holds; Playwright's own way needs what the policy forbids."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"never came true: {expression}"
            self.page.wait_for_timeout(50)


OpenPage = Callable[..., Opened]


@pytest.fixture(scope="module")  # Playwright allows one at a time in a process
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a file in a context of its own: `open_page(path, width=400, color_scheme="dark")`."""
    with _contexts(browser) as opening:
        yield opening


@contextmanager
def _contexts(browser: Browser) -> Iterator[OpenPage]:
    contexts = []

    def opening(path: Path, *, width: int = 1400, **options: object) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(1000 * PATIENCE_SECONDS)
        contexts.append(context)
        opened = Opened(context.new_page())
        page = opened.page
        page.on("console", lambda message: opened.faults.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: opened.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (opened.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: _note(opened, request))
        page.goto(path.as_uri())
        return opened

    try:
        yield opening
    finally:
        for context in contexts:
            context.close()


def _note(opened: Opened, request: Request) -> None:
    if not request.url.startswith(("data:", "blob:")):
        opened.requests.append(request.url)
