"""A browser over a lab's page: what it says on its console, or asks of others, fails the test.

Where there is no Chromium these tests are skipped; `make browser` installs Debian's.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from lab_fixtures import open_lab, workspace
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

__all__ = ["open_lab", "workspace"]

CHROMIUM = shutil.which("chromium")
TIMEOUT_MS = 20_000
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, for one file of tests: while it is there, the thread can run no other loop."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: make browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tolerated() -> list[str]:
    """What a browser may say in a test of trouble; a test adds a part of each line."""
    return []


@pytest.fixture
def context(chromium: Browser, tolerated: list[str]) -> Iterator[BrowserContext]:
    """Tabs that share what a browser keeps; all that goes wrong in one of them fails the test."""
    with _watched(chromium, tolerated) as context:
        yield context


@pytest.fixture(scope="module")
def common_page(chromium: Browser) -> Iterator[Page]:
    """A tab for all tests of a file, which each draw in it what they need."""
    with _watched(chromium, []) as context:
        yield context.new_page()


@pytest.fixture
def browser_page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()


@contextmanager
def _watched(chromium: Browser, tolerated: list[str]) -> Iterator[BrowserContext]:
    wrong: list[str] = []
    context = chromium.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    context.on("page", lambda page: _watch(page, wrong))
    yield context
    context.close()
    assert [line for line in wrong if not any(part in line for part in tolerated)] == []


def _watch(page: Page, wrong: list[str]) -> None:
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    page.on("console", lambda said: said.type == "error" and wrong.append(f"console: {said.text}"))
    page.on("request", lambda request: _is_elsewhere(request.url) and wrong.append(request.url))


def _is_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob", "file") and parts.hostname != "127.0.0.1"
