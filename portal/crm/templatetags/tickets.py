"""Words, colours and pictures of tickets, and how long their clocks still have."""

from datetime import datetime, timedelta
from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from portal.core.common import clock
from portal.crm.sla.models import SlaClock, State
from portal.crm.tickets.choices import TicketPriority, TicketStatus
from portal.ui.templatetags.marsad import EMPTY, icon

register = template.Library()

# Value -> (Tabler colour, icon). The word stands beside it.
LOOKS: Final[dict[str, tuple[str, str]]] = {
    TicketStatus.NEW: ("blue", "star"),
    TicketStatus.OPEN: ("orange", "progress-check"),
    TicketStatus.WAITING: ("yellow", "user"),
    TicketStatus.ON_HOLD: ("yellow", "clock"),
    TicketStatus.RESOLVED: ("green", "circle-check"),
    TicketStatus.CLOSED: ("secondary", "archive"),
    TicketStatus.SPAM: ("secondary", "circle-x"),
    TicketPriority.LOW: ("secondary", "arrow-narrow-down"),
    TicketPriority.NORMAL: ("secondary", "circle-minus"),
    TicketPriority.HIGH: ("orange", "arrow-narrow-up"),
    TicketPriority.URGENT: ("red", "alert-triangle"),
}
_WORDS: Final = {value: label for kind in (TicketStatus, TicketPriority) for value, label in kind.choices}


@register.filter
def ticket_badge(value: str) -> SafeString:
    """A status or a priority as a badge."""
    colour, picture = LOOKS[value]
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(picture), _WORDS[value])


@register.filter
def ticket_icon(value: str) -> SafeString:
    return icon(LOOKS[value][1])


@register.simple_tag
def sla_words() -> SafeString:
    """What the script of the timers says, as one hidden element."""
    return format_html(
        '<div id="sla-words" hidden data-left="{}" data-over="{}" data-days="{}" data-hours="{}" data-minutes="{}">'
        "</div>",
        _("%(time)s left"),
        _("%(time)s overdue"),
        pgettext("span", "%(days)d d %(hours)d h"),
        pgettext("span", "%(hours)d h %(minutes)d min"),
        pgettext("span", "%(minutes)d min"),
    )


@register.filter
def span(seconds: float | None) -> str:
    """A time in its two largest units: `3 d 4 h`."""
    if seconds is None:
        return ""
    minutes = int(abs(seconds)) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return pgettext("span", "%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    if hours:
        return pgettext("span", "%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}
    return pgettext("span", "%(minutes)d min") % {"minutes": rest}


@register.filter
def sla_timer(ticket: Any) -> SafeString:
    """How the promises on a ticket stand; counts down by script."""
    if ticket.sla_due_at is not None:
        return _timer(ticket.sla_due_at, ticket.sla_warn_at)
    return settled(ticket.sla_state)


@register.filter
def clock_timer(row: SlaClock) -> SafeString:
    """The same of one clock."""
    if row.running and row.due_at is not None:
        return _timer(row.due_at, row.warn_at)
    if row.state == State.PAUSED:
        left = _("paused, %(time)s left") % {"time": span(row.remaining_seconds)}
        return _shown("paused", "circle-minus", left)
    return settled("met" if row.state == State.MET else "missed")


def settled(state: str) -> SafeString:
    """A ticket without a clock that runs."""
    match state:
        case "paused":
            return _shown("paused", "circle-minus", _("Paused"))
        case "met":
            return _shown("met", "circle-check", _("Kept"))
        case "missed":
            return _shown("missed", "circle-x", _("Missed"))
        case _:
            return EMPTY


def _shown(state: str, picture: str, text: str) -> SafeString:
    return format_html('<span class="sla" data-state="{}">{}<span>{}</span></span>', state, icon(picture), text)


def _timer(due: datetime, warn: datetime | None) -> SafeString:
    now = clock.now()
    late, near = due < now, warn is not None and warn <= now
    told = {"time": span((due - now) / timedelta(seconds=1))}
    return format_html(
        '<span class="sla" data-state="{}" data-sla-due="{}" data-sla-warn="{}">{}{}{}<bdi>{}</bdi></span>',
        "over" if late else "near" if near else "fine",
        clock.wire(due),
        clock.wire(warn) or "",
        icon("clock", css="sla-fine"),
        icon("alert-triangle", css="sla-near"),
        icon("alert-circle", css="sla-over"),
        _("%(time)s overdue") % told if late else _("%(time)s left") % told,
    )
