"""Figures, the calendar, numbers and references of contracts, against a calculation by hand."""

import threading
from calendar import monthrange
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from django.db import connection

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.jobs.models import Job
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import Actor, platform, tenant
from portal.crm.activity.models import ActivityEvent
from portal.crm.contracts import access, jobs, renewals, selectors, services
from portal.crm.contracts.choices import Status
from portal.crm.contracts.models import Contract, ContractReminder, ContractType
from portal.crm.customers import registry
from portal.crm.customers.models import Customer
from portal.crm.sales.models import Deal
from portal.desk.bridges import expiring
from tests.core.people import Cast

TODAY = date(2026, 11, 21)


@pytest.fixture
def people(db: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    made = Cast()
    seeds.run()
    with platform():
        made.a.time_zone = "Africa/Casablanca"
        made.a.save()
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 20, 23, 30, tzinfo=UTC))  # the 21st in Casablanca
    return made


def customer(people: Cast, name: str = "Eaux") -> Customer:
    return Customer.objects.create(organization=people.a, company_name=name, name=name)


def contract(people: Cast, whose: Customer, **changes: Any) -> Contract:
    data = {
        "title": "Support", "customer_id": whose.pk, "type": "support", "value": Decimal(1200), "status": "active",
        "start_date": date(2026, 1, 1), "end_date": date(2026, 12, 31),
    } | changes  # fmt: skip
    return services.contract_create(data=data, by=people.alice)


def by_hand(start: date, end: date) -> Fraction:
    """Months by walking from month to month."""
    months, at = Fraction(0), start
    step = 0
    while True:
        step += 1
        total = start.month - 1 + step
        year, month = start.year + total // 12, total % 12 + 1
        after = date(year, month, min(start.day, monthrange(year, month)[1]))
        if after > end + timedelta(days=1):
            return months + Fraction((end - at).days + 1, (after - at).days)
        months, at = months + 1, after


@pytest.mark.covers("E002-064")
def test_figures_equal_a_calculation_by_hand_over_200_contracts(people: Cast) -> None:
    random = Random(200)
    with tenant(people.a.pk, by=Actor(user=people.alice.pk)):
        whose, kinds = customer(people), list(ContractType.objects.all())
        rows = []
        for number in range(200):
            status = random.choice(list(Status.values))
            start = random.choice((date(2025, 1, 31), date(2024, 2, 29), date(2025, 12, 1), date(2026, 8, 31)))
            start += timedelta(days=random.choice((0, 0, random.randint(0, 300))))
            end = start + timedelta(days=random.randint(5, 900))
            endless = status == "active" and random.random() < 0.1
            ended = {"renewed": end, "expired": end, "terminated": start + (end - start) / 2}.get(status)
            if ended and random.random() < 0.3:  # on the edges of the period
                ended = random.choice((date(2025, 11, 21), date(2025, 11, 22), TODAY, TODAY + timedelta(days=1)))
            rows.append(
                Contract(
                    organization=people.a, customer=whose, type=random.choice(kinds), number=f"X-{number}",
                    title=f"{number}", status=status, value=Decimal(random.randint(0, 9_999_999)) / 100,
                    currency="MAD", fx_rate=random.choice((Decimal(1), Decimal("10.75"))),
                    billing=random.choice(("one_off", "monthly", "quarterly", "yearly")), start_date=start,
                    end_date=None if endless else end, term_months=random.choice((6, 12, 24)), ended_on=ended,
                )
            )  # fmt: skip
        Contract.objects.bulk_create(rows)
        figures = selectors.analytics(user=people.alice)

    def cents(value: Fraction) -> Decimal:
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)

    monthly = Fraction(0)
    for row in rows:
        if row.status == "active" and row.billing != "one_off":
            length = by_hand(row.start_date, row.end_date) if row.end_date else Fraction(row.term_months)
            monthly += Fraction(row.value) * Fraction(row.fx_rate) / length
    due = {
        status: [r for r in rows if r.status == status and date(2025, 11, 22) <= r.ended_on <= TODAY]
        for status in ("renewed", "expired", "terminated")
    }
    value = {status: sum((r.value * r.fx_rate for r in held), Decimal(0)) for status, held in due.items()}
    lost = len(due["expired"]) + len(due["terminated"])
    total_value = sum(value.values(), Decimal(0))
    assert all(due.values())
    assert figures.mrr == cents(monthly)
    assert figures.active == sum(r.status == "active" for r in rows)
    assert figures.renewals.rate == cents(Fraction(100 * len(due["renewed"]), len(due["renewed"]) + lost))
    assert figures.renewals.rate_by_value == cents(100 * Fraction(value["renewed"]) / Fraction(total_value))
    assert figures.renewals.churned == (lost, value["expired"] + value["terminated"])
    assert sum(row["count"] for row in figures.by_type) == figures.active
    assert sum(row["mrr"] for row in figures.by_type) == pytest.approx(float(figures.mrr), abs=0.05)


@pytest.mark.covers("E002-069")
def test_the_calendar_does_everything_once(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(renewals, "on_expiring", [lambda row: told.append(row.number), expiring.open_deal])
    with tenant(people.a.pk):
        people.a.settings = {expiring.SETTING: True}
        people.a.save()
    with tenant(people.a.pk, by=Actor(user=people.alice.pk)):
        assert access.today() == TODAY  # half an hour before midnight in UTC
        whose = customer(people)
        ours = contract(people, whose, start_date=date(2024, 1, 31), end_date=date(2024, 2, 28), term_months=1)
        fixed = contract(people, whose, end_date=date(2026, 11, 20), auto_renew=False)
        noticed = contract(people, whose, end_date=TODAY, notice_given_on=date(2026, 10, 1))
        soon = contract(people, whose, end_date=TODAY + timedelta(days=55), auto_renew=False)
        upcoming = contract(people, whose, start_date=TODAY + timedelta(days=1), end_date=date(2027, 11, 21))
        leaving = contract(people, whose, end_date=date(2027, 6, 30), auto_renew=False)
        renewals.contract_terminate(
            id=leaving.pk, data={"effective_date": TODAY + timedelta(days=2), "reason": "x"}, by=people.alice
        )
        assert upcoming.status == Status.UPCOMING

        first = renewals.run(access.today())
        assert renewals.run(access.today()) == dict.fromkeys(first, 0)  # nothing twice
        assert (first["renewed"], first["expired"], first["reminded"]) == (34, 1, 2)

        # the monthly one was taken through all its terms, from month's end to month's end, without gap or overlap
        chain = selectors.chain(Contract.objects.get(pk=ours.pk), people.alice)
        assert [row.status for row in chain[:-2]] == [Status.RENEWED] * (len(chain) - 2)
        for one, other in pairwise(chain):
            assert one.end_date is not None
            assert other.start_date == one.end_date + timedelta(days=1)
        assert chain[-1].status == Status.UPCOMING
        assert len({row.number for row in Contract.objects.all()}) == Contract.objects.count()

        def state(row: Contract) -> str:
            return Contract.objects.get(pk=row.pk).status

        assert [state(row) for row in (fixed, noticed, soon, upcoming)] == [
            "expired", "active", "active", "active_pending",
        ]  # fmt: skip
        offsets = ContractReminder.objects.filter(contract=soon).values_list("offset", flat=True)
        assert sorted(offsets) == [60, 90]  # both are due, one reminder was sent
        assert told.count(soon.number) == 1
        deals = {deal.title: deal for deal in Deal.objects.all()}
        assert set(deals) == {f"Renewal of {row.number}: Support" for row in (noticed, soon)}
        assert deals[f"Renewal of {soon.number}: Support"].expected_close_date == soon.end_date

        # days later: only what is new
        monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
        second = renewals.run(access.today())
        assert (second["activated"], second["terminated"], second["expired"]) == (1, 1, 1)
        assert [state(row) for row in (noticed, leaving, upcoming)] == ["expired", "terminated", "active"]
        assert sorted(ContractReminder.objects.filter(contract=soon).values_list("offset", flat=True)) == [60, 90]
        assert Deal.objects.count() == 2  # once per contract and end
        assert ActivityEvent.objects.filter(customer=whose, kind="contract").count() > 10

    # the hourly job queues an organisation's work once
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 20, 12, tzinfo=UTC))
    with platform():
        jobs.hourly()
        jobs.hourly()
        assert list(Job.objects.values_list("kind", "organization")) == [("contracts.calendar", people.a.pk)]


def test_a_customer_keeps_its_contracts(people: Cast) -> None:
    """Merging moves them, deleting is refused while one is in force, archiving ends them."""
    with tenant(people.a.pk, by=Actor(user=people.alice.pk)):
        one, other = customer(people, "One"), customer(people, "Other")
        active = contract(people, one)
        draft = contract(people, one, status="draft")

        assert registry.in_use([one.pk, other.pk]) == {one.pk: [f"{active.number} Support"]}
        reference = registry.references()["crm.contract.customer"]
        assert reference.repoint(ids=reference.rows([one.pk])[one.pk], source=one.pk, target=other.pk) == 2
        assert registry.in_use([one.pk]) == {}
        assert reference.archive is not None
        reference.archive(other.pk, people.alice)
        states = dict(Contract.objects.values_list("pk", "status"))
        assert states == {active.pk: "terminated", draft.pk: "cancelled"}


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_renew_a_contract_once_and_leave_no_gap_in_the_numbers(people: Cast) -> None:
    with tenant(people.a.pk, by=Actor(user=people.alice.pk)):
        first = contract(people, customer(people), start_date=date(2020, 1, 1), end_date=date(2090, 12, 31))
    barrier = threading.Barrier(8)

    def renew(_number: int) -> str:
        try:
            barrier.wait()
            with tenant(people.a.pk, by=Actor(user=people.alice.pk)):
                by = User.objects.get(pk=people.alice.pk)
                renewals.contract_renew(id=first.pk, data={"term_months": 1}, by=by)
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()
        return "renewed"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(renew, range(8)))

    assert sorted(outcomes) == ["ILLEGAL_TRANSITION"] * 7 + ["renewed"]
    with tenant(people.a.pk, by=Actor(user=people.alice.pk)):
        third = contract(people, customer(people, "Next"))
        assert Contract.objects.get(predecessor=first).number[-4:] == "0002"
        assert third.number[-4:] == "0003"
