"""The blocks of the home page: what each shows, whom, and which live events renew it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.accounts.selectors.platform import platform_stats
from portal.core.audit.models import Action, Outcome
from portal.core.audit.selectors import entry_list
from portal.core.common import clock, health
from portal.core.common.text import grouped
from portal.core.projects.choices import ProjectStatus
from portal.core.projects.selectors import my_tasks, project_list, with_figures
from portal.core.tenancy.models import Organization
from portal.crm.contracts.access import today
from portal.crm.customers.models import Customer
from portal.crm.sales.choices import Kind
from portal.crm.sales.selectors import deals_seen, pipeline
from portal.crm.tickets.selectors import ticket_list
from portal.desk import selectors
from portal.desk.figures import activity
from portal.desk.figures.display import Table, key_figures, tab
from portal.desk.figures.question import Question, ask
from portal.desk.guide.steps import shown
from portal.desk.home.attention import waiting
from portal.desk.platform.figures import PARTS, state_badge
from portal.lab.choices import Compliance
from portal.lab.models import Sample
from portal.lab.reports.charts import stacked
from portal.ui.filters import midnight
from portal.ui.people import may, person
from portal.ui.trail import tell

RECENT: Final = 8
MINE: Final = 6
_DAYS: Final = 30
_SALES: Final = ("sale.changed", "sale.stage")
_TICKETS: Final = ("ticket.created", "ticket.updated", "ticket.assigned", "sla.breach")
_TASKS: Final = ("task.assigned", "task.updated", "tasks.changed")
_SAMPLES: Final = ("sample.changed", "compliance.changed", "sync.conflict")
_OFFICE: Final = (*_SALES, *_TICKETS, "customers.changed", "contract.changed")
type Made = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """`shown` says whom there is something for, `build` gives its template what it draws. `events` renew it; a `drawn`
    one has a chart, which is made anew then."""

    key: str
    label: Promise
    icon: str
    shown: Callable[[User], bool]
    build: Callable[[HttpRequest], Made]
    events: tuple[str, ...] = ()
    wide: bool = False
    drawn: bool = False

    @property
    def template(self) -> str:
        return f"desk/home/{self.key}.html"

    @property
    def trigger(self) -> str:
        """For `hx-trigger`; the platform's figures have no events and are asked for again."""
        return ", ".join(f"marsad:{event} from:body throttle:3s" for event in self.events) or "every 60s"


def _holds(*rights: str) -> Callable[[User], bool]:
    return lambda user: user.organization_id is not None and any(user.has_permission(right) for right in rights)


def _on_platform(user: User) -> bool:
    return user.organization_id is None


def question(request: HttpRequest, *, scope: str = "") -> Question:
    """The figures of the last twelve months."""
    user = person(request)
    assert isinstance(user.organization, Organization)
    return ask(user=user, organization=user.organization, scope=scope)


def _attention(request: HttpRequest) -> Made:
    user = person(request)
    steps = _steps(user)
    return {"waiting": waiting(user), "steps": [] if steps and shown(user) else steps}  # the first steps say it all


def _steps(user: User) -> list[tuple[str, str, str, str]]:
    """(title, what it does, page, icon) of the first things to do, while the records of a room are missing."""
    may_do = user.has_permission
    steps = []
    if may_do("samples.edit") and not Sample.objects.filter(deleted_at=None).exists():
        steps.append(
            (
                _("Register a sample"),
                _(
                    "Where and when it was taken, by whom, and which kind of water it is. A device in the field can do"
                    " the same and synchronise."
                ),
                "lab:sample_create",
                "flask",
            )
        )
    if (
        may_do("users.manage")
        and not User.objects.filter(organization=user.organization_id).exclude(pk=user.pk).exists()
    ):
        steps.append(
            (_("Invite people"), _("Each with a role that says what they see and do."), "people:invite", "users")
        )
    if may_do("projects.edit") and not project_list(user=user).exists():
        steps.append(
            (
                _("Begin a project"),
                _("It brings together people, tasks, forms and pictures of one piece of work."),
                "fieldwork:project_create",
                "briefcase",
            )
        )
    if may_do("customers.edit") and not Customer.objects.filter(deleted_at=None).exists():
        steps.append(
            (
                _("Add a customer"),
                _("Deals, tickets and contracts belong to one. A list can be imported from a file."),
                "crm:customer_create",
                "building",
            )
        )
    elif may_do("sales.edit") and not deals_seen(user).exists():
        steps.append(
            (_("Open a deal"), _("Its value and expected close make the forecast."), "crm:sale_create", "coin")
        )
    return steps


def _tasks(request: HttpRequest) -> Made:
    return {"mine": my_tasks(person(request))[:MINE]}


def _deals(request: HttpRequest) -> Made:
    """Of the person alone: the open stages, and the deals to look at next."""
    user = person(request)
    mine = deals_seen(user).filter(assigned_to=user, status=Kind.OPEN)
    columns = [column for column in pipeline(mine, cards=0) if column.count]
    following = mine.select_related("customer", "stage").order_by("expected_close_date", "-base_value", "pk")
    return {"columns": columns, "deals": following[:MINE], "today": today()}


def _queue(request: HttpRequest) -> Made:
    user = person(request)
    rows = ticket_list(user=user, assignee=user.pk, open_only=True).select_related("customer")
    return {"tickets": rows.order_by("sla_due_at", "-created_at", "pk")[:MINE]}


def _kpis(request: HttpRequest) -> Made:
    q = question(request)
    return {
        "tiles": [tile for tile in key_figures(q) if tile.key not in ("sales.total", "tickets.total")],
        "question": q,
    }


def _trend(request: HttpRequest) -> Made:
    """The first trend of the dashboard: value won for whoever sees sales, else tickets."""
    q = question(request)
    tables = [table for table in tab(q, "metrics").tables if table.timed]
    return {"table": next((table for table in tables if table.has_figures), tables[0] if tables else None)}


def _lab(request: HttpRequest) -> Made:
    figures = selectors.lab_figures()
    made: dict[str, Any] = {
        "lab": figures,
        "bar": stacked(figures.bar, mirrored=translation.get_language_bidi()),
        "share": None if figures.share is None else f"{grouped(figures.share, 1)} %",
        "may_create": may(request, "samples.edit"),
        "may_issue": may(request, "reports.create"),
    }
    if figures.ever:
        made["exceedances"] = selectors.latest_exceedances()
        if may(request, "results.edit"):
            made["to_do"] = selectors.waiting_samples()
    return made


def _quality(request: HttpRequest) -> Made:
    """Samples taken on each of the last 30 days, by what came of them; days of the organisation's zone."""
    user = person(request)
    assert isinstance(user.organization, Organization)
    zone, last = user.organization.time_zone, today(user.organization.time_zone)
    first = last - timedelta(days=_DAYS - 1)
    since: datetime = clock.day_start(first, zone)
    rows = Sample.objects.filter(deleted_at=None, collection_date__gte=since, collection_date__lte=clock.now())
    day = TruncDate("collection_date", tzinfo=clock.zone(zone))
    found = {
        (at, state): n for at, state, n in rows.order_by().values_list(day, "compliance_status").annotate(n=Count("pk"))
    }
    kinds = list(Compliance.choices)
    lines = []
    for step in range(_DAYS):
        at = first + timedelta(days=step)
        lines.append([at.isoformat(), *(found.get((at, state), 0) for state, _label in kinds)])
    heads = [(_("Day"), "text"), *((str(label), "count") for _state, label in kinds)]
    title = _("Samples by day, last 30 days")
    return {"table": Table("samples-by-day", title, heads, lines, "stackedBar", range(1, len(heads)), timed=True)}


def _projects(request: HttpRequest) -> Made:
    rows = project_list(user=person(request), statuses=[ProjectStatus.ACTIVE])
    return {"projects": with_figures(rows).order_by("end_date", "pk")[:MINE], "may_edit": may(request, "projects.edit")}


def _activity(request: HttpRequest) -> Made:
    user = person(request)
    if not user.has_permission("dashboard.view"):
        return {"changes": selectors.latest_changes()}
    return {"events": activity.recent(question(request), limit=RECENT)}


def _audit(request: HttpRequest) -> Made:
    """What an auditor asks first; each tile leads to exactly the entries of the last 30 days that it counts."""
    first = timezone.localdate() - timedelta(days=_DAYS - 1)
    changes, exports = [Action.CREATE, Action.UPDATE, Action.RESTORE], [Action.EXPORT, Action.DOWNLOAD]
    asked: list[tuple[str, str, list[Action], str]] = [
        (_("Entries"), "shield-check", [], ""),
        (_("Changes"), "pencil", changes, ""),
        (_("Deletions"), "trash", [Action.DELETE], ""),
        (_("Exports"), "download", exports, ""),
        (_("Refusals"), "lock", [], Outcome.DENIED.value),
    ]
    since = midnight(first)
    lists = [entry_list(since=since, actions=actions, outcome=outcome) for _label, _icon, actions, outcome in asked]
    tiles = []
    for (label, icon, actions, outcome), count in zip(asked, selectors.counted(lists), strict=True):
        query = {"date_from": first, "action": [action.wire for action in actions]}
        query |= {"outcome": outcome} if outcome else {}
        url = f"{reverse('audit:entry_list')}?{urlencode(query, doseq=True)}"
        tiles.append({"label": label, "icon": icon, "said": selectors.roughly(count), "url": url})
    return {"recent": tell(entry_list()[:RECENT]), "tiles": tiles}


def _devices(request: HttpRequest) -> Made:
    return {"devices": selectors.devices(), "conflicts": selectors.open_conflicts()}


def _platform(request: HttpRequest) -> Made:
    return {"figures": platform_stats()}


def _health(request: HttpRequest) -> Made:
    said = health.report()
    parts = [
        (PARTS.get(name, name), state_badge(facts["status"]))
        for name, facts in said.items()
        if isinstance(facts, dict) and "status" in facts
    ]
    return {"state": state_badge(said["status"]), "parts": parts}


def _organizations(request: HttpRequest) -> Made:
    return {"organizations": selectors.organizations()}


BLOCKS: Final[dict[str, Block]] = {
    block.key: block
    for block in (
        Block(
            "attention", gettext_lazy("What needs you now"), "bell", _holds("organization.view"), _attention,
            (*_TASKS, *_SAMPLES, *_OFFICE, "contract.expiring", "submission.created", "submission.bulk",
             "submission.changed", "security.event"), wide=True,
        ),
        Block("tasks", gettext_lazy("My tasks"), "checklist", _holds("tasks.work"), _tasks, _TASKS),
        Block("deals", gettext_lazy("My pipeline"), "filter", _holds("sales.edit"), _deals, _SALES),
        Block("queue", gettext_lazy("My tickets"), "ticket", _holds("tickets.work"), _queue, _TICKETS),
        Block("kpis", gettext_lazy("Key figures"), "gauge", _holds("dashboard.view"), _kpis, _OFFICE, wide=True),
        Block(
            "trend", gettext_lazy("How it moves"), "chart-line", lambda user: _holds("dashboard.view")(user)
            and _holds("sales.view", "tickets.view", "customers.view")(user), _trend, _OFFICE, drawn=True,
        ),
        Block("lab", gettext_lazy("Laboratory"), "flask", _holds("samples.view"), _lab, _SAMPLES, wide=True),
        Block(
            "quality", gettext_lazy("Samples by day"), "chart-bar", _holds("samples.view"), _quality, _SAMPLES,
            drawn=True,
        ),
        Block(
            "projects", gettext_lazy("Active projects"), "briefcase", _holds("projects.view"), _projects,
            ("project.status", "project.updated", "projects.changed", *_TASKS),
        ),
        Block(
            "activity", gettext_lazy("Recent activity"), "activity", _holds("dashboard.view", "samples.view"),
            _activity, (*_OFFICE, *_SAMPLES, *_TASKS),
        ),
        Block(
            "audit", gettext_lazy("Audit log"), "shield-check", _holds("audit.view"), _audit,
            ("security.event", *_SAMPLES, *_OFFICE), wide=True,
        ),
        Block(
            "devices", gettext_lazy("Devices"), "device-mobile", _holds("devices.view"), _devices,
            ("sync.progress", "sync.conflict"),
        ),
        Block("platform", gettext_lazy("Figures of the platform"), "chart-bar", _on_platform, _platform, wide=True),
        Block("health", gettext_lazy("Health"), "heart-rate-monitor", _on_platform, _health, ("health.changed",)),
        Block("organizations", gettext_lazy("Organisations"), "building", _on_platform, _organizations, wide=True),
    )
}  # fmt: skip


def blocks_of(user: User) -> list[str]:
    """The keys of the blocks that there are for a person."""
    return [key for key, block in BLOCKS.items() if block.shown(user)]
