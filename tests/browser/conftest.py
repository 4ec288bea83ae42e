"""A real server on the test's database, as the application role, and a real browser in front of it."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from playwright.sync_api import Browser, Page, expect, sync_playwright

from portal.core.accounts.models import User
from tests.core.people import Cast, session_of
from tests.live import serving

expect.set_options(timeout=30_000)  # two cores may be busy with other tests


def aside[T](work: Callable[[], T]) -> T:
    """Run `work` on the database in a thread of its own: Playwright keeps an event loop in this one."""

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture
def server(cast: Cast) -> Iterator[str]:
    """The address of a running server; it ends with the test."""
    with serving() as address:
        yield address


@pytest.fixture
def browser(server: str) -> Iterator[Browser]:
    """One for each test: its event loop would be in the way of other tests' own."""
    with sync_playwright() as playwright:
        options: dict[str, Any] = {"args": ["--no-sandbox", "--disable-background-networking", "--no-first-run"]}
        if found := shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
            options["executable_path"] = found
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()


def keep(page: Page, name: str) -> None:
    """A picture of the page as it stands, for people to look at."""
    page.screenshot(path=settings.BASE_DIR / "var" / "browser" / f"{name}.png", full_page=True)


@pytest.fixture
def page(server: str, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page whose console stays clean: no script error, no violation of the content security policy. How it looked at
    the end is kept in `var/browser`."""
    context = browser.new_context(base_url=server, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    keep(page, request.node.name)
    context.close()
    assert [fault for fault in faults if "status of 422" not in fault] == []


def enter_as(page: Page, user: User, *, language: str = "en") -> None:
    """Give the browser a signed-in session and a language."""
    cookies = {settings.SESSION_COOKIE_NAME: aside(lambda: session_of(user)), settings.LANGUAGE_COOKIE_NAME: language}
    page.context.add_cookies([{"name": k, "value": v, "domain": "127.0.0.1", "path": "/"} for k, v in cookies.items()])
