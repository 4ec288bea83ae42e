"""Template tags of every page and PDF: icons, left-to-right values, local dates, verdict badges."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.accounts.services.signin import AVATAR_PATH
from portal.core.common.text import grouped
from portal.ui import help as help_texts
from portal.ui.undo import undo_of

register = template.Library()

EMPTY = format_html('<span class="text-secondary" aria-hidden="true">{}</span>', "\N{EM DASH}")
# These icons point somewhere: they are mirrored in a right-to-left page.
DIRECTIONAL = frozenset({"arrow-left", "arrow-right", "chevron-left", "chevron-right", "logout", "login", "send"})

# Status or verdict -> (Tabler colour, icon, word). A status is never shown by colour alone.
VERDICTS: dict[str, tuple[str, str, str | Promise]] = {
    "pass": ("green", "circle-check", _("Pass")),
    "warning": ("yellow", "alert-triangle", _("Warning")),
    "fail": ("red", "circle-x", _("Fail")),
    "pending": ("secondary", "clock", _("Pending")),
    "PASS": ("green", "circle-check", _("Pass")),
    "FAIL": ("red", "circle-x", _("Fail")),
    "WARNING": ("yellow", "alert-triangle", _("Warning")),
    "PENDING": ("secondary", "clock", _("Pending")),
    "INVESTIGATE": ("orange", "search", _("Investigate")),
    "INDETERMINATE": ("yellow", "help-circle", _("Indeterminate")),
    "NOT_EVALUATED": ("secondary", "circle-dashed", _("Not evaluated")),
    "compliant": ("green", "circle-check", _("Compliant")),
    "non_compliant": ("red", "circle-x", _("Not compliant")),
}


@register.simple_tag
def icon(name: str, label: str | Promise = "", css: str = "") -> SafeString:
    """An icon of the sprite by its Tabler name; without `label` it is decoration and hidden from screen readers."""
    return _icon(name, str(label), css)


@lru_cache(maxsize=512)  # a list draws the same few icons hundreds of times
def _icon(name: str, label: str, css: str) -> SafeString:
    classes = " ".join(filter(None, ("icon", "icon-mirror" if name in DIRECTIONAL else "", css)))
    use = format_html('<use href="{}#{}"></use>', static("vendor/icons/icons.svg"), name)
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}">{}</svg>', classes, label, use)
    return format_html('<svg class="{}" aria-hidden="true" focusable="false">{}</svg>', classes, use)


@register.simple_tag
def portrait(user: User, side: int = 32) -> SafeString:
    """A person's picture, `side` pixels wide, or the first letter of the name; decoration beside the name."""
    size = {32: "avatar-sm", 128: "avatar-xl"}.get(side, "")
    if user.avatar.startswith(AVATAR_PATH):  # pictures of other hosts are not loaded (CSP)
        return format_html(
            '<img class="avatar {} rounded-circle" src="{}?size={}" width="{}" height="{}" alt="">',
            size,
            user.avatar,
            64 if side <= 40 else 256,
            side,
            side,
        )
    return format_html(
        '<span class="avatar {} rounded-circle" aria-hidden="true">{}</span>', size, (user.name or user.email)[:1]
    )


@register.filter
def ltr(value: object) -> SafeString:
    """Keep a value (number, range, unit, code, date, phone) in left-to-right order inside any text.

    `<bdi>` isolates in browsers; WeasyPrint ignores `unicode-bidi` but honours the `dir` attribute.
    """
    if value is None or value == "":
        return EMPTY
    return format_html('<bdi dir="ltr">{}</bdi>', value)


register.filter("grouped", grouped)


@register.filter
def isolate(value: object) -> str:
    """Let what people typed choose its own direction, in pages and in PDFs: WeasyPrint ignores `dir="auto"`."""
    return f"\N{FIRST STRONG ISOLATE}{value}\N{POP DIRECTIONAL ISOLATE}"


def _time(value: date | datetime | None, style: str) -> SafeString:
    if not value:
        return EMPTY
    if isinstance(value, datetime):
        value = timezone.localtime(value)
        machine = value.isoformat(timespec="seconds")
    else:
        machine = value.isoformat()
    return format_html('<time dir="ltr" datetime="{}">{}</time>', machine, date_format(value, style))


@register.filter
def localdate(value: date | datetime | None) -> SafeString:
    """The day of `value` in the active time zone (the organisation's, see `OrganizationTimeZoneMiddleware`)."""
    return _time(value, "SHORT_DATE_FORMAT")


@register.filter
def localdatetime(value: datetime | None) -> SafeString:
    """Day and minute of `value` in the active time zone (the organisation's), Latin digits."""
    return _time(value, "SHORT_DATETIME_FORMAT")


@register.simple_tag(takes_context=True)
def history_link(context: template.Context, entity: str, record: object) -> SafeString:
    """A button to a record's trail in the audit log, for whoever may read it; otherwise nothing."""
    user = context["request"].user
    if not user.has_permission("audit.view") or user.organization_id is None:
        return SafeString()
    address = reverse("audit:record_trail", args=[entity, str(record)])
    return format_html('<a class="btn" href="{}">{}{}</a>', address, icon("history"), _("Audit trail"))


@register.simple_tag
def verdict_badge(status: str | None) -> SafeString:
    """Colour, icon and word of a compliance status or verdict; an unknown word is shown as it is."""
    return _badge(status or "NOT_EVALUATED", get_language() or "")


@lru_cache(maxsize=64)
def _badge(status: str, language: str) -> SafeString:
    colour, name, word = VERDICTS.get(status, ("secondary", "circle-dashed", status))
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


register.filter("undo_of", undo_of)


@register.simple_tag
def help(key: str) -> SafeString:  # noqa: A001  as templates call it
    """A question mark that opens what a term means (`portal.ui.help`); stands beside the term, outside of labels."""
    term, text = help_texts.TERMS[key]
    return format_html(
        '<details class="help"><summary aria-label="{}">{}</summary><span class="help-text">{}</span></details>',
        gettext("What does “%(term)s” mean?") % {"term": term},
        icon("help-circle"),
        text,
    )


@register.simple_tag(takes_context=True)
def boxes(context: template.Context, place: str, record: Any) -> SafeString:
    """What other apps show on the page of a record (`portal.ui.panels`)."""
    from portal.ui import panels  # imports people, whose tables use these tags

    request = context["request"]
    made = ((render_to_string(name, more, request=request),) for name, more in panels.panels(request, place, record))
    return format_html_join("", "{}", made)
