"""Pages of the planned programme: what is overdue and coming up, calendar, items."""

import calendar
import csv
import io
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.clock import parse_date
from portal.core.common.errors import DomainError
from portal.core.common.text import harmless
from portal.lab.models import SamplingPoint
from portal.lab.points import selectors, services
from portal.lab.points.forms import DueForm, ItemForm
from portal.lab.points.models import Frequency, ProgrammeItem
from portal.lab.points.selectors import COMING_DAYS, OVERDUE_DAYS, Occurrence, State
from portal.lab.points.tables import STATES, ItemFilter, ItemReadTable, ItemTable, planned_parameters, state_badge
from portal.lab.points.views import download
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

PAGE = 50
MOST_ROWS = 100_000


@require_GET
@policy("samples.view")
def due_list(request: HttpRequest) -> HttpResponse:
    """What is overdue, due now, coming up in a month, or was taken; the tab is `show`."""
    day = selectors.today()
    show = _shown(request)
    form, wanted = _form(request)
    first, last = day - timedelta(days=OVERDUE_DAYS), day + timedelta(days=COMING_DAYS)
    counts = selectors.occurrence_counts(first=first, last=last, **wanted)
    paginator = Paginator(range(counts[show]), PAGE)
    page = paginator.get_page(request.GET.get("page"))
    rows, _total = selectors.occurrence_list(
        first=first, last=last, states=[show], limit=PAGE, offset=(page.number - 1) * PAGE, **wanted
    )
    query = request.GET.copy()
    query.pop("page", None)
    tabs = request.GET.copy()
    for name in ("page", "show"):
        tabs.pop(name, None)
    context = {
        "tab": show,
        "tabs": [(state, STATES[state][1], STATES[state][2], counts[state]) for state in selectors.STATES],
        "form": form,
        "page": page,
        "rows": [_row(row, day) for row in rows],
        "query": query.urlencode(),
        "kept": tabs.urlencode(),
        "ever": ProgrammeItem.objects.exists(),
        "overdue_days": OVERDUE_DAYS,
        "coming_days": COMING_DAYS,
        "may_edit": may(request, services.RIGHT),
        "may_register": may(request, "samples.edit"),
        "may_export": may(request, "samples.export"),
    }
    return render(request, "lab/programme/due.html", context)


@require_GET
@policy("samples.export")
def due_csv(request: HttpRequest) -> HttpResponse:
    """The slots between `from` and `to`, else of the overdue list and the month to come."""
    day = selectors.today()
    _due, wanted = _form(request)
    first = parse_date(request.GET.get("from")) or day - timedelta(days=OVERDUE_DAYS)
    last = parse_date(request.GET.get("to")) or day + timedelta(days=COMING_DAYS)
    states: list[State] = [_shown(request)] if request.GET.get("show") else []
    rows, _total = selectors.occurrence_list(first=first, last=last, states=states, limit=MOST_ROWS, **wanted)
    record(Event(Action.EXPORT, "programme", "", {"format": "csv", "rows": len(rows)}, label="programme.csv"))
    out = io.StringIO("\ufeff")
    out.seek(0, io.SEEK_END)
    writer = csv.writer(out)
    writer.writerow(
        ("pointCode", "pointName", "group", "parameters", "frequency", "assignee", "opens", "closes", "state",
         "sampleCode", "collectionDate", "complianceStatus")
    )  # fmt: skip
    for row in rows:
        cells = (
            row.point_code, row.point_name, row.group, " ".join(row.codes), row.frequency, row.assignee_name or "",
            row.opens, row.closes, row.state, row.sample_code or "",
            row.collection_date.isoformat() if row.collection_date else "", row.compliance_status or "",
        )  # fmt: skip
        writer.writerow([harmless(cell) for cell in cells])
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=download("programme.csv"))


@require_GET
@policy("samples.view")
def due_calendar(request: HttpRequest) -> HttpResponse:
    """A month; a slot stands on its last day, a sample that was taken for one on the day it was taken."""
    day = selectors.today()
    chosen = parse_date(f"{request.GET.get('month', '')}-01") or day.replace(day=1)
    if not 1901 <= chosen.year <= 2199:
        chosen = day.replace(day=1)
    last = chosen.replace(day=calendar.monthrange(chosen.year, chosen.month)[1])
    form, wanted = _form(request)
    rows, _total = selectors.occurrence_list(first=chosen, last=last, **wanted)
    zone = selectors.zone_name()
    by_day: dict[date, list[Occurrence]] = {}
    for row in rows:
        at = selectors.shown_on(row, zone)
        if chosen <= at <= last:
            by_day.setdefault(at, []).append(row)
    query = request.GET.copy()
    query.pop("month", None)
    context = {
        "tab": "calendar",
        "form": form,
        "month": date_format(chosen, "YEAR_MONTH_FORMAT"),
        "before": f"{(chosen - timedelta(days=1)):%Y-%m}",
        "after": f"{(last + timedelta(days=1)):%Y-%m}",
        "this": f"{chosen:%Y-%m}",
        "kept": query.urlencode(),
        "names": [date_format(date(2024, 1, 1) + timedelta(days=n), "D") for n in range(7)],
        "weeks": [
            [(at if at.month == chosen.month else None, at == day, _tally(by_day.get(at, []))) for at in week]
            for week in calendar.Calendar().monthdatescalendar(chosen.year, chosen.month)
        ],
        "may_edit": may(request, services.RIGHT),
    }
    return render(request, "lab/programme/calendar.html", context)


def _tally(rows: list[Occurrence]) -> dict[str, Any]:
    """What a day of the calendar shows: the first rows, and how many more there are."""
    shown = sorted(rows, key=lambda row: selectors.STATES.index(row.state))
    return {
        "rows": [(row, STATES[row.state][0], STATES[row.state][1], STATES[row.state][2]) for row in shown[:4]],
        "more": len(shown) - 4 if len(shown) > 4 else 0,
    }


@require_GET
@policy("samples.view")
def item_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, services.RIGHT)
    empty = Empty(
        title=_("Nothing is planned yet"),
        text=_("Say which point is sampled for what and how often; what falls due follows from it."),
        icon="calendar",
        action_label=_("Plan a sampling") if may_edit else "",
        action_url=reverse("lab:item_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.item_list(),
        table=ItemTable if may_edit else ItemReadTable,
        filterset=ItemFilter,
        template="lab/programme/items.html",
        list_id="items",
        caption=_("Programme"),
        empty=empty,
        context={"tab": "items", "may_edit": may_edit},
    )


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def item_create(request: HttpRequest) -> HttpResponse:
    point = SamplingPoint.objects.filter(code=request.GET.get("point", "")[:40]).first()
    form = ItemForm(request.POST or None, point=point)
    back = reverse("lab:point_detail", args=[point.pk]) if point else reverse("lab:item_list")
    if form.is_valid():
        data = dict(form.cleaned_data)
        try:
            item = services.item_create(point=data.pop("point"), data=data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:point_detail", item.point_id)
    return _item_form(request, form, None, back)


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def item_edit(request: HttpRequest, programme_item_id: UUID) -> HttpResponse:
    item = selectors.item_get(id=programme_item_id)
    form = ItemForm(request.POST or None, item=item)
    back = reverse("lab:point_detail", args=[item.point_id])
    if form.is_valid():
        try:
            services.item_update(item=item, data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(back)
    return _item_form(request, form, item, back)


@require_POST
@policy(services.RIGHT)
def item_delete(request: HttpRequest, programme_item_id: UUID) -> HttpResponse:
    item = selectors.item_get(id=programme_item_id)
    services.item_delete(item=item, by=person(request))
    return redirect("lab:point_detail", item.point_id)


@require_POST
@policy("samples.edit")
def item_register(request: HttpRequest, programme_item_id: UUID) -> HttpResponse:
    """Register the planned sample as taken now, and go to it."""
    item = selectors.item_get(id=programme_item_id)
    row = services.planned_register(item=item, by=person(request))
    return redirect("lab:sample_detail", row["id"])


def _item_form(request: HttpRequest, form: ItemForm, item: ProgrammeItem | None, back: str) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "lab/programme/item.html", {"form": form, "item": item, "back": back}, status=status)


def _shown(request: HttpRequest) -> State:
    return next((state for state in selectors.STATES if state == request.GET.get("show")), "overdue")


def _form(request: HttpRequest) -> tuple[DueForm, dict[str, Any]]:
    form = DueForm(request.GET)
    form.is_valid()
    assignee = form.cleaned_data.get("assignee")
    return form, {"search": form.cleaned_data.get("q", ""), "assignee": assignee.pk if assignee else None}


def _row(row: Occurrence, day: date) -> dict[str, Any]:
    return {
        "row": row,
        "badge": state_badge(row.state),
        "parameters": planned_parameters(row.group, row.codes),
        "often": Frequency(row.frequency).label,
        "late": row.days_late(day),
    }
