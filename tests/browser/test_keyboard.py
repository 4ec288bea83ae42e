"""The main jobs by keyboard alone: every stop shows its focus, and no swap or dialog loses it."""

import re

import pytest
from playwright.sync_api import Page, expect

from portal.core.projects import services as projects
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, keep
from tests.core.people import Cast
from tests.survey.surveying import WEST, surveyed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

STOP = """selector => {
    const here = document.activeElement ?? document.body;  // none while a page begins
    const shows = node => {
        const style = getComputedStyle(node);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    };
    const box = here.closest("label, summary, .ts-control, .search-line, .review-item") ?? here;
    const led = here.tabIndex < 0;  // no stop of Tab: the address or a script leads here, maybe after the key
    return { hit: here.matches(selector), lost: led || here === document.body, shown: shows(here) || shows(box),
             what: here.outerHTML.slice(0, 150) };
}"""


def reach(page: Page, selector: str, *, back: bool = False, most: int = 90) -> None:
    """Tab to what `selector` names; each stop on the way has to show its focus."""
    passed = []
    for _step in range(most):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        stop = page.evaluate(STOP, selector)
        assert stop["lost"] or stop["shown"], f"no focus is seen on {stop['what']}"
        if stop["hit"]:
            return
        passed.append(stop["what"][:60])
    raise AssertionError(f"{selector} is out of reach: {passed}")


def press(page: Page, selector: str, key: str = "Enter", *, back: bool = False) -> None:
    reach(page, selector, back=back)
    page.keyboard.press(key)


def skip(page: Page, path: str = "") -> None:
    """Open a page, and pass its menu by the link that comes first."""
    if path:
        page.goto(path)
    press(page, ".skip-link")
    expect(page.locator("#content")).to_be_focused()


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        reach(page, f"main [name='{name}']")
        page.keyboard.type(value)


def kept(page: Page) -> None:
    """The focus is on something after a swap or a dialog."""
    expect(page.locator("body :focus")).to_have_count(1)


def enter(page: Page, login: str, password: str) -> None:
    page.goto("/samples")
    expect(page.locator("[name=login]")).to_be_focused()
    page.keyboard.type(login)
    reach(page, "[name=password]")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/samples$"))


def shell(page: Page) -> None:
    """Search, the list of keys, the menus: what opens closes by Escape and gives the focus back."""
    skip(page)
    reach(page, "main a, main summary, main input")
    before = page.evaluate_handle("document.activeElement")
    for keys, dialog in (("Control+k", "#search"), ("?", "#keys")):
        page.keyboard.press(keys)
        expect(page.locator(dialog)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(dialog)).to_be_hidden()
        assert page.evaluate("before => document.activeElement === before", before), dialog
    press(page, "header details:has([name=language]) > summary", back=True)
    expect(page.locator("header button[value=ar]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("header button[value=ar]")).to_be_hidden()
    expect(page.locator("header details:has([name=language]) > summary")).to_be_focused()


def language(page: Page, wanted: str) -> None:
    press(page, "header details:has([name=language]) > summary")
    press(page, f"header button[value={wanted}]")
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if wanted == "ar" else "ltr")


def laboratory(page: Page) -> None:
    skip(page)
    press(page, "main a[href='/samples/new']")
    expect(page).to_have_url(re.compile("/samples/new$"))
    skip(page)
    fill(page, location="Anfa, tap 4")
    reach(page, "main [name=collector_name]")
    page.keyboard.press("Control+a")
    page.keyboard.type("Amina")
    page.keyboard.press("Enter")
    expect(page.locator("#result-entry")).to_be_visible()

    skip(page)
    reach(page, "#result-entry .ts-control input")
    page.keyboard.type("Nitrate")
    page.locator("#result-entry .ts-dropdown .option", has_text="Nitrate").first.wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("#result-entry [name=value]")).to_be_focused()
    page.keyboard.type("60")
    page.keyboard.press("Enter")
    row = page.locator("tbody.result")
    expect(row).to_contain_text("Fail")
    kept(page)
    press(page, "tbody.result a[href$='/edit']", back=True)
    expect(page.locator(".is-open [name$=-value]")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("61")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("61")
    kept(page)
    press(page, "tbody.result a[href$='/delete']")
    expect(page.locator(".is-open [name$=reason]")).to_be_focused()
    page.keyboard.type("typed into the wrong sample")
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    kept(page)

    skip(page, "/samples")
    page.keyboard.press("/")
    expect(page.locator("#id_q")).to_be_focused()
    page.keyboard.type("tap 4")
    expect(page).to_have_url(re.compile("q=tap"))
    expect(page.locator("#id_q")).to_be_focused()
    press(page, "main th a.sort")
    expect(page.locator("th[aria-sort=ascending], th[aria-sort=descending]")).to_have_count(1)
    assert page.evaluate("document.activeElement.matches('th a.sort')")  # the same heading, after the swap
    press(page, "main tbody [name=ids]", "Space", back=False)
    reach(page, "#bulk-action", back=True)
    page.keyboard.press("ArrowDown")
    press(page, "#bulk button[type=submit]")
    expect(page.locator(".bulk-samples li")).to_have_count(1)
    skip(page)
    language(page, "ar")  # the page was answered to a form: the choice leads back to where that was sent from
    expect(page).to_have_url(re.compile(r"/samples([?#].*)?$"))


def forms(page: Page) -> None:
    skip(page, "/forms/new")
    fill(page, name="معاينة")
    reach(page, "main .ts-control input, main select[name=project]")
    page.keyboard.type("رصد")
    page.locator(".ts-dropdown .option").first.wait_for()
    page.keyboard.press("Enter")
    press(page, "main .btn-primary")
    expect(page).to_have_url(re.compile("/builder"))
    skip(page)
    press(page, ".builder-palette [value=number]")
    expect(page.locator("#builder-panel")).to_have_attribute("data-chosen", "number_1")
    kept(page)
    reach(page, "#label-ar")
    page.keyboard.type("العمق")
    page.keyboard.press("Tab")
    expect(page.locator("#row-number_1")).to_contain_text("العمق")
    kept(page)
    skip(page)
    press(page, "main a[href$='/publish']")
    expect(page).to_have_url(re.compile("/publish"))
    skip(page)
    press(page, "main .btn-primary")
    expect(page).to_have_url(re.compile("/forms/[^/]+$"))
    skip(page)
    press(page, "main a[href$='/fill']")
    expect(page).to_have_url(re.compile("/fill"))
    skip(page)
    fill(page, **{"a.number_1": "٣٥٫٥"})
    press(page, ".card-footer [name=send]")
    expect(page).to_have_url(re.compile("/forms/[^/]+$"))


def office(page: Page) -> None:
    skip(page, "/tickets/new")
    fill(page, title="عطل في المضخة")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("عطل في المضخة")
    skip(page)
    fill(page, content="نرسل الفني غدًا")
    press(page, "form[action$='/reply'] button[type=submit]")
    expect(page.locator(".talk-text").last).to_have_text("نرسل الفني غدًا")
    skip(page, "/customers/new")
    fill(page, company_name="جماعة أنفا")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("جماعة أنفا")


def review(page: Page, session: str) -> None:
    skip(page, f"/survey/sessions/{session}/review")
    press(page, "[data-accept-rest]")
    reach(page, "main button[name=decision]")
    press(page, "button[value=approve]")
    expect(page).to_have_url(re.compile(f"/survey/sessions/{session}(#.*)?$"))


@pytest.mark.covers("001-FR-016", "004-LBAC-04")
def test_the_main_jobs_are_done_by_keyboard_alone(page: Page, cast: Cast) -> None:
    def make() -> str:
        session = surveyed(cast, "wafa", "XY1101", WEST, "أحمد الحيمي").session
        with tenant(cast.a.pk, by=cast.alice.actor()):
            projects.project_create(data={"name": "رصد الآبار", "status": "Active"}, by=cast.alice)
            return str(session.pk)

    session = aside(make)
    enter(page, "alice@test.invalid", "a password of the tests")
    shell(page)
    laboratory(page)
    keep(page, "keyboard-laboratory")
    forms(page)
    keep(page, "keyboard-forms")
    office(page)
    keep(page, "keyboard-office")
    review(page, session)
