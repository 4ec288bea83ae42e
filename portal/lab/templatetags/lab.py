"""Template tags of the laboratory's pages."""

from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from portal.ui.templatetags.marsad import VERDICTS, icon

register = template.Library()


@register.simple_tag
def standard_badge(standard: str, verdict: str) -> SafeString:
    """A standard's key with its verdict as colour and icon; the word is there for screen readers and as a tip."""
    return _badge(standard, verdict, get_language() or "")


@lru_cache(maxsize=256)
def _badge(standard: str, verdict: str, language: str) -> SafeString:
    colour, name, word = VERDICTS.get(verdict, ("secondary", "circle-dashed", verdict))
    return format_html(
        '<span class="badge bg-{}-lt verdict" title="{}">{}<bdi dir="ltr">{}</bdi>'
        '<span class="visually-hidden">: {}</span></span>',
        colour,
        word,
        icon(name),
        standard,
        word,
    )
