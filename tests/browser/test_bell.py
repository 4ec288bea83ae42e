"""The bell of a page that lies open."""

import pytest
from playwright.sync_api import Page, expect

from portal.core.notifications import services
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def send(cast: Cast, title: str) -> None:
    with tenant(cast.a.pk):
        services.message_send(values={"title": title, "recipients": [str(cast.bob.pk)]}, by=cast.alice)


def test_the_bell_opens_on_what_came_before_the_page(page: Page, cast: Cast) -> None:
    aside(lambda: send(cast, "المختبر مغلق"))
    enter_as(page, cast.bob, language="ar")
    page.goto("/")

    page.locator("#bell summary").click()

    expect(page.locator("#bell-panel").get_by_text("المختبر مغلق")).to_be_visible()


@pytest.mark.covers("000-RT-01", "000-RT-02")
def test_the_number_on_the_bell_rises_while_the_page_lies_open(page: Page, cast: Cast) -> None:
    enter_as(page, cast.bob, language="ar")
    page.goto("/")
    count = page.locator("#bell-count")
    expect(count).to_be_hidden()
    page.wait_for_timeout(500)

    aside(lambda: send(cast, "المختبر مغلق"))
    expect(count).to_be_visible()
    expect(count.locator("bdi")).to_have_text("1")
    page.locator("#bell summary").click()
    expect(page.locator("#bell-panel").get_by_text("المختبر مغلق")).to_be_visible()
    aside(lambda: send(cast, "المختبر مفتوح"))
    expect(count.locator("bdi")).to_have_text("2")
    expect(page.locator("#bell-panel").get_by_text("المختبر مفتوح")).to_be_visible()
    page.locator("#bell-panel form").first.get_by_role("button").click()
    expect(count).to_be_hidden()

    # a hidden page stays quiet, and shows how things stand when its reader comes back
    show = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    show += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(show, True)
    aside(lambda: send(cast, "الأول"))
    aside(lambda: send(cast, "الثاني"))
    page.wait_for_timeout(500)
    expect(count).to_be_hidden()
    page.evaluate(show, False)
    expect(count.locator("bdi")).to_have_text("2")
