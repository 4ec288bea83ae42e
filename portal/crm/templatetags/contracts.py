"""Words, colours and pictures of contracts."""

from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.crm.contracts import markup, papers, terms
from portal.crm.contracts.choices import Status
from portal.crm.contracts.templating import amount
from portal.ui.templatetags.marsad import EMPTY, icon, localdate, ltr

register = template.Library()

# Status -> (Tabler colour, icon). The word stands beside it.
LOOKS: Final[dict[str, tuple[str, str]]] = {
    Status.DRAFT: ("secondary", "pencil"),
    Status.PENDING: ("yellow", "clock"),
    Status.SENT: ("yellow", "send"),
    Status.UPCOMING: ("orange", "calendar"),
    Status.ACTIVE: ("green", "circle-check"),
    Status.EXPIRED: ("red", "alert-triangle"),
    Status.TERMINATED: ("red", "circle-x"),
    Status.RENEWED: ("green", "refresh"),
    Status.CANCELLED: ("secondary", "x"),
}


@register.filter
def contract_badge(value: str) -> SafeString:
    colour, picture = LOOKS[value]
    word = dict(Status.choices)[value]
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(picture), word)


@register.filter
def status_icon(value: str) -> SafeString:
    return icon(LOOKS[value][1])


@register.filter
def status_word(value: str) -> str:
    return str(dict(Status.choices)[value])


@register.filter
def money_of(contract: Any) -> SafeString:
    """The value with its currency."""
    return ltr(amount(contract.value, contract.currency))


@register.filter
def amount_in(value: Any, currency: str = "") -> SafeString:
    return EMPTY if value is None else ltr(amount(value, currency))


@register.simple_tag
def last_day_of(contract: Any, today: Any) -> SafeString:
    """The last day; of one in force how many days are left, where that are few."""
    end = contract.last_day
    if end is None:
        return format_html('<span class="text-secondary">{}</span>', _("without an end"))
    left = terms.days_left(end, today)
    if contract.status != Status.ACTIVE or left > 90:
        return localdate(end)
    if left < 0:
        said = _("overdue")
    else:
        said = ngettext("%(number)s day left", "%(number)s days left", left) % {"number": left}
    return format_html(
        '<span class="{}">{} <small>{}</small></span>', "is-late" if left <= 30 else "", localdate(end), said
    )


@register.filter
def show_terms(text: str) -> SafeString:
    return markup.show(text)


@register.filter
def change_rows(event: Any) -> list[dict[str, Any]]:
    """What a line of the history changed, in words."""
    names = [name for name in event.new_values if name in papers.FIELDS]
    names += [name for name in event.old_values if name in papers.FIELDS and name not in names]
    return papers.change_rows({name: (event.old_values.get(name), event.new_values.get(name)) for name in names})


ACTIONS: Final[dict[str, Any]] = {
    "created": ("plus", lambda: _("Written")),
    "updated": ("pencil", lambda: _("Changed")),
    "status": ("arrow-right", lambda: _("Status changed")),
    "amended": ("file-text", lambda: _("Amendment")),
    "successor": ("refresh", lambda: _("Renewal written")),
    "renewed": ("refresh", lambda: _("Renewed")),
    "auto_renewed": ("refresh", lambda: _("Renews itself")),
    "terminated": ("circle-x", lambda: _("Termination")),
    "termination_revoked": ("arrow-back-up", lambda: _("Termination revoked")),
    "document": ("upload", lambda: _("Document added")),
    "reminder": ("bell", lambda: _("Reminder of the end")),
    "deal_opened": ("briefcase", lambda: _("Deal opened")),
    "deleted": ("trash", lambda: _("Deleted")),
    "restored": ("arrow-back-up", lambda: _("Restored")),
}


@register.filter
def action_word(event: Any) -> str:
    return str(ACTIONS[event.action][1]()) if event.action in ACTIONS else event.action


@register.filter
def action_icon(event: Any) -> SafeString:
    return icon(ACTIONS[event.action][0] if event.action in ACTIONS else "history")
