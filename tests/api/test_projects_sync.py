"""Projects and tasks as synced collections, on both surfaces: made offline, sent twice, edited by two."""

from typing import Any
from uuid import uuid4

import pytest

from portal.core.projects.models import Task
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast
from tests.api.test_mobile import sign_in
from tests.api.test_projects import confine, data, project, task
from tests.api.test_sync import drained, item, pulled, pushed, statuses

pytestmark = pytest.mark.django_db


def entries_of(entries: list[dict[str, Any]], entity: str) -> dict[str, dict[str, Any]]:
    return {entry["entityId"]: entry for entry in entries if entry["entity"] == entity}


@pytest.mark.covers("000-SYNC-01", "000-SYNC-02")
def test_a_task_made_offline_arrives_once_on_both_surfaces(cast: Cast) -> None:
    made, bob = project(cast.alice), str(cast.bob.user.pk)
    id = str(uuid4())
    body = {"title": "صورة البئر", "projectId": made["id"], "assignedTo": bob, "localSyncId": "tablet/9"}
    created = item("task", body, id=id, idempotencyKey="k1", clientTimestamp="2026-01-01T08:00:00Z")

    first = pushed(cast.bob, created)
    again = pushed(cast.bob, created)
    app = sign_in(cast.bob, "lab-pc-7")
    over_mobile = app.applied({**created, "idempotencyKey": "k2"})

    assert statuses(first) == ["created"]
    assert statuses(again) == ["skipped"]
    assert [entry["entityId"] for entry in over_mobile["accepted"]] == [id]
    assert data(cast.bob.post("/tasks", {"title": "x", "localSyncId": "tablet/9"}))["id"] == id
    with tenant(cast.a.pk):
        assert Task.objects.count() == 1
    fed = entries_of(drained(cast.bob)[0], "task")[id]["data"]
    assert (fed["status"], fed["localSyncId"], fed["createdByUserId"]) == ("assigned", "tablet/9", bob)


def test_a_device_may_what_its_person_may(cast: Cast) -> None:
    mine, other = task(cast.alice, assignedTo=str(cast.bob.user.pk)), task(cast.alice)

    answer = pushed(
        cast.bob,
        item("task", {"status": "in_progress", "notes": "x"}, id=mine["id"], operation="updated"),
        item("task", {"status": "in_progress"}, id=other["id"], operation="updated"),
        item("task", {"title": "X", "assignedTo": str(cast.alice.user.pk)}),
        item("task", {}, id=mine["id"], operation="deleted", idempotencyKey="d"),
        item("project", {"name": "P"}),
        item("task", {"title": "X", "projectId": str(uuid4())}),
    )

    codes = [result["error"] and result["error"]["code"] for result in answer["results"]]
    assert codes == [
        None, "RESOURCE_NOT_FOUND", "PERMISSION_DENIED", "DUPLICATE", "PERMISSION_DENIED", "VALIDATION_ERROR",
    ]  # fmt: skip
    assert data(cast.alice.get(f"/tasks/{mine['id']}"))["notes"] == "x"
    assert data(cast.alice.get(f"/tasks/{other['id']}"))["status"] == "pending"
    jump = pushed(cast.bob, item("task", {"status": "assigned"}, id=mine["id"], operation="updated"))
    done = pushed(cast.bob, item("task", {"status": "submitted"}, id=mine["id"], operation="updated"))
    back = pushed(cast.bob, item("task", {"status": "assigned"}, id=mine["id"], operation="updated"))
    assert (statuses(jump), statuses(done)) == (["updated"], ["error"])
    assert back["results"][0]["status"] == "unchanged"


def test_two_edits_of_one_task_keep_the_loser(cast: Cast) -> None:
    todo = task(cast.alice, assignedTo=str(cast.bob.user.pk))
    data(cast.alice.patch(f"/tasks/{todo['id']}", {"priority": "urgent"}))

    refused = sign_in(cast.bob, "tablet").applied(
        item("task", {"notes": "old"}, id=todo["id"], operation="updated", clientVersion=todo["version"])
    )
    older = item(
        "task",
        {"notes": "older"},
        id=todo["id"],
        operation="updated",
        clientVersion=todo["version"],
        clientTimestamp="2020-01-01T00:00:00Z",
    )
    lost = pushed(cast.bob, older)

    assert [entry["reason"] for entry in refused["conflicts"]] == ["version_conflict"]
    assert refused["conflicts"][0]["serverData"]["priority"] == "urgent"
    assert statuses(lost) == ["conflict"]
    assert lost["conflicts"][0]["lostData"]["notes"] == "older"
    assert data(cast.alice.get(f"/tasks/{todo['id']}"))["notes"] == ""


def test_the_feed_follows_membership(cast: Cast) -> None:
    mine, other = project(cast.alice, name="Mine"), project(cast.alice, name="Other")
    todo = task(cast.alice, projectId=mine["id"], assignedTo=str(cast.bob.user.pk))
    hidden = task(cast.alice, projectId=mine["id"])
    confine(cast.bob, mine)

    entries, cursor = drained(cast.bob)
    assert set(entries_of(entries, "project")) == {mine["id"]}
    assert set(entries_of(entries, "task")) == {todo["id"]}

    # a task that is given to somebody else leaves the device; what it never held is not mentioned
    data(cast.alice.patch(f"/tasks/{todo['id']}", {"assignedTo": str(cast.alice.user.pk)}))
    data(cast.alice.patch(f"/tasks/{hidden['id']}", {"priority": "low"}))
    data(cast.alice.patch(f"/projects/{other['id']}", {"description": "x"}))
    task(cast.alice)
    changes = pulled(cast.bob, cursor)["changes"]
    gone = {entry["entityId"]: entry["operation"] for entry in changes}
    assert gone[todo["id"]] == "deleted"
    assert all(entry["operation"] == "deleted" and "title" not in entry["data"] for entry in changes)

    # another project in sight: the device fetches everything again
    data(cast.alice.post(f"/projects/{other['id']}/members", {"userId": str(cast.bob.user.pk)}), 201)
    answer = cast.bob.get(f"/sync/changes?deviceId=reader&cursor={cursor}")
    assert answer.status_code == 409
    assert set(entries_of(drained(cast.bob)[0], "project")) == {mine["id"], other["id"]}


def test_a_project_takes_its_tasks_along_and_brings_them_back(cast: Cast) -> None:
    made = project(cast.alice)
    todo, child = task(cast.alice, projectId=made["id"]), item("task", {"title": "late", "projectId": made["id"]})
    cast.alice.delete(f"/projects/{made['id']}")

    assert pushed(cast.alice, child)["results"][0]["error"]["field"] == "projectId"
    deleted = entries_of(drained(cast.alice)[0], "task")[todo["id"]]
    assert deleted["operation"] == "deleted"
    pushed(cast.alice, item("project", {"name": "again"}, id=made["id"], operation="updated"))
    assert data(cast.alice.get(f"/tasks/{todo['id']}"))["projectId"] == made["id"]
    # parent and child in one batch, the child first
    parent = str(uuid4())
    both = pushed(
        cast.alice, item("task", {"title": "t", "projectId": parent}), item("project", {"name": "P"}, id=parent)
    )
    assert statuses(both) == ["created", "created"]


@pytest.mark.covers("E001-007")
def test_a_sample_names_its_project(cast: Cast) -> None:
    made, other = project(cast.alice), project(cast.mallory)
    body = {
        "type": "drinking_water",
        "location": "Anfa",
        "collectionDate": "2026-03-20T09:15:00Z",
        "collectorName": "Amina",
    }
    sample = data(cast.bob.post("/samples", {**body, "projectId": made["id"]}), 201)
    data(cast.bob.post("/samples", body), 201)

    assert sample["projectId"] == made["id"]
    assert [row["id"] for row in data(cast.bob.get(f"/samples?projectId={made['id']}"))] == [sample["id"]]
    for wrong in (other["id"], str(uuid4()), "x"):
        answer = cast.bob.post("/samples", {**body, "projectId": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "projectId")
    assert data(cast.bob.patch(f"/samples/{sample['id']}", {"projectId": None}))["projectId"] is None
