"""How customers look on pages."""

from typing import Any

from django import template
from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.core.common import markdown
from portal.crm.activity.models import ActivityEvent
from portal.crm.activity.selectors import sentence
from portal.crm.activity.services import sources
from portal.crm.customers import names
from portal.crm.customers.choices import Size, Status
from portal.crm.customers.models import Tag
from portal.ui.templatetags.marsad import EMPTY, icon, ltr

register = template.Library()

LOOKS = {
    Status.LEAD: ("secondary", "circle-dashed"),
    Status.PROSPECT: ("yellow", "progress-check"),
    Status.ACTIVE: ("green", "circle-check"),
    Status.INACTIVE: ("orange", "clock"),
    Status.CHURNED: ("red", "circle-x"),
}


@register.filter
def customer_status(value: str) -> SafeString:
    colour, name = LOOKS[Status(value)]
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), Status(value).label)


@register.filter
def status_word(value: str) -> str:
    return str(Status(value).label) if value else ""


@register.filter
def size_word(value: str) -> str:
    return str(Size(value).label) if value else ""


@register.filter
def country(value: str) -> str:
    return names.country_name(value, translation.get_language()[:2]) if value else ""


@register.filter
def phone(value: str) -> SafeString:
    """A number that a tap calls."""
    if not value:
        return EMPTY
    return format_html('<a href="tel:{}">{}</a>', value, ltr(names.phone_shown(value)))


@register.filter
def tag_chips(rows: list[Tag]) -> SafeString:
    """The colour is beside the word, never behind it: people choose it freely."""
    return format_html_join(
        "",
        '<span class="tag-chip"><svg class="tag-dot" viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4"'
        ' fill="{}"/></svg><bdi>{}</bdi></span>',
        ((row.color, row.name) for row in rows),
    )


@register.filter
def as_html(text: str) -> SafeString:
    return markdown.html(text)


@register.filter
def told(event: ActivityEvent) -> str:
    return sentence(event)


@register.filter
def event_icon(event: ActivityEvent) -> SafeString:
    source = sources().get(event.kind)
    return icon(source.icon if source else "point")


@register.filter
def event_url(event: ActivityEvent) -> str:
    source = sources().get(event.kind)
    return source.url(event.subject_id) if source and source.url and event.subject_id else ""


@register.filter
def pick(values: dict[str, Any], key: str) -> Any:
    return values.get(key, "")
