"""Home lies open while work comes in."""

from typing import Any

import brotli
import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from portal.core.projects import services as projects
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast
from tests.lab.test_pages import a_sample

STATIC = settings.BASE_DIR / "static"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.covers("E002-098")
def test_a_new_task_and_a_new_sample_appear_on_the_open_home_page(
    page: Page, server: str, browser: Browser, cast: Cast
) -> None:
    tech = aside(lambda: cast.person("تسنيم", "Technician", cast.a))
    aside(lambda: a_sample(cast.alice))
    enter_as(page, tech, language="ar")
    page.goto("/")
    samples = page.locator("#lab-samples")
    expect(samples).to_have_text("1")
    expect(page.locator("#home-tasks .panel-list a")).to_have_count(0)
    page.wait_for_timeout(500)  # the socket opens after the page

    def assign() -> None:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            projects.task_create(data={"title": "أخذ عينة من البئر", "assignedTo": str(tech.pk)}, by=cast.alice)

    aside(assign)
    expect(page.locator("#home-tasks .panel-list a")).to_have_text("أخذ عينة من البئر")
    aside(lambda: a_sample(cast.alice))
    expect(samples).to_have_text("2")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")

    # what a browser with an empty cache fetches for a page, and for the same page again
    for path in ("/", "/points/map", "/dashboard"):
        context = browser.new_context(base_url=server)
        first = context.new_page()
        enter_as(first, cast.alice, language="ar")
        assert 100_000 < weigh(first, path) < 350_000, path
        assert weigh(context.new_page(), path) < 60_000, path
        context.close()


def weigh(page: Page, path: str) -> int:
    """Bytes over the wire; static files, which the server of the tests sends as they are, as a real one has them."""
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")

    def sent(event: dict[str, Any]) -> None:
        urls[event["requestId"]] = event["request"]["url"]

    def ended(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = int(event["encodedDataLength"])

    wire.on("Network.requestWillBeSent", sent)
    wire.on("Network.loadingFinished", ended)
    page.goto(path, wait_until="networkidle")
    total = 0
    for request, size in sizes.items():
        place = urls[request].partition("/static/")[2]
        if size > 1000 and place.endswith((".css", ".js", ".svg")):
            size = 500 + len(brotli.compress((STATIC / place).read_bytes(), quality=9))  # noqa: PLW2901
        total += size
    return total
