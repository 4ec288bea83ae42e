"""Home lies open while work comes in."""

import pytest
from playwright.sync_api import Page, expect

from portal.core.projects import services as projects
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast
from tests.lab.test_pages import a_sample

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.covers("E002-098")
def test_a_new_task_and_a_new_sample_appear_on_the_open_home_page(page: Page, cast: Cast) -> None:
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
