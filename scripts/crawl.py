"""`make crawl`: walk the pages of the portal as every role, in three languages, wide and narrow; say what is wrong.

Follows links from the home page, one address for each route and role. A page is wrong that answers anything but 200 (or
a declared 403), runs the wrong way, is wider than the screen, shows a text that has a translation untranslated, writes
errors to the console, or breaks a rule of WCAG 2.2 AA that axe-core can tell. Walks the program that answers on PORT
(8000), else one that it starts with the demo. Ends with 1 where something was found.
Usage: python scripts/crawl.py [--roles admin,viewer] [--languages ar,en] [--widths 1440,390] [--dark] [route …]
"""

import argparse
import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.urls import Resolver404, resolve
from django.utils import translation
from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright
from playwright.sync_api import Page as Tab
from program import ROOT
from screenshots import CHROMIUM, served, sign_in

sys.path.insert(0, str(ROOT))

ROLES = ("admin", "manager", "technician", "agent", "sales", "support", "auditor", "viewer", "superadmin")
LANGUAGES = ("ar", "fr", "en")
WIDTHS = (1440, 390)
AXE = (ROOT / "tests/browser/axe/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Files, doors out and endless ranges of dates are not pages to look at.
SKIPPED = re.compile(
    r"\.(csv|xlsx|json|pdf|geojson|jsonl|xml|png|zip|svg)$|^/(logout|api|static|health)(/|$)|/download$"
)
LOOK = """() => {
  const said = [], skip = "script,style,code,pre,textarea,[lang],svg";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.replace(/\\s+/g, " ").trim();
    if (text.length > 2 && !walk.currentNode.parentElement.closest(skip)) said.push(text);
  }
  for (const node of document.querySelectorAll("[aria-label],[placeholder],[title],[alt]"))
    for (const name of ["aria-label", "placeholder", "title", "alt"])
      if (node.getAttribute(name) && !node.closest("[lang]:not(html)")) said.push(node.getAttribute(name).trim());
  const wide = [...document.querySelectorAll("body *")].filter(node => {
    const box = node.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1) && getComputedStyle(node).position !== "fixed";
  });
  return {
    dir: document.documentElement.dir, lang: document.documentElement.lang, said,
    over: document.documentElement.scrollWidth - innerWidth,
    wide: wide.slice(-1).map(node => node.tagName.toLowerCase() + "." + node.className).join(),
    links: [...document.querySelectorAll("a[href]")].map(link => link.href),
  };
}"""
JUDGE = f"""async () => {{
  const found = await axe.run(document, {{runOnly: {RULES}, resultTypes: ["violations"]}});
  const why = node => (node.any[0] || node.all[0] || node.none[0] || {{message: ""}}).message;
  return found.violations.map(rule => ({{
    id: rule.id, where: rule.nodes.slice(0, 2).map(node => node.target.join(" ") + " " + why(node)),
  }}));
}}"""


@dataclass
class Walk:
    base: str
    # what is wrong -> where
    found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    pages: int = 0

    def note(self, what: str, where: str) -> None:
        self.found[what].append(where)


def untranslated(language: str) -> dict[str, str]:
    """English texts that have another form in the language, without those that are filled in."""
    with translation.override(language):
        catalogue = translation.trans_real.translation(language)._catalog  # noqa: SLF001  there is no other way in
    return {
        key: said
        for key, said in catalogue.items()
        if isinstance(key, str) and key and said != key and "%" not in key and re.search(r"[a-z]{3}", key)
    }


def route_of(address: str) -> str:
    """The name of the page behind an address, "" where it is none of ours to look at."""
    path = urlsplit(address).path
    if SKIPPED.search(path):
        return ""
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""


def session(browser: Browser, base: str, role: str) -> Any:
    context = browser.new_context(base_url=base)
    sign_in(context.new_page(), base, role)
    state = context.storage_state()
    context.close()
    return state


def routes(context: BrowserContext, only: Iterable[str]) -> dict[str, str]:
    """Route -> the first address of it that links lead to from the home page."""
    page, known, queue = context.new_page(), {"": ""}, ["/"]
    while queue:
        path = queue.pop(0)
        try:
            page.goto(path)
        except Error:  # a download
            del known[route_of(path)]
            page.close()
            page = context.new_page()
            continue
        for link in page.evaluate(LOOK)["links"]:
            there = urlsplit(link)
            if there.netloc != urlsplit(page.url).netloc:
                continue
            if (name := route_of(link)) and name not in known:
                known[name] = there.path + (f"?{there.query}" if there.query else "")
                queue.append(known[name])
    page.close()
    del known[""]
    return {name: path for name, path in known.items() if not only or any(part in name for part in only)}


def look(walk: Walk, page: Tab, path: str, name: str, language: str, said: dict[str, str], where: str) -> None:
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    answer = page.goto(path, wait_until="load")
    walk.pages += 1
    if answer is None or answer.status != 200:
        walk.note(f"{name}: status {answer and answer.status}", where)
        return
    page.wait_for_timeout(150)
    seen = page.evaluate(LOOK)
    if seen["lang"] != language or seen["dir"] != ("rtl" if language == "ar" else "ltr"):
        walk.note(f"{name}: lang {seen['lang']}, dir {seen['dir']}", where)
    if seen["over"] > 1:
        walk.note(f"{name}: {seen['over']} px too wide ({seen['wide']})", where)
    for text in {text for text in seen["said"] if text in said}:
        walk.note(f"{name}: untranslated “{text}”", where)
    for text in errors:
        walk.note(f"{name}: console: {text[:200]}", where)
    page.evaluate(AXE)
    for fault in page.evaluate(JUDGE):
        walk.note(f"{name}: axe {fault['id']}: {' | '.join(fault['where'])[:300]}", where)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roles", default=",".join(ROLES))
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--pictures", default="", help="folder in which to keep a picture of each page")
    parser.add_argument("only", nargs="*", metavar="route")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    django.setup()
    assert settings.configured
    languages = options.languages.split(",")
    texts = {language: untranslated(language) if language != "en" else {} for language in languages}
    with served() as base, sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, CHROMIUM)), None)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        walk = Walk(base)
        for role in options.roles.split(","):
            state = session(browser, base, role)
            context = browser.new_context(base_url=base, storage_state=state, locale="en")
            addresses = routes(context, options.only)
            context.close()
            print(f"{role}: {len(addresses)} pages", flush=True)
            for language in languages:
                for width in map(int, options.widths.split(",")):
                    context = browser.new_context(
                        base_url=base,
                        storage_state=state,
                        locale=language,
                        color_scheme="dark" if options.dark else "light",
                        viewport={"width": width, "height": 900},
                        reduced_motion="reduce",
                    )
                    for name, path in addresses.items():
                        page = context.new_page()
                        look(walk, page, path, name, language, texts[language], f"{role} {language} {width} {path}")
                        if options.pictures:
                            page.screenshot(
                                path=f"{options.pictures}/{role}-{name.replace(':', '.')}-{language}-{width}.png"
                            )
                        page.close()
                    context.close()
        browser.close()
    for what, where in sorted(walk.found.items()):
        print(f"{what}\n    {len(where)} times, {where[0]}")
    print(f"{walk.pages} pages, {len(walk.found)} faults")
    return int(bool(walk.found))


if __name__ == "__main__":
    sys.exit(main())
