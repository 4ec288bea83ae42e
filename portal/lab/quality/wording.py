"""Words, colours and numbers of quality control, for pages, JSON of the grid and print."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.lab.quality.choices import Kind, Reason
from portal.lab.quality.models import QcResult
from portal.lab.quality.westgard import Rule
from portal.lab.reports.wording import plain
from portal.ui.templatetags.marsad import icon

RULES: Final[dict[str, str | Promise]] = {
    Rule.WARNING_2S: gettext_lazy("beyond 2 s: a warning"),
    Rule.BEYOND_3S: gettext_lazy("beyond 3 s"),
    Rule.TWO_2S: gettext_lazy("two in a row beyond 2 s on one side"),
    Rule.RANGE_4S: gettext_lazy("two of one run beyond 2 s on opposite sides"),
    Rule.FOUR_1S: gettext_lazy("four in a row beyond 1 s on one side"),
    Rule.TEN_X: gettext_lazy("ten in a row on one side of the mean"),
}
# Status or state of control -> (colour, icon); the word stands beside it.
_LOOKS: Final = {
    "open": ("blue", "pencil"),
    "completed": ("yellow", "clock"),
    "verified": ("green", "circle-check"),
    "none": ("secondary", "circle-dashed"),
    "in_control": ("green", "circle-check"),
    "warning": ("yellow", "alert-triangle"),
    "out_of_control": ("red", "circle-x"),
    "accept": ("orange", "check"),
    "repeat": ("blue", "refresh"),
}


def badge(key: str, word: object) -> SafeString:
    colour, name = _LOOKS[key]
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


def digits(number: Decimal | None, places: int = 4) -> str:
    """To so many significant digits."""
    return "" if number is None else plain(Decimal(f"{number:.{places}g}"))


def _apart(text: str) -> str:
    """Keep its order inside Arabic."""
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def figure(row: QcResult) -> str:
    """The figure that decided, with its name: `RPD 4.9 %`, `recovery 95 – 97 %`."""
    if row.figure is None or row.kind == Kind.BLANK:
        return ""
    ends = [digits(end, 3) for end in (row.figure, row.figure_to) if end is not None]
    number = {"number": _apart(" – ".join(ends) + " %")}
    return (_("RPD %(number)s") if row.kind == Kind.DUPLICATE else _("recovery %(number)s")) % number


def note(row: QcResult) -> str:
    """Figure, z-score and rules, or why there is none."""
    parts = [figure(row)]
    if row.score is not None:
        parts.append(_apart(f"z {digits(row.score, 3)}"))
    parts += map(_apart, row.rules)
    if row.reason not in (Reason.WITHIN, Reason.OUTSIDE, Reason.WESTGARD):
        parts.append(str(Reason(row.reason).label))
    return " · ".join(filter(None, parts))


def rule_words(rules: Iterable[str]) -> SafeString:
    """Each rule with what it means."""
    return format_html_join("; ", '<bdi dir="ltr">{}</bdi>: {}', ((rule, RULES[rule]) for rule in rules))
