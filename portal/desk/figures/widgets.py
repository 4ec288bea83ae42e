"""The widgets of `GET /dashboard/widgets/{type}`: each with its own right, its parameters and its figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common.errors import Denied, NotFound
from portal.core.files.selectors import stats as storage_stats
from portal.core.projects.selectors import my_tasks
from portal.crm.contracts.selectors import expiring
from portal.crm.sales.forecast import forecast
from portal.crm.sales.wire import forecast as forecast_card
from portal.crm.tickets.choices import OPEN
from portal.desk.figures import activity, health, metrics, overviews, team
from portal.desk.figures.kept import kept
from portal.desk.figures.question import RIGHT, Question

type Params = Mapping[str, int]
LIMIT: Final = {"limit": (10, 1, 100)}
DAYS: Final = {"days": (30, 1, 365)}


@dataclass(frozen=True, slots=True)
class Widget:
    """`params` are whole numbers: name -> (default, least, most)."""

    label: Promise
    right: str
    build: Callable[[Question, Params], Any]
    params: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)


def _funnel(q: Question, params: Params) -> Any:
    found = overviews.sales(q) or {}
    return {name: found.get(name) for name in ("currency", "stages", "byStage", "pipeline", "weighted", "winRate")}


def _forecast(q: Question, params: Params) -> Any:
    first, last = q.ahead
    build = lambda: forecast_card(forecast(q.deals(), first=first, last=last, zone=q.zone), q.currency, None)  # noqa: E731
    return {"dateFrom": first, "dateTo": last, **kept(q, "forecast", ["sales"], build)}


def _sla(q: Question, params: Params) -> Any:
    found = overviews.support(q) or {}
    return {**found["sla"], "overdue": found["overdue"], "atRisk": found["atRisk"]}


def _queue(q: Question, params: Params) -> Any:
    rows = q.tickets().filter(metrics.COUNTED, status__in=OPEN).select_related("customer", "assigned_to")
    return {
        "open": rows.count(),
        "tickets": [
            {
                "id": row.pk,
                "number": row.number,
                "title": row.title,
                "status": row.status,
                "priority": row.priority,
                "customerName": row.customer.name if row.customer else "",
                "assignedToName": row.assigned_to.name if row.assigned_to else "",
                "dueAt": row.sla_due_at,
            }
            for row in rows.order_by("sla_due_at", "-created_at", "id")[: params["limit"]]
        ],
    }


def _expiring(q: Question, params: Params) -> Any:
    rows = expiring(user=q.reader, days=params["days"], filters={"owner": q.assignee} if q.assignee else None)
    return {
        "total": rows.count(),
        "contracts": [
            {
                "id": row.pk,
                "number": row.number,
                "title": row.title,
                "customerName": row.customer.name,
                "value": row.value,
                "currency": row.currency,
                "endsOn": row.termination_date or row.end_date,
                "autoRenew": row.auto_renew,
            }
            for row in rows[: params["limit"]]
        ],
    }


def _tasks(q: Question, params: Params) -> Any:
    return [
        {
            "id": row.pk,
            "title": row.title,
            "status": row.status,
            "priority": row.priority,
            "dueDate": row.due_date,
            "overdue": row.overdue,
            "projectName": row.project.name if row.project else None,
        }
        for row in my_tasks(q.reader)[: params["limit"]]
    ]


WIDGETS: Final[dict[str, Widget]] = {
    "kpi": Widget(gettext_lazy("Key figures"), RIGHT, lambda q, _p: metrics.metrics(q)),
    "funnel": Widget(gettext_lazy("Sales funnel"), "sales.view", _funnel),
    "forecast": Widget(gettext_lazy("Sales forecast"), "sales.view", _forecast),
    "sla": Widget(gettext_lazy("Kept promises"), "tickets.view", _sla),
    "ticketQueue": Widget(gettext_lazy("Ticket queue"), "tickets.view", _queue, LIMIT),
    "expiring": Widget(gettext_lazy("Contracts that end"), "contracts.view", _expiring, LIMIT | DAYS),
    "leaderboard": Widget(gettext_lazy("Leaderboard"), "sales.view", lambda q, p: team.team(q)[: p["limit"]], LIMIT),
    "activity": Widget(
        gettext_lazy("Recent activity"),
        RIGHT,
        lambda q, p: [one.card() for one in activity.recent(q, limit=p["limit"])],
        LIMIT,
    ),
    "myTasks": Widget(gettext_lazy("My tasks"), "tasks.view", _tasks, LIMIT),
    "storage": Widget(gettext_lazy("Storage"), "files.view", lambda q, _p: storage_stats(user=q.reader)["storage"]),
    "health": Widget(gettext_lazy("System health"), "dashboard.health", lambda _q, _p: health.system_health()),
}


def widget_for(user: User, kind: str) -> Widget:
    """Raises NotFound naming the types there are, Denied without the widget's right."""
    found = WIDGETS.get(kind)
    if found is None:
        allowed = ", ".join(WIDGETS)
        raise NotFound(
            _("There is no such widget. Choose one of: %(allowed)s.") % {"allowed": allowed},
            meta={"allowed": list(WIDGETS)},
        )
    if not user.has_permission(found.right):
        raise Denied(_("You do not have the right to do this."), meta={"permission": found.right})
    return found


def widget_list(user: User) -> list[dict[str, Any]]:
    """Those that the person may see."""
    return [
        {
            "type": kind,
            "name": str(widget.label),
            "permission": widget.right,
            "parameters": [
                {"name": name, "type": "integer", "default": default, "minimum": least, "maximum": most}
                for name, (default, least, most) in widget.params.items()
            ],
        }
        for kind, widget in WIDGETS.items()
        if user.has_permission(widget.right)
    ]
