"""Pages of figures: forecast, analytics, leaderboard."""

from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.core.tenancy.models import Organization
from portal.crm.sales import figures, forecast, selectors
from portal.crm.sales.choices import METRICS
from portal.crm.sales.pages.deals import frame
from portal.crm.sales.pages.forms import PeriodForm
from portal.crm.sales.pages.lists import today
from portal.ui.answers import refusal_text
from portal.ui.people import person

STEPS: Final = {
    "new": gettext_lazy("New deals"),
    "moved_in": gettext_lazy("Moved into the period"),
    "moved_out": gettext_lazy("Moved out of the period"),
    "changed": gettext_lazy("Value or chances changed"),
    "won": gettext_lazy("Won, above what was expected"),
    "lost": gettext_lazy("Deals lost"),
}


def _zone(user: User) -> str:
    assert isinstance(user.organization, Organization)
    return user.organization.time_zone


def _period(form: PeriodForm, first: date, last: date) -> tuple[date, date]:
    said = form.cleaned_data if form.is_valid() else {}
    return said.get("date_from") or first, said.get("date_to") or max(last, said.get("date_from") or last)


@require_GET
@policy("sales.view")
def forecast_page(request: HttpRequest) -> HttpResponse:
    """Six months from this one on, unless the person says otherwise."""
    user, now = person(request), today()
    start = now.replace(day=1)
    form = PeriodForm(request.GET, shown=("group", "assignee"))
    year, month = divmod(start.year * 12 + start.month - 1 + 6, 12)
    first, last = _period(form, start, date(year, month + 1, 1) - timedelta(days=1))
    group: forecast.Group = form.cleaned_data.get("group") or "month"
    assignee = form.cleaned_data.get("assignee")
    filters = selectors.Filters(assignee=assignee.pk if assignee else None)
    rows = selectors.deal_list(user=user, today=now, filters=filters)
    context = frame(request, "forecast") | {"form": form, "first": first, "last": last, "group": group}
    try:
        made = forecast.forecast(rows, first=first, last=last, zone=_zone(user), group=group)
    except DomainError as refusal:
        return render(request, "crm/sales/forecast.html", context | {"refusal": refusal_text(refusal)}, status=400)
    owners = [assignee.pk] if assignee else [user.pk] if user.grants["sales.view"] == "own" else None
    forecast.add_quotas(made, first=first, last=last, group=group, owners=owners)
    review = forecast.review(rows, first=first, last=last, zone=_zone(user))
    periods = [
        (name, made.labels.get(name, name) or _("Nobody"), told, made.quotas.get(name))
        for name, told in made.periods.items()
    ]
    chart = {
        "labels": [label for _name, label, _told, _quota in periods],
        "bars": [
            {"name": _("Won"), "values": [told.won for *_rest, told, _quota in periods], "colour": "won"},
            {"name": _("Weighted"), "values": [told.weighted for *_rest, told, _quota in periods], "colour": "open"},
        ],
        "line": {"name": _("Target"), "values": [quota for *_rest, quota in periods]} if made.quotas else None,
    }
    context |= {
        "made": made,
        "periods": periods,
        "chart": chart,
        "review": review,
        "steps": [(STEPS[name], value) for name, value in review.steps.items()] if review else [],
        "nothing": not (made.totals.count or made.totals.won or made.slipped.count or made.undated.count),
    }
    return render(request, "crm/sales/forecast.html", context)


@require_GET
@policy("sales.view")
def analytics_page(request: HttpRequest) -> HttpResponse:
    """The last twelve months, unless the person says otherwise."""
    user, now = person(request), today()
    form = PeriodForm(request.GET, shown=("assignee",))
    first, last = _period(form, (now - timedelta(days=365)).replace(day=1), now)
    context = frame(request, "analytics") | {"form": form, "first": first, "last": last}
    if last < first or (last - first).days > forecast.LONGEST * 31:
        said = _("The period must end after its beginning, and within ten years.")
        return render(request, "crm/sales/analytics.html", context | {"refusal": said}, status=400)
    assignee = form.cleaned_data.get("assignee")
    filters = selectors.Filters(assignee=assignee.pk if assignee else None)
    rows = selectors.deal_list(user=user, today=now, filters=filters)
    found = figures.analytics(rows, first=first, last=last, zone=_zone(user))
    chart: dict[str, Any] = {
        "labels": [f"{row['month']:%Y-%m}" for row in found.by_month],
        "bars": [
            {"name": _("Value won"), "values": [row["won_value"] for row in found.by_month], "colour": "won"},
            {"name": _("Value lost"), "values": [row["lost_value"] for row in found.by_month], "colour": "lost"},
        ],
        "line": None,
    }
    return render(request, "crm/sales/analytics.html", context | {"found": found, "chart": chart})


@require_GET
@policy("sales.view")
def leaderboard_page(request: HttpRequest) -> HttpResponse:
    """This month, unless the person says otherwise."""
    user, now = person(request), today()
    form = PeriodForm(request.GET, shown=("metric",))
    first, last = _period(form, now.replace(day=1), now)
    metric = form.cleaned_data.get("metric") or next(iter(METRICS))
    context = frame(request, "leaderboard") | {"form": form, "first": first, "last": last, "metric": metric}
    if last < first:
        said = _("The period must end after its beginning, and within ten years.")
        return render(request, "crm/sales/leaderboard.html", context | {"refusal": said}, status=400)
    rows = selectors.deal_list(user=user, today=now)
    places = figures.leaderboard(rows, first=first, last=last, zone=_zone(user), metric=metric)
    return render(request, "crm/sales/leaderboard.html", context | {"places": places})
