"""The choice of standards in a browser: change, see what would change, agree, watch the work, find other verdicts."""

import pytest
from playwright.sync_api import Page, expect

from portal.core.jobs.tasks import Running
from portal.core.tenancy.scope import tenant
from portal.lab import jobs, reevaluation
from portal.lab.models import Reevaluation
from tests.browser.conftest import aside, enter_as
from tests.browser.test_laboratory import a_result, a_sample
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def carry_out(cast: Cast) -> None:
    """What the worker does."""
    with tenant(cast.a.pk):
        row = Reevaluation.objects.get(state=Reevaluation.State.RUNNING)
    assert row.job
    running = Running(row.job, cast.a.pk, cast.alice.actor(via="job"))
    assert running.start()
    with tenant(cast.a.pk, by=running.by):
        running.succeed(jobs.reevaluation_run(running, reevaluation=str(row.pk)))


@pytest.mark.covers("001-FR-017", "001-FR-025")
def test_a_choice_is_shown_agreed_and_carried_out(page: Page, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reevaluation, "CHUNK", 1)
    samples = [a_sample(cast.alice, location=f"Tap {number}") for number in range(3)]
    for sample, value in zip(samples, ("30", "60", "12"), strict=True):
        a_result(sample, cast.alice, value)
    enter_as(page, cast.alice)

    page.goto("/standards/choice")
    page.get_by_role("button", name="Move WHO up").click()
    expect(page.locator(".choice-row").first).to_contain_text("WHO")
    page.get_by_role("radio", name="ILAC-G8, four outcomes").check()
    page.get_by_label("Warning from this share of a limit (%)").fill("٥٠")
    page.get_by_label("Reason").fill("stricter by decree")
    page.get_by_role("button", name="Show what would change").click()

    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    expect(page.get_by_text("3 of 3 results")).to_be_visible()
    moved = page.get_by_role("row", name="Samples: compliance")
    expect(moved).to_contain_text("Pass")
    expect(moved).to_contain_text("Warning")
    expect(moved.locator("td").last).to_have_text("1")

    page.get_by_role("button", name="Put in force").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 results are written anew")
    dialog.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    aside(lambda: carry_out(cast))

    expect(page.get_by_role("heading", name="What changed")).to_be_visible()
    page.goto(f"/samples/{samples[0].pk}")
    expect(page.locator("#sample-head .sample-compliance")).to_contain_text("Warning")
    page.get_by_text("Why this verdict?").click()
    expect(page.locator(".why-body")).to_contain_text("reaches the warning share of it")
    page.goto(f"/samples/{samples[0].pk}/history")
    expect(page.get_by_text("stricter by decree").first).to_be_visible()


def test_a_limit_is_added_and_changed_in_its_row_on_a_phone(page: Page, cast: Cast) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    enter_as(page, cast.alice)
    page.goto("/standards/new")
    page.get_by_role("textbox", name="Key").fill("LAB")
    page.get_by_label("Edition").fill("1")
    page.get_by_label("Reference").fill("LAB 1")
    page.get_by_label("English name").fill("Own limits")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("No limits yet. Add the first one above.")).to_be_visible()
    page.locator("#limit-entry .ts-control").click()
    page.keyboard.type("nitrate (")
    page.locator("#limit-entry .ts-dropdown .option", has_text="Nitrate").first.wait_for()
    page.keyboard.press("Enter")
    page.locator("#limit-entry").get_by_label("Upper limit").fill("٢٥٫٥")
    page.get_by_role("button", name="Add", exact=True).click()

    row = page.locator("tbody.result")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("≤ 25.5 mg/L NO3")
    row.get_by_role("link", name="Change").click()
    page.locator("tbody.is-open").get_by_label("Upper limit").fill("20")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("≤ 20 mg/L NO3")
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
