"""The main jobs in a browser that runs no scripts, in Arabic: forms post, links lead, menus open."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.core.projects import services as projects
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, keep
from tests.core.people import Cast
from tests.survey.surveying import WEST, surveyed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def send(page: Page) -> None:
    """The main button of the page's form."""
    page.locator("main form button[type=submit].btn-primary").last.click()


def menu(page: Page, button: str) -> None:
    page.locator(f"header details:has({button}) > summary").click()
    page.locator(f"header {button}").click()


def enter(page: Page, login: str, password: str) -> None:
    page.goto("/samples")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.fill("[name=login]", login)
    page.fill("[name=password]", password)
    page.locator("form:has([name=password]) button[type=submit]").first.click()
    expect(page).to_have_url(re.compile("/samples$"))
    html = page.locator("html")
    menu(page, "button[value=en]")
    expect(html).to_have_attribute("dir", "ltr")
    menu(page, "button[value=ar]")
    expect(html).to_have_attribute("dir", "rtl")


def laboratory(page: Page) -> None:
    for place in ("بئر أحمد", "عين الذئاب"):
        page.goto("/samples")
        page.locator("main a[href='/samples/new']").first.click()
        page.fill("[name=collector_name]", "أمينة")
        page.fill("[name=collection_date]", "2026-11-20T09:15")
        send(page)
        expect(page.locator(".invalid-feedback").first).to_be_visible()
        expect(page.locator("[name=collector_name]")).to_have_value("أمينة")  # nothing typed is lost
        page.fill("[name=location]", place)
        send(page)
        expect(page.locator("main")).to_contain_text(place)
    entry = page.locator("#result-entry")
    entry.locator("[name=parameter_id]").select_option(label=str(nitrate(page)))
    entry.locator("[name=value]").fill("كثير")
    entry.locator("button[type=submit]").click()
    expect(page.locator("main .invalid-feedback").first).to_be_visible()
    expect(entry.locator("[name=value]")).to_have_value("كثير")
    entry.locator("[name=value]").fill("٦٠")
    entry.locator("[name=unit]").select_option("mg/L NO3")
    entry.locator("button[type=submit]").click()
    row = page.locator("tbody.result")
    expect(row).to_contain_text("60")
    row.locator("details summary").first.click()  # why this verdict
    row.locator("a[href$='/edit']").click()
    page.locator(".is-open [name$=-value]").fill("61")
    page.locator(".is-open button[type=submit]").first.click()
    expect(row).to_contain_text("61")
    page.locator("tbody.result a[href$='/delete']").click()
    page.fill(".is-open [name$=reason]", "خطأ")
    page.locator(".is-open button[type=submit]").first.click()
    expect(page.locator("tbody.result")).to_have_count(0)

    page.goto("/samples")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(2)
    page.fill("[name=q]", "احمد")
    page.locator("#samples-filters > button").click()
    expect(rows).to_have_count(1)
    page.locator(".chip-clear").first.click()
    expect(rows).to_have_count(2)
    page.locator("#samples-filters details summary").click()
    page.locator("#samples-filters [name=status]").select_option("approved")
    page.locator("#samples-filters > button").click()
    expect(rows).to_have_count(0)
    page.goto("/samples")
    page.locator("thead a.sort").first.click()
    expect(page.locator("th[aria-sort=ascending], th[aria-sort=descending]")).to_have_count(1)
    for box in page.locator("main tbody [name=ids]").all():
        box.check()
    page.locator("#bulk [name=action]").select_option(index=0)
    page.locator("#bulk button[type=submit]").click()
    expect(page.locator(".bulk-samples li")).to_have_count(2)
    send(page)
    expect(page.locator("main tbody tr", has_text="مستلمة")).to_have_count(2)
    page.goto("/parameters")
    page.locator("a[rel=next]").first.click()
    expect(page.locator("[aria-current=page]").last).to_contain_text("2")

    page.goto("/points/new")
    for name, value in (("code", "P-1"), ("name", "عين"), ("latitude", "33.5"), ("longitude", "-7.6")):
        page.fill(f"main [name={name}]", value)
    send(page)
    expect(page.locator("h1")).to_contain_text("عين")
    page.goto("/reports/compliance/new")
    page.fill("main [name=title]", "تقرير الشهر")
    send(page)
    expect(page.locator("h1")).to_contain_text("تقرير الشهر")


def nitrate(page: Page) -> str:
    option = page.locator("#result-entry [name=parameter_id] option", has_text="نترات").first
    return str(option.text_content()).strip()


def forms(page: Page) -> None:
    page.goto("/forms/new")
    page.fill("main [name=name]", "معاينة")
    page.locator("main [name=project]").select_option(index=1)
    send(page)
    expect(page).to_have_url(re.compile("/builder"))
    page.locator(".builder-palette [value=number]").click()
    page.fill("#label-ar", "العمق")
    page.locator(".builder-fields button.btn-primary").click()
    expect(page.locator("#row-number_1")).to_contain_text("العمق")
    page.locator("main a[href$='/publish']").first.click()
    send(page)
    expect(page).to_have_url(re.compile("/forms/[^/]+$"))
    page.locator("main a[href$='/fill']").first.click()
    page.fill("main [name='a.number_1']", "٣٥٫٥")
    page.locator(".card-footer [name=send]").click()
    expect(page).to_have_url(re.compile("/forms/[^/]+$"))
    page.goto("/submissions")
    page.locator("main tbody a").first.click()
    expect(page.locator("main")).to_contain_text("35.5")


def office(page: Page) -> None:
    page.goto("/tasks/board")
    column = page.locator(".board-column", has=page.locator(".board-card")).first
    card = page.locator(f".board-column[data-status={column.get_attribute('data-status')}] .board-card")
    waiting = card.count()
    card.first.locator("select").select_option(index=1)
    card.first.locator("button[type=submit]").click()
    expect(card).to_have_count(waiting - 1)
    page.goto("/customers/new")
    page.fill("main [name=company_name]", "جماعة أنفا")
    send(page)
    expect(page.locator("h1")).to_contain_text("جماعة أنفا")
    page.goto("/tickets/new")
    page.fill("main [name=title]", "عطل في المضخة")
    send(page)
    expect(page.locator("h1")).to_contain_text("عطل في المضخة")
    page.fill("form[action$='/reply'] [name=content]", "نرسل الفني غدًا")
    page.locator("form[action$='/reply'] button[type=submit]").click()
    expect(page.locator(".talk-text").last).to_have_text("نرسل الفني غدًا")
    page.locator("main details:has([name=note]) > summary").click()
    page.fill("main details [name=note]", "أُصلحت")
    page.locator("main details:has([name=note]) button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("أُصلحت")
    page.goto("/users/invitations/new")
    page.fill("main [name=email]", "salma@test.invalid")
    page.locator("main [name=role]").select_option(index=1)
    send(page)
    expect(page.locator("main")).to_contain_text("salma@test.invalid")


def review(page: Page, session: str) -> None:
    page.goto(f"/survey/sessions/{session}/review")
    for choice in page.locator("#review input[value=accept]").all():
        choice.check()
    page.locator("main button[value=approve]").click()
    expect(page).to_have_url(re.compile(f"/survey/sessions/{session}(#.*)?$"))


def leave(page: Page) -> None:
    menu(page, "form[action='/logout'] button")
    expect(page).to_have_url(re.compile("/login"))


@pytest.mark.covers("001-FR-016", "004-LBAC-04")
def test_the_main_jobs_are_done_without_scripts(server: str, browser: Browser, cast: Cast) -> None:
    def make() -> str:
        session = surveyed(cast, "wafa", "XY1101", WEST, "أحمد الحيمي").session
        with tenant(cast.a.pk, by=cast.alice.actor()):
            project, _new = projects.project_create(data={"name": "رصد الآبار", "status": "Active"}, by=cast.alice)
            data = {"title": "قياس البئر", "assignedTo": str(cast.bob.pk), "projectId": str(project["id"])}
            projects.task_create(data=data, by=cast.alice)
            return str(session.pk)

    session = aside(make)
    page = browser.new_context(base_url=server, java_script_enabled=False, locale="ar").new_page()
    enter(page, "alice@test.invalid", "a password of the tests")
    jobs: tuple[Callable[[Page], None], ...] = (laboratory, forms, office)
    for job in jobs:
        job(page)
        keep(page, f"without-scripts-{job.__name__}")
    review(page, session)
    leave(page)
