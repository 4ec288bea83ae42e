"""The Markdown that people write in notes and comments, as HTML: paragraphs, line breaks, headings, lists, quotations,
bold, italic, code and links. All text is escaped first and only these tags are made, so no input can bring its own."""

import re
from html import escape
from typing import Final

from django.utils.safestring import SafeString, mark_safe

_CODE: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\[([^\]\n]{1,300})\]\((https?://[^\s()<>\"']{1,1000}|mailto:[^\s()<>\"']{1,300})\)")
_BARE: Final = re.compile(r"(?<![\"=>\w/])(https?://[^\s<>\"'()]{1,1000}[^\s<>\"'().,;:!?])")
_BOLD: Final = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_ITALIC: Final = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])|(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)")
_ITEM: Final = re.compile(r"\s{0,3}([-*+]|\d{1,3}[.)])\s+(.*)")
_HEADING: Final = re.compile(r"(#{1,4})\s+(.*)")
_KEPT: Final = re.compile("\x00(\\d+)\x00")


def html(text: str) -> SafeString:
    """Safe to put into a page as it is; the direction of each block follows its first letter."""
    blocks: list[str] = []
    lines: list[str] = []
    kind = ""

    def close() -> None:
        nonlocal kind
        if lines:
            blocks.append(_block(kind, lines))
        lines.clear()
        kind = ""

    for line in text.replace("\r\n", "\n").replace("\x00", "").split("\n"):
        item, heading = _ITEM.fullmatch(line), _HEADING.fullmatch(line)
        if not line.strip():
            close()
        elif heading:
            close()
            blocks.append(f'<p dir="auto"><strong>{_inline(heading[2])}</strong></p>')
        else:
            here = ("ol" if item[1][0].isdigit() else "ul") if item else "quote" if line.startswith(">") else "p"
            if here != kind and not (here == "p" and kind in ("ul", "ol")):
                close()
                kind = here
            content = item[2] if item else line[1:].lstrip() if here == "quote" else line
            if kind in ("ul", "ol") and not item:
                lines[-1] += "\n" + content.strip()
            else:
                lines.append(content)
    close()
    return mark_safe("\n".join(blocks))  # noqa: S308  escaped line by line above


def _block(kind: str, lines: list[str]) -> str:
    if kind in ("ul", "ol"):
        return f'<{kind} dir="auto">' + "".join(f"<li>{_inline(line)}</li>" for line in lines) + f"</{kind}>"
    inner = "<br>".join(_inline(line) for line in lines)
    return f'<blockquote dir="auto">{inner}</blockquote>' if kind == "quote" else f'<p dir="auto">{inner}</p>'


def _inline(text: str) -> str:
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return f"\x00{len(kept) - 1}\x00"

    def link(address: str, words: str) -> str:
        return keep(f'<a href="{address}" rel="noopener noreferrer nofollow">{words}</a>')

    text = escape(text, quote=False)
    text = _CODE.sub(lambda found: keep(f"<code>{found[1]}</code>"), text)
    text = _LINK.sub(lambda found: link(found[2], found[1]), text)
    text = _BARE.sub(lambda found: link(found[1], found[1]), text)
    text = _BOLD.sub(r"<strong>\1</strong>", text)
    text = _ITALIC.sub(lambda found: f"<em>{found[1] or found[2]}</em>", text)
    text = text.replace("\n", "<br>")
    while _KEPT.search(text):
        text = _KEPT.sub(lambda found: kept[int(found[1])], text)
    return text
