"""The review of a survey session in a real browser, in Arabic, by keyboard."""

import pytest
from playwright.sync_api import Page, expect

from portal.core.tenancy.scope import tenant
from portal.survey.models import SurveySession
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast
from tests.survey.surveying import WEST, surveyed


@pytest.mark.covers("004-LBAC-04")
def test_a_session_is_reviewed_by_keyboard_in_arabic(cast: Cast, page: Page) -> None:
    found = aside(lambda: surveyed(cast, "wafa", "XY1101", WEST, "أحمد الحيمي"))
    enter_as(page, cast.alice, language="ar")

    page.goto(f"/survey/sessions/{found.session.pk}/review")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("#map")).to_have_attribute("data-shown", "6")
    items = page.locator("[data-item]")
    expect(items).to_have_count(3)
    items.first.focus()
    page.keyboard.press("a")
    page.keyboard.press("a")
    expect(page.locator("[data-decided]")).to_have_text("2")
    page.keyboard.press("r")
    page.keyboard.type("أعد القياس")
    page.keyboard.press("Escape")
    expect(items.nth(2)).to_have_attribute("data-decision", "return")
    page.locator("button[value=return]").click()
    expect(page.locator("#review")).to_be_visible()  # refused without a reason
    page.locator("#reason").fill("الركن الثاني غير واضح")
    page.locator("button[value=return]").click()

    expect(page.locator(".text-pre").filter(has_text="الركن الثاني غير واضح")).to_be_visible()

    def stored() -> tuple[str, int]:
        with tenant(cast.a.pk):
            session = SurveySession.objects.get(pk=found.session.pk)
            return session.status, session.remarks.count()

    assert aside(stored) == ("returned", 3)
