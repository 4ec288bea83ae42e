"""The text of a contract: a few tags of HTML, everything else is taken out."""

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe

_TAGS: Final = "h2 h3 h4 p br hr strong b em i u ul ol li table thead tbody tr th td blockquote section bdi"
_KEPT: Final = frozenset(_TAGS.split())
_VOID: Final = frozenset({"br", "hr"})
_DROPPED: Final = frozenset({"script", "style", "template", "iframe", "object", "svg", "math", "title"})  # with content
_ATTRIBUTES: Final = {("bdi", "dir"): {"ltr", "auto"}, ("td", "class"): {"num"}, ("th", "class"): {"num"}}
_TAG: Final = re.compile(rf"</?({'|'.join(sorted(_KEPT))})[\s/>]", re.IGNORECASE)


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []
        self.dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.dropping += tag in _DROPPED
        if tag not in _KEPT or self.dropping:
            return
        kept = "".join(f' {name}="{value}"' for name, value in attrs if value in _ATTRIBUTES.get((tag, name), ()))
        self.parts.append(f"<{tag}{kept}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self.dropping = max(0, self.dropping - 1)
        elif tag in self.open and not self.dropping:
            while True:  # what was left open inside ends with it
                inner = self.open.pop()
                self.parts.append(f"</{inner}>")
                if inner == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            self.parts.append(escape(data, quote=False))


def clean(text: str) -> str:
    """`text` with the tags that a contract may have, closed in order; every other tag and attribute is gone."""
    cleaner = _Cleaner()
    cleaner.feed(text)
    cleaner.close()
    return "".join([*cleaner.parts, *(f"</{tag}>" for tag in reversed(cleaner.open))])


def show(text: str) -> SafeString:
    """Terms for a page or a PDF: HTML cleaned once more, or plain text in paragraphs."""
    if _TAG.search(text):
        return mark_safe(clean(text))  # noqa: S308  nothing but the tags above is left
    return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308  escaped
