"""Money, stages and dates of deals."""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.core.common.text import grouped
from portal.crm.money import half_up
from portal.crm.sales.choices import LOST_REASONS, REQUIRABLE, ActivityType, Kind
from portal.crm.sales.models import Deal, Stage
from portal.ui.templatetags.marsad import EMPTY, icon, localdate, ltr

register = template.Library()

# Kind of a stage -> (Tabler colour, icon). The name stands beside it.
LOOKS: Final = {
    Kind.OPEN: ("secondary", "circle-dashed"),
    Kind.WON: ("green", "circle-check"),
    Kind.LOST: ("red", "circle-x"),
}
ICONS: Final = {
    ActivityType.CALL: "phone",
    ActivityType.MEETING: "users-group",
    ActivityType.EMAIL: "mail",
    ActivityType.TASK: "checklist",
    ActivityType.NOTE: "notes",
}


@register.filter
def money(value: Decimal | None, currency: str = "") -> SafeString:
    """An amount with its currency; cents only where there are any."""
    if value is None:
        return EMPTY
    amount = half_up(Decimal(value))
    return ltr(f"{grouped(amount, 0 if amount == amount.to_integral_value() else 2)} {currency}".strip())


@register.filter
def whole(value: Decimal | None, currency: str = "") -> SafeString:
    """An amount without cents, for totals."""
    return EMPTY if value is None else ltr(f"{grouped(round(Decimal(value)), 0)} {currency}".strip())


@register.filter
def percent(value: Decimal | None) -> SafeString:
    return EMPTY if value is None else ltr(f"{grouped(value, 1)} %")


@register.filter
def share(value: Decimal | int) -> SafeString:
    """A whole percentage."""
    return ltr(f"{value:f} %" if isinstance(value, Decimal) else f"{value} %")


@register.filter
def figure(value: Decimal | None) -> SafeString:
    return EMPTY if value is None else ltr(grouped(value, 1))


@register.filter
def stage_badge(stage: Stage) -> SafeString:
    colour, picture = LOOKS[Kind(stage.kind)]
    return format_html(
        '<span class="badge bg-{}-lt verdict">{}<span dir="auto">{}</span></span>', colour, icon(picture), stage
    )


@register.filter
def stage_icon(stage: Stage) -> SafeString:
    return icon(LOOKS[Kind(stage.kind)][1])


@register.filter
def activity_icon(kind: str) -> SafeString:
    return icon(ICONS[ActivityType(kind)])


@register.filter
def lost_because(reason: str) -> Any:
    return LOST_REASONS.get(reason, reason)


@register.filter
def expected(deal: Deal) -> SafeString:
    """The day on which a deal is expected; a slipped one says so."""
    day = deal.expected_close_date
    if day is None:
        return EMPTY
    if deal.status != Kind.OPEN or day >= timezone.localdate():
        return localdate(day)
    said = format_html('<span class="visually-hidden"> {}</span>', _("overdue"))
    return format_html('<span class="overdue">{}{}{}</span>', icon("clock"), localdate(day), said)


@register.filter
def month(day: date) -> SafeString:
    return ltr(f"{day:%Y-%m}")


@register.filter
def figure_text(value: Decimal) -> SafeString:
    """A number without trailing zeros, never `1E+2`."""
    return ltr(f"{value:f}")


@register.filter
def field_names(names: list[str]) -> SafeString | str:
    """Required fields in words."""
    return ", ".join(str(REQUIRABLE[name][1]) for name in names if name in REQUIRABLE) or EMPTY
