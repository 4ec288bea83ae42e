"""Notifications on the wire: the example of specification 002 and what decisions add."""

from datetime import timedelta
from typing import Any

import pytest

from portal.core.common import clock
from portal.core.notifications import delivery
from portal.core.notifications.models import Delivery
from portal.core.tenancy.scope import platform
from tests.api.conftest import Cast
from tests.api.test_projects import data, refused

pytestmark = pytest.mark.django_db
PUSH = {"endpoint": "https://fcm.googleapis.com/fcm/send/d61c", "keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22}}


def example(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "title": "New Customer Assigned",
        "message": "You have been assigned a new customer: TechCorp Solutions",
        "type": "info",
        "recipients": [str(cast.bob.user.pk), str(cast.carol.user.pk)],
        "channels": ["email", "in_app"],
        "data": {"customerName": "TechCorp Solutions", "assignedBy": "Manager Name"},
        **more,
    }


@pytest.mark.covers("E002-111", "E002-112", "E002-113", "E002-114", "E002-115", "C14")
def test_a_message_reaches_its_people_and_each_reads_for_themselves(cast: Cast) -> None:
    sent = data(cast.alice.post("/notifications", example(cast)), 201)
    assert (sent["status"], sent["recipients"], sent["deliveries"]) == ("queued", 2, {"delivered": 2, "queued": 2})

    listed = cast.bob.get("/notifications").json()
    assert listed["meta"] == {"page": 1, "limit": 20, "total": 1, "totalPages": 1, "unread": 1}
    (mine,) = listed["data"]
    assert (mine["id"], mine["title"], mine["isRead"]) == (sent["id"], "New Customer Assigned", False)
    assert mine["data"]["customerName"] == "TechCorp Solutions"
    assert data(cast.bob.get("/notifications?search=techcorp&type=info&isRead=false"))
    assert data(cast.bob.get("/notifications?type=error")) == []

    assert data(cast.bob.patch(f"/notifications/{sent['id']}/read", {}))["isRead"] is True
    assert cast.carol.get("/notifications").json()["meta"]["unread"] == 1
    assert data(cast.carol.patch("/notifications/read-all", {})) == {"updated": 1}
    assert data(cast.bob.delete(f"/notifications/{sent['id']}")) is None
    assert refused(cast.bob.delete(f"/notifications/{sent['id']}"), 404)[0] == "RESOURCE_NOT_FOUND"
    assert len(data(cast.carol.get("/notifications"))) == 1
    for person in (cast.alice, cast.mallory, cast.root):  # not theirs
        assert refused(person.patch(f"/notifications/{sent['id']}/read", {}), 404)

    for wrong, field in (
        ({"title": ""}, "title"),
        ({"recipients": []}, "recipients"),
        ({"recipients": [str(cast.mallory.user.pk)]}, "recipients"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"type": "loud"}, "type"),
        ({"link": "https://evil.test/"}, "link"),
        ({"scheduledAt": "2024-01-01T12:00:00Z"}, "scheduledAt"),
    ):
        assert refused(cast.alice.post("/notifications", example(cast, **wrong)), 400) == ("VALIDATION_ERROR", field)
    assert refused(cast.bob.post("/notifications", example(cast)), 403)


@pytest.mark.covers("E002-121", "E002-122", "E002-123", "E002-126", "E002-127")
def test_the_queue_is_watched_stopped_and_tried_again(cast: Cast) -> None:
    when = clock.wire(clock.now() + timedelta(hours=1))
    later = data(cast.alice.post("/notifications", example(cast, scheduledAt=when)), 201)
    assert later["status"] == "scheduled"
    assert data(cast.bob.get("/notifications")) == []
    assert refused(cast.alice.post(f"/notifications/{later['id']}/retry"), 409)[0] == "NOT_FAILED"
    stopped = cast.alice.post(f"/notifications/{later['id']}/cancel").json()
    assert (stopped["data"]["status"], stopped["meta"]["cancelled"]) == ("cancelled", 4)
    assert refused(cast.alice.post(f"/notifications/{later['id']}/cancel"), 409)[0] == "NOT_WAITING"

    body = {"title": "Closed on Friday", "role": "technician", "everyone": False, "channels": ["in_app", "sms"]}
    many = data(cast.alice.post("/notifications/bulk", body), 201)
    assert (many["queued"], many["failed"]) == (1, 0)
    several = {"notifications": [example(cast), example(cast, recipients=[])]}
    assert data(cast.alice.post("/notifications/bulk", several), 201)["failed"] == 1
    delivery.work()

    rows = data(cast.alice.get(f"/notifications/queue?notificationId={many['notificationIds'][0]}"))
    assert {(row["channel"], row["status"], row["reason"]) for row in rows} == {
        ("in_app", "delivered", None),
        ("sms", "skipped", "no_address"),
    }
    assert {row["status"] for row in data(cast.alice.get("/notifications/queue?channel=email&status=sent"))} == {"sent"}
    with platform():
        Delivery.objects.filter(channel="email", status="sent").update(status="dead")
    message = data(cast.alice.get("/notifications/queue?status=dead"))[0]["notificationId"]
    again = data(cast.alice.post(f"/notifications/{message}/retry"))
    assert (again["status"], again["deliveries"]["queued"]) == ("queued", 2)

    stats = data(cast.alice.get("/notifications/stats"))
    assert stats["total"] == 10
    assert stats["byStatus"]["cancelled"] == 4
    assert stats["byChannel"]["sms"]["total"] == 1
    assert stats["queue"]["byStatus"]["queued"] == 2
    for path in ("queue", "stats"):
        assert refused(cast.bob.get(f"/notifications/{path}"), 403)
    assert data(cast.mallory.get("/notifications/queue")) == []
    assert refused(cast.mallory.post(f"/notifications/{message}/cancel"), 404)


@pytest.mark.covers("E002-116", "E002-117", "E002-118", "E002-119", "E002-120")
def test_templates_check_their_variables(cast: Cast) -> None:
    body = {
        "name": "Laboratory closed",
        "subject": "Closed on {{ day }}",
        "body": "Open again on {{ next }}.",
        "locale": "en",
        "variables": [{"name": "day", "type": "date"}, {"name": "next", "type": "date", "required": False}],
    }
    made = data(cast.alice.post("/notifications/templates", body), 201)
    assert (made["key"], made["shipped"], made["channels"]) == ("laboratory-closed", False, ["in_app", "email"])
    assert refused(cast.alice.post("/notifications/templates", body), 409)[0] == "DUPLICATE"
    for wrong in ({"body": "{{ nobody }}"}, {"subject": "{{ day"}, {"subject": ""}, {"channels": ["pigeon"]}):
        assert refused(cast.alice.post("/notifications/templates", {**body, "key": "other", **wrong}), 400)

    path = f"/notifications/templates/{made['id']}"
    arabic = {"texts": {"ar": {"*": {"subject": "مغلق يوم {{ day }}", "body": ""}}}, "version": 1}
    changed = data(cast.alice.put(path, arabic))
    assert (set(changed["texts"]), changed["version"]) == ({"en", "ar"}, 2)
    assert refused(cast.alice.put(path, arabic), 409)[0] == "VERSION_CONFLICT"

    people = {"recipients": [str(cast.bob.user.pk)]}
    for wrong, field in (
        ({}, "data.day"),
        ({"day": "2026-11-20", "pump": 7}, "data.pump"),
        ({"day": "soon"}, "data.day"),
    ):
        assert refused(cast.alice.post(f"{path}/send", {**people, "data": wrong}), 400)[1] == field
    assert (
        len(data(cast.alice.post(f"{path}/send", {**people, "data": {"day": "2026-11-20"}}), 201)["notificationIds"])
        == 1
    )
    assert data(cast.bob.get("/notifications"))[0]["title"].startswith("Closed on ")
    assert data(cast.alice.post(f"{path}/send", {"test": True}), 201) == {"notificationIds": []}
    twice = example(cast, templateId=made["id"], data={"day": "2026-11-20"})
    assert refused(cast.alice.post("/notifications", twice), 400)[1] == "title"
    assert data(cast.alice.delete(path)) is None
    assert refused(cast.alice.delete(path), 404)

    shipped = next(t for t in data(cast.alice.get("/notifications/templates")) if t["key"] == "device.new")
    assert (shipped["shipped"], shipped["changed"], set(shipped["texts"])) == (True, False, {"ar", "fr", "en"})
    path = f"/notifications/templates/{shipped['id']}"
    assert refused(cast.alice.put(path, {"subject": "{{ pump }}", "locale": "fr"}), 400)
    assert data(cast.alice.put(path, {"subject": "Appareil {{ device }}", "locale": "fr"}))["changed"] is True
    assert data(cast.alice.delete(path)) is None
    assert refused(cast.alice.delete(path), 409)
    assert refused(cast.bob.get("/notifications/templates"), 403)
    assert refused(cast.mallory.put(f"/notifications/templates/{made['id']}", {}), 404)


@pytest.mark.covers("E002-124", "E002-125", "E002-128", "E002-129")
def test_people_choose_what_reaches_them(cast: Cast) -> None:
    before = data(cast.bob.get("/notifications/preferences"))
    assert before["matrix"]["security"] == {"in_app": True, "email": True, "push": True, "sms": False}
    assert (before["quietHours"], before["digest"], before["timeZone"]) == (None, "off", None)
    said = {
        "matrix": {"announcements": {"email": False}},
        "quietHours": {"from": "22:00", "to": "07:00"},
        "digest": "daily",
        "timeZone": "Asia/Aden",
    }
    after = data(cast.bob.put("/notifications/preferences", said))
    assert after["matrix"]["announcements"]["email"] is False
    assert (after["quietHours"], after["digest"]) == ({"from": "22:00", "to": "07:00"}, "daily")
    for wrong, field in (
        ({"matrix": {"security": {"email": False}}}, "matrix.security.email"),
        ({"matrix": {"weather": {"email": False}}}, "matrix.weather"),
        ({"matrix": {"tasks": {"pigeon": True}}}, "matrix.tasks.pigeon"),
        ({"quietHours": {"from": "late"}}, "quietHours.from"),
        ({"digest": "never"}, "digest"),
        ({"timeZone": "Mars/Base"}, "timeZone"),
    ):
        assert refused(cast.bob.put("/notifications/preferences", wrong), 400) == ("VALIDATION_ERROR", field)
    assert data(cast.carol.get("/notifications/preferences"))["digest"] == "off"
    sent = data(cast.alice.post("/notifications", example(cast)), 201)
    assert sent["deliveries"] == {"delivered": 2, "queued": 1, "skipped": 1}

    first = data(cast.bob.post("/notifications/push/subscribe", PUSH), 201)
    assert len(first["publicKey"]) == 87
    assert data(cast.bob.post("/notifications/push/subscribe", PUSH), 201)["id"] == first["id"]
    assert data(cast.bob.post("/notifications/push/subscribe", {"token": "abc", "platform": "android"}), 201)
    for wrong in ({**PUSH, "endpoint": "https://10.0.0.1/x"}, {**PUSH, "keys": {}}, {}):
        assert refused(cast.bob.post("/notifications/push/subscribe", wrong), 400)
    for _again in range(2):
        assert data(cast.bob.post("/notifications/push/unsubscribe", {"endpoint": PUSH["endpoint"]})) is None

    blocked = data(cast.alice.post("/notifications/suppressions", {"address": "Bob@Example.test"}), 201)
    assert [row["address"] for row in data(cast.alice.get("/notifications/suppressions"))] == ["bob@example.test"]
    assert data(cast.alice.delete(f"/notifications/suppressions/{blocked['id']}")) is None
    complaint = {"address": "bob@example.test", "reason": "complaint"}
    held = data(cast.alice.post("/notifications/suppressions", complaint), 201)
    assert refused(cast.alice.delete(f"/notifications/suppressions/{held['id']}"), 409)[0] == "COMPLAINT"
    assert refused(cast.bob.get("/notifications/suppressions"), 403)
