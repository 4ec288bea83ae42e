"""Badges of surveys for tables and pages. A state is never shown by colour alone."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.survey.flags import label_of
from portal.survey.pages import wording
from portal.ui.templatetags.marsad import EMPTY, icon, ltr

register = template.Library()


def _badge(look: wording.Look) -> SafeString:
    colour, name, word = look
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


@register.filter
def session_badge(status: str) -> SafeString:
    return _badge(wording.look_of(wording.SESSIONS, status))


@register.filter
def state_badge(state: str) -> SafeString:
    return _badge(wording.look_of(wording.STATES, state))


@register.filter
def decision_badge(decision: str) -> SafeString:
    return _badge(wording.look_of(wording.DECISIONS, decision)) if decision else SafeString()


@register.filter
def flag_badges(codes: Iterable[str]) -> SafeString:
    """A badge for each flag; nothing without any."""
    return format_html_join(
        " ",
        '<span class="badge bg-orange-lt verdict survey-flag" title="{}">{}{}</span>',
        ((code, icon("flag"), label_of(code)) for code in codes),
    )


@register.filter
def flag_count(codes: list[str]) -> SafeString:
    """How many flags, for a table's cell; their words for whoever points at it or listens."""
    if not codes:
        return EMPTY
    words = "; ".join(wording.flag_words(codes))
    return format_html(
        '<span class="badge bg-orange-lt verdict" title="{}">{}{}<span class="visually-hidden"> {}</span></span>',
        words,
        icon("flag"),
        ltr(len(codes)),
        words,
    )


@register.filter
def quality_meter(score: float | None) -> SafeString:
    """A score of 0 to 100 as a bar with its number."""
    if score is None:
        return EMPTY
    kind = "low" if score < 60 else "middle" if score < 80 else "high"
    return format_html(
        '<span class="quality quality-{}"><meter min="0" max="100" low="60" high="80" optimum="100" value="{}"'
        ' aria-hidden="true"></meter>{}</span>',
        kind,
        f"{score:.0f}",
        ltr(f"{score:.0f}"),
    )


@register.filter
def square_metres(value: float | None, uncertainty: Any = None) -> SafeString:
    return ltr(wording.square_metres(value, uncertainty))


@register.filter
def metres(value: float | None) -> SafeString:
    return ltr(wording.metres(value))


@register.filter
def flag_word(code: str) -> str:
    return label_of(code)
