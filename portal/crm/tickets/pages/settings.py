"""Pages of what tickets are ruled by: categories, calendars of working hours, policies of promises, rules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.services import organization_update
from portal.crm.settings import settings_frame
from portal.crm.sla import calendars, reapply
from portal.crm.sla.models import SlaCalendar, SlaPolicy
from portal.crm.tickets import categories, selectors
from portal.crm.tickets.choices import CLOSE_DAYS
from portal.crm.tickets.pages.rules import CalendarForm, CategoryForm, PolicyForm, RulesForm, TryForm
from portal.ui import answers
from portal.ui.people import may, person


def _context(request: HttpRequest, section: str) -> dict[str, Any]:
    return settings_frame(request, f"ticket_{section}") | {"may_manage": may(request, "tickets.manage")}


# --- categories and rules ---------------------------------------------------------------------------
@require_GET
@policy("tickets.work")
def category_list(request: HttpRequest) -> HttpResponse:
    context = _context(request, "categories") | {"categories": selectors.category_list()}
    if context["may_manage"]:
        context["rules"] = RulesForm(initial=_rules())
    return render(request, "crm/tickets/settings/categories.html", context)


def _rules() -> dict[str, Any]:
    said = Organization.objects.values_list("settings", flat=True).get(pk=scope.organization_id())
    return {"close_days": said.get("ticketCloseDays", CLOSE_DAYS), "exceedance": said.get("ticketOnExceedance", False)}


@require_POST
@policy("tickets.manage")
def rules_save(request: HttpRequest) -> HttpResponse:
    form = RulesForm(request.POST)

    def work() -> None:
        row = Organization.objects.get(pk=scope.organization_id())
        said = {
            "ticketCloseDays": form.cleaned_data["close_days"],
            "ticketOnExceedance": form.cleaned_data["exceedance"],
        }
        organization_update(organization=row, changes={"settings": said})

    if not form.is_valid():
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
        return redirect("crm:ticket_settings")
    return answers.back(request, answers.refused(work), _("The changes have been saved."), "crm:ticket_settings")


@require_http_methods(["GET", "POST"])
@policy("tickets.manage")
def category_form(request: HttpRequest, category_id: UUID | None = None) -> HttpResponse:
    row = categories.category_get(id=category_id) if category_id else None
    form = CategoryForm(request.POST or None, category=row)
    if form.is_valid():
        try:
            categories.category_save(data=form.wire(), by=person(request), category=row)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The changes have been saved."))
            return redirect("crm:ticket_settings")
    context = _context(request, "categories") | {"form": form, "row": row}
    return render(request, "crm/tickets/settings/category.html", context, status=answers.form_status(form))


@require_POST
@policy("tickets.manage")
def category_delete(request: HttpRequest, category_id: UUID) -> HttpResponse:
    row = categories.category_get(id=category_id)
    refused = answers.refused(lambda: categories.category_delete(category=row, by=person(request)))
    return answers.back(request, refused, _("The category has been deleted."), "crm:ticket_settings")


# --- calendars --------------------------------------------------------------------------------------
@require_GET
@policy("tickets.work")
def calendar_list(request: HttpRequest) -> HttpResponse:
    rows = calendars.calendar_list().prefetch_related("policies")
    today = timezone.localdate().isoformat()
    shown = [
        (row, sum(entry["estimated"] for entry in row.holidays if entry["date"] >= today))
        for row in rows.order_by("name", "id")
    ]
    return render(request, "crm/tickets/settings/calendars.html", _context(request, "calendars") | {"rows": shown})


@require_http_methods(["GET", "POST"])
@policy("tickets.manage")
def calendar_form(request: HttpRequest, calendar_id: UUID | None = None) -> HttpResponse:
    """The week, the seasons and the holidays of a calendar, and a box to try it out."""
    row = calendars.calendar_get(id=calendar_id) if calendar_id else None
    form = CalendarForm(request.POST or None, calendar=row, zone=calendars.row_zone())
    if form.is_valid():
        version = form.cleaned_data["version"] if row else None
        try:
            row = calendars.calendar_save(data=form.wire(), by=person(request), calendar=row, version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The changes have been saved."))
            return redirect("crm:sla_calendar_edit", row.pk)
    trial = TryForm(request.GET if "start" in request.GET else None)
    context = _context(request, "calendars") | {
        "form": form,
        "row": row,
        "trial": trial,
        "due": _try(row, trial) if row else None,
        "countries": calendars.COUNTRIES.items(),
        "today": timezone.localdate().isoformat(),
    }
    return render(request, "crm/tickets/settings/calendar.html", context, status=answers.form_status(form))


def _try(row: SlaCalendar, form: TryForm) -> datetime | str | None:
    """The deadline, or why there is none."""
    if not form.is_valid():
        return None
    said = form.cleaned_data
    start = timezone.make_aware(said["start"].replace(tzinfo=None), clock.zone(row.time_zone))
    data = {"start": clock.wire(start), "targetSeconds": int(said["hours"] * 3600)}
    try:
        found = calendars.try_out(calendar=row, data=data)["deadline"]
    except DomainError as refusal:
        return answers.refusal_text(refusal)
    moment = clock.parse_moment(found)
    return moment.astimezone(clock.zone(row.time_zone)) if moment else None


@require_POST
@policy("tickets.manage")
def holidays(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Add one, add a country's, confirm an estimated one, or take one away."""
    row, by, said = calendars.calendar_get(id=calendar_id), person(request), request.POST

    def work() -> None:
        if country := said.get("country"):
            calendars.holidays_add(calendar=row, country=country, by=by)
            return
        entries = [dict(entry) for entry in row.holidays]
        if day := said.get("confirm"):
            for entry in entries:
                if entry["date"] == day:
                    entry["estimated"] = False
        elif day := said.get("remove"):
            entries = [entry for entry in entries if entry["date"] != day]
        else:
            entries.append(
                {"date": said.get("date", ""), "name": said.get("name", ""), "recurring": bool(said.get("recurring"))}
            )
        calendars.calendar_save(data={"holidays": entries}, by=by, calendar=row)

    return answers.back(
        request, answers.refused(work), _("The changes have been saved."), "crm:sla_calendar_edit", calendar_id
    )


@require_POST
@policy("tickets.manage")
def calendar_delete(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    row = calendars.calendar_get(id=calendar_id)
    refused = answers.refused(lambda: calendars.calendar_delete(calendar=row, by=person(request)))
    return answers.back(request, refused, _("The calendar has been deleted."), "crm:sla_calendar_list")


# --- policies ---------------------------------------------------------------------------------------
@require_GET
@policy("tickets.work")
def policy_list(request: HttpRequest) -> HttpResponse:
    rows = [(row, _targets(row)) for row in calendars.policy_list()]
    return render(request, "crm/tickets/settings/policies.html", _context(request, "policies") | {"rows": rows})


def _targets(row: SlaPolicy) -> list[tuple[str, list[int | None]]]:
    """By priority, the urgent one first."""
    names = ("firstResponseSeconds", "nextResponseSeconds", "resolutionSeconds")
    order = ("urgent", "high", "normal", "low")
    return [(key, [row.targets[key].get(name) for name in names]) for key in order if key in row.targets]


@require_http_methods(["GET", "POST"])
@policy("tickets.manage")
def policy_form(request: HttpRequest, policy_id: UUID | None = None) -> HttpResponse:
    row = calendars.policy_get(id=policy_id) if policy_id else None
    form = PolicyForm(request.POST or None, policy=row)
    if form.is_valid():
        try:
            calendars.policy_save(
                data=form.wire(), by=person(request), policy=row, version=form.cleaned_data["version"] if row else None
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved. Running tickets keep their promises until you apply the policy anew."))
            return redirect("crm:sla_policy_list")
    context = _context(request, "policies") | {
        "form": form,
        "row": row,
        "running": len(reapply.affected(row)) if row else 0,
    }
    return render(request, "crm/tickets/settings/policy.html", context, status=answers.form_status(form))


@require_POST
@policy("tickets.manage")
def policy_delete(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    row = calendars.policy_get(id=policy_id)
    refused = answers.refused(lambda: calendars.policy_delete(policy=row, by=person(request)))
    return answers.back(request, refused, _("The policy has been deleted."), "crm:sla_policy_list")


@require_http_methods(["GET", "POST"])
@policy("tickets.manage")
def policy_reapply(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """What it would do, then the deed."""
    row = calendars.policy_get(id=policy_id)
    if request.method == "POST":
        made = reapply.start(policy=row, by=person(request))
        text = (
            _("The policy is being applied to the running tickets.")
            if "jobId" in made
            else _("The policy has been applied to the running tickets.")
        )
        messages.success(request, text)
        return redirect(reverse("crm:sla_policy_list"))
    context = _context(request, "policies") | {"row": row, "preview": reapply.preview(policy=row)}
    return render(request, "crm/tickets/settings/reapply.html", context)
