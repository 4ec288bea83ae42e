"""`make screenshots`: pictures of the portal's pages in Arabic and English, wide and narrow, in docs/pictures.

Takes them of the program that answers on PORT (8000), else of one that it starts with the demo on a folder of its own.
Usage: python scripts/screenshots.py [name of a page …]
"""

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Page as Tab
from program import ROOT, Program

sys.path.insert(0, str(ROOT))

from portal.config.supervise import answers
from portal.desk.cast import DEMO, PASSWORD

PICTURES = ROOT / "docs" / "pictures"
LANGUAGES = ("ar", "en")
SIZES = {"": (1440, 900), "-narrow": (390, 844)}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Page:
    """`follow` is the selector of the link to a page whose address holds an id, `end` what comes behind that address;
    `login` "" is nobody."""

    name: str
    path: str
    follow: str = ""
    end: str = ""
    login: str = "manager"


PAGES = (
    Page("login", "/login", login=""),
    Page("home", "/"),
    Page("samples", "/samples?page=2"),
    Page("sample", "/samples?page=2", follow="main table tbody a"),
    Page("sample-new", "/samples/new"),
    Page("parameters", "/parameters"),
    Page("standards", "/standards"),
    Page("reports", "/reports/compliance"),
    Page("report", "/reports/compliance", follow="main table tbody a"),
    Page("points-map", "/points/map"),
    Page("forms-builder", "/forms", follow="main a[href^='/forms/']:not([href$=new])", end="/builder"),
    Page("submissions", "/submissions"),
    Page("dashboard", "/dashboards", follow="main a[href^='/dashboards/']:not([href$=new])"),
    Page("survey-review", "/survey/sessions?status=submitted", follow="main table tbody a", end="/review"),
    Page("images", "/images"),
    Page("tasks-board", "/tasks/board"),
    Page("pipeline", "/sales/pipeline"),
    Page("tickets-board", "/tickets/board"),
    Page("report-new", "/reports/compliance/new"),
    Page("sync", "/sync"),
    Page("devices", "/devices"),
    Page("users", "/users", login="admin"),
    Page("audit", "/audit", login="auditor"),
    Page("not-found", "/there-is-no-such-page"),
)


@contextlib.contextmanager
def served() -> Iterator[str]:
    port = int(os.environ.get("PORT") or 8000)
    if answers("127.0.0.1", port):
        yield f"http://127.0.0.1:{port}"
        return
    program = Program()
    try:
        program.start()
        yield f"http://127.0.0.1:{program.port}"
    finally:
        program.discard()


def chromium(playwright: Playwright) -> Browser:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        raise SystemExit("Chromium is missing")
    # as root Chromium has no sandbox; the rest keeps it from calling home
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return playwright.chromium.launch(executable_path=program, args=arguments)


def sign_in(tab: Tab, address: str, login: str) -> None:
    tab.goto(f"{address}/login")
    tab.fill("input[name=login]", login if "@" in login else f"{login}@{DEMO}")
    tab.fill("input[name=password]", PASSWORD)
    tab.locator("main form button[type=submit], form:has(input[name=password]) button[type=submit]").first.click()
    tab.wait_for_url(lambda url: "/login" not in url)


def choose_language(tab: Tab, language: str) -> None:
    """In the switch of the page: what a person chose once counts more than the browser's wish."""
    tab.locator("details.menu-box:has(button[name=language])").first.locator("summary").click()
    tab.locator(f"button[name=language][value={language}]").first.click()
    tab.wait_for_load_state("load")


def take(browser: Browser, address: str, pages: list[Page], login: str, language: str, suffix: str) -> None:
    """Pictures of the pages of one person, each with its status, size and what the browser complained of."""
    width, height = SIZES[suffix]
    context = browser.new_context(viewport={"width": width, "height": height}, locale=language)
    context.add_cookies([{"name": "marsad_language", "value": language, "url": address}])
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    if login:
        sign_in(tab, address, login)
        choose_language(tab, language)
    for page in pages:
        faults.clear()
        answer = tab.goto(address + page.path, wait_until="load")
        if page.follow:
            link = tab.locator(page.follow).first.get_attribute("href")
            answer = tab.goto(f"{address}{link}{page.end}", wait_until="load")
        tab.wait_for_timeout(500)  # charts and maps draw themselves
        path = PICTURES / f"{page.name}-{language}{suffix}.webp"
        Image.open(io.BytesIO(tab.screenshot(full_page=bool(suffix)))).save(path, quality=80, method=6)
        wider = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            faults.append(f"{wider} pixels wider than the window")
        status = answer.status if answer else 0
        print(f"{status} {path.relative_to(ROOT)} {path.stat().st_size // 1024} kB {' | '.join(faults)}", flush=True)
    context.close()


def main(names: list[str]) -> int:
    if unknown := set(names) - {page.name for page in PAGES}:
        raise SystemExit(f"no such page: {', '.join(sorted(unknown))}; known: {', '.join(p.name for p in PAGES)}")
    chosen = [page for page in PAGES if not names or page.name in names]
    PICTURES.mkdir(parents=True, exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        browser = chromium(playwright)
        for login in dict.fromkeys(page.login for page in chosen):
            pages = [page for page in chosen if page.login == login]
            for language in LANGUAGES:
                for suffix in SIZES:
                    take(browser, address, pages, login, language, suffix)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
