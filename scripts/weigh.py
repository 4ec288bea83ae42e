"""`make weigh`: what the portal's pages weigh over the wire in Arabic and English, on the first visit and afterwards.

Bytes that Chromium received, headers and fonts included (`encodedDataLength`), with an empty cache and then again.
Weighs the program that answers on PORT (8000), else one that it starts with the demo. Ends with 1 where a page is over
350 kB at first or over 60 kB afterwards.
Usage: python scripts/weigh.py [--files] [name of a page …]
"""

import argparse
import sys
from typing import Any

from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright
from screenshots import LANGUAGES, Page, choose_language, chromium, served, sign_in

FIRST, AFTERWARDS = 350_000, 60_000
PAGES = (
    Page("login", "/login", login=""),
    Page("home", "/"),
    Page("samples", "/samples"),
    Page("sample", "/samples", follow="main table tbody a"),
    Page("trends", "/trends"),
    Page("worksheet", "/worksheets", follow="main a[href^='/worksheets/']:not([href$=new])"),
    Page("points-map", "/points/map"),
    Page("point-new", "/points/new"),
    Page("report", "/reports/compliance", follow="main table tbody a"),
    Page("form", "/forms", follow="main a[href^='/forms/']:not([href$=new])"),
    Page("builder", "/forms", follow="main a[href^='/forms/']:not([href$=new])", end="/builder"),
    Page("fill", "/forms", follow="main a[href^='/forms/']:not([href$=new])", end="/fill"),
    Page("submissions", "/submissions"),
    Page("chart", "/views", follow="main a[href^='/views/']:not([href$=builder])"),
    Page("dashboard", "/dashboards", follow="main a[href^='/dashboards/']:not([href$=new])"),
    Page("dispatch", "/survey/dispatch"),
    Page("session", "/survey/sessions", follow="main table tbody a"),
    Page("images", "/images"),
    Page("tasks-board", "/tasks/board"),
    Page("pipeline", "/sales/pipeline"),
    Page("tickets", "/tickets"),
    Page("tickets-board", "/tickets/board"),
    Page("ticket", "/tickets", follow="main table tbody a"),
    Page("customer", "/customers", follow="main table tbody a"),
    Page("metrics", "/dashboard"),
    Page("audit", "/audit", login="auditor"),
)


def weigh(tab: Tab, address: str) -> dict[str, int]:
    """Bytes of each file that the page made the browser fetch; what came out of its cache weighs nothing."""
    urls: dict[str, str] = {}
    found: dict[str, int] = {}

    def sent(event: dict[str, Any]) -> None:
        urls[event["requestId"]] = event["request"]["url"]

    def ended(event: dict[str, Any]) -> None:
        url = urls.get(event["requestId"], "")
        found[url] = found.get(url, 0) + int(event["encodedDataLength"])

    wire = tab.context.new_cdp_session(tab)
    wire.send("Network.enable")
    wire.on("Network.requestWillBeSent", sent)
    wire.on("Network.loadingFinished", ended)
    tab.goto(address, wait_until="networkidle")
    wire.detach()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", action="store_true", help="each file under its page")
    parser.add_argument("names", nargs="*", metavar="page", choices=[[], *(page.name for page in PAGES)])
    options = parser.parse_args()
    chosen = [page for page in PAGES if not options.names or page.name in options.names]
    heavy = 0
    with served() as base, sync_playwright() as playwright:
        browser = chromium(playwright)
        for language in LANGUAGES:
            for login in dict.fromkeys(page.login for page in chosen):
                entry = browser.new_context(locale=language)
                entry.add_cookies([{"name": "marsad_language", "value": language, "url": base}])
                guide = entry.new_page()
                if login:
                    sign_in(guide, base, login)
                    choose_language(guide, language)
                for page in (page for page in chosen if page.login == login):
                    address = base + page.path
                    if page.follow:
                        guide.goto(address)
                        if not guide.locator(page.follow).count():
                            print(f"{page.name:14} {language}  there is none")
                            continue
                        link = guide.locator(page.follow).first.get_attribute("href")
                        address = f"{base}{link}{page.end}"
                    context = browser.new_context(
                        storage_state=entry.storage_state(), locale=language, viewport={"width": 1440, "height": 900}
                    )
                    first, then = weigh(context.new_page(), address), weigh(context.new_page(), address)
                    context.close()
                    once, again = sum(first.values()), sum(then.values())
                    over = once > FIRST or again > AFTERWARDS
                    heavy += over
                    print(
                        f"{page.name:14} {language}  first {once / 1000:6.1f} kB in {len(first):3} files,"
                        f" then {again / 1000:5.1f} kB{' too heavy' if over else ''}",
                        flush=True,
                    )
                    for visit in (first, then) if options.files else ():
                        for url, size in sorted(visit.items(), key=lambda pair: -pair[1]):
                            if size:
                                print(f"    {size / 1000:6.1f} {url.removeprefix(base)}")
                entry.close()
        browser.close()
    return int(bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
