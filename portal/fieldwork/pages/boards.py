"""Tasks as a board by status and as a calendar by due date."""

import calendar
from collections import Counter
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber, TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.projects import selectors, services
from portal.core.projects.choices import TaskStatus
from portal.core.projects.models import Task
from portal.fieldwork.pages import answers
from portal.fieldwork.pages.forms import ways
from portal.fieldwork.pages.lists import TaskFilter
from portal.ui.boards import Moves
from portal.ui.filters import midnight
from portal.ui.people import may, person

CARDS = 50  # of one column
PER_DAY = 12  # tasks shown of one day


@require_GET
@policy("tasks.view")
def task_board(request: HttpRequest) -> HttpResponse:
    template = "fieldwork/tasks/board.html"
    partial = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    return render(request, f"{template}#board" if partial else template, _board(request))


def _board(request: HttpRequest) -> dict[str, Any]:
    filters = TaskFilter(request.GET, queryset=Task.objects.none(), request=request)
    rows = filters.qs.order_by("due_date", selectors.urgency().desc(), "-created_at", "-id")
    counts = selectors.task_figures(filters.qs).by_status
    user, office = person(request), may(request, "tasks.edit")
    may_work, moves = may(request, "tasks.work"), Moves(request, to="fieldwork:task_move", name="status")
    columns = []
    for status in TaskStatus:
        cards = []
        for task in rows.filter(status=status)[:CARDS]:
            own = task.assigned_to_id == user.pk or (task.assigned_to_id is None and task.created_by_id == user.pk)
            open_ways = ways(task, office=office) if office or (may_work and own) else []
            cards.append((task, moves.form(task.pk, [way for way in open_ways if way[0] != task.status])))
        columns.append((status.value, status.label, counts[status], cards))
    return {
        "columns": columns,
        "view": "board",
        "query": request.GET.urlencode(),
        "filter_form": filters.form,
        "may_create": may_work,
    }


@require_POST
@policy("tasks.work")
def task_move(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Put a card into another column. A script gets the board anew, with the reason where the card had to stay."""
    data, by = {"status": request.POST.get("status", "")}, person(request)
    refused = answers.refused(lambda: services.task_update(id=task_id, data=data, by=by))
    if not request.htmx:  # type: ignore[attr-defined]
        return answers.back(request, refused, _("The status has been changed."), "fieldwork:task_board")
    response = render(request, "fieldwork/tasks/board.html#board", _board(request))
    if refused is not None:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        answers.toast(response, answers.refusal_text(refused), "error")
    return response


@require_GET
@policy("tasks.view")
def task_calendar(request: HttpRequest) -> HttpResponse:
    """A month or a week of due dates; weeks begin on Monday."""
    span = "week" if request.GET.get("span") == "week" else "month"
    today = timezone.localdate()
    on = clock.parse_date(request.GET.get("on")) or today
    if not 1900 < on.year < 2200:
        return redirect("fieldwork:task_calendar")
    days = _days(on, span)
    filters = TaskFilter(request.GET, queryset=Task.objects.none(), request=request)
    end = midnight(days[-1] + timedelta(days=1))
    rows = filters.qs.filter(due_date__gte=midnight(days[0]), due_date__lt=end)
    held: dict[date, list[Task]] = {day: [] for day in days}
    more: Counter[date] = Counter()
    day_of = TruncDate("due_date", tzinfo=timezone.get_current_timezone())
    order = Window(RowNumber(), partition_by=[day_of], order_by=[selectors.urgency().desc(), F("due_date"), F("id")])
    for task in rows.annotate(place=order).filter(place__lte=PER_DAY).order_by("due_date", "place"):
        assert task.due_date is not None
        held[timezone.localtime(task.due_date).date()].append(task)
    for day, count in rows.order_by().values_list(day_of).annotate(count=Count("pk")):
        more[day] = count - len(held[day])
    weeks = [[(day, held[day], more[day]) for day in days[start : start + 7]] for start in range(0, len(days), 7)]
    before, after = _neighbours(on, span)
    context = {
        "view": "calendar",
        "span": span,
        "on": on,
        "first": days[0],
        "last": days[-1],
        "today": today,
        "weeks": weeks,
        "weekdays": days[:7],
        "before": before,
        "after": after,
        "total": sum(map(len, held.values())) + more.total(),
        "filter_form": filters.form,
        "may_create": may(request, "tasks.work"),
        "address": reverse("fieldwork:task_calendar"),
    }
    return render(request, "fieldwork/tasks/calendar.html", context)


def _days(on: date, span: str) -> list[date]:
    if span == "week":
        monday = on - timedelta(days=on.weekday())
        return [monday + timedelta(days=n) for n in range(7)]
    return [day for week in calendar.Calendar().monthdatescalendar(on.year, on.month) for day in week]


def _neighbours(on: date, span: str) -> tuple[date, date]:
    if span == "week":
        return on - timedelta(days=7), on + timedelta(days=7)
    first = on.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=32)).replace(day=1)
