"""Samples, results, parameters and standards over the API (specification 001, FR-010 to FR-025)."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.audit.models import Action
from portal.core.tenancy.scope import platform, tenant
from portal.lab.models import Parameter, Result, Sample, Standard, StandardChoice
from tests.api.conftest import Cast, Person
from tests.api.test_auth import together

pytestmark = pytest.mark.django_db
TAP = {
    "type": "drinking_water",
    "location": "Anfa, tap 4",
    "collectionDate": "2026-11-20T09:15:00Z",
    "collectorName": "Amina",
}
NITRATE = {"parameterName": "NO3", "value": "12.00", "unit": "mg/L N"}
UNKNOWN = "01941f29-7c00-7a1b-8c2d-3e4f5a6b7c8d"


def refusal(response: Any) -> tuple[int, str, str | None]:
    first = response.json()["errors"][0]
    return response.status_code, first["code"], first["field"]


def sample(person: Person, **more: Any) -> dict[str, Any]:
    response = person.post("/samples", TAP | more)
    assert response.status_code == 201, response.content
    return dict(response.json()["data"])


def result(person: Person, of: dict[str, Any], **more: Any) -> dict[str, Any]:
    response = person.post(f"/samples/{of['id']}/results", NITRATE | more)
    assert response.status_code == 201, response.content
    return dict(response.json()["data"])


def stored(cast: Cast) -> tuple[int, int]:
    with platform():
        return Sample.objects.filter(deleted_at=None).count(), Result.objects.filter(deleted_at=None).count()


# --- samples ------------------------------------------------------------------


@pytest.mark.covers("E001-006", "E001-005", "001-FR-012", "001-FR-011", "001-ENT-01", "001-US3-AS1")
def test_sample_is_registered_shown_and_audited(cast: Cast, trail: Callable[..., Any]) -> None:
    made = cast.bob.post("/samples", TAP | {"latitude": 33.59, "longitude": -7.62, "colour": "clear"})

    assert made.status_code == 201
    card = made.json()["data"]
    assert card == {
        "id": card["id"], "code": "S-2026-000001", **TAP, "samplingPointId": None, "latitude": 33.59,
        "longitude": -7.62, "receivedAt": None, "status": "registered", "complianceStatus": "pending", "verdicts": [],
        "resultCount": 0, "notes": "", "projectId": None, "localSyncId": None, "organizationId": str(cast.a.pk),
        "createdAt": card["createdAt"], "createdBy": str(cast.bob.user.pk), "updatedAt": card["updatedAt"],
        "updatedBy": str(cast.bob.user.pk), "version": card["version"],
    }  # fmt: skip
    assert made.json()["meta"] == {"ignoredFields": ["colour"]}
    seen = cast.carol.get(f"/samples/{card['id']}")
    assert (seen.status_code, seen.json()["data"], seen["ETag"]) == (200, card, f'"{card["version"]}"')
    (entry,) = trail(Action.CREATE, entity="sample")
    assert (entry.actor_id, entry.object_pk) == (cast.bob.user.pk, card["id"])


@pytest.mark.covers("C06", "E001-006")
def test_snake_case_and_a_bare_date_are_understood(cast: Cast) -> None:
    made = cast.bob.post(
        "/samples",
        {"type": "groundwater", "location": "B-3", "collection_date": "2026-07-01", "collector_name": "Youssef"},
    ).json()

    assert made["data"]["collectionDate"] == "2026-06-30T23:00:00Z"  # midnight in Casablanca
    assert made["data"]["collectorName"] == "Youssef"
    assert "ignoredFields" not in made["meta"]


@pytest.mark.covers("E001-006", "C72")
def test_repeated_create_answers_with_the_first_record(cast: Cast) -> None:
    first = cast.bob.post("/samples", TAP | {"localSyncId": "tablet/1"})
    again = cast.bob.post("/samples", TAP | {"localSyncId": "tablet/1", "location": "elsewhere"})
    own = str(uuid4())
    chosen = cast.bob.post("/samples", TAP | {"id": own})
    repeat = cast.bob.post("/samples", TAP | {"id": own})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["data"] == first.json()["data"]
    assert (chosen.status_code, repeat.status_code, repeat.json()["data"]["id"]) == (201, 200, own)
    assert stored(cast)[0] == 2
    neighbour = cast.mallory.post("/samples", TAP | {"localSyncId": "tablet/1"})
    assert neighbour.status_code == 201
    cast.alice.delete(f"/samples/{first.json()['data']['id']}")
    assert refusal(cast.bob.post("/samples", TAP | {"localSyncId": "tablet/1"}))[:2] == (409, "DUPLICATE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.covers("C72", "001-EDGE-04")
def test_parallel_creates_of_one_record_make_one(cast: Cast) -> None:
    named = together(8, lambda: cast.bob.post("/samples", TAP | {"localSyncId": "tablet/1"}))
    coded = together(8, lambda: cast.alice.post("/samples", TAP | {"code": "A-1"}))

    assert sorted(answer.status_code for answer in named) == [200] * 7 + [201]
    assert len({answer.json()["data"]["id"] for answer in named}) == 1
    assert sorted(answer.status_code for answer in coded) == [201] + [409] * 7
    assert stored(cast) == (2, 0)


@pytest.mark.covers("C66", "E001-006")
def test_idempotency_key_replays_and_refuses_another_payload(cast: Cast) -> None:
    first = cast.bob.post("/samples", TAP, Idempotency_Key="k")
    again = cast.bob.post("/samples", TAP, Idempotency_Key="k")
    other = cast.bob.post("/samples", TAP | {"location": "x"}, Idempotency_Key="k")

    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (201, first.content, "true")
    assert refusal(other)[:2] == (409, "IDEMPOTENCY_CONFLICT")
    assert stored(cast)[0] == 1


BAD_SAMPLES: list[Any] = [
    ({"type": "lemonade"}, "type"),
    ({"type": 7}, "type"),
    ({"type": None}, "type"),
    ({"location": ""}, "location"),
    ({"location": ["a"]}, "location"),
    ({"location": "x" * 301}, "location"),
    ({"location": "a\0b"}, "location"),
    ({"collectionDate": "yesterday"}, "collectionDate"),
    ({"collectionDate": "2026-11-20T09:15:00"}, "collectionDate"),  # no offset: it has no meaning
    ({"collectionDate": "0001-01-01"}, "collectionDate"),
    ({"collectionDate": 20261120}, "collectionDate"),
    ({"collectorName": {}}, "collectorName"),
    ({"latitude": 91, "longitude": 0}, "latitude"),
    ({"latitude": "33", "longitude": 0}, "latitude"),
    ({"latitude": 33.5}, "latitude"),
    ({"status": "done"}, "status"),
    ({"samplingPointId": "x"}, "samplingPointId"),
    ({"samplingPointId": UNKNOWN}, "samplingPointId"),
    ({"projectId": UNKNOWN}, "projectId"),
    ({"id": "7"}, "id"),
    ({"code": "x" * 61}, "code"),
    ({"notes": "x" * 10_001}, "notes"),
]


@pytest.mark.covers("001-EDGE-03", "001-FR-017", "001-FR-101", "001-SC-023", "001-ASM-04")
def test_bad_sample_names_the_field_and_stores_nothing(cast: Cast) -> None:
    for change, field in BAD_SAMPLES:
        response = cast.bob.post("/samples", TAP | change)

        assert refusal(response) == (400, "VALIDATION_ERROR", field), change
        assert response.json()["errors"][0]["message"]
    assert stored(cast) == (0, 0)


@pytest.mark.covers("001-EDGE-03")
def test_all_missing_fields_are_named_at_once(cast: Cast) -> None:
    errors = cast.bob.post("/samples", {}).json()["errors"]

    assert {error["field"] for error in errors} == {"type", "location", "collectionDate", "collectorName"}


@pytest.mark.covers("001-EDGE-03", "001-FR-100", "C12")
def test_bodies_that_are_not_a_small_json_object(cast: Cast) -> None:
    big = json.dumps(TAP | {"notes": "x" * 30_000_000})

    assert refusal(cast.bob.post("/samples", big))[:2] == (413, "PAYLOAD_TOO_LARGE")
    for body in ("", "{", "[]", '"text"', '{"type": NaN}', "null", '{"latitude": 1e999}'):
        assert refusal(cast.bob.call("post", "/samples", body))[:2] == (400, "VALIDATION_ERROR"), body
    assert stored(cast) == (0, 0)


@pytest.mark.covers("E001-006")
def test_taken_code_is_a_duplicate(cast: Cast) -> None:
    sample(cast.bob, code="A-1")

    assert refusal(cast.bob.post("/samples", TAP | {"code": "A-1"})) == (409, "DUPLICATE", "code")
    assert cast.mallory.post("/samples", TAP | {"code": "A-1"}).status_code == 201


@pytest.mark.covers("E001-007", "001-FR-013", "C08", "C11", "001-EDGE-02", "001-EDGE-04", "002-DB-03")
def test_update_is_partial_and_knows_stale_versions(cast: Cast, trail: Callable[..., Any]) -> None:
    card = sample(cast.bob, notes="first", receivedAt="2026-11-20T10:00:00Z")

    put = cast.alice.put(f"/samples/{card['id']}", {"location": "Anfa, tap 5", "reason": "wrong tap"})
    patch = cast.alice.patch(f"/samples/{card['id']}", {"receivedAt": None})

    assert put.status_code == patch.status_code == 200
    after = patch.json()["data"]
    assert (after["location"], after["notes"], after["receivedAt"]) == ("Anfa, tap 5", "first", None)
    assert after["version"] > put.json()["data"]["version"] > card["version"]
    entry = trail(Action.UPDATE, entity="sample")[0]
    assert (entry.changes["location"], entry.reason) == (["Anfa, tap 4", "Anfa, tap 5"], "wrong tap")
    for stale in (
        cast.bob.put(f"/samples/{card['id']}", {"notes": "mine", "version": card["version"]}),
        cast.bob.put(f"/samples/{card['id']}", {"notes": "mine"}, If_Match=f'"{card["version"]}"'),
        cast.alice.delete(f"/samples/{card['id']}", If_Match=str(card["version"])),
    ):
        assert refusal(stale)[:2] == (409, "VERSION_CONFLICT")
        assert stale.json()["meta"]["current"]["version"] == after["version"]
    assert cast.bob.get(f"/samples/{card['id']}").json()["data"] == after
    fresh = cast.bob.put(f"/samples/{card['id']}", {"notes": "mine", "version": after["version"]})
    assert fresh.json()["data"]["notes"] == "mine"
    for body, headers, field in (
        ({"version": "x"}, {}, "version"),
        ({"version": True}, {}, "version"),
        ({"version": 1.5}, {}, "version"),
        ({}, {"If_Match": "abc"}, "If-Match"),
        ({"location": None}, {}, "location"),
    ):
        assert refusal(cast.bob.put(f"/samples/{card['id']}", body, **headers)) == (400, "VALIDATION_ERROR", field)


def test_a_whole_record_sent_back_changes_nothing(cast: Cast) -> None:
    card = sample(cast.bob)

    same = cast.bob.put(f"/samples/{card['id']}", card)

    assert (same.status_code, same.json()["data"], same.json()["meta"]) == (200, card, {})


@pytest.mark.covers("C11")
def test_a_recomputed_verdict_is_no_conflict(cast: Cast) -> None:
    card = sample(cast.bob)
    result(cast.bob, card)

    assert cast.bob.put(f"/samples/{card['id']}", {"notes": "n", "version": card["version"]}).status_code == 200


@pytest.mark.covers("E001-008", "001-FR-014", "C09", "001-US3-AS3")
def test_delete_is_soft_takes_the_results_and_answers_404_after(cast: Cast, trail: Callable[..., Any]) -> None:
    card = sample(cast.bob)
    measured = result(cast.bob, card)

    gone = cast.alice.delete(f"/samples/{card['id']}")

    assert (gone.status_code, gone.json()["message"]) == (200, "Sample deleted successfully.")
    for again in (
        cast.alice.delete(f"/samples/{card['id']}"),
        cast.alice.get(f"/samples/{card['id']}"),
        cast.alice.put(f"/samples/{card['id']}", {"notes": ""}),
        cast.alice.get(f"/samples/{card['id']}/results"),
        cast.alice.post(f"/samples/{card['id']}/results", NITRATE),
        cast.alice.get(f"/results/{measured['id']}"),
        cast.alice.delete(f"/results/{measured['id']}"),
    ):
        assert refusal(again)[:2] == (404, "RESOURCE_NOT_FOUND")
    assert cast.alice.get("/samples").json()["meta"]["total"] == 0
    assert [entry.entity for entry in trail(Action.DELETE)] == ["sample", "result"]
    with platform():
        assert Sample.objects.get(pk=card["id"]).deleted_by_id == cast.alice.user.pk


@pytest.mark.covers("001-US4-AS3", "001-FR-062", "001-FR-063", "C10")
def test_missing_rights_are_403_and_change_nothing(cast: Cast) -> None:
    card = sample(cast.bob)
    measured = result(cast.bob, card)

    for response in (
        cast.carol.post("/samples", TAP),
        cast.carol.put(f"/samples/{card['id']}", {"notes": "x"}),
        cast.carol.delete(f"/samples/{card['id']}"),
        cast.bob.delete(f"/samples/{card['id']}"),
        cast.carol.post(f"/samples/{card['id']}/results", NITRATE),
        cast.carol.patch(f"/results/{measured['id']}", {"value": 1}),
        cast.bob.delete(f"/results/{measured['id']}"),
    ):
        assert refusal(response)[:2] == (403, "PERMISSION_DENIED")
    assert stored(cast) == (1, 1)
    assert cast.bob.get(f"/samples/{card['id']}").json()["data"]["notes"] == ""


@pytest.mark.covers("C10", "001-FR-061")
def test_another_organisations_ids_are_unknown(cast: Cast, nobody: Person) -> None:
    card = sample(cast.bob)
    measured = result(cast.bob, card)
    mine = sample(cast.mallory)

    for response in (
        cast.mallory.get(f"/samples/{card['id']}"),
        cast.mallory.put(f"/samples/{card['id']}", {"notes": "x"}),
        cast.mallory.delete(f"/samples/{card['id']}"),
        cast.mallory.post("/samples", TAP | {"id": card["id"]}),
        cast.mallory.get(f"/samples/{card['id']}/results"),
        cast.mallory.post(f"/samples/{card['id']}/results", NITRATE),
        cast.mallory.post(f"/samples/{mine['id']}/results", NITRATE | {"id": measured["id"]}),
        cast.mallory.get(f"/results/{measured['id']}"),
        cast.mallory.put(f"/results/{measured['id']}", {"value": 1}),
        cast.mallory.delete(f"/results/{measured['id']}"),
        cast.bob.put(f"/results/{measured['id']}", {"sampleId": mine["id"]}),
        cast.mallory.get("/samples/7"),
        cast.mallory.get(f"/samples/{UNKNOWN}"),
        cast.mallory.get(f"/parameters/{UNKNOWN}"),
        cast.mallory.get(f"/standards/{UNKNOWN}"),
    ):
        assert refusal(response)[:2] == (404, "RESOURCE_NOT_FOUND")
    assert cast.bob.get(f"/samples/{card['id']}").json()["data"]["notes"] == ""
    assert cast.bob.get(f"/results/{measured['id']}").json()["data"] == measured
    assert [row["id"] for row in cast.mallory.get("/samples").json()["data"]] == [mine["id"]]
    for path in ("/samples", f"/samples/{card['id']}", f"/results/{measured['id']}", "/parameters", "/standards"):
        assert nobody.get(path).status_code == 401


@pytest.fixture
def three(cast: Cast) -> list[dict[str, Any]]:
    one = sample(cast.bob, location="Réservoir Aïn Chock", collectionDate="2026-10-31T23:30:00Z", collectorName="Amina")
    two = sample(cast.bob, location="بئر أحمد", type="groundwater", collectorName="Ünal", status="received")
    three = sample(cast.bob, location="Amina's farm 100%", collectionDate="2026-11-30T22:59:59Z", code="Q_7")
    result(cast.bob, one)
    result(cast.bob, two, value="1.00")
    return [one, two, three]


LISTS: list[Any] = [
    ("", [2, 1, 0]),
    ("order=asc&sort=collectionDate", [0, 1, 2]),
    ("sort=code", [2, 0, 1]),
    ("sort=location&order=desc", [1, 0, 2]),
    ("sort=updatedAt&order=desc", [1, 0, 2]),
    # November in Casablanca (UTC+1) begins at 23:00 UTC of 31 October and ends at 23:00 UTC of the 30th
    ("dateFrom=2026-11-01", [2, 1, 0]),
    ("dateFrom=2026-11-02&dateTo=2026-11-30", [2, 1]),
    ("dateTo=2026-11-29", [1, 0]),
    ("dateFrom=2026-11-30T22:59:59Z&dateTo=2026-11-30T22:59:59Z", [2]),
    ("dateTo=2026-11-30T22:59:58Z", [1, 0]),
    ("dateFrom=0001-01-01&dateTo=9999-12-31", [2, 1, 0]),
    ("type=groundwater", [1]),
    ("type=groundwater&type=drinking_water", [2, 1, 0]),
    ("location=AIN%20chock", [0]),
    ("location=%D8%A7%D8%AD%D9%85%D8%AF", [1]),
    ("location=amina", [2]),
    ("location=100%25", [2]),
    ("location=_", []),
    ("complianceStatus=fail", [0]),
    ("complianceStatus=fail&complianceStatus=pending", [2, 0]),
    ("status=received", [1]),
    ("standard=MA&verdict=FAIL", [0]),
    ("standard=MA&verdict=PASS", [1]),
    ("standard=MA", [1, 0]),
    ("verdict=FAIL", [0]),
    ("search=amina", [2, 0]),
    ("search=unal", [1]),
    ("search=q_7", [2]),
    ("search=S-2026-00", [1, 0]),
    ("search=chock%20amina", []),
    ("search=%20%20", [2, 1, 0]),
    ("page=2&limit=2", [0]),
    ("page=9", []),
    ("count=estimate", [2, 1, 0]),
]


@pytest.mark.covers("001-FR-016")
@pytest.mark.parametrize("text", ["marsa", "arsa", "MARSA%20dou", "arsa%20d"])
def test_a_text_is_found_inside_of_words_too(cast: Cast, text: str) -> None:
    inside = sample(cast.bob, location="Souk Almarsa Douar")
    begins = sample(cast.bob, location="Marsa Douar")
    sample(cast.bob, location="Dourmarsal")

    for name in ("search", "location"):
        found = {row["code"] for row in cast.bob.get(f"/samples?{name}={text}").json()["data"]}
        assert {inside["code"], begins["code"]} <= found, name
        assert len(found) == (2 if "%20" in text else 3)


@pytest.mark.covers("E001-004", "001-FR-010", "001-FR-015", "001-FR-016", "001-US1-AS3")
def test_list_filters_search_and_order(cast: Cast, three: list[dict[str, Any]]) -> None:
    sample(cast.mallory)

    for query, expected in LISTS:
        answer = cast.carol.get(f"/samples?{query}").json()

        assert [row["code"] for row in answer["data"]] == [three[index]["code"] for index in expected], query
        assert answer["meta"]["total"] == (3 if "page" in query else len(expected)), query


@pytest.mark.covers("001-FR-016")
def test_list_finds_an_id_and_shows_what_the_record_shows(cast: Cast, three: list[dict[str, Any]]) -> None:
    (found,) = cast.carol.get(f"/samples?search={three[0]['id'].upper()}").json()["data"]

    assert found == cast.carol.get(f"/samples/{three[0]['id']}").json()["data"]
    assert (found["complianceStatus"], found["resultCount"]) == ("fail", 1)
    assert found["verdicts"][0]["standard"] == "MA"


BAD_QUERIES: list[Any] = [
    ("dateFrom=yesterday", "dateFrom"),
    ("dateTo=2026-13-01", "dateTo"),
    ("type=lemonade", "type"),
    ("complianceStatus=x", "complianceStatus"),
    ("status=x", "status"),
    ("standard=XX", "standard"),
    ("verdict=x", "verdict"),
    ("sort=notes", "sort"),
    ("order=up", "order"),
    ("page=0", "page"),
    ("limit=201", "limit"),
    ("count=maybe", "count"),
    (f"search={'x' * 301}", "search"),
    ("search=%00", "search"),
]


@pytest.mark.covers("001-EDGE-03")
def test_bad_list_parameters_are_named(cast: Cast) -> None:
    for query, field in BAD_QUERIES:
        assert refusal(cast.carol.get(f"/samples?{query}")) == (400, "VALIDATION_ERROR", field), query


def queries(person: Person, path: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert person.get(path).status_code == 200
    return len(seen)


@pytest.mark.covers("001-SC-005")
def test_lists_ask_as_often_for_many_rows_as_for_few(cast: Cast) -> None:
    card = sample(cast.bob)
    result(cast.bob, card)
    paths = ["/samples?search=anfa", f"/samples/{card['id']}/results", "/parameters?limit=1", "/standards?limit=1"]
    few = [queries(cast.carol, path) for path in paths]
    for number in range(12):
        result(cast.bob, sample(cast.bob, code=f"N{number}"))
        result(cast.bob, card, parameterName="pH", value=7.2, unit="pH")

    paths[2:] = ["/parameters?limit=200", "/standards?limit=200"]
    assert [queries(cast.carol, path) for path in paths] == few


def test_estimated_total_counts_small_lists(cast: Cast, three: list[dict[str, Any]], monkeypatch: Any) -> None:
    assert cast.carol.get("/samples?count=estimate").json()["meta"]["totalEstimated"] is False
    monkeypatch.setattr("api.v1.lab.router.EXACT", 1)
    monkeypatch.setattr("portal.lab.selectors.COUNTED", 1)

    meta = cast.carol.get("/samples?count=estimate").json()["meta"]

    assert meta["totalEstimated"] is True
    assert meta["total"] >= 2


def test_long_lists_are_counted_once_for_each_state_of_the_data(
    cast: Cast, three: list[dict[str, Any]], monkeypatch: Any
) -> None:
    monkeypatch.setattr("portal.lab.selectors.COUNTED", 1)

    def total(path: str) -> int:
        return int(cast.carol.get(path).json()["meta"]["total"])

    counted = queries(cast.carol, "/samples")
    assert total("/samples") == len(three)
    assert queries(cast.carol, "/samples?page=1") < counted

    added = sample(cast.bob, code="KEPT-1", location="Anfa")
    assert total("/samples") == len(three) + 1
    assert total("/samples?search=kept") == 1
    assert cast.alice.delete(f"/samples/{added['id']}").status_code == 200
    assert total("/samples") == len(three)


# --- results ------------------------------------------------------------------


@pytest.mark.covers("E001-010", "E001-009", "001-FR-021", "001-FR-025", "C82", "001-ENT-02")
def test_nitrogen_becomes_nitrate_and_fails_end_to_end(cast: Cast) -> None:
    card = sample(cast.bob)

    made = cast.bob.post(f"/samples/{card['id']}/results", NITRATE | {"quantificationLimit": 0.5, "test_method": "ISO"})

    assert made.status_code == 201
    entered = made.json()["data"]
    expected = {
        "sampleId": card["id"], "parameterCode": "NO3", "value": 12, "valueText": "12.00", "qualifier": "=",
        "censoringLimit": None, "unit": "mg/L N", "normalizedValue": 53.124, "normalizedUnit": "mg/L NO3",
        "complianceStatus": "fail", "quantificationLimit": 0.5, "testMethod": "ISO", "dilutionFactor": 1,
    }  # fmt: skip
    assert expected.items() <= entered.items()
    legal = entered["verdicts"][0]
    assert legal == {
        "standard": "MA", "edition": "2020", "role": "legal", "provisional": False, "verdict": "FAIL",
        "reason": "ABOVE_LIMIT", "kind": "maximum", "lower": None, "upper": 50, "guidance": None,
        "comparedValue": 53.124, "unit": "mg/L NO3", "decisionRule": "simple_acceptance",
    }  # fmt: skip
    after = cast.carol.get(f"/samples/{card['id']}").json()["data"]
    assert (after["complianceStatus"], after["resultCount"]) == ("fail", 1)
    assert after["verdicts"][0] == {
        "standard": "MA", "edition": "2020", "verdict": "FAIL", "resultIds": [entered["id"]],
    }  # fmt: skip
    listing = cast.carol.get(f"/samples/{card['id']}/results").json()
    assert (listing["data"], listing["meta"]["total"]) == ([entered], 1)
    assert cast.carol.get(f"/results/{entered['id']}").json()["data"] == entered


VALUES: list[Any] = [
    ({"value": 7.20}, {"value": 7.2, "valueText": "7.2"}),
    ({"value": "<0.01"}, {"value": None, "censoringLimit": 0.01, "qualifier": "<", "valueText": "<0.01"}),
    ({"value": 0.01, "qualifier": "<"}, {"value": None, "censoringLimit": 0.01, "qualifier": "<"}),
    ({"value": "٠٫٠٥"}, {"value": 0.05}),
    ({"value": "0,05"}, {"value": 0.05, "valueText": "0,05"}),
    ({"valueText": "1.2e-5"}, {"value": 0.000012, "valueText": "1.2e-5"}),
    ({"value": "ND"}, {"value": None, "qualifier": "not_detected"}),
    ({"parameterName": "نترات"}, {"parameterCode": "NO3"}),
    ({"parameterName": "nitrate"}, {"parameterCode": "NO3"}),
    ({"unit": "mg/l as N"}, {"unit": "mg/L N"}),
    ({"unit": "mg/L"}, {"unit": "mg/L", "normalizedValue": 12, "complianceStatus": "pass"}),
]


@pytest.mark.covers("E001-010", "C83")
def test_values_are_read_as_laboratories_write_them(cast: Cast) -> None:
    path = f"/samples/{sample(cast.bob)['id']}/results"

    for change, expected in VALUES:
        usual = {name: value for name, value in NITRATE.items() if name != "value" or "valueText" not in change}
        made = cast.bob.post(path, usual | change)

        assert made.status_code == 201, made.content
        assert expected.items() <= made.json()["data"].items(), change
        assert made.json()["meta"] == {}


def test_decimals_stay_as_typed(cast: Cast) -> None:
    body = '{"parameterName": "pH", "value": 7.20, "unit": "pH"}'

    made = cast.bob.call("post", f"/samples/{sample(cast.bob)['id']}/results", body)

    assert made.json()["data"]["valueText"] == "7.20"


BAD_RESULTS: list[Any] = [
    ({"parameterName": "Unobtainium"}, "parameterName", "Unobtainium"),
    ({"parameterName": None}, "parameterName", ""),
    ({"parameterId": UNKNOWN}, "parameterId", ""),
    ({"parameterId": "x"}, "parameterId", ""),
    ({"unit": "furlong"}, "unit", "furlong"),
    ({"unit": "NTU"}, "unit", "NTU"),
    ({"unit": None}, "unit", ""),
    ({"value": None}, "value", ""),
    ({"value": "NaN"}, "value", ""),
    ({"value": "Infinity"}, "value", ""),
    ({"value": "1,000.5"}, "value", ""),
    ({"value": "much"}, "value", ""),
    ({"value": True}, "value", ""),
    ({"value": [1]}, "value", ""),
    ({"value": {"n": 1}}, "value", ""),
    ({"value": "9" * 5000}, "value", ""),
    ({"value": "1e400"}, "value", ""),
    ({"value": "1\0"}, "value", ""),
    ({"value": -1}, "value", "between 0 and 5000 mg/L NO3"),
    ({"value": 1e9}, "value", "between 0 and 5000 mg/L NO3"),
    ({"qualifier": "about"}, "qualifier", ""),
    ({"detectionLimit": -1}, "detectionLimit", ""),
    ({"dilutionFactor": 0}, "dilutionFactor", ""),
    ({"uncertainty": "x"}, "uncertainty", ""),
    ({"testDate": "x"}, "testDate", ""),
    ({"replacesId": UNKNOWN}, "replacesId", ""),
    ({"technicianName": "x" * 151}, "technicianName", ""),
]


@pytest.mark.covers("001-FR-024", "C81", "001-EDGE-03")
def test_bad_result_names_the_field_and_stores_nothing(cast: Cast) -> None:
    path = f"/samples/{sample(cast.bob)['id']}/results"

    for change, field, word in BAD_RESULTS:
        response = cast.bob.post(path, NITRATE | change)

        assert refusal(response) == (400, "VALIDATION_ERROR", field), change
        assert word in response.json()["errors"][0]["message"]
    assert stored(cast) == (1, 0)


@pytest.mark.covers("C72", "C66")
def test_repeated_result_is_entered_once(cast: Cast) -> None:
    card = sample(cast.bob)
    body = NITRATE | {"localSyncId": "r1"}

    first, again = (cast.bob.post(f"/samples/{card['id']}/results", body) for _ in range(2))

    assert (first.status_code, again.status_code, again.json()["data"]["id"]) == (201, 200, first.json()["data"]["id"])
    assert stored(cast) == (1, 1)
    keyed = [
        cast.bob.post(f"/samples/{card['id']}/results", NITRATE | {"value": value}, Idempotency_Key="k").status_code
        for value in (1, 1, 2)
    ]
    assert keyed == [201, 201, 409]


@pytest.mark.covers("E001-011", "001-FR-022", "001-US3-AS2", "C11")
def test_result_update_is_judged_anew_and_audited(cast: Cast, trail: Callable[..., Any]) -> None:
    card = sample(cast.bob)
    measured = result(cast.bob, card)

    changed = cast.bob.put(f"/results/{measured['id']}", {"value": "9.99", "reason": "typing error"})

    after = changed.json()["data"]
    assert (changed.status_code, after["valueText"], after["complianceStatus"]) == (200, "9.99", "pass")
    assert after["unit"] == "mg/L N"
    assert cast.bob.get(f"/samples/{card['id']}").json()["data"]["complianceStatus"] == "pass"
    (entry,) = trail(Action.UPDATE, entity="result")
    assert (entry.changes["value_text"], entry.reason) == (["12.00", "9.99"], "typing error")
    stale = cast.bob.patch(f"/results/{measured['id']}", {"value": 1, "version": measured["version"]})
    assert refusal(stale)[:2] == (409, "VERSION_CONFLICT")
    assert refusal(cast.bob.patch(f"/results/{measured['id']}", {"value": "x"})) == (400, "VALIDATION_ERROR", "value")
    assert cast.bob.get(f"/results/{measured['id']}").json()["data"] == after


@pytest.mark.covers("E001-012", "001-FR-023", "C09")
def test_result_delete_recomputes_the_sample(cast: Cast) -> None:
    card = sample(cast.bob)
    measured = result(cast.bob, card)

    gone = cast.alice.delete(f"/results/{measured['id']}", If_Match=f'"{measured["version"]}"')

    assert (gone.status_code, gone.json()["message"]) == (200, "Result deleted successfully.")
    assert refusal(cast.alice.delete(f"/results/{measured['id']}"))[:2] == (404, "RESOURCE_NOT_FOUND")
    after = cast.alice.get(f"/samples/{card['id']}").json()["data"]
    assert (after["complianceStatus"], after["resultCount"], after["verdicts"]) == ("pending", 0, [])


def test_retest_replaces_and_keeps(cast: Cast) -> None:
    card = sample(cast.bob)
    first = result(cast.bob, card)

    retest = result(cast.bob, card, value="2.00", replacesId=first["id"])

    rows = cast.bob.get(f"/samples/{card['id']}/results?sort=createdAt").json()["data"]
    assert [row["id"] for row in rows] == [first["id"], retest["id"]]
    assert cast.bob.get(f"/samples/{card['id']}").json()["data"]["complianceStatus"] == "pass"


# --- parameters and standards -------------------------------------------------


@pytest.mark.covers("C83", "001-ENT-03")
def test_parameters_tell_names_units_range_and_limits(cast: Cast) -> None:
    listing = cast.carol.get("/parameters?limit=200").json()
    nitrate = next(row for row in listing["data"] if row["code"] == "NO3")

    with platform():
        assert listing["meta"]["total"] == Parameter.objects.filter(organization=None).count() > 100
    assert (nitrate["unit"], nitrate["minValue"], nitrate["maxValue"]) == ("mg/L NO3", 0, 5000)
    assert (nitrate["whoThreshold"], nitrate["moroccanThreshold"]) == (50, 50)
    assert {"mg/L", "mg/L N"} <= set(nitrate["units"])
    assert nitrate["limits"][0]["standard"] == "MA"
    assert cast.carol.get(f"/parameters/{nitrate['id']}").json()["data"] == nitrate
    french = cast.carol.get(f"/parameters/{nitrate['id']}", Accept_Language="fr").json()["data"]
    assert french["name"] == nitrate["nameFr"]
    for query, code in (("search=NO3", "NO3"), ("search=نترات", None), ("search=14797-55-8", "NO3")):
        codes = [row["code"] for row in cast.carol.get(f"/parameters?{query}").json()["data"]]
        assert codes if code is None else code in codes
    groups = {row["group"] for row in cast.carol.get("/parameters?group=microbiological").json()["data"]}
    assert groups == {"microbiological"}


@pytest.mark.parametrize("unit_of", ["own", "every"])
def test_every_unit_that_a_parameter_offers_is_accepted(cast: Cast, unit_of: str) -> None:
    card = sample(cast.bob)
    rows = cast.carol.get("/parameters?limit=200").json()["data"]
    offers = [(row, row["unit"]) for row in rows[:40]] if unit_of == "own" else [(rows[7], u) for u in rows[7]["units"]]

    for row, unit in offers:
        value = 0 if row["minValue"] in (0, None) else row["minValue"]
        body = {"parameterId": row["id"], "value": value, "unit": unit}
        made = cast.bob.post(f"/samples/{card['id']}/results", body)
        assert made.status_code == 201, (row["code"], unit, made.content)


def test_an_organisations_own_parameter_is_its_own(cast: Cast) -> None:
    with tenant(cast.a.pk):
        Parameter.objects.create(organization=cast.a, code="OWN", name_en="Own", unit="mg/L")

    assert cast.carol.get("/parameters?search=OWN").json()["meta"]["total"] == 1
    (own,) = cast.carol.get("/parameters?search=OWN").json()["data"]
    assert own["limits"] == []
    assert cast.mallory.get("/parameters?search=OWN").json()["meta"]["total"] == 0
    assert refusal(cast.mallory.get(f"/parameters/{own['id']}"))[:2] == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.covers("001-FR-017")
def test_standards_tell_what_they_are_here_and_all_their_limits(cast: Cast) -> None:
    with tenant(cast.a.pk):
        StandardChoice.objects.create(organization=cast.a, key="EPA", role="")
        StandardChoice.objects.create(organization=cast.a, key="EU", role="legal")

    listing = cast.carol.get("/standards").json()["data"]

    assert [(row["key"], row["role"], row["defaultRole"], row["inUse"]) for row in listing] == [
        ("MA", "legal", "legal", True),
        ("WHO", "guideline", "guideline", True),
        ("EU", "legal", "information", True),
        ("EPA", None, "information", False),
    ]
    detail = cast.carol.get(f"/standards/{listing[0]['id']}").json()["data"]
    assert len(detail["limits"]) == detail["limitCount"] == listing[0]["limitCount"] > 20
    nitrate = next(row for row in detail["limits"] if row["parameterCode"] == "NO3")
    assert (nitrate["upper"], nitrate["unit"], nitrate["matrix"]) == (50, "mg/L NO3", "drinking")
    assert cast.mallory.get("/standards").json()["data"][3]["role"] == "information"
    with platform():
        assert Standard.objects.count() == 4


@pytest.mark.covers("001-FR-091", "001-US5-AS1", "001-SC-009", "001-SC-022")
def test_the_document_names_fields_as_the_wire_does(cast: Cast, nobody: Person) -> None:
    schemas = json.loads(nobody.get("/openapi.json").content)["components"]["schemas"]
    card = sample(cast.bob)
    measured = result(cast.bob, card)
    nitrate = cast.carol.get(f"/parameters/{measured['parameterId']}").json()["data"]
    standard = cast.carol.get("/standards").json()["data"][0]

    for name, shown in (
        ("SampleOut", card),
        ("ResultOut", measured),
        ("ResultVerdict", measured["verdicts"][0]),
        ("ParameterOut", nitrate),
        ("StandardOut", standard),
    ):
        assert set(schemas[name]["properties"]) == set(shown), name
        if "example" in schemas[name]:
            assert set(schemas[name]["example"]) == set(shown), name


@pytest.mark.covers("001-US5-AS4", "001-SC-010")
def test_the_documents_examples_work_as_they_stand(cast: Cast, nobody: Person) -> None:
    schemas = json.loads(nobody.get("/openapi.json").content)["components"]["schemas"]
    example = {name: schemas[name]["example"] for name in ("SampleIn", "ResultIn", "SampleChange", "ResultChange")}

    made = cast.bob.post("/samples", example["SampleIn"])
    entered = cast.bob.post(f"/samples/{made.json()['data']['id']}/results", example["ResultIn"])
    changes = {"version": entered.json()["data"]["version"]}
    changed = cast.bob.put(f"/results/{entered.json()['data']['id']}", example["ResultChange"] | changes)
    moved = cast.bob.patch(f"/samples/{made.json()['data']['id']}", example["SampleChange"])

    assert [answer.status_code for answer in (made, entered, changed, moved)] == [201, 201, 200, 200]
    assert "ignoredFields" not in made.json()["meta"] | entered.json()["meta"] | changed.json()["meta"]
