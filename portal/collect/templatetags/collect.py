"""How submissions look: their review state and the remarks of the automatic checks."""

from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.collect.submissions.choices import DeliveryStatus, Flag, ReviewState
from portal.ui.templatetags.marsad import EMPTY, icon, ltr

register = template.Library()

_STATES: Final = {
    ReviewState.RECEIVED: ("blue", "circle-dashed"),
    ReviewState.HAS_ISSUES: ("orange", "alert-triangle"),
    ReviewState.EDITED: ("purple", "pencil"),
    ReviewState.APPROVED: ("green", "circle-check"),
    ReviewState.REJECTED: ("red", "circle-x"),
    ReviewState.ON_HOLD: ("yellow", "clock"),
}
_DELIVERIES: Final = {
    DeliveryStatus.WAITING: ("yellow", "clock"),
    DeliveryStatus.DELIVERED: ("green", "circle-check"),
    DeliveryStatus.FAILED: ("red", "circle-x"),
}


def _badge(colour: str, picture: str, word: object) -> SafeString:
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(picture), word)


@register.filter
def review(state: str) -> SafeString:
    known = ReviewState(state)
    return _badge(*_STATES[known], known.label)


@register.filter
def delivery(status: str) -> SafeString:
    known = DeliveryStatus(status)
    return _badge(*_DELIVERIES[known], known.label)


@register.filter
def remarks(flags: list[Mapping[str, Any]]) -> SafeString:
    """Each kind of remark once, in words."""
    found = dict.fromkeys(flag["code"] for flag in flags)
    if not found:
        return EMPTY
    return format_html_join(" ", "{}", ((_badge("orange", "flag", Flag(code).label),) for code in found))


def remark_count(flags: list[Mapping[str, Any]]) -> SafeString:
    """How many remarks there are, for a table; the words for whoever points at it or hears it."""
    if not flags:
        return EMPTY
    words = ", ".join(str(Flag(code).label) for code in dict.fromkeys(flag["code"] for flag in flags))
    return format_html(
        '<span class="badge bg-orange-lt verdict" title="{}">{}<bdi>{}</bdi>'
        '<span class="visually-hidden">{}</span></span>',
        words,
        icon("flag"),
        len(flags),
        words,
    )


@register.filter
def remark(flag: Mapping[str, Any]) -> str:
    return str(Flag(flag["code"]).label)


@register.filter
def figure(value: object) -> SafeString:
    """A number of a remark or of a history, in digits that keep their order."""
    return EMPTY if value is None else ltr(value)
