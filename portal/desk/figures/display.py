"""Figures in a person's words: tiles and tables that the dashboard shows and its files repeat, cell by cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.common.text import grouped
from portal.crm.customers.choices import Size, Status
from portal.crm.tickets.choices import TicketPriority, TicketStatus
from portal.desk.figures import activity, metrics, overviews, series
from portal.desk.figures.activity import Happened
from portal.desk.figures.question import Question
from portal.desk.figures.team import team as people

# Unit -> places that are shown; the file has the whole figure.
PLACES: Final = {"money": 0, "count": 0, "percent": 1, "hours": 1, "days": 1}
SIGNS: Final[dict[str, str | Promise]] = {"percent": "%", "hours": gettext_lazy("h")}
DASH: Final = "\N{EN DASH}"
_AGES: Final[dict[str, Promise]] = {
    "under1d": gettext_lazy("Under a day"),
    "1to3d": gettext_lazy("1 to 3 days"),
    "3to7d": gettext_lazy("3 to 7 days"),
    "7to30d": gettext_lazy("7 to 30 days"),
    "over30d": gettext_lazy("Over 30 days"),
}
TABS: Final[dict[str, Promise]] = {
    "metrics": gettext_lazy("Key figures"),
    "team": gettext_lazy("Team"),
    "finance": gettext_lazy("Finance"),
    "support": gettext_lazy("Support"),
    "activity": gettext_lazy("Activity"),
}
SERIES: Final[dict[str, Promise]] = {
    "customersNew": gettext_lazy("New customers"),
    "salesCreated": gettext_lazy("New deals"),
    "salesWon": gettext_lazy("Deals won"),
    "salesLost": gettext_lazy("Deals lost"),
    "salesWonValue": gettext_lazy("Value won"),
    "ticketsCreated": gettext_lazy("New tickets"),
    "ticketsResolved": gettext_lazy("Tickets resolved"),
}
type Cell = str | int | float | Decimal | None


def shown(value: Cell, unit: str) -> str:
    """As a text with Latin digits; a dash for no figure."""
    if value is None:
        return DASH
    if isinstance(value, str):
        return value
    text = grouped(Decimal(value) if not isinstance(value, float) else value, PLACES.get(unit, 0))
    return f"{text} {SIGNS[unit]}" if unit in SIGNS else text


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure. `change` is its growth in percent where there is a period to compare with."""

    key: str
    label: str
    icon: str
    value: Cell
    unit: str
    note: str = ""
    url: str = ""
    change: Decimal | None = None
    compared: bool = False

    @property
    def text(self) -> str:
        return shown(self.value, self.unit)

    @property
    def address(self) -> str:
        """Of the list behind the figure: `url` is a name and a query."""
        name, mark, query = self.url.partition("?")
        return f"{reverse(name)}{mark}{query}" if name else ""

    @property
    def change_text(self) -> str:
        return shown(None if self.change is None else abs(self.change), "percent")

    @property
    def direction(self) -> str:
        if self.change is None or not self.change:
            return ""
        return "up" if self.change > 0 else "down"


@dataclass(frozen=True, slots=True)
class Table:
    """`heads` are headings with the units of their columns, the first that of the labels. `chart` draws the columns of
    `drawn` (bar, stackedBar, line, donut)."""

    key: str
    title: str
    heads: Sequence[tuple[str, str]]
    lines: Sequence[Sequence[Cell]]
    chart: str = ""
    drawn: Sequence[int] = (1,)
    timed: bool = False
    empty: str = ""

    @property
    def texts(self) -> list[list[str]]:
        units = [unit for _head, unit in self.heads]
        return [[shown(cell, unit) for cell, unit in zip(line, units, strict=True)] for line in self.lines]

    @property
    def has_figures(self) -> bool:
        return any(cell and not isinstance(cell, str) for line in self.lines for cell in line[1:])

    def script(self) -> dict[str, Any]:
        """What `charts.js` draws."""
        return {
            "kind": self.chart,
            "labels": [str(line[0]) for line in self.lines],
            "series": [
                {
                    "name": self.heads[column][0],
                    "values": [None if line[column] is None else float(line[column] or 0) for line in self.lines],
                }
                for column in self.drawn
            ],
            "timed": self.timed,
        }


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    title: str
    tiles: Sequence[Tile] = ()
    tables: Sequence[Table] = ()
    events: Sequence[Happened] = field(default_factory=list)


def tabs_for(q: Question) -> list[str]:
    """Those that have something to show to this person."""
    has = {
        "support": q.may("tickets"),
        "finance": q.may("sales") or q.may("contracts"),
        "team": q.may("sales") or q.may("tickets"),
    }
    return [key for key in TABS if has.get(key, True)]


def tab(q: Question, key: str) -> Tab:
    return _BUILDERS[key](q)


def key_figures(q: Question) -> list[Tile]:
    """The tiles of the four blocks, of those subjects that the person may see."""
    found, tiles = metrics.metrics(q), []
    if q.may("customers"):
        told = found["customers"]
        tiles += [
            Tile("customers.total", _("Customers"), "building", told["total"], "count", url="crm:customer_list"),
            Tile(
                "customers.active",
                _("Active customers"),
                "user-check",
                told["active"],
                "count",
                url="crm:customer_list?status=active",
            ),
            _grown("customers.new", _("New customers"), "user-plus", told["new"], "count", told["growth"]),
        ]
    if q.may("sales"):
        told = found["sales"]
        tiles += [
            Tile("sales.total", _("Won and open"), "coin", told["total"], "money", note=q.currency),
            _grown("sales.closed", _("Value won"), "circle-check", told["closed"], "money", told["growth"]),
            Tile(
                "sales.pipeline",
                _("Open pipeline"),
                "filter",
                told["pipeline"],
                "money",
                note=q.currency,
                url="crm:sale_pipeline",
            ),
        ]
    if q.may("tickets"):
        told = found["tickets"]
        tiles += [
            Tile("tickets.total", _("Tickets"), "ticket", told["total"], "count", url="crm:ticket_list?show=all"),
            Tile("tickets.open", _("Open tickets"), "ticket", told["open"], "count", url="crm:ticket_list"),
            Tile("tickets.resolved", _("Resolved tickets"), "circle-check", told["resolved"], "count"),
            Tile(
                "tickets.avgResolutionTime",
                _("Time to resolve"),
                "clock",
                told["avgResolutionTime"],
                "hours",
                note=_("business hours, on average"),
            ),
        ]
    return tiles + _revenue_tiles(q)


def _revenue_tiles(q: Question) -> list[Tile]:
    if not q.may("sales") and not q.may("contracts"):
        return []
    told = metrics.revenue(q)
    return [
        _grown("revenue.total", _("Revenue"), "coin", told["total"], "money", told["growth"]),
        Tile("revenue.monthly", _("Revenue a month"), "calendar", told["monthly"], "money", note=q.currency),
        Tile(
            "revenue.forecast",
            _("Forecast"),
            "trending-up",
            told["forecast"],
            "money",
            note=_("coming period of equal length"),
            url="crm:sale_forecast" if q.may("sales") else "",
        ),
    ]


def _grown(key: str, label: str, icon: str, value: Cell, unit: str, change: Decimal | None) -> Tile:
    return Tile(key, label, icon, value, unit, change=change, compared=True)


def _metrics(q: Question) -> Tab:
    tables: list[Table] = []
    trend = series.analytics(q)
    told = {one["key"]: one for one in trend["series"]}
    step = {"day": _("Day"), "month": _("Month"), "week": _("Week from")}[trend["interval"]]
    labels = [label[:7] if trend["interval"] == "month" else label for label in trend["labels"]]
    for key, title, columns in (
        ("won", _("Value won"), ["salesWonValue"]),
        ("deals", _("Deals"), ["salesCreated", "salesWon", "salesLost"]),
        ("tickets", _("Tickets"), ["ticketsCreated", "ticketsResolved"]),
        ("customers", _("New customers"), ["customersNew"]),
    ):
        held = [told[column] for column in columns if column in told]
        if held:
            heads = [(step, "text"), *((str(SERIES[one["key"]]), one["unit"]) for one in held)]
            lines = [list(line) for line in zip(labels, *(one["values"] for one in held), strict=True)]
            kind = "line" if len(held) > 1 else "bar"
            tables.append(Table(f"by-step-{key}", title, heads, lines, kind, range(1, len(heads)), timed=True))
    if deals := overviews.sales(q):
        heads = [(_("Stage"), "text"), (_("Value"), "money"), (_("Weighted"), "money"), (_("Deals"), "count")]
        lines = [[row["name"], row["value"], row["weighted"], row["count"]] for row in deals["stages"]]
        tables.append(Table("funnel", _("Open pipeline"), heads, lines, "bar", (1, 2)))
    if found := overviews.customers(q):
        states = dict(Status.choices)
        lines = [[str(states.get(key, key)), count] for key, count in found["byStatus"].items()]
        heads = [(_("Status"), "text"), (_("Customers"), "count")]
        tables.append(Table("customer-status", _("Customers by status"), heads, lines, "donut"))
        sizes = dict(Size.choices)
        lines = [[str(sizes.get(key, key)), count] for key, count in found["bySize"].items()]
        tables.append(Table("customer-size", _("Customers by size"), [(_("Size"), "text"), heads[1]], lines))
        lines = [[key, count] for key, count in list(found["byIndustry"].items())[:10]]
        tables.append(
            Table("customer-industry", _("Customers by industry"), [(_("Industry"), "text"), heads[1]], lines)
        )
    return Tab("metrics", str(TABS["metrics"]), key_figures(q), tables)


def _team(q: Question) -> Tab:
    found = people(q)
    heads = [
        (_("Person"), "text"), (_("Value won"), "money"), (_("Deals won"), "count"), (_("Win rate"), "percent"),
        (_("Activities"), "count"), (_("Open pipeline"), "money"), (_("Tickets resolved"), "count"),
        (_("Open tickets"), "count"), (_("First reply"), "hours"), (_("Promises kept"), "percent"),
    ]  # fmt: skip
    columns = (
        "name", "wonValue", "dealsWon", "winRate", "activities", "pipeline", "ticketsResolved", "openTickets",
        "firstResponseHours", "slaCompliance",
    )  # fmt: skip
    lines = [[one[column] for column in columns] for one in found]
    empty = _("Nobody closed a deal or worked on a ticket in this period.")
    tiles = [
        Tile("team.people", _("People with figures"), "users", len(found), "count"),
        Tile(
            "team.won", _("Value won"), "circle-check", sum((one["wonValue"] for one in found), metrics.ZERO), "money"
        ),
        Tile("team.resolved", _("Tickets resolved"), "ticket", sum(one["ticketsResolved"] for one in found), "count"),
        Tile("team.activities", _("Activities"), "checklist", sum(one["activities"] for one in found), "count"),
    ]
    return Tab("team", str(TABS["team"]), tiles, [Table("team", _("Team"), heads, lines, "bar", empty=empty)])


def _finance(q: Question) -> Tab:
    found = overviews.finance(q)
    if found is None:
        return Tab("finance", str(TABS["finance"]))
    tiles, tables = _revenue_tiles(q), []
    if q.may("sales"):
        tiles.append(Tile("finance.won", _("Value won"), "circle-check", found["won"], "money", note=q.currency))
    heads = [(_("Month"), "text"), (_("Won"), "money"), (_("Recurring contracts"), "money"), (_("Total"), "money")]
    lines = [[row["month"], row["won"], row["recurring"], row["total"]] for row in found["byMonth"]]
    tables.append(Table("revenue", _("Revenue by month"), heads, lines, "stackedBar", (1, 2), timed=True))
    if papers := found["contracts"]:
        tiles += [
            Tile(
                "finance.recurring", _("Recurring contracts"), "refresh", found["recurring"], "money", note=q.currency
            ),
            Tile("finance.mrr", _("Recurring a month"), "calendar", papers["mrr"], "money", note=q.currency),
            Tile(
                "finance.contracts",
                _("Contracts in force"),
                "file-text",
                papers["active"],
                "count",
                url="crm:contract_list?status=active",
            ),
            Tile("finance.renewalRate", _("Renewed"), "refresh", papers["renewalRate"], "percent"),
        ]
        heads = [
            (_("Kind"), "text"),
            (_("Value"), "money"),
            (_("Recurring a month"), "money"),
            (_("Contracts"), "count"),
        ]
        lines = [[row["name"], row["value"], row["mrr"], row["count"]] for row in papers["types"]]
        tables.append(Table("contract-types", _("Contracts in force by kind"), heads, lines, "bar", (1,)))
        heads = [(_("Month"), "text"), (_("Value"), "money"), (_("Contracts"), "count")]
        lines = [[row["month"], row["value"], row["count"]] for row in papers["expiriesByMonth"]]
        tables.append(Table("expiries", _("Contracts that end"), heads, lines, "bar", (1,), timed=True))
    return Tab("finance", str(TABS["finance"]), tiles, tables)


def _support(q: Question) -> Tab:
    found = overviews.support(q)
    if found is None:
        return Tab("support", str(TABS["support"]))
    sla, marks = found["sla"], found["satisfaction"]
    tiles = [
        Tile("support.open", _("Open tickets"), "ticket", found["open"], "count", url="crm:ticket_list"),
        Tile(
            "support.unassigned",
            _("Nobody’s open tickets"),
            "user",
            found["unassigned"],
            "count",
            url="crm:ticket_list?show=unassigned",
        ),
        Tile("support.overdue", _("Overdue"), "clock", found["overdue"], "count", url="crm:ticket_list?sla=overdue"),
        Tile(
            "support.atRisk", _("At risk"), "alert-triangle", found["atRisk"], "count",
            url="crm:ticket_list?sla=at_risk",
        ),
        Tile("support.created", _("New tickets"), "plus", found["created"], "count", note=_("in the period")),
        Tile(
            "support.resolved", _("Resolved tickets"), "circle-check", found["resolvedInPeriod"], "count",
            note=_("in the period"),
        ),
        Tile(
            "support.firstResponse", _("First reply in time"), "message-circle", sla["firstResponse"]["compliance"],
            "percent",
        ),
        Tile("support.resolution", _("Resolved in time"), "list-check", sla["resolution"]["compliance"], "percent"),
        Tile(
            "support.avgResolutionTime", _("Time to resolve"), "clock", found["avgResolutionTime"], "hours",
            note=_("business hours, on average"),
        ),
        Tile(
            "support.satisfaction", _("Satisfaction"), "star",
            None if marks["average"] is None else f"{marks['average']} / 5", "text",
        ),
    ]  # fmt: skip
    made = {row["date"]: row["count"] for row in found["createdByDay"]}
    done = {row["date"]: row["count"] for row in found["resolvedByDay"]}
    interval = series.interval_for(q)
    steps = series.starts(q, interval)
    ends = [*steps[1:], None]
    lines: list[Sequence[Cell]] = [
        [
            f"{start:%Y-%m}" if interval == "month" else start.isoformat(),
            *(
                sum(n for day, n in days.items() if start <= day and (end is None or day < end))
                for days in (made, done)
            ),
        ]
        if interval == "month"
        else [start.isoformat(), made.get(start, 0), done.get(start, 0)]
        for start, end in zip(steps, ends, strict=True)
    ]
    if steps and steps[0] < q.first:  # the first month begins before the period
        first = [sum(n for day, n in days.items() if len(steps) < 2 or day < steps[1]) for days in (made, done)]
        lines[0] = [lines[0][0], *first]
    heads = [(_("Month") if interval == "month" else _("Day"), "text"), (_("New tickets"), "count"),
             (_("Tickets resolved"), "count")]  # fmt: skip
    count = (_("Tickets"), "count")
    states, urgency = dict(TicketStatus.choices), dict(TicketPriority.choices)
    tables = [
        Table("support-trend", _("New and resolved tickets"), heads, lines, "line", (1, 2), timed=True),
        Table(
            "support-status", _("Tickets by status"), [(_("Status"), "text"), count],
            [[str(states.get(key, key)), n] for key, n in found["byStatus"].items()], "donut",
        ),
        Table(
            "support-priority", _("Tickets by priority"), [(_("Priority"), "text"), count],
            [[str(urgency.get(key, key)), n] for key, n in found["byPriority"].items()], "bar",
        ),
        Table(
            "support-age", _("Age of open tickets"), [(_("Age"), "text"), count],
            [[str(_AGES[key]), n] for key, n in found["backlogAge"].items()], "bar",
        ),
        Table(
            "support-sla", _("Kept promises"),
            [(_("Promise"), "text"), (_("Kept"), "count"), (_("Missed"), "count"), (_("Kept"), "percent")],
            [
                [label, sla[key]["met"], sla[key]["breached"], sla[key]["compliance"]]
                for key, label in (
                    ("firstResponse", _("First reply")), ("nextResponse", _("Next reply")),
                    ("resolution", _("Resolution")),
                )
            ],
        ),
    ]  # fmt: skip
    return Tab("support", str(TABS["support"]), tiles, tables)


def _activity(q: Question) -> Tab:
    return Tab("activity", str(TABS["activity"]), events=activity.recent(q, limit=50, dated=True))


_BUILDERS: Final[dict[str, Callable[[Question], Tab]]] = {
    "metrics": _metrics,
    "team": _team,
    "finance": _finance,
    "support": _support,
    "activity": _activity,
}
