"""Every figure of a view equals a count by hand over the same rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.collect.charts import buckets
from portal.collect.charts.axes import axes
from portal.collect.charts.choices import Bucket
from portal.collect.charts.definitions import read_definition
from portal.collect.charts.figures import data_versions, view_data
from portal.collect.dashboards.layout import Place, free_place, settled
from portal.collect.forms.models import Form, FormVersion
from portal.collect.submissions.models import Submission
from portal.core.common.errors import Invalid
from portal.core.projects import services as projects
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import tenant
from tests.collect import by_hand
from tests.core.people import Cast

pytestmark = pytest.mark.django_db
BEHAVIOURS = ["رعي", "راحة", "تنقل", "Feeding"]
SCHEMA = {
    "fields": [
        {"id": "herd_size", "type": "number", "label": {"ar": "حجم القطيع", "en": "Herd size"}},
        {"id": "behaviour", "type": "select", "label": "Behaviour", "options": BEHAVIOURS},
        {"id": "seen", "type": "selectMultiple", "label": "Seen", "options": ["a", "b", "ج"]},
        {"id": "water", "type": "boolean", "label": "Water"},
        {"id": "note", "type": "text", "label": "Note"},
        {"id": "visit", "type": "date", "label": "Day of the visit"},
        {"id": "seen_at", "type": "datetime", "label": "Seen at"},
        {"id": "place", "type": "geopoint", "label": "Place"},
        {
            "id": "wells",
            "type": "repeat",
            "label": "Wells",
            "fields": [{"id": "depth", "type": "number", "label": "Depth"}],
        },
    ]
}
FIELDS = {
    "herd_size": by_hand.Field("number"),
    "behaviour": by_hand.Field("select", BEHAVIOURS),
    "seen": by_hand.Field("selectMultiple", ["a", "b", "ج"]),
    "water": by_hand.Field("boolean"),
    "note": by_hand.Field("text"),
    "visit": by_hand.Field("date"),
    "seen_at": by_hand.Field("datetime"),
}
# Of each field: right answers, none, and what an old version of the form or an import may have left.


def at(*parts: int) -> datetime:
    """A bound for hypothesis, which wants them without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


NUMBERS = st.one_of(st.integers(-50, 10**12), st.decimals(-1000, 1000, places=2).map(float))
WRONG = st.sampled_from([None, "", "١٢", "abc", "2026-02-30", "0000-00-00", [], {}, {"a": 1}])
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "herd_size": NUMBERS | WRONG | st.booleans(),
        "behaviour": st.sampled_from([*BEHAVIOURS, "older option", None, ""]),
        "seen": st.lists(st.sampled_from(["a", "b", "ج"]), max_size=3, unique=True) | st.sampled_from([None, 7, "a"]),
        "water": st.booleans() | WRONG,
        "note": st.sampled_from(["بئر", "Bir", "", None, "=1+1", "%(zone)s"]),
        "visit": st.dates(at(2025, 12, 20).date(), at(2026, 4, 10).date()).map(str) | WRONG,
        "seen_at": st.datetimes(at(2026, 2, 1), at(2026, 4, 10)).map(lambda seen: f"{seen.isoformat()}+03:00") | WRONG,
    },
)
# Morocco puts its clocks back in Ramadan (15 February 2026, 03:00) and forward after it (22 March, 02:00).
MOMENTS = st.datetimes(at(2026, 2, 14, 20), at(2026, 2, 15, 8)) | st.datetimes(at(2026, 3, 21, 20), at(2026, 3, 22, 8))
FAR = MOMENTS | st.datetimes(at(2024, 12, 30), at(2026, 4, 1))
ZONES = st.sampled_from(["Africa/Casablanca", "Asia/Aden", "America/St_Johns", "Australia/Lord_Howe", "UTC"])
FIGURE = st.one_of(
    st.fixed_dictionaries({}, optional={"field": st.sampled_from([*FIELDS, "submittedByUserId"])}),
    st.fixed_dictionaries(
        {
            "field": st.just("herd_size"),
            "aggregation": st.sampled_from(["sum", "average", "avg", "min", "max", "median", "count"]),
        }
    ),
)
GROUPED = st.sampled_from(
    ["herd_size", "behaviour", "seen", "water", "note", "visit", "submittedByUserId", "reviewState"]
)
ALONG = st.one_of(
    st.fixed_dictionaries({"groupBy": GROUPED}),
    st.fixed_dictionaries(
        {"groupBy": st.sampled_from(["day", "week", "month", "quarter", "year"])}
        | {"xAxis": st.sampled_from(["createdAt", "visit", "seen_at"])}
    ),
)
RULES = st.lists(
    st.sampled_from(
        [
            {"field": "herd_size", "op": "gte", "value": 0},
            {"field": "herd_size", "op": "ne", "value": 3},
            {"field": "behaviour", "op": "in", "value": ["رعي", "Feeding"]},
            {"field": "behaviour", "op": "isnull"},
            {"field": "herd_size", "op": "isnull", "value": False},
            {"field": "seen", "op": "eq", "value": "ج"},
            {"field": "seen", "op": "ne", "value": "a"},
            {"field": "seen", "op": "in", "value": ["a", "b"]},
            {"field": "water", "op": "eq", "value": True},
            {"field": "note", "op": "eq", "value": "%(zone)s"},
            {"field": "reviewState", "op": "ne", "value": "rejected"},
        ]
    ),
    max_size=2,
)


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
def form(cast: Cast) -> Iterator[Form]:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        project, _new = projects.project_create(data={"name": "P", "status": "Active"}, by=cast.alice)
        yield a_form(project["id"], cast)


def a_form(project: UUID, cast: Cast, schema: dict[str, Any] = SCHEMA) -> Form:
    text = orjson.dumps(schema).decode()
    made = Form.objects.create(
        organization=cast.a, project_id=project, name="F", version=1, schema=schema, schema_text=text
    )
    FormVersion.objects.create(organization=cast.a, form=made, version=1, schema=schema, schema_text=text)
    return made


def submit(form: Form, rows: list[by_hand.Row]) -> None:
    Submission.objects.bulk_create(
        [
            Submission(
                organization_id=form.organization_id,
                form=form,
                project_id=form.project_id,
                form_version=1,
                answers=row.answers,
                submitted_by_id=row.submittedByUserId and UUID(row.submittedByUserId),
                created_at=row.createdAt,
                review_state=row.reviewState,
                local_sync_id=uuid4(),
                fingerprint="",
            )
            for row in rows
        ]
    )


def asked(form: Form, chart: str, config: dict[str, Any]) -> dict[str, Any]:
    return view_data(definition=read_definition(chart, config, axes(form)), form=form)


@pytest.mark.covers("003-ANA-07", "E003-026")
def test_every_figure_equals_the_count_by_hand(cast: Cast, form: Form) -> None:
    people = sorted([str(cast.alice.pk), str(cast.bob.pk)])
    row = st.builds(
        by_hand.Row,
        ANSWERS,
        FAR.map(lambda taken: taken.replace(tzinfo=UTC)),
        st.sampled_from([*people, None]),
        st.sampled_from(["received", "rejected", "approved"]),
    )
    hours = st.builds(
        by_hand.Row, st.just({}), MOMENTS.map(lambda taken: taken.replace(tzinfo=UTC)), st.none(), st.just("received")
    )
    stacked = st.fixed_dictionaries({"stackBy": GROUPED})
    question = st.one_of(
        st.tuples(st.just("number"), FIGURE),
        st.tuples(st.sampled_from(["pie", "donut", "line", "bar"]), st.builds(lambda a, b: a | b, FIGURE, ALONG)),
        st.tuples(st.just("stackedBar"), st.builds(lambda a, b, c: a | b | c, FIGURE, ALONG, stacked)),
    )

    @settings(
        max_examples=settings.default.max_examples // 8,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(row, max_size=14), ZONES, st.lists(st.tuples(question, RULES), min_size=1, max_size=6))
    def compare(rows: list[by_hand.Row], zone: str, questions: list[Any]) -> None:
        check(
            rows,
            zone,
            [(chart, config | ({"filters": rules} if rules else {})) for (chart, config), rules in questions],
        )

    @settings(max_examples=settings.default.max_examples // 16)
    @given(st.lists(hours, min_size=1, max_size=6), ZONES)
    @example(
        [by_hand.Row({}, datetime(2026, 3, 22, hour, tzinfo=UTC), None, "received") for hour in (0, 1, 2, 3)],
        "Africa/Casablanca",
    )
    def compare_hours(rows: list[by_hand.Row], zone: str) -> None:
        near = [one for one in rows if abs(one.createdAt - rows[0].createdAt) < timedelta(days=2)]
        check(near, zone, [("bar", {"groupBy": "hour"})])

    def check(rows: list[by_hand.Row], zone: str, questions: list[tuple[str, dict[str, Any]]]) -> None:
        with transaction.atomic():
            Organization.objects.filter(pk=cast.a.pk).update(time_zone=zone)
            submit(form, rows)
            for chart, config in questions:
                data, wanted = asked(form, chart, config), by_hand.figures(rows, chart, config, FIELDS, zone)
                assert data["rows"] == wanted["rows"], (chart, config)
                same(data["value"], wanted["value"])
                timed = "xAxis" in config or config.get("groupBy") == "hour"
                keys = data["labels"] if timed else data["keys"]
                wanted_keys = [str(key) if hasattr(key, "isoformat") else key for key in wanted["keys"]]
                assert keys == wanted_keys, (chart, config, zone)
                if chart == "stackedBar":
                    said = [str(key) if hasattr(key, "isoformat") else key for key in wanted["series"]]
                    assert [one["key"] for one in data["series"]] == said, (chart, config)
                assert len(data["series"]) == len(wanted["series"])
                for one, values in zip(data["series"], wanted["series"].values(), strict=True):
                    assert len(one["values"]) == len(values), (chart, config)
                    for found, value in zip(one["values"], values, strict=True):
                        same(found, value)
            transaction.set_rollback(True)

    def same(found: Any, wanted: Any) -> None:
        assert found == (wanted if wanted is None else pytest.approx(float(wanted), rel=1e-12, abs=1e-9))

    compare()
    compare_hours()


def test_hours_that_no_clock_shows_are_left_out() -> None:
    first, last = at(2026, 3, 22, 1), at(2026, 3, 22, 4)
    hours = buckets.every(first, last, Bucket.HOUR, "Africa/Casablanca")
    assert [buckets.label(hour, Bucket.HOUR) for hour in hours] == [
        "2026-03-22T01:00",
        "2026-03-22T03:00",
        "2026-03-22T04:00",
    ]
    months = [
        buckets.label(one, Bucket.MONTH) for one in buckets.every(at(2025, 11, 1), at(2026, 2, 1), Bucket.MONTH, "UTC")
    ]
    assert months == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert buckets.label(at(2026, 10, 1), Bucket.QUARTER) == "2026-Q4"


@pytest.mark.covers("C50")
def test_what_a_form_cannot_answer_is_refused_by_name(form: Form) -> None:
    for chart, config, word in (
        ("number", {"aggregation": "sum", "field": "depth"}, "wells"),  # inside a repeat
        ("pie", {"groupBy": "place"}, "place"),
        ("bar", {"groupBy": "hour", "xAxis": "visit"}, "visit"),
        ("number", {"filters": [{"field": "visit", "op": "lt", "value": "2026-02-30"}]}, "visit"),
    ):
        with pytest.raises(Invalid, match=word):
            asked(form, chart, config)
    assert asked(form, "bar", {"groupBy": "day", "xAxis": "visit"})["labels"] == []


@pytest.mark.covers("C51")
def test_every_change_of_a_forms_submissions_moves_its_version(form: Form) -> None:
    row = by_hand.Row({}, datetime(2026, 2, 1, tzinfo=UTC), None, "received")
    versions = [data_versions([form.pk]).of[form.pk]]
    submit(form, [row, row])
    versions.append(data_versions([form.pk]).of[form.pk])
    Submission.objects.filter(form=form).update(review_state="approved")
    versions.append(data_versions([form.pk]).of[form.pk])
    Submission.objects.filter(form=form).delete()
    versions.append(data_versions([form.pk]).of[form.pk])
    assert versions == [0, 2, 4, 6]
    assert not data_versions([form.pk]).committed  # nobody else may be shown what this transaction sees


@given(
    st.lists(st.builds(Place, st.integers(0, 6), st.integers(0, 8), st.integers(1, 6), st.integers(1, 5)), max_size=9)
)
def test_widgets_never_lie_over_one_another(places: list[Place]) -> None:
    found = settled(places)
    pairs = [(a, b) for n, a in enumerate(found) for b in found[n + 1 :]]
    assert not any(a.meets(b) for a, b in pairs)
    assert [(p.x, p.w, p.h) for p in found] == [(p.x, p.w, p.h) for p in places]
    assert settled(found) == found
    assert not any(free_place(found).meets(place) for place in found)
