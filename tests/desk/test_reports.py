"""Custom reports: the calendar of schedules, recipients, runs that survive a killed worker, files, pages."""

import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.accounts.models import User
from portal.core.audit.models import Action, AuditEntry
from portal.core.common import clock
from portal.core.common.errors import Denied, DomainError, Invalid
from portal.core.files.models import StoredFile
from portal.core.jobs import tasks
from portal.core.jobs.models import Job
from portal.core.notifications.models import Delivery, Notification
from portal.core.tenancy import seeds
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.crm.customers.models import Customer
from portal.crm.customers.services import customer_create
from portal.crm.sales.services import deal_create
from portal.desk.reports import definitions, files, jobs, schedules, services, sources
from portal.desk.reports.choices import BARE, OPS, Format, Frequency, Op
from portal.desk.reports.models import CustomReport, ReportRun, ReportSchedule
from portal.desk.reports.periods import span
from tests.core.people import Cast, session_of

CASABLANCA = "Africa/Casablanca"


@pytest.fixture
def cast() -> Cast:
    made = Cast()
    with platform():
        Organization.objects.update(time_zone=CASABLANCA)
    seeds.run()  # what every organisation starts with
    return made


def portal(user: User, language: str = "en") -> Client:
    client = Client()
    client.cookies["sessionid"] = session_of(user)
    client.cookies["django_language"] = language
    return client


# --- the calendar -----------------------------------------------------------------------------------------
def local(moment: datetime, zone: str = CASABLANCA) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def occurrences(count: int, start: datetime, zone: str = CASABLANCA, **fields: Any) -> list[str]:
    schedule = ReportSchedule(**{"frequency": Frequency.DAILY, "hour": 7, **fields})
    found = []
    for _n in range(count):
        start = schedules.next_after(schedule, start, zone)
        found.append(local(start, zone))
    return found


def test_a_schedule_keeps_to_the_clock_on_the_wall() -> None:
    """Casablanca goes back an hour on 15 February 2026 (for Ramadan) and forward again on 22 March."""
    before = datetime(2026, 2, 13, 12, tzinfo=UTC)
    assert occurrences(3, before) == ["2026-02-14 07:00", "2026-02-15 07:00", "2026-02-16 07:00"]
    schedule = ReportSchedule(frequency=Frequency.DAILY, hour=7)
    moments = [schedules.next_after(schedule, datetime(2026, 2, day, 12, tzinfo=UTC), CASABLANCA) for day in (13, 14)]
    assert [moment.hour for moment in moments] == [6, 7]  # in UTC: from +01 to +00
    # the hour that comes twice is taken once, the first time; the one that is left out when the clocks have moved
    assert occurrences(2, datetime(2026, 2, 14, 12, tzinfo=UTC), hour=2, minute=30) == [
        "2026-02-15 02:30", "2026-02-16 02:30",
    ]  # fmt: skip
    assert occurrences(3, datetime(2026, 3, 21, 1, tzinfo=UTC), hour=2, minute=30) == [
        "2026-03-21 02:30", "2026-03-22 03:30", "2026-03-23 02:30",
    ]  # fmt: skip


def test_months_end_where_they_end() -> None:
    monthly = {"frequency": Frequency.MONTHLY, "month_day": 31}
    assert occurrences(5, datetime(2027, 12, 31, 12, tzinfo=UTC), "UTC", **monthly) == [
        "2028-01-31 07:00", "2028-02-29 07:00", "2028-03-31 07:00", "2028-04-30 07:00", "2028-05-31 07:00",
    ]  # fmt: skip
    weekly = {"frequency": Frequency.WEEKLY, "weekday": 0}
    assert occurrences(2, datetime(2026, 11, 23, 7, tzinfo=UTC), "UTC", **weekly) == [
        "2026-11-30 07:00", "2026-12-07 07:00",
    ]  # fmt: skip


def test_periods_are_of_the_calendar() -> None:
    def said(op: Op, day: date, days: int = 0) -> tuple[str, str]:
        first, last = span(op, day, days)
        return first.isoformat(), last.isoformat()

    march = date(2026, 3, 1)  # a Sunday
    assert said(Op.LAST_MONTH, march) == ("2026-02-01", "2026-02-28")
    assert said(Op.THIS_WEEK, march) == ("2026-02-23", "2026-03-01")
    assert said(Op.LAST_WEEK, march) == ("2026-02-16", "2026-02-22")
    assert said(Op.LAST_DAYS, march, 7) == ("2026-02-23", "2026-03-01")
    assert said(Op.NEXT_DAYS, march, 90) == ("2026-03-01", "2026-05-30")
    assert said(Op.LAST_QUARTER, date(2026, 1, 31)) == ("2025-10-01", "2025-12-31")
    assert said(Op.THIS_QUARTER, date(2026, 12, 31)) == ("2026-10-01", "2026-12-31")
    assert said(Op.LAST_YEAR, march) == ("2025-01-01", "2025-12-31")
    assert said(Op.LAST_MONTH, date(2026, 1, 15)) == ("2025-12-01", "2025-12-31")


# --- rows and figures -------------------------------------------------------------------------------------
def deals(cast: Cast, owner: User, *values: int, currency: str = "MAD") -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        customer = Customer.objects.filter(company_name="Brasserie Anfa").first() or customer_create(
            data={"companyName": "Brasserie Anfa"}, by=cast.alice
        )
        for value in values:
            deal_create(
                data={
                    "title": f"=Analyses {value}",
                    "customer_id": str(customer.pk),
                    "value": value,
                    "currency": currency,
                    "assigned_to": str(owner.pk),
                },
                by=cast.alice,
            )


def answer(cast: Cast, user: User, **definition: Any) -> list[list[Any]]:
    with tenant(user.organization_id or cast.a.pk, by=user.actor()):
        read = definitions.read(definition, user=user)
        return [row[:-1] for row in services.answer_of(read, user=user).rows()]


def a_report(cast: Cast, by: User, **data: Any) -> CustomReport:
    with tenant(cast.a.pk, by=by.actor()):
        return services.report_create(data={"name": "Deals", "source": "deals", **data}, by=by)


@pytest.mark.django_db
@pytest.mark.covers("E002-108")
def test_rows_are_those_of_the_lists_and_figures_those_of_a_hand(cast: Cast) -> None:
    sami, rim = cast.person("sami", "SalesAgent", cast.a), cast.person("rim", "SalesAgent", cast.a)
    with platform():
        own = cast.alice.role.__class__.objects.create(
            organization=cast.a,
            key="own",
            name="Own",
            permissions=["custom_reports.view", "custom_reports.edit", "sales.view:own"],
        )
        sami.role = own
        sami.save()
        sami = User.objects.select_related("role", "organization").get(pk=sami.pk)
    deals(cast, sami, 100, 250)
    deals(cast, rim, 30, 40, 45)

    titles = lambda user: {row[0] for row in answer(cast, user, source="deals", columns=["title"])}  # noqa: E731
    assert titles(sami) == {"=Analyses 100", "=Analyses 250"}
    assert len(titles(cast.alice)) == 5
    assert answer(cast, cast.mallory, source="deals", columns=["title"]) == []
    with pytest.raises(Invalid, match="Choose one of"):
        answer(cast, sami, source="tickets")
    client = portal(cast.alice)
    listed = client.get("/sales?per_page=100").text
    assert all(title in listed for title in titles(cast.alice))

    grouped = answer(
        cast,
        cast.alice,
        source="deals",
        groupBy=[{"column": "assignedTo"}],
        aggregates=[
            {"function": "count"},
            {"function": "sum", "column": "value"},
            {"function": "avg", "column": "value"},
            {"function": "min", "column": "value"},
            {"function": "max", "column": "value"},
        ],
        sort=[{"by": "sum:value", "descending": True}],
    )
    assert grouped == [
        ["sami", 2, Decimal(350), Decimal(175), Decimal(100), Decimal(250)],
        ["rim", 3, Decimal(115), pytest.approx(Decimal(115) / 3), Decimal(30), Decimal(45)],
    ]
    narrowed = {"source": "deals", "columns": ["title"], "sort": [{"by": "value", "descending": False}]}
    between = {"column": "value", "op": "between", "value": [40, 100]}
    assert answer(cast, cast.alice, **narrowed, filters=[between]) == [
        ["=Analyses 40"], ["=Analyses 45"], ["=Analyses 100"],
    ]  # fmt: skip
    mine = {"column": "assignedTo", "op": "me"}
    today = {"column": "createdAt", "op": "today"}
    assert len(answer(cast, rim, **narrowed, filters=[mine, today])) == 3
    assert answer(cast, rim, **narrowed, filters=[{"column": "createdAt", "op": "yesterday"}]) == []
    [[month, count]] = answer(cast, cast.alice, source="deals", groupBy=[{"column": "createdAt", "bucket": "month"}])
    assert (local(month)[8:], count) == ("01 00:00", 5)

    # every source answers with all of its columns; groups and filters for each kind of column and each expression
    tried: set[str] = set()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        for source in sources.every().values():
            offered = source.offered(cast.alice)
            assert set(source.usual) | {source.time, source.order[0]} <= set(offered)
            whole = {"source": source.key, "columns": list(offered)}
            list(services.answer_of(definitions.read(whole, user=cast.alice), user=cast.alice).rows(stop=1))
            for key, column in offered.items():
                if not column.build and column.kind in tried:
                    continue
                tried.add(column.kind)
                bare = [{"column": key, "op": op} for op in OPS[column.kind] if op in BARE]
                read = definitions.read({"source": source.key, "filters": bare, "groupBy": [key]}, user=cast.alice)
                list(services.answer_of(read, user=cast.alice).rows())


@pytest.mark.django_db
def test_each_mistake_of_a_definition_is_named(cast: Cast) -> None:
    with pytest.raises(Invalid) as refusal:
        answer(
            cast,
            cast.alice,
            source="deals",
            columns=["title", "secret"],
            filters=[
                {"column": "value", "op": "contains", "value": "1"},
                {"column": "stage", "op": "in", "value": ["nowhere"]},
                {"column": "createdAt", "op": "lastDays", "value": 0},
                {"column": "expectedCloseDate", "op": "between", "value": ["2026-02-30", "2026-03-01"]},
                {"column": "value", "op": "gte", "value": "1e30"},
                {"column": "assignedTo", "op": "in", "value": ["x"]},
                "nonsense",
            ],
            groupBy=[{"column": "createdAt", "bucket": "hour"}],
            aggregates=[{"function": "sum", "column": "title"}, {"function": "median"}],
            sort=[{"by": "title"}],
            chart="stackedBar",
        )
    assert [error.field for error in refusal.value.errors] == [
        "groupBy.0.bucket", "aggregates.0.column", "aggregates.1.function", "columns.1", "filters.0.op",
        "filters.1.value", "filters.2.value", "filters.3.value", "filters.4.value", "filters.5.value", "filters.6",
        "chart",
    ]  # fmt: skip


# --- runs -------------------------------------------------------------------------------------------------
def perform(run: ReportRun) -> None:
    """What a worker does with the run's job."""
    with platform():
        run = ReportRun.objects.select_related("person").get(pk=run.pk)
        actor = {"user": str(run.person_id), "name": run.person.name}
    context: Any = type("Context", (), {"task": type("T", (), {"get_retry_exception": lambda *a: None}), "job": None})
    tasks._perform(
        jobs.draw,
        context,
        job=str(run.job_id),
        organization=str(run.organization_id),
        actor=actor,
        language=run.language,
        arguments={"run": str(run.pk)},
    )


def again(run: ReportRun) -> ReportRun:
    with platform():
        return ReportRun.objects.select_related("file__current__blob", "job", "person").get(pk=run.pk)


def content(cast: Cast, run: ReportRun, user: User) -> bytes:
    answered = portal(user).get(reverse("custom_reports:run_file", args=[run.pk]))
    assert answered.status_code == 200, answered.headers
    return b"".join(answered.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.django_db
@pytest.mark.covers("E002-109", "000-JOB-01", "002-JOB-03")
def test_a_run_makes_one_file_even_where_its_worker_is_killed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    deals(cast, cast.alice, 10, 20)
    report = a_report(cast, cast.alice, columns=["title", "value", "createdAt", "status"])
    client = portal(cast.alice)
    started = client.post(reverse("custom_reports:run_start", args=[report.pk]), {"format": "csv", "language": "fr"})
    assert started.status_code == 302, started
    with platform():
        run = ReportRun.objects.get()
    assert (run.status, run.language, run.format) == ("queued", "fr", "csv")
    assert "progress" in client.get(started.headers["Location"]).text

    class Killed(BaseException):
        """A worker that is gone runs no handler: the database forgets what it had under way."""

    def killed(*_args: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(services, "notify", killed)  # after the file was stored
        with pytest.raises(Killed):
            perform(run)
    with platform():
        assert (again(run).status, StoredFile.objects.count()) == ("running", 0)
    perform(run)
    perform(run)  # a second start of a done job does nothing

    done = again(run)
    with platform():
        assert (done.status, done.rows, StoredFile.objects.count()) == ("succeeded", 2, 1)
        assert Job.objects.get(pk=done.job_id).attempt == 2
        exported = AuditEntry.objects.filter(action=Action.EXPORT, entity="custom_report")
        assert [entry.changes["rows"] for entry in exported] == [2]
        assert Notification.objects.filter(kind="custom_report.ready").count() == 1
    lines = content(cast, done, cast.alice).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Titre,Valeur,")
    assert sorted(line.split(",")[:2] for line in lines[1:]) == [["'=Analyses 10", "10"], ["'=Analyses 20", "20"]]
    assert "Download" in client.get(started.headers["Location"]).text

    # nobody else takes the file, nor does its maker after seven days
    with tenant(cast.a.pk, by=cast.carol.actor()), pytest.raises(DomainError):
        services.run_file(done, cast.carol)
    assert portal(cast.carol).get(reverse("custom_reports:run_file", args=[run.pk])).status_code == 404
    with platform():
        assert services.files_forget(now=clock.now() + timedelta(days=7, minutes=1)) == 1
        assert StoredFile.objects.filter(purged_at=None).count() == 0
    gone = client.get(reverse("custom_reports:run_file", args=[run.pk]))
    assert gone.status_code == 302
    assert "no longer kept" in client.get(started.headers["Location"]).text


@pytest.mark.django_db
def test_files_of_all_formats_say_the_same(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    deals(cast, cast.alice, *range(1, 8))
    report = a_report(
        cast,
        cast.alice,
        name="صفقات",
        groupBy=[{"column": "status"}, {"column": "currency"}],
        aggregates=[{"function": "sum", "column": "value"}],
        chart="stackedBar",
    )
    monkeypatch.setattr(files, "PDF_ROWS", 3)
    made: dict[str, bytes] = {}
    for kind in ("csv", "xlsx", "json"):
        with tenant(cast.a.pk, by=cast.alice.actor()):
            run = services.run_ask(report=report, by=cast.alice, kind=Format(kind), language="ar").run
        perform(run)
        done = again(run)
        assert (done.status, done.rows, done.shown, done.error) == ("succeeded", 1, 1, "")
        made[kind] = content(cast, done, cast.alice)
    assert json.loads(made["json"]) == [{"status": "open", "currency": "MAD", "sum:value": 28}]
    assert "مفتوح,MAD,28" in made["csv"].decode("utf-8-sig")
    with zipfile.ZipFile(io.BytesIO(made["xlsx"])) as book:
        assert "<v>28</v>" in book.read("xl/worksheets/sheet1.xml").decode()
        assert "صفقات" in book.read("xl/worksheets/sheet2.xml").decode()
    whole = a_report(cast, cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        run = services.run_ask(report=whole, by=cast.alice, kind=Format.PDF, language="fr").run
    perform(run)
    assert (again(run).rows, again(run).shown) == (7, 3)
    assert content(cast, again(run), cast.alice).startswith(b"%PDF")
    said = portal(cast.alice).get(f"/reports/runs/{run.pk}").text
    assert 'the first <bdi dir="ltr">3</bdi> of <bdi dir="ltr">7</bdi> rows' in said


@pytest.mark.django_db
def test_a_run_that_fails_says_why_and_is_tried_again(cast: Cast) -> None:
    report = a_report(cast, cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        run = services.run_ask(report=report, by=cast.alice, kind=Format.CSV).run
        with pytest.raises(DomainError, match="Only a run that failed"):
            services.run_retry(id=run.pk, by=cast.alice)
    with platform():
        User.objects.filter(pk=cast.alice.pk).update(denied_permissions=["sales.view"])
    with pytest.raises(Invalid):
        perform(run)
    assert again(run).status == "failed"
    assert "Choose one of" in again(run).error
    with platform():
        User.objects.filter(pk=cast.alice.pk).update(denied_permissions=[])
    assert portal(cast.alice).post(reverse("custom_reports:run_retry", args=[run.pk])).status_code == 302
    perform(again(run))
    assert again(run).status == "succeeded"


# --- sending ----------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_schedule_sends_once_to_those_who_may_still_see_it(cast: Cast) -> None:
    sami, rim = cast.person("sami", "SalesAgent", cast.a), cast.person("rim", "Manager", cast.a)
    left, tech = cast.person("left", "Manager", cast.a), cast.person("tech", "Technician", cast.a)
    deals(cast, cast.alice, 10)
    report = a_report(cast, cast.alice, shared=True)
    own = a_report(cast, sami, name="Own")
    with tenant(cast.a.pk, by=sami.actor()):
        mine = schedules.schedule_create(report=own, data={"frequency": "daily"}, by=sami)
        assert mine.people == [str(sami.pk)]
        with pytest.raises(Denied):
            schedules.schedule_create(report=own, data={"frequency": "daily", "roles": ["Viewer"]}, by=sami)
        schedules.schedule_delete(id=mine.pk, by=sami)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        private = services.report_create(data={"name": "Mine", "source": "deals"}, by=cast.alice)
        with pytest.raises(Invalid, match="Share the report first"):
            schedules.schedule_create(report=private, data={"frequency": "daily", "roles": ["Manager"]}, by=cast.alice)
        schedule = schedules.schedule_create(
            report=report,
            data={
                "frequency": "daily",
                "hour": 7,
                "format": "csv",
                "roles": ["Manager", "SalesAgent"],
                "people": [str(tech.pk), str(left.pk), str(cast.alice.pk)],
            },
            by=cast.alice,
        )
    assert schedule.next_at is not None
    first = schedule.next_at
    with platform():
        User.objects.filter(pk=left.pk).update(is_active=False)
        User.objects.filter(pk=sami.pk).update(denied_permissions=["sales.view"], language="ar")
        assert schedules.run_due(now=first - timedelta(minutes=1)) == 0
        # five days without a worker: one sending, for the last of the times that were missed
        late = first + timedelta(days=5, hours=2)
        assert schedules.run_due(now=late) == 1
        assert schedules.run_due(now=late) == 0
        schedule.refresh_from_db()
        assert (schedule.last_at, schedule.next_at) == (first + timedelta(days=5), first + timedelta(days=6))
        runs = {run.person.name: run for run in ReportRun.objects.filter(schedule=schedule).select_related("person")}
    assert {name: (run.status, run.skipped, run.language) for name, run in runs.items()} == {
        "alice": ("queued", "", "en"),
        "rim": ("queued", "", "en"),
        "sami": ("skipped", "no_source", "ar"),
        "left": ("skipped", "left", "en"),
        "tech": ("skipped", "no_right", "en"),
    }
    assert {local(run.occurrence)[11:] for run in runs.values() if run.occurrence} == {"07:00"}

    # two workers at once: the row is locked and moves on, and the key of the occurrence holds all the same
    with platform():
        ReportSchedule.objects.filter(pk=schedule.pk).update(next_at=first + timedelta(days=5))
        assert schedules.run_due(now=late) == 1
        assert ReportRun.objects.filter(schedule=schedule).count() == 5
        assert Job.objects.filter(kind="reports.draw").count() == 2

    # who lost the right between the clock and the worker gets nothing; the one who made the schedule is told
    with platform():
        User.objects.filter(pk=rim.pk).update(denied_permissions=["custom_reports.view"])
    with pytest.raises(Denied):
        perform(runs["rim"])
    perform(runs["alice"])
    assert (again(runs["rim"]).status, again(runs["alice"]).status) == ("failed", "succeeded")
    with platform():
        sent = Notification.objects.get(kind="custom_report.sent")
        assert sent.link == reverse("custom_reports:run", args=[runs["alice"].pk])
        assert set(Delivery.objects.filter(notification=sent).values_list("channel", "user__name")) == {
            ("in_app", "alice"), ("email", "alice"),
        }  # fmt: skip
        assert Notification.objects.filter(kind="custom_report.failed").count() == 1

    # the schedule's pages: pause, next run, who gets nothing; a paused one sends nothing
    client = portal(cast.alice)
    shown = client.get(reverse("custom_reports:schedules", args=[report.pk])).text
    assert "no longer works here" in shown
    assert client.post(reverse("custom_reports:schedule_pause", args=[schedule.pk])).status_code == 302
    with platform():
        schedule.refresh_from_db()
        assert (schedule.is_active, schedule.next_at) == (False, None)
        assert schedules.run_due(now=late + timedelta(days=9)) == 0
    body = {"frequency": "monthly", "at": "06:30", "month_day": "31", "weekday": "0", "format": "pdf"}
    edited = client.post(reverse("custom_reports:schedule_edit", args=[schedule.pk]), body)
    assert edited.status_code == 302
    with platform():
        schedule.refresh_from_db()
        assert (schedule.frequency, schedule.month_day, schedule.hour, schedule.people) == (
            "monthly", 31, 6, [str(cast.alice.pk)],
        )  # fmt: skip
    gone = client.post(reverse("custom_reports:schedule_delete", args=[schedule.pk]))
    assert gone.status_code == 302
    with platform():
        assert ReportRun.objects.filter(schedule=None, person=cast.alice, occurrence__isnull=False).exists()


# --- pages ------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_report_is_built_changed_restored_and_deleted(cast: Cast) -> None:
    deals(cast, cast.alice, 10, 20)
    client = portal(cast.alice)
    listed = client.get("/reports").text
    assert listed.count("Built in") == 6
    assert "Overdue tasks" in client.get("/reports?q=overdue").text
    assert "No results match" in client.get("/reports?q=zzz").text
    assert "Overdue tasks" not in portal(cast.person("sami", "SalesAgent", cast.a)).get("/reports?source=tasks").text
    assert portal(cast.bob).get("/reports").status_code == 403
    assert portal(cast.carol).get("/reports/new").status_code == 403
    with tenant(cast.a.pk):
        builtins = list(CustomReport.objects.exclude(builtin=""))
    for row in builtins:
        assert client.get(reverse("custom_reports:detail", args=[row.pk])).status_code == 200, row.builtin
        assert client.get(reverse("custom_reports:edit", args=[row.pk])).status_code == 302

    assert client.post("/reports/new", {}).status_code == 422
    assert client.post("/reports/preview", {"source": "nothing", "form": "x"}).status_code == 200
    assert client.get("/reports/new?source=submissions").status_code == 200

    body: dict[str, Any] = {
        "name": "Deals of mine",
        "source": "deals",
        "was": "deals",
        "columns": ["title", "value"],
        "f0_column": "assignedTo",
        "f0_op": "me",
        "f1_column": "value",
        "f1_op": "gte",
        "f1_value": "١٥",
        "s0_by": "value",
        "s0_way": "down",
        "shared": "on",
    }
    preview = client.post("/reports/preview", body).text
    assert "=Analyses 20" in preview
    assert "=Analyses 10" not in preview
    assert "=Analyses 10" in client.post("/reports/preview", {**body, "f1_value": ""}).text  # not there yet: no filter
    moved = client.post("/reports/preview", {**body, "action": "down:0"}).text
    assert moved.index('name="columns" value="value"') < moved.index('name="columns" value="title"')
    assert client.post("/reports/new", {**body, "f1_value": "x"}).status_code == 422
    assert client.post("/reports/new", {**body, "action": "show"}).status_code == 200
    made = client.post("/reports/new", body)
    assert made.status_code == 302
    with tenant(cast.a.pk):
        report = CustomReport.objects.get(builtin="")
    assert (report.shared, report.definition["columns"]) == (True, ["title", "value"])
    page = reverse("custom_reports:detail", args=[report.pk])
    assert "=Analyses 20" in client.get(page).text
    assert "=Analyses 20" not in portal(cast.carol).get(page).text  # shared, yet of her own deals she has none
    assert portal(cast.mallory).get(page).status_code == 404

    groups = {
        **body, "grouped": "yes", "g0_column": "createdAt", "g0_bucket": "month", "g1_column": "status",
        "a0_function": "count", "a1_function": "sum", "a1_column": "value", "chart": "stackedBar", "version": "1",
    }  # fmt: skip
    assert client.post(reverse("custom_reports:edit", args=[report.pk]), groups).status_code == 302
    assert client.post(reverse("custom_reports:edit", args=[report.pk]), groups).status_code == 422  # version 1 is old
    assert "canvas" in client.get(page).text
    versions = reverse("custom_reports:versions", args=[report.pk])
    assert "Version" in client.get(versions).text
    assert client.post(f"{versions}/1/restore").status_code == 302
    with tenant(cast.a.pk):
        report.refresh_from_db()
    assert (report.version, report.definition["columns"], report.definition["groupBy"]) == (3, ["title", "value"], [])
    assert "Deals of mine" in client.get(f"/reports/new?from={report.pk}").text
    assert client.get(reverse("custom_reports:runs")).status_code == 200
    assert client.get(reverse("custom_reports:report_runs", args=[report.pk])).status_code == 200
    assert client.get(reverse("custom_reports:schedule_create", args=[report.pk])).status_code == 200
    delete = reverse("custom_reports:delete", args=[report.pk])
    assert "Delete this report?" in client.get(delete).text
    assert client.post(delete).status_code == 302
    assert client.get(page).status_code == 404
