"""The laboratory in a browser: sign in, search, enter results, hear of what others do, Arabic on a phone."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.core.accounts.models import User
from portal.core.tenancy.scope import tenant
from portal.lab import services
from portal.lab.models import Result, Sample
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def a_sample(user: User, **more: Any) -> Sample:
    data = {
        "type": "drinking_water",
        "location": "Anfa, tap 4",
        "collectionDate": datetime(2026, 11, 20, 9, 15, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
        "collectorName": "Amina",
        "latitude": 33.59,
        "longitude": -7.62,
    }

    def make() -> Sample:
        with tenant(user.organization_id, by=user.actor(via="sync")):
            row, _created = services.sample_create(data=data | more, by=user)
            return Sample.objects.get(pk=row["id"])

    return aside(make)


def a_result(sample: Sample, user: User, value: str = "12", parameter: str = "NO3") -> Result:
    data = {"parameterName": parameter, "value": value, "unit": "mg/L NO3"}

    def make() -> Result:
        with tenant(sample.organization_id, by=user.actor()):
            row, _created = services.result_create(sample=sample.pk, data=data, by=user)
            return Result.objects.get(pk=row["id"])

    return aside(make)


def change(result: Result, user: User, value: str) -> None:
    def write() -> None:
        with tenant(result.organization_id, by=user.actor()):
            services.result_update(id=result.pk, data={"value": value}, by=user)

    aside(write)


def choose(page: Page, words: str, option: str) -> None:
    """Search a parameter in the entry form by keyboard."""
    page.locator("#result-entry .result-parameter .ts-control").click()
    page.keyboard.type(words)
    page.locator("#result-entry .ts-dropdown .option", has_text=option).first.wait_for()
    page.keyboard.press("Enter")


@pytest.mark.covers("001-FR-016", "001-FR-010")
def test_sign_in_and_search_live(page: Page, cast: Cast) -> None:
    a_sample(cast.alice, location="Anfa, tap 4")
    a_sample(cast.alice, location="بئر أحمد")

    page.goto("/samples")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.fill("[name=login]", "alice@test.invalid")
    page.fill("[name=password]", "a password of the tests")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(3)
    page.wait_for_load_state()  # rows may be there before the script that knows the shortcut
    page.keyboard.press("/")
    page.keyboard.type("احمد")  # without the hamza that the record has

    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_text("بئر أحمد")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/samples\?q="))
    expect(page.get_by_role("searchbox")).to_be_focused()


@pytest.mark.covers("001-FR-021", "001-FR-022", "001-FR-023", "001-FR-025")
def test_a_result_gets_its_verdict_at_once_and_can_be_changed_and_deleted(page: Page, cast: Cast) -> None:
    sample = a_sample(cast.alice)
    enter_as(page, cast.alice)
    page.goto(f"/samples/{sample.pk}")

    choose(page, "نترات", "Nitrate")
    expect(page.get_by_label("Value")).to_be_focused()
    expect(page.get_by_label("Unit").locator("option")).to_contain_text(["mg/L NO3", "mg/L"])
    page.keyboard.type("١٢٫٥")
    page.get_by_label("Unit").select_option("mg/L N")
    page.get_by_role("button", name="Enter", exact=True).click()

    row = page.locator("tbody.result")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Fail")
    expect(page.locator("#sample-head .sample-compliance")).to_contain_text("Fail")
    row.get_by_text("Why this verdict?").click()
    expect(row).to_contain_text("55.3375 mg/L NO3")
    expect(row).to_contain_text("The value is above the limit.")

    row.get_by_role("link", name="Change").click()
    value = page.locator("tbody.is-open").get_by_label("Value")
    expect(value).to_be_focused()
    value.fill("abc")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tbody.is-open")).to_contain_text("is not a measured value")
    value.fill("<0.5")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("<0.5")
    expect(page.locator("#sample-head .sample-compliance")).to_contain_text("Pass")

    row.get_by_role("link", name="Delete").click()
    page.get_by_label("Reason").fill("typed into the wrong sample")
    page.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    expect(page.locator("#sample-head .sample-compliance")).to_contain_text("Pending")


@pytest.mark.covers("001-FR-031")
def test_an_open_page_follows_others_and_keeps_what_is_being_typed(page: Page, cast: Cast) -> None:
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice)
    enter_as(page, cast.alice)
    page.goto(f"/samples/{sample.pk}")
    expect(page.locator("tbody.result")).to_have_count(1)
    page.wait_for_timeout(500)

    other = aside(lambda: cast.person("amal", "Technician", cast.a))
    a_result(sample, other, "60")
    expect(page.locator("tbody.result")).to_have_count(2)
    expect(page.locator("#sample-head .sample-compliance")).to_contain_text("Fail")

    page.locator(f"#result-{result.pk}").get_by_role("link", name="Change").click()
    page.locator("tbody.is-open").get_by_label("Value").fill("13")
    change(result, other, "14")
    expect(page.locator("#sample-held")).to_be_visible()
    expect(page.locator("tbody.is-open").get_by_label("Value")).to_have_value("13")

    page.get_by_role("button", name="Save").click()
    expect(page.locator("tbody.is-open")).to_contain_text("Somebody else has changed this record")
    expect(page.locator("tbody.is-open")).to_contain_text("14")
    page.get_by_role("button", name="Save mine all the same").click()
    expect(page.locator(f"#result-{result.pk}")).to_contain_text("13 mg/L NO3")


@pytest.mark.covers("001-US1-AS1")
def test_samples_that_arrive_are_announced_and_do_not_jump_in(page: Page, cast: Cast) -> None:
    a_sample(cast.alice, location="Anfa")
    enter_as(page, cast.alice)
    page.goto("/samples")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_timeout(500)

    a_sample(cast.alice, location="Maarif")
    expect(page.get_by_text("1 new sample has arrived.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    a_sample(cast.alice, location="Bouskoura")
    expect(page.get_by_text("2 new samples have arrived.")).to_be_visible()

    page.get_by_role("link", name="Show them").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_text("have arrived.")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/samples$"))


@pytest.mark.parametrize("width", [390, 1440])
def test_arabic_pages_run_from_right_to_left_and_fit(page: Page, cast: Cast, width: int) -> None:
    sample = a_sample(cast.alice, location="بئر الحي الصناعي رقم 7, Réservoir (B-3) Aïn Harrouda")
    a_result(sample, cast.alice, "60")
    enter_as(page, cast.alice, language="ar")
    page.set_viewport_size({"width": width, "height": 800})

    for path in (
        "/", "/samples", "/samples/new", f"/samples/{sample.pk}", f"/samples/{sample.pk}/edit",
        f"/samples/{sample.pk}/delete", f"/samples/{sample.pk}/history", "/parameters", "/standards", "/audit", "/me",
        "/me/security", "/me/devices",
    ):  # fmt: skip
        page.goto(path)
        assert page.evaluate("document.documentElement.dir") == "rtl"
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
