"""The audit log's portal pages."""

import csv
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.audit.models import Action, AuditEntry
from portal.core.tenancy.scope import tenant
from portal.lab import services
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_sample, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cast = Cast()
    cast.dina = cast.person("dina", "Auditor", cast.a)  # type: ignore[attr-defined]
    return cast


@pytest.fixture
def auditor(cast: Cast) -> Client:
    return page(cast.dina)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def newest(cast: Cast, **more: Any) -> AuditEntry:
    with tenant(cast.a.pk):
        return AuditEntry.objects.filter(**more).order_by("-pk")[0]


@pytest.mark.covers("001-FR-082")
@pytest.mark.parametrize(
    ("name", "list_", "entry"),
    [("alice", 200, 200), ("dina", 200, 200), ("carol", 403, 403), ("mallory", 200, 404), ("root", 403, 403)],
)
def test_who_may_read_it(cast: Cast, name: str, list_: int, entry: int) -> None:
    a_sample(cast.alice)
    client = page(getattr(cast, name))

    for path in ("/audit", "/audit.csv", "/audit.json"):
        assert client.get(path).status_code == list_
    assert client.get(f"/audit/{newest(cast, entity='sample').pk}").status_code == entry


@pytest.mark.covers("001-FR-083")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"entity": "sample"}, True),
        ({"entity": "report"}, False),
        ({"action": "create"}, True),
        ({"action": "delete"}, False),
        ({"outcome": "denied"}, False),
        ({"q": "S-2026-000001"}, True),
        ({"q": "nobody"}, False),
        ({"date_from": "2026-01-01"}, True),
        ({"date_to": "2026-01-01"}, False),
        ({"date_to": "9999-12-31"}, True),
        ({"record": "x"}, False),
    ],
)
def test_filters(cast: Cast, auditor: Client, query: dict[str, str], found: bool) -> None:
    sample = a_sample(cast.alice)

    shown = auditor.get("/audit", query, headers=FRAGMENT).content.decode()

    assert (sample.code in shown.partition("<tbody>")[2]) is found


def test_by_person(cast: Cast, auditor: Client) -> None:
    sample = a_sample(cast.alice)

    own = auditor.get("/audit", {"user": cast.alice.pk, "entity": "sample"}, headers=FRAGMENT).content.decode()
    other = auditor.get("/audit", {"user": cast.carol.pk, "entity": "sample"}, headers=FRAGMENT).content.decode()
    foreign = auditor.get("/audit", {"user": cast.mallory.pk}, headers=FRAGMENT)

    assert sample.code in own
    assert sample.code not in other
    assert foreign.context["filter_form"].errors.keys() == {"user"}


@pytest.mark.covers("001-FR-081")
def test_an_entry_shows_old_and_new_under_translated_names(cast: Cast, auditor: Client) -> None:
    sample = a_sample(cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor(via="portal", ip="192.0.2.7", agent="Firefox")):
        services.sample_update(id=sample.pk, data={"status": "received", "reason": "<b>late</b>"}, by=cast.alice)

    entry = newest(cast, entity="sample", action=Action.UPDATE)
    english = auditor.get(f"/audit/{entry.pk}").content.decode()
    arabic = page(cast.alice, "ar").get(f"/audit/{entry.pk}").content.decode()

    for text in ("Registered", "Received", "Status", "192.0.2.7", "Firefox", "alice", "&lt;b&gt;late&lt;/b&gt;"):
        assert text in english
    assert "<b>late" not in english
    assert "مستلمة" in arabic


def test_exports_hold_the_filtered_entries_and_are_recorded(cast: Cast, auditor: Client) -> None:
    for _ in range(3):
        a_sample(cast.alice, location="=1+1")

    lines = b"".join(auditor.get("/audit.csv?entity=sample"))  # type: ignore[call-overload]
    cards = json.loads(b"".join(auditor.get("/audit.json?entity=sample")))  # type: ignore[call-overload]
    none = json.loads(b"".join(auditor.get("/audit.json?q=nobody")))  # type: ignore[call-overload]

    rows = list(csv.DictReader(io.StringIO(lines.decode("utf-8-sig"))))
    with tenant(cast.a.pk):
        kept = AuditEntry.objects.filter(action=Action.EXPORT).order_by("pk")
        assert [entry.changes["filters"] for entry in kept] == [
            {"entity": "sample"},
            {"entity": "sample"},
            {"q": "nobody"},
        ]
    assert [row["entityType"] for row in rows][-3:] == ["sample"] * 3
    assert json.loads(rows[-1]["newValues"])["location"] == "=1+1"
    assert cards[-1]["newValues"]["location"] == "=1+1"
    assert none == []


def test_a_broken_filter_exports_nothing(cast: Cast, auditor: Client) -> None:
    assert auditor.get("/audit.csv?date_from=x").status_code == 400
    with tenant(cast.a.pk):
        assert not AuditEntry.objects.filter(action=Action.EXPORT).exists()


def test_rows_cost_no_queries(cast: Cast, auditor: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert auditor.get("/audit").status_code == 200
        return len(captured)

    a_sample(cast.alice)
    few = queries()
    for _ in range(10):
        a_sample(cast.alice)

    assert queries() == few
