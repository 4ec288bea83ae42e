"""A sample's life in the browser: received, measured, validated, approved by somebody else."""

import pytest
from playwright.sync_api import Page, expect

from portal.core.tenancy.scope import tenant
from portal.lab.lifecycle import guard, services
from tests.browser.conftest import aside
from tests.browser.test_laboratory import a_result, a_sample, enter_as
from tests.core.people import Cast


@pytest.mark.covers("C84")
def test_from_receipt_to_approval_by_another_person(page: Page, cast: Cast) -> None:
    other = aside(lambda: cast.person("manager", "Manager", cast.a))
    sample = a_sample(cast.alice, code="A-7")

    def strict() -> None:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            services.approval_set(rule=guard.NOT_VALIDATOR, by=cast.alice)

    aside(strict)
    enter_as(page, cast.alice)
    page.goto("/samples")
    page.get_by_role("searchbox").fill("A-7")  # as a scanner does
    expect(page).to_have_url(f"/samples/{sample.pk}")

    page.get_by_role("link", name="Receive").click()
    page.get_by_label("Temperature (°C)").fill("٤٫٥")
    page.get_by_label("Condition").select_option("intact")
    page.get_by_role("button", name="Receive").click()
    expect(page.locator("#sample-head")).to_contain_text("Received")
    a_result(sample, cast.alice, "60")
    page.get_by_role("button", name="All results are in").click()
    page.get_by_role("button", name="Validate").click()
    page.locator("#confirm").get_by_role("button", name="Validate").click()
    expect(page.locator("#sample-head")).to_contain_text("A legal limit is broken")
    expect(page.locator("#sample-head")).to_contain_text("Somebody else than the person who validated")
    expect(page.locator("#result-entry")).to_have_count(0)

    page.context.clear_cookies()
    enter_as(page, other)
    page.goto(f"/samples/{sample.pk}")
    page.get_by_role("button", name="Approve").click()
    page.locator("#confirm").get_by_role("button", name="Approve").click()
    expect(page.locator("#sample-head")).to_contain_text("Approved")
    page.get_by_role("link", name="Life", exact=True).click()
    expect(page.locator(".moments")).to_contain_text("was: Validated")
    expect(page.locator("#custody")).to_contain_text("4.5 °C")
