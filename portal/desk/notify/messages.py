"""The queue, one message, figures, and addresses that get nothing."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import DomainError, NotFound
from portal.core.notifications import addresses, selectors, services
from portal.core.notifications.kinds import CATEGORIES, find
from portal.core.notifications.models import Channel, Delivery
from portal.desk.notify.forms import SuppressionForm
from portal.desk.notify.lists import (
    CHANNEL_ICONS,
    REASONS,
    QueueFilter,
    QueueTable,
    SuppressionFilter,
    SuppressionTable,
    level_badge,
    state_badge,
)
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.lists import Empty, list_page
from portal.ui.people import person

MANAGE = "notifications.manage"
SHOWN = 100
STATS_DAYS = 30
_TILES = (
    ("queued", gettext_lazy("Waiting"), "clock"),
    ("scheduled", gettext_lazy("Scheduled"), "calendar"),
    ("sent", gettext_lazy("Sent"), "circle-check"),
    ("failed", gettext_lazy("Failed"), "circle-x"),
    ("dead", gettext_lazy("Failed for good"), "alert-triangle"),
)


@require_GET
@policy(MANAGE)
def queue(request: HttpRequest) -> HttpResponse:
    figures = selectors.queue_figures()
    return list_page(
        request,
        queryset=selectors.delivery_list(),
        table=QueueTable,
        filterset=QueueFilter,
        template="desk/notify/queue.html",
        list_id="queue",
        caption=gettext_lazy("Queue"),
        empty=Empty(
            title=gettext_lazy("Nothing was sent yet"),
            text=gettext_lazy("Every message stands here, once for each recipient and channel."),
            icon="send",
        ),
        live=("messages.changed",),
        count_limit=10_000,
        context={
            "tab": "queue",
            "tiles": [(label, icon, figures["byStatus"][status], status) for status, label, icon in _TILES],
            "age": figures["oldestAgeSeconds"],
        },
    )


@require_GET
@policy(MANAGE)
def message(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    found = services.message_get(id=notification_id)
    card = selectors.message_card(found)
    rows = selectors.delivery_list(notification=found.pk).order_by("user__name", "channel", "id")[:SHOWN]
    counts = card["deliveries"]
    context = {
        "message": found,
        "status": state_badge(card["status"]),
        "level": level_badge(found.level),
        "category": CATEGORIES.get(found.category, found.category),
        "kind": find(found.kind),
        "counts": [(state_badge(state), counts[state]) for state in Delivery.Status.values if counts.get(state)],
        "rows": [
            (row, CHANNEL_ICONS[row.channel], state_badge(row.status), REASONS.get(row.reason, "")) for row in rows
        ],
        "more": sum(counts.values()) > SHOWN,
        "may_retry": any(counts.get(state) for state in services.BROKEN),
        "may_cancel": any(counts.get(state) for state in services.WAITING),
        "tab": "queue",
    }
    return render(request, "desk/notify/message.html", context)


@require_POST
@policy(MANAGE)
def retry(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    try:
        count = services.message_retry(id=notification_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("Queued again: %(count)d") % {"count": count})
    return redirect("notify:message", notification_id)


@require_POST
@policy(MANAGE)
def cancel(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    try:
        stopped, left = services.message_cancel(id=notification_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        said = _("Stopped: %(stopped)d. Too late for: %(left)d") % {"stopped": stopped, "left": left}
        messages.success(request, said)
    return redirect("notify:message", notification_id)


@require_GET
@policy(MANAGE)
def stats(request: HttpRequest) -> HttpResponse:
    days = DateField(required=False)
    now = clock.now()
    since, until = now - timedelta(days=STATS_DAYS), now
    for name in ("since", "until"):
        text = request.GET.get(name, "")
        day = clock.parse_date(text)
        if day and name == "since":
            since = midnight(day)
        elif day:
            until = day_after(day) or now
    figures = selectors.figures(since=since, until=until)
    context = {
        "figures": figures,
        "read_time": _span(figures["medianSecondsToRead"]),
        "channels": [
            (name, CHANNEL_ICONS[channel], figures["byChannel"][channel]) for channel, name in Channel.choices
        ],
        "states": [
            (state_badge(state), figures["byStatus"][state])
            for state in Delivery.Status.values
            if figures["byStatus"].get(state)
        ],
        "kinds": [
            (kind.label if (kind := find(row["key"] or "")) else _("Written by people"), row)
            for row in figures["byTemplate"]
        ],
        "days": _bars(figures["byDay"]),
        "since": since,
        "until": until,
        "since_field": days.widget.render("since", since.date(), {"class": "form-control", "id": "since"}),
        "until_field": days.widget.render("until", until.date(), {"class": "form-control", "id": "until"}),
        "tab": "stats",
    }
    return render(request, "desk/notify/stats.html", context)


def _span(seconds: float | None) -> tuple[str, str]:
    """A time in the unit that people would say."""
    if seconds is None:
        return "", ""
    if seconds < 120:
        return f"{seconds:.0f}", _("seconds")
    return (f"{seconds / 60:.0f}", _("minutes")) if seconds < 7200 else (f"{seconds / 3600:.1f}", _("hours"))


def _bars(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
    most = max((day["total"] for day in days), default=0)
    return [{**day, "share": 100 * day["total"] / most} for day in days]


@require_http_methods(["GET", "POST"])
@policy(MANAGE)
def suppressed(request: HttpRequest) -> HttpResponse:
    form = SuppressionForm(request.POST or None)
    if form.is_valid():
        try:
            addresses.suppression_add(**form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Nothing more is sent to this address."))
            return redirect("notify:suppressed")
    response = list_page(
        request,
        queryset=selectors.suppression_list(),
        table=SuppressionTable,
        filterset=SuppressionFilter,
        template="desk/notify/suppressed.html",
        list_id="suppressed",
        caption=gettext_lazy("Suppressed addresses"),
        empty=Empty(
            title=gettext_lazy("No suppressed address"),
            text=gettext_lazy("Addresses that bounce are entered by themselves."),
            icon="mail",
        ),
        context={"form": form, "tab": "suppressed"},
    )
    if form.is_bound:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


@require_POST
@policy(MANAGE)
def suppression_remove(request: HttpRequest, suppression_id: UUID) -> HttpResponse:
    try:
        addresses.suppression_remove(id=suppression_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("Messages are sent there again."))
    return redirect("notify:suppressed")
