"""What a programme makes due, checked against the calendar itself."""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.common.errors import Conflict, Denied, Invalid
from portal.core.tenancy.scope import platform, tenant
from portal.lab import services as samples
from portal.lab.models import Sample, SamplingPoint
from portal.lab.points import selectors, services, transfer
from portal.lab.points.models import ProgrammeItem
from portal.lab.reports.services import report_issue
from tests.core.people import Cast

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def cast() -> Cast:
    return Cast()


def a_point(cast: Cast, **more: Any) -> SamplingPoint:
    data = {"code": "P-1", "name": "خزان الحي", "type": "drinking_water", "latitude": 33.5, "longitude": -7.6}
    return services.point_create(data=data | more, by=cast.alice)


def an_item(cast: Cast, point: SamplingPoint, **more: Any) -> ProgrammeItem:
    data = {"codes": ["NO3"], "frequency": "monthly", "starts_on": date(2026, 1, 1)}
    return services.item_create(point=point, data=data | more, by=cast.alice)


def a_sample(cast: Cast, point: SamplingPoint, taken: str, **more: Any) -> Sample:
    data = {"type": "drinking_water", "location": point.name, "samplingPointId": str(point.pk), "collectorName": "A"}
    row, _made = samples.sample_create(data=data | {"collectionDate": taken} | more, by=cast.alice)
    return Sample.objects.get(pk=row["id"])


def slots(first: date, last: date) -> list[tuple[date, date, str]]:
    rows, total = selectors.occurrence_list(first=first, last=last)
    assert total == len(rows)
    return [(row.opens, row.closes, row.state) for row in rows]


def expected(item: dict[str, Any], first: date, last: date) -> list[tuple[date, date]]:
    """The same, day by day, from Python's calendar."""
    days = [
        date(first.year - 1, 1, 1) + timedelta(days=n)
        for n in range((date(last.year + 2, 1, 1) - date(first.year - 1, 1, 1)).days)
    ]
    days = [day for day in days if not item["months"] or day.month in item["months"]]
    keyed: list[tuple[Any, date]] = []
    for year, group in groupby(days, key=lambda day: day.year):
        of_year = list(group)
        for place, day in enumerate(of_year):
            key: Any = {
                "daily": day,
                "weekly": day - timedelta(days=day.weekday()),
                "monthly": (year, day.month),
                "quarterly": (year, (day.month - 1) // 3),
                "yearly": year,
                "times_per_year": (year, place * item["times"] // len(of_year)),
            }[item["frequency"]]
            keyed.append((key, day))
    found = []
    for _key, pairs in groupby(keyed, key=lambda pair: pair[0]):
        slot = [day for _k, day in pairs]
        opens, closes = max(slot[0], item["starts_on"]), slot[-1]
        if item["ends_on"]:
            closes = min(closes, item["ends_on"])
        if opens <= closes and closes >= first and opens <= last:
            found.append((opens, closes))
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


DAYS = st.dates(date(2023, 1, 1), date(2027, 12, 31))
ITEMS = st.fixed_dictionaries(
    {
        "frequency": st.sampled_from(["daily", "weekly", "monthly", "quarterly", "yearly", "times_per_year"]),
        "times": st.integers(1, 60),
        "months": st.lists(st.integers(1, 12), unique=True, max_size=11).map(sorted),
        "starts_on": DAYS,
        "ends_on": st.none() | st.dates(date(2028, 1, 1), date(2029, 12, 31)),
    }
)


@pytest.mark.covers("001-FR-010")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(item=ITEMS, first=DAYS, length=st.integers(0, 400))
def test_slots_are_those_of_the_calendar(cast: Cast, item: dict[str, Any], first: date, length: int) -> None:
    last = first + timedelta(days=length)
    with tenant(cast.a.pk):
        point = SamplingPoint.objects.filter(code="P-1").first() or a_point(cast)
        ProgrammeItem.objects.all().delete()
        an_item(cast, point, **item)

        found = [(opens, closes) for opens, closes, _state in slots(first, last)]

    assert found == expected(item, first, last)


def test_every_year_has_as_many_slots_as_planned(cast: Cast) -> None:
    with tenant(cast.a.pk):
        an_item(cast, a_point(cast), frequency="times_per_year", times=7, months=[5, 6, 7, 8, 9])

        found = slots(date(2026, 1, 1), date(2026, 12, 31))

    assert len(found) == 7
    assert (found[0][0], found[-1][1]) == (date(2026, 5, 1), date(2026, 9, 30))
    assert all(a[1] + timedelta(days=1) == b[0] for a, b in pairwise(found))


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Pacific/Auckland", "America/Los_Angeles"])
def test_a_day_is_one_of_the_organisation(cast: Cast, zone: str) -> None:
    """Half an hour before and after midnight there, on the last day of a month."""
    with platform():
        cast.a.time_zone = zone
        cast.a.save()
    midnight = datetime(2026, 7, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    with tenant(cast.a.pk), patch("portal.core.common.clock.now", return_value=NOW):
        point = a_point(cast)
        an_item(cast, point)
        before = a_sample(cast, point, (midnight - timedelta(minutes=30)).isoformat())
        rows, _total = selectors.occurrence_list(first=date(2026, 6, 1), last=date(2026, 7, 31))
        assert [(row.opens.month, row.state, row.sample_id) for row in rows] == [
            (6, "taken", before.pk),
            (7, "overdue", None),
        ]
        a_sample(cast, point, (midnight + timedelta(minutes=30)).isoformat())

        assert [row[2] for row in slots(date(2026, 6, 1), date(2026, 7, 31))] == ["taken", "taken"]


def test_a_slot_is_overdue_due_coming_or_taken(cast: Cast) -> None:
    with tenant(cast.a.pk), patch("portal.core.common.clock.now", return_value=NOW):
        point = a_point(cast)
        item = an_item(cast, point, starts_on=date(2026, 9, 1))
        a_sample(cast, point, "2026-09-10T08:00:00Z", status="rejected")
        a_sample(cast, point, "2026-10-10T08:00:00Z")

        found = slots(date(2026, 8, 1), date(2026, 12, 31))
        assert [row[2] for row in found] == ["overdue", "taken", "due", "coming"]
        assert selectors.occurrence_counts(first=date(2026, 8, 1), last=date(2026, 12, 31)) == {
            "overdue": 1, "due": 1, "coming": 1, "taken": 1,
        }  # fmt: skip
        assert [row.state for row in selectors.next_due(point=point.pk)] == ["overdue", "due"]

        made = Sample.objects.get(pk=services.planned_register(item=item, by=cast.alice)["id"])
        assert (made.location, made.sampling_point_id, made.latitude) == (point.name, point.pk, 33.5)
        assert [row[2] for row in slots(date(2026, 11, 1), date(2026, 11, 30))] == ["taken"]
        services.point_update(point=point, data={"is_active": False}, by=cast.alice)
        assert slots(date(2026, 8, 1), date(2026, 12, 31)) == []


def test_a_finished_sample_counts_for_what_was_measured(cast: Cast) -> None:
    with tenant(cast.a.pk), patch("portal.core.common.clock.now", return_value=NOW):
        point = a_point(cast)
        an_item(cast, point, codes=[], group="microbiological")
        sample = a_sample(cast, point, "2026-06-10T08:00:00Z")
        june = (date(2026, 6, 1), date(2026, 6, 30))
        assert [row[2] for row in slots(*june)] == ["taken"]  # nothing is known yet

        value = {"parameterName": "NO3", "value": "12", "unit": "mg/L NO3"}
        samples.result_create(sample=sample.pk, data=value, by=cast.alice)
        samples.sample_update(id=sample.pk, data={"status": "completed"}, by=cast.alice)
        assert [row[2] for row in slots(*june)] == ["overdue"]

        value = {"parameterName": "ECOLI", "value": "absent", "unit": "CFU/100 mL"}
        samples.result_create(sample=sample.pk, data=value, by=cast.alice)
        assert [row[2] for row in slots(*june)] == ["taken"]


def test_what_is_refused(cast: Cast) -> None:
    with tenant(cast.a.pk):
        point = a_point(cast)
        for wrong in (
            {"codes": []},
            {"codes": ["NOPE"]},
            {"group": "nope"},
            {"times": 0},
            {"months": [13]},
            {"ends_on": date(2025, 1, 1)},
            {"assignee": cast.mallory},
        ):
            with pytest.raises(Invalid):
                an_item(cast, point, **wrong)
        assert not ProgrammeItem.objects.exists()
        with pytest.raises(Conflict):
            a_point(cast)
        for wrong in ({"latitude": None}, {"latitude": 91}, {"code": ""}, {"type": "lava"}, {"population": -1}):
            with pytest.raises(Invalid):
                a_point(cast, **{"code": "P-2"} | wrong)
        with pytest.raises(Denied):
            services.point_update(point=point, data={"name": "x"}, by=cast.carol)
        an_item(cast, point)
        with pytest.raises(Conflict):
            services.point_delete(point=point, by=cast.alice)
        assert SamplingPoint.objects.count() == 1


def test_the_plan_counts_in_a_report(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        point, other = a_point(cast), a_point(cast, code="P-2", name="Other")
        an_item(cast, point)
        an_item(cast, point, frequency="quarterly")
        a_sample(cast, point, "2026-05-10T08:00:00Z")
        a_sample(cast, other, "2026-05-10T08:00:00Z")
        filters = {"dateFrom": "2026-04-01", "dateTo": "2026-06-30"}
        report = report_issue(filters=filters, language="en", title="", by=cast.alice)

    sites = {row["location"]: row["planned"] for row in report.content["figures"]["sites"]}
    assert sites == {point.name: 4, "Other": None}


def test_a_file_reads_again_as_it_was_written(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        a_point(cast)
        a_point(cast, code="P-2", name="=SUM(A1)", city="Fès", notes="a\nb", is_active=False)
        content = "".join(transfer.points_csv(SamplingPoint.objects.order_by("code"))).encode()

        assert transfer.read_csv(content).unchanged == 2

        more = content + "P-3;;\r\n".replace(";", ",").encode() + b"P-4,New,lava,,x,,,,\r\nP-1,a,,,,,,,\r\n"
        faults = transfer.read_csv(more).faults
        assert {name for _line, name, _why in faults} == {"name", "latitude", "code"}
        with pytest.raises(Invalid):
            transfer.points_import(content=more, by=cast.alice)
        assert SamplingPoint.objects.count() == 2

        arabic = "code;name;type;latitude;longitude\nP-9;بئر;groundwater;٣٣٫٥;-7,6\nP-1;خزان;;;\n".encode()
        read = transfer.points_import(content=arabic, by=cast.alice)
        assert (len(read.made), len(read.changed)) == (1, 1)
        assert SamplingPoint.objects.get(code="P-9").latitude == 33.5
        assert selectors.point_list(search="بئر").count() == 1
