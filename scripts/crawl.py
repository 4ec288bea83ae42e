"""`make crawl`: walk the pages of the portal as every role, in three languages, wide and narrow; say what is wrong.

Follows links from the home page, a few addresses for each route and role, and reads their markup: all of it in Arabic,
a page of each route in the other languages, and what the role is told at the pages that only others are led to. Those
that show elements of a kind that no earlier page of their route showed, to whatever role, are then looked at in the
browser in each language and width, also what unfolds by a click (--all: every page of every role). A page is wrong that
answers anything but 200 (403 or 404 where no link of the role leads), runs the wrong way, is wider than the screen,
shows a text that has a translation untranslated, shows Latin words of the program in Arabic, has not exactly one main
heading or an id twice, writes errors to the console, or breaks a rule of WCAG 2.2 AA that axe can tell (asked once for
each kind of markup: the languages share theirs, and other widths are only asked what depends on them).
A role is a login of the demo, a whole address (the first one's organisation is empty) or the visitor without any. What
is found is said at once.
Walks the program that answers on PORT (8000), else one that it starts with the demo. Ends with 1 where something was
found. Usage: python scripts/crawl.py [--roles admin,viewer] [--languages ar,en] [--widths 1440,390] [--dark] [route …]
"""

import argparse
import os
import re
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import django
from django.conf import settings
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from django.utils import translation
from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright
from playwright.sync_api import Page as Tab
from program import ROOT
from screenshots import CHROMIUM, choose_language, served, sign_in

sys.path.insert(0, str(ROOT))

from portal.desk.cast import EMPTY

VISITOR = "visitor"
ROLES = (
    f"admin@{EMPTY}",
    "admin",
    "manager",
    "technician",
    "agent",
    "sales",
    "support",
    "auditor",
    "viewer",
    "superadmin",
    VISITOR,
)

LANGUAGES = ("ar", "fr", "en")
WIDTHS = (1440, 390)
NEW = 2  # kinds of elements that make a page worth a look
EACH = 3  # addresses of a route that are fetched, to find those that differ
AXE = (ROOT / "tests/browser/axe/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LAYOUT = ["target-size", "scrollable-region-focusable"]  # what the same markup may break at another width
# as root Chromium has no sandbox; the rest spares the processor
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer", "--disable-background-networking"]
# Files, doors out and endless ranges of dates are not pages to look at.
SKIPPED = re.compile(
    r"[./](csv|xlsx|json|pdf|geojson|jsonl|xml|png|zip|svg|docx|gpkg|dxf|kml)$"
    r"|^/(logout|api|static|health|metrics)(/|$)|/(download|original)$"
)
ORDER = re.compile(r"(^|&)(sort|per_page|page)=")  # the same rows in another order
CLICK = {"", "click"}
SILENT = {"script", "style", "code", "pre", "textarea", "kbd", "svg"}
VOID = frozenset("area base br col embed hr img input link meta source track wbr use path".split())  # noqa: SIM905
BROKEN = re.compile(r"\b(None|undefined|NaN)\b|\[object|%\(|\{\{|\{%")
LOOK = """() => {
  const said = [], skip = "script,style,code,pre,textarea,[lang]:not(html),[translate=no],kbd,svg";
  const bare = [], own = "bdi,[dir=auto],[dir=ltr],option,kbd,.notranslate";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.replace(/\\s+/g, " ").trim(), around = walk.currentNode.parentElement;
    if (text.length < 3 || around.closest(skip)) continue;
    said.push(text);
    if (!around.closest(own)) bare.push(text);
  }
  for (const node of document.querySelectorAll("[aria-label],[placeholder],[title],[alt]"))
    for (const name of ["aria-label", "placeholder", "title", "alt"])
      if (node.getAttribute(name) && !node.closest("[lang]:not(html)")) said.push(node.getAttribute(name).trim());
  const scrolls = node => node && node !== document.body
    && (/auto|scroll|hidden|clip/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  const wide = [...document.querySelectorAll("body *")].filter(node => {
    const box = node.getBoundingClientRect();
    return box.width && node.checkVisibility() && (box.right > innerWidth + 1 || box.left < -1)
      && getComputedStyle(node).position !== "fixed" && !scrolls(node.parentElement);
  });
  const kinds = new Set([...document.querySelectorAll("body *:not(svg *)")].map(node =>
    [node.parentElement.tagName, node.tagName, node.getAttribute("class"), node.getAttribute("role"),
     node.type || "", node.disabled || "", node.hidden || ""].join(" ")));
  return {
    dir: document.documentElement.dir, lang: document.documentElement.lang, said, bare,
    over: document.documentElement.scrollWidth - innerWidth,
    wide: wide.slice(-1).map(node => node.tagName.toLowerCase() + "." + node.className).join(),
    kinds: [...kinds].sort().join("\\n"),
  };
}"""
# The pins of a map lie where their places are, and may cover each other (2.5.8, "essential"); lists hold the same.
# axe passes over the contrast of Arabic letters where it is not told to look at every text.
JUDGE = """async (rules) => {
  const found = await axe.run(document, {runOnly: rules, resultTypes: ["violations"]});
  const why = node => (node.any[0] || node.all[0] || node.none[0] || {message: ""}).message;
  const placed = node => document.querySelector(node.target[0])?.closest(".leaflet-marker-pane");
  return found.violations.flatMap(rule => {
    const nodes = rule.nodes.filter(node => rule.id !== "target-size" || !placed(node));
    const where = nodes.slice(0, 2).map(node => node.target.join(" ") + " " + why(node));
    return nodes.length ? [{id: rule.id, where}] : [];
  });
}"""


@dataclass(frozen=True)
class Spot:
    """A page, or what a click on the page at `parent` brings: then `path` is in the `hx-get` of what is clicked."""

    name: str
    path: str
    parent: str = ""


@dataclass
class Walk:
    base: str
    # what is wrong -> where
    found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    # route -> kinds of elements that the pages looked at so far are made of
    known: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    judged: set[tuple[str, int, int]] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    # route -> an address that a link led some role to
    led: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    # role, what, language -> pages read, refused, looked at
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    role: str = ""

    def note(self, what: str, where: str) -> None:
        if what not in self.found:
            print(f"! {what}\n    {where}", flush=True)
        self.found[what].append(where)

    def count(self, what: str) -> None:
        self.counts[self.role, what] += 1

    def total(self, what: str) -> int:
        return sum(number for (_role, done), number in self.counts.items() if done.startswith(what))

    def table(self) -> str:
        """What was done as each role."""
        done = list(dict.fromkeys(what for _role, what in self.counts))
        lines = [["", *done]]
        lines += [
            [role, *(str(self.counts[role, what]) for what in done)]
            for role in dict.fromkeys(role for role, _what in self.counts)
        ]
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(cell.rjust(size) for cell, size in zip(line, wide, strict=True)) for line in lines)


class Source(HTMLParser):
    """What a page leads to (links, clicks, actions), what it says, and of which kinds of elements it is made."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[str] = []
        self.clicks: list[str] = []
        self.actions: list[str] = []
        self.kinds: set[str] = set()
        self.said: set[str] = set()
        self.ids: Counter[str] = Counter()
        self.headings = 0  # of the first rank
        self.way = ""
        self.silent: list[str] = []  # the open elements from the outermost that is not ours to translate
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        self.ids[of.get("id", "")] += 1
        self.headings += tag == "h1"
        if tag == "html":
            self.way = f"lang {of.get('lang')}, dir {of.get('dir')}"
        elif tag not in VOID and (self.silent or tag in SILENT or "lang" in of or of.get("translate") == "no"):
            self.silent.append(tag)
        if not self.silent:
            self.said |= {of[name].strip() for name in ("aria-label", "placeholder", "title", "alt") if of.get(name)}
        self.kinds.add(f"{tag} {of.get('class', '')} {of.get('name', '')} {of.get('type', '')}")
        if tag == "a" and of.get("href"):
            self.links.append(urljoin(self.address, of["href"]))
        elif "hx-get" in of and of.get("hx-trigger", "") in CLICK:
            self.clicks.append(of["hx-get"])
        for name in ("action", "formaction", "hx-post", "hx-get", "hx-delete", "src", "data-href", "data-url"):
            if of.get(name):
                self.actions.append(urljoin(self.address, of[name]))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.silent:
            del self.silent[len(self.silent) - 1 - self.silent[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self.silent and len(text := " ".join(data.split())) > 2:
            self.said.add(text)


def untranslated(language: str) -> dict[str, str]:
    """English texts that have another form in the language, without those that are filled in; a language is offered
    by its own name."""
    with translation.override(language):
        catalogue = translation.trans_real.translation(language)._catalog  # noqa: SLF001  there is no other way in
    meant = {said for _key, said in catalogue.items()}  # of two meanings of a word, one may be the same word
    meant |= {said[:1].upper() + said[1:] for said in meant}
    return {
        key: said
        for key, said in catalogue.items()
        if isinstance(key, str)
        and key not in meant
        and key not in ("", "English")
        and said != key
        and "%" not in key
        and re.search(r"[a-z]{3}", key)
    }


def route_of(address: str) -> str:
    """The name of the page behind an address, "" where it is none of ours."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def wanted(name: str, only: Iterable[str]) -> bool:
    """Whether the name begins as one of `only` does, with its room (`lab:sample`) or without it (`sample`)."""
    short = name.rpartition(":")[2]
    return not only or any(name.startswith(part) or short.startswith(part) for part in only)


def names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver) and not str(pattern.pattern).startswith("api/"):
            yield from names(pattern, prefix + (f"{pattern.namespace}:" if pattern.namespace else ""))
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield prefix + pattern.name


def session(browser: Browser, base: str, role: str) -> Any:
    context = browser.new_context(base_url=base)
    page = context.new_page()
    if role == VISITOR:
        page.goto("/login")
    else:
        sign_in(page, base, role)
    choose_language(page, "ar")
    state = context.storage_state()
    context.close()
    return state


def ours(walk: Walk, source: Source, only: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Route and address of each page of the portal that a page links to."""
    for link in source.links:
        there = urlsplit(link)
        if there.netloc == urlsplit(walk.base).netloc and not SKIPPED.search(there.path):
            name = route_of(link)
            if name and wanted(name, only) and not ORDER.search(there.query):
                yield name, there.path + (f"?{there.query}" if there.query else "")


def proofread(walk: Walk, source: Source, name: str, where: str, language: str, texts: dict[str, str]) -> None:
    if source.way != f"lang {language}, dir {'rtl' if language == 'ar' else 'ltr'}":
        walk.note(f"{name}: {source.way}", where)
    for text in source.said & texts.keys():
        walk.note(f"{name}: untranslated “{text}”", where)
    for text in filter(BROKEN.search, source.said if language != "en" else ()):  # there "None" is a word
        walk.note(f"{name}: shows “{text[:80]}”", where)
    if source.headings != 1:
        walk.note(f"{name}: {source.headings} main headings", where)
    if twice := sorted(key for key, number in source.ids.items() if key and number > 1):
        walk.note(f"{name}: id twice: {', '.join(twice)[:200]}", where)


def fetch(context: BrowserContext, path: str) -> tuple[int, Source | None]:
    """The status of a page, and its markup where it has some."""
    answer = context.request.get(path)
    if "text/html" not in answer.headers.get("content-type", ""):
        return answer.status, None
    return answer.status, Source(answer.url, answer.text())


def spots(walk: Walk, context: BrowserContext, options: Any, texts: dict[str, str]) -> tuple[list[Spot], list[Spot]]:
    """A page of each route that links lead to from the home page; of those, and of the panels that clicks bring, the
    ones that are worth a look."""
    fetched: Counter[tuple[str, str]] = Counter()
    start = "/login" if walk.role == VISITOR else "/"
    seen, queue, pages, panels = {start}, [start], defaultdict[str, list[tuple[str, Source]]](list), dict[str, Spot]()
    while queue:
        path = queue.pop(0)
        status, source = fetch(context, path)
        name = route_of(source.address if source else path)
        if status != 200:
            walk.note(f"{name}: status {status}", f"{walk.role} {path}")
        if status != 200 or not source:
            continue
        walk.reached |= {name} | {route_of(action) for action in source.actions + source.links}
        if wanted(name, options.only):
            pages[name].append((path, source))
            walk.count("read ar")
            proofread(walk, source, name, f"{walk.role} ar {path}", "ar", texts)
        for to, address in ours(walk, source, options.only):
            most = options.each if fetched[to, name] else 2 * options.each  # another way there leads to others
            if address not in seen and fetched[to, ""] < most:
                seen.add(address)
                fetched.update(((to, ""), (to, name)))
                queue.append(address)
        for click in source.clicks:
            to = route_of(urljoin(source.address, click))
            if wanted(to, options.only) and not SKIPPED.search(click) and to != name:
                panels.setdefault(to, Spot(to, click, path))
    knock(walk, context, walk.led.keys() - pages.keys(), texts)
    return choose(walk, pages, panels, options)


def knock(walk: Walk, context: BrowserContext, others: Iterable[str], texts: dict[str, str]) -> None:
    """Ask for the pages that only other roles are led to."""
    for name in others:
        status, source = fetch(context, walk.led[name])
        walk.count("refused" if status in (403, 404) else "open")
        if status not in (200, 403, 404):
            walk.note(f"{name}: status {status}", f"{walk.role} {walk.led[name]}")
        elif source:
            proofread(walk, source, name, f"{walk.role} ar {walk.led[name]}", "ar", texts)


def choose(
    walk: Walk, pages: dict[str, list[tuple[str, Source]]], panels: dict[str, Spot], options: Any
) -> tuple[list[Spot], list[Spot]]:
    """A page of each route, and what is worth a look."""
    one, kept = [], []
    for name, found in pages.items():
        for number, (path, source) in enumerate(sorted(found, key=lambda page: -len(page[1].kinds))):
            if not number:
                one.append(Spot(name, path))
                walk.led.setdefault(name, path)
            if len(source.kinds - walk.known[name]) > NEW or (options.all and not number):
                kept.append(Spot(name, path))
                walk.known[name] |= source.kinds
    for panel in panels.values():
        if panel.name not in pages and (options.all or not walk.known[panel.name]):
            walk.known[panel.name].add(panel.path)
            kept.append(panel)
    return one, kept


def look(walk: Walk, page: Tab, spot: Spot, language: str, options: Any, said: dict[str, str]) -> None:
    walk.errors.clear()
    widths = [int(width) for width in options.widths.split(",")]
    page.set_viewport_size({"width": widths[0], "height": 900})
    answer = page.goto(spot.parent or spot.path, wait_until="load")
    if spot.parent:
        with page.expect_response(lambda response: spot.path in response.url) as click:
            page.evaluate("path => document.querySelector(`[hx-get='${path}']`).click()", spot.path)
        answer = click.value
    where = f"{walk.role} {language} {spot.path}"
    if answer is None or answer.status != 200:
        walk.note(f"{spot.name}: status {answer and answer.status}", where)
        return
    for width in widths:
        if width != widths[0]:
            page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(150)
        walk.count(f"{language} {width}")
        judge(walk, page, spot, f"{where} {width}", language, width, said, options)
        if options.pictures:
            name = f"{spot.name.replace(':', '.')}-{language}-{width}-{walk.role}-{walk.counts.total():05}.jpg"
            page.screenshot(path=f"{options.pictures}/{name}", full_page=width < 1000, quality=70)
    for text in walk.errors:
        walk.note(f"{spot.name}: console: {text[:200]}", where)


def judge(
    walk: Walk, page: Tab, spot: Spot, where: str, language: str, width: int, said: dict[str, str], options: Any
) -> None:
    seen = page.evaluate(LOOK)
    for _second in range(3):  # on a busy machine the page may still be on its way to its new width
        if seen["over"] <= 1 and not seen["wide"]:
            break
        page.wait_for_timeout(1000)
        seen = page.evaluate(LOOK)
    if seen["lang"] != language or seen["dir"] != ("rtl" if language == "ar" else "ltr"):
        walk.note(f"{spot.name}: lang {seen['lang']}, dir {seen['dir']}", where)
    if seen["over"] > 1 or seen["wide"]:
        walk.note(f"{spot.name}: {seen['over']} px too wide ({seen['wide']})", where)
    for text in {text for text in seen["said"] if text in said}:
        walk.note(f"{spot.name}: untranslated “{text}”", where)
    for text in {text for text in seen["said"] if language != "en" and BROKEN.search(text)}:
        walk.note(f"{spot.name}: shows “{text[:80]}”", where)
    if language == "ar":
        for text in {text for text in seen["bare"] if not re.search("[؀-ۿ]", text)}:
            if re.search(r"[A-Za-z]{3,} [a-z]{2,}", text) and "\u2068" not in text:
                walk.note(f"{spot.name}: Latin words outside of bdi “{text[:80]}”", where)
    kind = (spot.name, width, hash(seen["kinds"]))
    if kind in walk.judged:
        return
    whole = not any((spot.name, other, kind[2]) in walk.judged for other in map(int, options.widths.split(",")))
    walk.judged.add(kind)
    page.evaluate(AXE)
    for fault in page.evaluate(JUDGE, RULES if whole else LAYOUT):
        walk.note(f"{spot.name}: axe {fault['id']}: {' | '.join(fault['where'])[:300]}", where)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roles", default=",".join(ROLES))
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--pictures", default="", help="folder in which to keep a picture of each page")
    parser.add_argument("--each", type=int, default=EACH, help="addresses of a route that are fetched to be compared")
    parser.add_argument("--all", action="store_true", help="look at every page of every role in the browser")
    parser.add_argument("--read", action="store_true", help="read the markup of the pages, look at none")
    parser.add_argument("only", nargs="*", metavar="route")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    django.setup()
    assert settings.configured
    texts = {language: untranslated(language) if language != "en" else {} for language in LANGUAGES}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # then it reports as well
    with served() as base, sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, CHROMIUM)), None)
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        walk = Walk(base)
        try:
            for walk.role in options.roles.split(","):
                visit(walk, browser, options, texts)
        finally:  # also of a walk that is cut off
            browser.close()
            report(walk, options)
    return int(bool(walk.found))


def visit(walk: Walk, browser: Browser, options: Any, texts: dict[str, dict[str, str]]) -> None:
    """Walk the pages as one role."""
    began = time.monotonic()
    state = session(browser, walk.base, walk.role)
    context = browser.new_context(base_url=walk.base, storage_state=state, locale="ar")
    pages, chosen = spots(walk, context, options, texts["ar"])
    context.close()
    print(f"{walk.role}: {len(pages)} routes, {len(chosen)} to look at, {time.monotonic() - began:.0f} s", flush=True)
    for language in options.languages.split(","):
        context = browser.new_context(
            base_url=walk.base,
            storage_state=state,
            locale=language,
            color_scheme="dark" if options.dark else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.on("console", lambda message: walk.errors.append(message.text) if message.type == "error" else 0)
        page.on("pageerror", lambda error: walk.errors.append(str(error)))
        page.goto("/")
        choose_language(page, language)
        for spot in pages if language != "ar" else ():
            status, source = fetch(context, spot.path)
            walk.count(f"read {language}")
            if status != 200 or not source:
                walk.note(f"{spot.name}: status {status}", f"{walk.role} {language} {spot.path}")
            else:
                proofread(walk, source, spot.name, f"{walk.role} {language} {spot.path}", language, texts[language])
        for spot in () if options.read else chosen:
            try:
                look(walk, page, spot, language, options, texts[language])
            except Error as problem:
                walk.note(f"{spot.name}: {str(problem)[:200]}", f"{walk.role} {language} {spot.path}")
        context.close()
        print(f"    {language} after {time.monotonic() - began:.0f} s, {len(walk.found)} faults so far", flush=True)


def report(walk: Walk, options: Any) -> None:
    for what, where in sorted(walk.found.items()):
        print(f"{what}\n    {len(where)} times, {where[0]}")
    routes = [name for name in dict.fromkeys(names(get_resolver())) if wanted(name, options.only)]
    print(f"never reached: {', '.join(name for name in routes if name not in walk.reached) or 'none'}")
    print(walk.table())
    looks = sum(walk.total(language) for language in LANGUAGES)
    seen = len({name for name, *_ in walk.judged})
    print(f"{walk.total('read')} pages read, {looks} looks at pages of {seen} routes, {len(walk.found)} faults")


if __name__ == "__main__":
    sys.exit(main())
