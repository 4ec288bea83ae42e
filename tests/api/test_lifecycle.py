"""The life of samples over the API: transitions, custody, retests, requested analyses, labels."""

from typing import Any

import pytest

from portal.core.tenancy.scope import tenant
from portal.lab.models import Parameter
from tests.api.conftest import Cast
from tests.api.test_lab import UNKNOWN, refusal, result, sample

pytestmark = pytest.mark.django_db


def to(person: Any, of: dict[str, Any], target: str, **more: Any) -> Any:
    return person.post(f"/samples/{of['id']}/transitions", {"to": target, **more})


@pytest.mark.covers("C84")
def test_a_sample_goes_from_receipt_to_disposal(cast: Cast) -> None:
    made = sample(cast.bob)
    arrived = to(cast.bob, made, "received", condition="intact", temperature=4.5, givenBy="Amina", place="Reception")
    result(cast.bob, made, value="12")
    assert to(cast.bob, made, "completed").status_code == 200

    denied = to(cast.bob, made, "validated")
    done = [to(cast.alice, made, target).status_code for target in ("validated", "approved", "reported")]
    final = to(cast.bob, made, "disposed", note="Autoclaved")

    assert (arrived.status_code, arrived.json()["data"]["status"]) == (200, "received")
    assert arrived.json()["data"]["receivedAt"] is not None
    assert arrived["ETag"] == f'"{arrived.json()["data"]["version"]}"'
    assert refusal(denied)[:2] == (403, "PERMISSION_DENIED")
    assert done == [200, 200, 200]
    assert final.json()["data"]["status"] == "disposed"
    life = cast.carol.get(f"/samples/{made['id']}/transitions").json()["data"]
    assert (life["status"], life["allowed"]) == ("disposed", [])
    assert [step["to"] for step in life["steps"]] == [
        "received", "completed", "validated", "approved", "reported", "disposed",
    ]  # fmt: skip
    custody = cast.carol.get(f"/samples/{made['id']}/custody").json()["data"]
    assert [(entry["kind"], entry["from"], entry["to"], entry["temperature"]) for entry in custody] == [
        ("received", "Amina", "Bob", 4.5), ("disposed", None, None, None),
    ]  # fmt: skip


def test_refusals_of_a_transition_say_what_to_do(cast: Cast) -> None:
    made = sample(cast.bob)

    illegal = to(cast.alice, made, "approved")
    silent = to(cast.bob, made, "rejected")
    unknown = to(cast.bob, made, "lost")
    stale = to(cast.bob, made, "received", version=0)
    hot = to(cast.bob, made, "received", temperature=400)

    assert refusal(illegal) == (422, "ILLEGAL_TRANSITION", "to")
    assert illegal.json()["meta"]["allowed"] == ["received", "in_progress", "completed", "rejected"]
    assert refusal(silent) == (400, "VALIDATION_ERROR", "reason")
    assert refusal(unknown)[:2] == (400, "VALIDATION_ERROR")
    assert refusal(stale)[:2] == (409, "VERSION_CONFLICT")
    assert refusal(hot) == (400, "VALIDATION_ERROR", "temperature")
    assert refusal(to(cast.carol, made, "received"))[0] == 403
    assert refusal(to(cast.mallory, made, "received"))[0] == 404
    assert cast.bob.get(f"/samples/{made['id']}").json()["data"]["status"] == "registered"


@pytest.mark.covers("C84")
def test_many_samples_go_a_step_on_each_for_itself(cast: Cast) -> None:
    one, two, done = (sample(cast.bob) for _n in range(3))
    to(cast.bob, done, "received")
    body = {"ids": [one["id"], two["id"], done["id"], UNKNOWN, one["id"]], "to": "received", "givenBy": "Amina"}

    told = cast.bob.post("/samples/bulk-transition", body).json()["data"]

    assert (told["succeeded"], told["failed"]) == (2, 2)
    assert [(row["status"], row["success"], row["error"] and row["error"]["code"]) for row in told["results"]] == [
        ("received", True, None), ("received", True, None), ("received", False, "ILLEGAL_TRANSITION"),
        (None, False, "RESOURCE_NOT_FOUND"),
    ]  # fmt: skip
    assert [row["code"] for row in told["results"][:2]] == [one["code"], two["code"]]
    [entry] = cast.carol.get(f"/samples/{two['id']}/custody").json()["data"]
    assert (entry["kind"], entry["from"]) == ("received", "Amina")
    denied = cast.carol.post("/samples/bulk-transition", {"ids": [one["id"]], "to": "in_progress"}).json()["data"]
    assert denied["results"][0]["error"]["code"] == "PERMISSION_DENIED"
    foreign = cast.mallory.post("/samples/bulk-transition", {"ids": [one["id"]], "to": "in_progress"}).json()["data"]
    assert foreign["results"][0]["error"]["code"] == "RESOURCE_NOT_FOUND"
    silent = cast.bob.post("/samples/bulk-transition", {"ids": [one["id"]], "to": "rejected"}).json()["data"]
    assert silent["results"][0]["error"]["code"] == "VALIDATION_ERROR"
    assert refusal(cast.bob.post("/samples/bulk-transition", {"ids": [one["id"]], "to": "lost"}))[0] == 400
    assert refusal(cast.bob.post("/samples/bulk-transition", {"ids": [one["id"]] * 201, "to": "received"}))[0] == 400
    assert cast.bob.get(f"/samples/{one['id']}").json()["data"]["status"] == "received"


@pytest.mark.covers("E001-007", "C84")
def test_the_status_field_obeys_the_same_machine(cast: Cast) -> None:
    made = sample(cast.bob)
    result(cast.bob, made)

    assert cast.bob.put(f"/samples/{made['id']}", {"status": "completed"}).status_code == 200
    denied = cast.bob.put(f"/samples/{made['id']}", {"status": "validated"})
    illegal = cast.alice.put(f"/samples/{made['id']}", {"status": "approved"})
    born = cast.bob.post("/samples", made | {"id": None, "code": "A-1", "status": "approved"})
    assert cast.alice.put(f"/samples/{made['id']}", {"status": "validated"}).status_code == 200
    locked = cast.alice.post(f"/samples/{made['id']}/results", {"parameterName": "PH", "value": 7, "unit": "pH unit"})

    assert refusal(denied) == (403, "PERMISSION_DENIED", "status")
    assert refusal(illegal) == (422, "ILLEGAL_TRANSITION", "status")
    assert illegal.json()["meta"]["allowed"] == ["registered", "received", "in_progress", "validated", "rejected"]
    assert refusal(born) == (403, "PERMISSION_DENIED", "status")
    assert refusal(locked)[:2] == (409, "SAMPLE_LOCKED")


def test_custody_is_added_and_printed(cast: Cast) -> None:
    made = sample(cast.bob)
    body = {"kind": "handed_over", "at": "2026-11-20T10:00:00Z", "from": "Amina", "to": "Youssef", "place": "Van 3"}

    added = cast.bob.post(f"/samples/{made['id']}/custody", body)
    nameless = cast.bob.post(f"/samples/{made['id']}/custody", {"kind": "handed_over"})
    odd = cast.bob.post(f"/samples/{made['id']}/custody", {"kind": "stored", "condition": "fine"})
    placeless = [
        cast.bob.post(f"/samples/{made['id']}/custody", body | {"at": at})
        for at in ("2026-11-20T10:00:00", "2026-11-20", "20261120", 1)
    ]
    pdf = cast.carol.get(f"/samples/{made['id']}/custody/pdf")

    assert added.status_code == 201
    assert {name: added.json()["data"][name] for name in body} == body
    assert refusal(nameless) == (400, "VALIDATION_ERROR", "to")
    assert refusal(odd) == (400, "VALIDATION_ERROR", "condition")
    assert {refusal(answer) for answer in placeless} == {(400, "VALIDATION_ERROR", "at")}  # no offset, no moment
    assert refusal(cast.carol.post(f"/samples/{made['id']}/custody", body))[0] == 403
    assert refusal(cast.bob.post(f"/samples/{UNKNOWN}/custody", body))[0] == 404
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert len(cast.bob.get(f"/samples/{made['id']}/custody").json()["data"]) == 1


@pytest.mark.covers("E001-010")
def test_a_retest_is_asked_for_answered_and_withdrawn(cast: Cast) -> None:
    made = sample(cast.bob)
    old = result(cast.bob, made, value="60", unit="mg/L")
    other = result(cast.bob, made, parameterName="PH", value="7", unit="pH unit")

    asked = cast.bob.post(f"/results/{old['id']}/retests", {"reason": "Duplicates differ"})
    twice = cast.bob.post(f"/results/{old['id']}/retests", {"reason": "again"})
    taken = cast.bob.post(f"/results/{other['id']}/retests", {"reason": "by mistake"}).json()["data"]
    back = cast.bob.delete(f"/retests/{taken['id']}")
    new = result(cast.bob, made, value="40", unit="mg/L", replacesId=old["id"])

    assert (asked.status_code, asked.json()["data"]["state"]) == (201, "open")
    assert refusal(twice)[:2] == (409, "DUPLICATE")
    assert back.json()["data"]["state"] == "withdrawn"
    assert new["replacesId"] == old["id"]
    states = {row["resultId"]: row["state"] for row in cast.carol.get(f"/samples/{made['id']}/retests").json()["data"]}
    assert states == {old["id"]: "done", other["id"]: "withdrawn"}
    assert cast.bob.get(f"/samples/{made['id']}").json()["data"]["complianceStatus"] == "pass"
    assert refusal(cast.bob.delete(f"/retests/{asked.json()['data']['id']}"))[0] == 409
    assert refusal(cast.mallory.delete(f"/retests/{taken['id']}"))[0] == 404


def test_analyses_are_asked_for_and_run_out(cast: Cast) -> None:
    made = sample(cast.bob)
    with tenant(cast.a.pk):
        ecoli = Parameter.objects.get(organization=None, code="ECOLI")

    put = cast.bob.put(f"/samples/{made['id']}/analyses", {"parameterIds": [str(ecoli.pk)]})
    wrong = cast.bob.put(f"/samples/{made['id']}/analyses", {"parameterIds": [UNKNOWN]})

    (row,) = put.json()["data"]
    assert (row["parameterCode"], row["measured"], row["holdingHours"]) == ("ECOLI", False, ecoli.holding_hours)
    assert refusal(wrong) == (400, "VALIDATION_ERROR", "parameterIds")
    due = cast.carol.get("/analyses/due?search=anfa").json()
    assert (due["meta"]["total"], due["data"][0]["sampleCode"]) == (1, made["code"])
    assert cast.mallory.get("/analyses/due").json()["data"] == []
    begin = f"/samples/{made['id']}/analyses/{ecoli.pk}/start"
    assert cast.bob.post(begin).json()["data"][0]["startedAt"] is not None
    assert refusal(cast.bob.post(begin))[:2] == (409, "DUPLICATE")
    assert refusal(cast.bob.post(begin.replace(str(ecoli.pk), UNKNOWN)))[0] == 404
    assert cast.carol.get("/analyses/due").json()["data"] == []


def test_labels_come_as_pdf(cast: Cast) -> None:
    made = sample(cast.bob)

    sheet = cast.carol.get(f"/samples/labels?id={made['id']}&sheet=a4-14&start=3&symbol=code128&language=ar")
    wrong = cast.carol.get(f"/samples/{made['id']}/label?sheet=a4-14&start=15")

    assert (sheet.status_code, sheet["Content-Type"], sheet.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert refusal(wrong) == (400, "VALIDATION_ERROR", "start")
    assert refusal(cast.mallory.get(f"/samples/labels?id={made['id']}"))[0] == 404
