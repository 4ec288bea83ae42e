"""Figures of the dashboard, against the same figures worked out in plain Python over the rows."""

import csv
import io
import json
from calendar import monthrange
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from portal.core.accounts import tokens
from portal.core.accounts.models import Role, User
from portal.core.audit.models import Action
from portal.core.common import clock
from portal.core.tenancy import seeds
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.crm.contracts.models import Contract, ContractType
from portal.crm.customers.models import Customer
from portal.crm.sales.models import Deal, Stage
from portal.crm.sla.models import SlaClock, SlaPolicy
from portal.crm.tickets.models import Ticket
from portal.desk.figures.question import ask
from tests.api.conftest import Cast, Person

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 2, 1), date(2026, 2, 28)  # in Morocco Ramadan's hour begins in this month
BEFORE = (date(2026, 1, 4), date(2026, 1, 31))
AHEAD = (date(2026, 3, 1), date(2026, 3, 28))
PERIOD = f"from={FIRST}&to={LAST}"
OPEN = {"new", "open", "waiting_customer", "on_hold"}


def cents(amount: Any) -> Decimal:
    if isinstance(amount, Fraction):
        amount = Decimal(amount.numerator) / amount.denominator
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)


def percent(part: Any, whole: Any) -> float | None:
    return float(cents(Decimal(100) * Decimal(part) / Decimal(whole))) if whole else None


def growth(now: Any, before: Any) -> float | None:
    return percent(now - before, before)


class World:
    """Rows of organisation A over two months, many within minutes of a local midnight, and as many of B."""

    def __init__(self, cast: Cast, zone: str) -> None:
        self.cast, self.zone, self.random = cast, ZoneInfo(zone), Random(zone)
        with platform():
            for one in (cast.a, cast.b):
                one.time_zone = zone
                one.save()
            for person in (cast.alice, cast.carol, cast.mallory):
                person.user.organization.time_zone = zone  # type: ignore[union-attr]
        seeds.run()
        self.salma = self.person("salma", "SalesAgent", "North")
        self.omar = self.person("omar", "SalesAgent", "North")
        self.days = [date(2026, 1, 1) + timedelta(days=n) for n in range(70)]
        self.customers, self.deals, self.tickets, self.clocks, self.contracts = self.fill(cast.a, [
            cast.alice.user, self.salma.user, self.omar.user, None,
        ])  # fmt: skip
        self.fill(cast.b, [cast.mallory.user, None])

    def person(self, name: str, role: str, department: str) -> Person:
        with platform():
            user = User(
                email=f"{name}@example.test", name=name.title(), organization=self.cast.a, department=department
            )
            user.role = Role.objects.get(key=role, organization=None)
            user.set_unusable_password()
            user.save()
        return Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})

    def moment(self) -> datetime:
        """Within three minutes of a midnight of the zone, or of one of UTC."""
        zone = self.random.choice((self.zone, UTC))
        edge = datetime.combine(self.random.choice([*self.days, FIRST, LAST + timedelta(days=1)]), time(0), zone)
        return edge.astimezone(UTC) + timedelta(minutes=self.random.randint(-3, 3), seconds=self.random.choice((0, 1)))

    def fill(self, whose: Organization, people: list[User | None]) -> Any:
        random, now = self.random, clock.now()

        def base() -> dict[str, Any]:
            return {"organization": whose, "deleted_at": now if random.random() < 0.15 else None}

        with tenant(whose.pk):
            customers = [
                Customer(company_name=f"C{n}", name=f"C{n}", assigned_to=random.choice(people),
                         status=random.choice(("lead", "active", "churned")), **base())
                for n in range(40)
            ]  # fmt: skip
            Customer.objects.bulk_create(customers)
            stages = {stage.kind: stage for stage in Stage.objects.order_by("-position")}
            deals = []
            for n in range(120):
                kind, closed = random.choice(("open", "won", "lost")), self.moment()
                value = cents(Decimal(random.randrange(100, 10**9)) / 100)
                deals.append(
                    Deal(
                        title=f"D{n}", customer=customers[0], currency="MAD", value=value, base_value=value,
                        status=kind, stage=stages[kind], assigned_to=random.choice(people),
                        closed_at=None if kind == "open" else closed,
                        owner_at_close=None if kind == "open" else random.choice(people),
                        lost_reason="price" if kind == "lost" else "", **base(),
                    )
                )  # fmt: skip
            Deal.objects.bulk_create(deals)
            tickets = []
            for n in range(60):
                status = random.choice([*OPEN, "resolved", "closed", "spam"])
                done = self.moment() if status in ("resolved", "closed") else None
                tickets.append(Ticket(number=n + 1, title=f"T{n}", status=status, assigned_to=random.choice(people),
                                      resolved_at=done, **base()))  # fmt: skip
            Ticket.objects.bulk_create(tickets)
            tickets[5].status, tickets[5].merged_into, tickets[5].deleted_at = "closed", tickets[6], None
            for rows, model in ((customers, Customer), (deals, Deal), (tickets, Ticket)):
                for row in rows:
                    row.created_at = self.moment()
                extra = ["status", "merged_into", "deleted_at"] if model is Ticket else []
                model.objects.bulk_update(rows, ["created_at", *extra])
            policy = SlaPolicy.objects.get()
            clocks = [
                SlaClock(organization=whose, ticket=row, kind=kind, policy=policy, target_seconds=3600, stopped_at=now,
                         state=random.choice(("met", "breached", "cancelled")), started_at=row.created_at,
                         elapsed_seconds=random.randrange(1, 10**5))
                for row in tickets if row.resolved_at for kind in ("first_response", "resolution")
            ]  # fmt: skip
            SlaClock.objects.bulk_create(clocks)
            contracts = [
                Contract(number=f"K{n}", title=f"K{n}", customer=customers[0], type=ContractType.objects.first(),
                         status=random.choice(("active", "draft")), value=cents(1200 + n), currency="MAD",
                         fx_rate=random.choice((Decimal(1), Decimal("10.5"))), owner=random.choice(people),
                         billing=random.choice(("yearly", "one_off")), start_date=date(2026, random.choice((1, 2)), 1),
                         end_date=date(2026, 12, 31), **base())
                for n in range(12)
            ]  # fmt: skip
            Contract.objects.bulk_create(contracts)
        return customers, deals, tickets, clocks, contracts

    # --- by hand -----------------------------------------------------------------------------------------
    def on(self, moment: datetime | None, first: date, last: date) -> bool:
        return moment is not None and first <= moment.astimezone(self.zone).date() <= last

    def expected(self, mine: list[User | None], tickets_of: Any = None) -> dict[str, dict[str, Any]]:
        """What `/dashboard/metrics` has to say over the records of these people."""
        customers = [row for row in self.customers if row.deleted_at is None and row.assigned_to in mine]
        new, old = (sum(self.on(row.created_at, *span) for row in customers) for span in ((FIRST, LAST), BEFORE))
        deals = [row for row in self.deals if row.deleted_at is None and row.assigned_to in mine]
        won, won_before = (
            sum((row.base_value for row in deals if row.status == "won" and self.on(row.closed_at, *span)), Decimal(0))
            for span in ((FIRST, LAST), BEFORE)
        )
        pipeline = sum((row.base_value for row in deals if row.status == "open"), Decimal(0))
        ahead = [row for row in deals if row.status == "won" and self.on(row.closed_at, *AHEAD)]
        tickets = [row for row in self.tickets if row.deleted_at is None and row.status != "spam"]
        tickets = [row for row in tickets if row.assigned_to in mine and row.merged_into is None]
        taken = [
            one.elapsed_seconds for one in self.clocks
            if one.kind == "resolution" and one.state != "cancelled" and one.ticket in tickets
        ]  # fmt: skip
        held = [
            row for row in self.contracts if row.deleted_at is None and row.owner in mine and row.status == "active"
        ]
        now, before = (sum((recurring(row, *span) for row in held), Fraction(0)) for span in ((FIRST, LAST), BEFORE))
        total, total_before = won + cents(now), won_before + cents(before)
        return {
            "customers": {
                "total": len(customers),
                "active": sum(row.status == "active" for row in customers),
                "new": new,
                "growth": growth(new, old),
            },
            "sales": {
                "total": float(won + pipeline), "closed": float(won), "pipeline": float(pipeline),
                "growth": growth(won, won_before),
            },
            "tickets": {
                "total": len(tickets),
                "open": sum(row.status in OPEN for row in tickets),
                "resolved": sum(row.status not in OPEN for row in tickets),
                "avgResolutionTime": float(cents(Decimal(sum(taken)) / len(taken) / 3600)) if taken else None,
            },
            "revenue": {
                "total": float(total), "monthly": float(total), "growth": growth(total, total_before),
                "forecast": float(sum((row.base_value for row in ahead), Decimal(0))),
            },
        }  # fmt: skip


def recurring(row: Contract, first: date, last: date) -> Fraction:
    """A year's value, or that of eleven months, day by day: a day is a month's share of its month."""
    if row.billing == "one_off":
        return Fraction(0)
    months = 13 - row.start_date.month  # type: ignore[union-attr]
    monthly = Fraction(row.value * row.fx_rate) / months
    start = max(first, row.start_date)  # type: ignore[type-var]
    if start > last:
        return Fraction(0)
    days = (last - start).days + 1
    length = monthrange(start.year, start.month)[1]  # of the month that begins with the first day
    return monthly * Fraction(days, length)


def file(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


@pytest.mark.covers("E002-098", "E002-099", "E002-102", "E002-103", "E002-104", "E002-105", "E002-106", "E002-110")
@pytest.mark.parametrize("zone", ["Asia/Aden", "Africa/Casablanca"])
def test_every_figure_equals_one_worked_out_by_hand(cast: Cast, zone: str) -> None:
    world = World(cast, zone)
    alice, salma = cast.alice, world.salma
    everybody = [alice.user, salma.user, world.omar.user, None]

    def said(person: Person, path: str, **more: str) -> Any:
        query = "&".join([PERIOD, *(f"{name}={value}" for name, value in more.items())])
        answer = person.get(f"/dashboard/{path}?{query}")
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]

    def blocks(person: Person, **more: str) -> Any:
        found = said(person, "metrics", **more)
        return {name: found[name] for name in ("customers", "sales", "tickets", "revenue")}

    whole = world.expected(everybody)
    assert blocks(alice) == whole
    assert blocks(salma) == blocks(salma, scope="all") == world.expected([salma.user])  # an agent's own
    assert blocks(alice, assignedTo=str(salma.user.pk)) == world.expected([salma.user])
    assert blocks(alice, scope="own") == blocks(alice, assignedTo="me") == world.expected([alice.user])
    assert said(alice, "metrics", compare="year")["sales"]["growth"] is None  # nothing was won a year before
    assert said(alice, "metrics")["period"]["comparedFrom"] == "2026-01-04"

    # a scope of the team: the people of the same department
    with platform():
        world.omar.user.extra_permissions = ["dashboard.view:team"]
        world.omar.user.save()
    assert blocks(world.omar) == world.expected([salma.user, world.omar.user])
    assert {one["name"] for one in said(world.omar, "metrics/team-performance")["people"]} <= {"Salma", "Omar"}

    # series, without gaps
    deals = [row for row in world.deals if row.deleted_at is None]
    for interval in ("day", "week", "month"):
        found = said(alice, "analytics", interval=interval)
        told = {one["key"]: one for one in found["series"]}
        value: dict[date, Decimal] = defaultdict(Decimal)
        for row in deals:
            if row.status == "won" and world.on(row.closed_at, FIRST, LAST):
                at = row.closed_at.astimezone(world.zone).date()  # type: ignore[union-attr]
                back = {"day": 0, "week": at.weekday(), "month": at.day - 1}[interval]
                value[at - timedelta(days=back)] += row.base_value
        labels = [date.fromisoformat(label) for label in found["labels"]]
        assert len(labels) == {"day": 28, "week": 5, "month": 1}[interval]
        assert told["salesWonValue"]["values"] == [float(value.get(day, 0)) for day in labels]
        assert told["salesWonValue"]["total"] == whole["sales"]["closed"]
        assert sum(told["customersNew"]["values"]) == whole["customers"]["new"]
    closed = [row for row in deals if row.status != "open" and world.on(row.closed_at, FIRST, LAST)]
    won = [row for row in closed if row.status == "won"]

    # what lies behind the blocks
    found = said(alice, "metrics/sales-overview")
    assert (found["won"], found["lost"]) == (len(won), len(closed) - len(won))
    assert found["winRate"] == percent(len(won), len(closed))
    assert sum(stage["value"] for stage in found["stages"]) == pytest.approx(whole["sales"]["pipeline"])
    found = said(alice, "metrics/customer-overview")
    living = [row for row in world.customers if row.deleted_at is None]
    assert {name: count for name, count in found["byStatus"].items() if count} == Counter(row.status for row in living)
    assert found["byMonth"] == [{"month": "2026-02", "new": whole["customers"]["new"]}]
    found = said(alice, "metrics/support-overview")
    counted = [row for row in world.tickets if row.deleted_at is None and row.status != "spam" and not row.merged_into]
    assert found["created"] == sum(world.on(row.created_at, FIRST, LAST) for row in counted)
    assert found["resolvedInPeriod"] == sum(world.on(row.resolved_at, FIRST, LAST) for row in counted)
    assert found["unassigned"] == sum(row.status in OPEN and row.assigned_to is None for row in counted)
    found = said(alice, "metrics/financial-overview")
    assert found["won"] == whole["sales"]["closed"]
    assert found["byMonth"][0]["total"] == found["total"] == whole["revenue"]["total"]

    # each person's share
    made = {row for row in counted if world.on(row.created_at, FIRST, LAST)}
    for line in said(alice, "metrics/team-performance")["people"]:
        mine = [row for row in closed if str(row.owner_at_close_id) == line["userId"]]
        assert line["wonValue"] == float(sum((row.base_value for row in mine if row.status == "won"), Decimal(0)))
        assert line["dealsLost"] == sum(row.status == "lost" for row in mine)
        own = [row for row in counted if str(row.assigned_to_id) == line["userId"]]
        assert line["openTickets"] == sum(row.status in OPEN for row in own)
        assert line["ticketsResolved"] == sum(world.on(row.resolved_at, FIRST, LAST) for row in own)
        kept = [one for one in world.clocks if one.ticket in own and one.ticket in made and one.state != "cancelled"]
        assert (line["slaMet"], line["slaBreached"]) == (
            sum(one.state == "met" for one in kept),
            sum(one.state == "breached" for one in kept),
        )
        first = [one.elapsed_seconds for one in kept if one.kind == "first_response"]
        assert line["firstResponseHours"] == (float(cents(Decimal(sum(first)) / len(first) / 3600)) if first else None)

    # the file says what the screen says
    lines = list(
        csv.DictReader(io.StringIO(file(alice.get(f"/dashboard/metrics/export?{PERIOD}")).decode("utf-8-sig")))
    )
    figures = {line["row"]: line for line in lines if line["section"] == "metrics" and not line["table"]}
    for name in ("sales.closed", "customers.total", "tickets.open", "revenue.forecast"):
        block, key = name.split(".")
        line = next(line for line in lines if line["row"] == name and line["unit"] != "%")
        assert float(line["value"]) == whole[block][key]
    assert figures["sales.closed"]["figure"] == "Growth"


@pytest.mark.covers("E002-100", "E002-101", "E002-107", "E002-110")
def test_widgets_activity_health_files_and_refusals(cast: Cast, trail: Any) -> None:
    world = World(cast, "Africa/Casablanca")
    alice, salma, carol, bob = cast.alice, world.salma, cast.carol, cast.bob

    # every kind of widget, for those who hold its right
    kinds = [one["type"] for one in alice.get("/dashboard/widgets").json()["data"]]
    assert kinds == [
        "kpi", "funnel", "forecast", "sla", "ticketQueue", "expiring", "leaderboard", "activity", "myTasks", "storage",
        "health",
    ]  # fmt: skip
    for kind in kinds:
        answer = alice.get(f"/dashboard/widgets/{kind}?{PERIOD}")
        assert answer.status_code == 200, (kind, answer.content)
        assert answer.json()["data"]["type"] == kind
    again = alice.get(
        "/dashboard/widgets/funnel?" + PERIOD, If_None_Match=alice.get("/dashboard/widgets/funnel?" + PERIOD)["ETag"]
    )
    assert again.status_code == 304
    unknown = alice.get("/dashboard/widgets/weather")
    assert (unknown.status_code, unknown.json()["meta"]["allowed"]) == (404, kinds)
    assert "ticketQueue" in unknown.json()["message"]
    assert carol.get("/dashboard/widgets/health").status_code == 403
    assert alice.get("/dashboard/widgets/expiring?days=0").json()["errors"][0]["field"] == "days"
    queue = alice.get("/dashboard/widgets/ticketQueue?limit=3").json()["data"]["data"]
    assert len(queue["tickets"]) == 3
    assert queue["open"] == world.expected([alice.user, salma.user, world.omar.user, None])["tickets"]["open"]

    # activity: of records in sight, newest first
    answer = alice.post("/customers", {"companyName": "Sources du Rif", "assignedTo": str(alice.user.pk)})
    assert answer.status_code == 201, answer.content
    told = alice.get("/dashboard/metrics/recent-activity?limit=5").json()["data"]
    assert (told[0]["type"], told[0]["userName"]) == ("customer.created", "Alice")
    assert [one["createdAt"] for one in told] == sorted((one["createdAt"] for one in told), reverse=True)
    assert salma.get("/dashboard/metrics/recent-activity").json()["data"] == []
    assert cast.mallory.get("/dashboard/metrics/recent-activity").json()["data"] == []

    # health is the administrators' and the platform's
    parts = alice.get("/dashboard/metrics/system-health").json()["data"]
    assert parts["database"]["canConnect"] is True
    assert parts["cache"]["reachable"] is True
    assert {"status", "queue", "storage", "mail", "auditSealer", "integrity", "virusScanner"} <= set(parts)
    assert cast.root.get("/dashboard/metrics/system-health").status_code == 200
    assert {one.get("/dashboard/metrics/system-health").status_code for one in (carol, salma)} == {403}

    # who may ask for what, and what cannot be asked
    assert bob.get("/dashboard/metrics").status_code == 403
    assert cast.root.get("/dashboard/metrics").status_code == 400
    assert cast.root.get("/dashboard/metrics", X_Tenant_ID=str(cast.a.pk)).status_code == 200
    for query, field in (("from=2026-03-01&to=2026-02-01", "dateTo"), ("from=yesterday", "dateFrom"),
                         ("from=0001-01-01&to=0001-02-01", "dateFrom"), ("assignedTo=x", "assignedTo"),
                         ("from=2000-01-01", "dateTo")):  # fmt: skip
        refused = alice.get(f"/dashboard/metrics?{query}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    empty = cast.mallory.get("/dashboard/metrics?from=2020-01-01&to=2020-01-31").json()["data"]
    assert (empty["customers"]["new"], empty["sales"]["growth"], empty["revenue"]["growth"]) == (0, None, None)

    # files
    book = openpyxl.load_workbook(io.BytesIO(file(alice.get(f"/dashboard/metrics/export?{PERIOD}&format=xlsx"))))
    cells = {row[1]: row[2] for row in book.worksheets[0].values}
    assert cells["Value won"] == world.expected([alice.user, salma.user, world.omar.user, None])["sales"]["closed"]
    assert len(json.loads(file(alice.get(f"/dashboard/metrics/export?{PERIOD}&format=json&tab=team")))) > 4
    assert alice.get("/dashboard/metrics/export?format=doc").status_code == 400
    assert [entry.changes["format"] for entry in trail(Action.EXPORT, object_repr="dashboard")] == ["xlsx", "json"]


@pytest.mark.django_db(transaction=True)
def test_kept_figures_follow_a_change_at_once(cast: Cast) -> None:
    def version() -> int:
        with tenant(cast.a.pk):
            versions = ask(user=cast.alice.user, organization=cast.a).versions
        assert versions is not None
        return versions["customers"]

    def total() -> int:
        return cast.alice.get("/dashboard/metrics").json()["data"]["customers"]["total"]  # type: ignore[no-any-return]

    assert (total(), total()) == (0, 0)
    before = version()
    row = cast.alice.post("/customers", {"companyName": "Sources du Rif"}).json()["data"]
    assert version() > before
    assert total() == 1
    cast.mallory.post("/customers", {"companyName": "Elsewhere"})
    assert total() == 1
    cast.alice.delete(f"/customers/{row['id']}")
    assert total() == 0
