"""Security events: see, acknowledge, settle (`pages.md`: /audit/security)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.audit import security, verification
from portal.core.audit.models import SecurityEvent
from portal.core.audit.selectors import entry_list
from portal.core.common.errors import DomainError, IllegalTransition
from portal.core.notifications.apps import announce
from portal.desk.audit.forms import ResolveForm
from portal.desk.audit.lists import EventFilter, EventTable, concerns, severity_badge, status_badge, type_name
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person
from portal.ui.trail import tell

COUNT_LIMIT = 1000
HISTORY = 20


@require_GET
@policy("audit.view")
def event_list(request: HttpRequest) -> HttpResponse:
    doers = User.objects.filter(pk=OuterRef("actor"))
    unsettled = SecurityEvent.objects.filter(status__in=security.UNSETTLED)
    counts = dict(unsettled.order_by().values_list("severity").annotate(Count("pk")))
    tiles = [(value, label, counts.get(value, 0)) for value, label in reversed(SecurityEvent.Severity.choices)]
    return list_page(
        request,
        queryset=security.event_list().annotate(actor_name=Subquery(doers.values("name")[:1])),
        table=EventTable,
        filterset=EventFilter,
        template="audit/security.html",
        list_id="events",
        caption=gettext_lazy("Security events"),
        empty=Empty(
            title=gettext_lazy("No security event"),
            text=gettext_lazy(
                "Guessed passwords, mass exports, damage of the log and whatever your alert rules watch appear here."
            ),
            icon="shield-check",
        ),
        live=["security.event"],
        count_limit=COUNT_LIMIT,
        context={"tab": "security", "tiles": tiles},
    )


@require_http_methods(["GET", "POST"])
@policy("audit.view")
def event_detail(request: HttpRequest, event_id: UUID) -> HttpResponse:
    return _page(request, security.event_get(id=event_id), ResolveForm(initial={"resolution": "resolved"}))


def _page(
    request: HttpRequest, event: SecurityEvent, form: ResolveForm, *, status: int = HTTPStatus.OK
) -> HttpResponse:
    kind = event.details.get("kind")
    actor = User.objects.filter(pk=event.actor).first() if event.actor else None
    context = {
        "tab": "security",
        "event": event,
        "about": concerns(type=event.type, subject=event.subject, person=actor.name if actor else ""),
        "type_name": type_name(event),
        "severity": severity_badge(event),
        "status": status_badge(event),
        "details": _details(event.details),
        "damage": verification.KINDS.get(kind) if kind else None,
        "actor": actor,
        "settled": event.status not in security.UNSETTLED,
        "may_resolve": may(request, "audit.resolve"),
        "form": form,
        "told": tell(entry_list(entity="security_event", record=str(event.pk))[:HISTORY]),
    }
    return render(request, "audit/event.html", context, status=status)


def _details(details: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = {
        "rule": _("Alert rule"),
        "count": _("Occurrences"),
        "windowMinutes": _("Within (minutes)"),
        "group": _("Counted for"),
        "status": _("Result"),
        "kind": _("Damage"),
        "id": _("Entry"),
        "seq": _("Place in the chain"),
        "request": _("Request"),
        "device": _("Device"),
        "ip": _("Address"),
    }
    return [(names.get(key, key), value) for key, value in details.items() if value not in (None, "", [], {})]


@require_POST
@policy("audit.resolve")
def event_acknowledge(request: HttpRequest, event_id: UUID) -> HttpResponse:
    return _step(request, event_id, security.event_acknowledge, _("The event is acknowledged: somebody looks into it."))


@require_POST
@policy("audit.resolve")
def event_reopen(request: HttpRequest, event_id: UUID) -> HttpResponse:
    return _step(request, event_id, security.event_reopen, _("The event is open again."))


def _step(request: HttpRequest, event_id: UUID, step: Callable[..., SecurityEvent], done: str) -> HttpResponse:
    try:
        announce(step(id=event_id, by=person(request)), {})
    except IllegalTransition as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, done)
    return redirect("audit:event_detail", event_id)


@require_POST
@policy("audit.resolve")
def event_resolve(request: HttpRequest, event_id: UUID) -> HttpResponse:
    event = security.event_get(id=event_id)
    form = ResolveForm(request.POST)
    if form.is_valid():
        try:
            event = security.event_resolve(id=event_id, by=person(request), **form.cleaned_data)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            announce(event, {})
            messages.success(request, _("The event is settled."))
            return redirect("audit:event_list")
    return _page(request, event, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
