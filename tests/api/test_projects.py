"""Projects and tasks on the wire: the examples of specifications 000 and 003, and what decisions C40 to C56 add."""

from typing import Any
from uuid import uuid4

import pytest

from portal.core.accounts.models import User
from portal.core.notifications.models import Event
from portal.core.projects.members import Members
from portal.core.projects.models import Project, ProjectMember
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import Cast, Person

pytestmark = pytest.mark.django_db
EXAMPLE = {
    "name": "Project Name",
    "description": "Project description",
    "startDate": "2026-02-01T00:00:00Z",
    "endDate": "2026-12-31T23:59:59Z",
}


def data(response: Any, status: int = 200) -> Any:
    body = response.json()
    assert response.status_code == status, body
    return body["data"]


def refused(response: Any, status: int) -> tuple[str, str | None]:
    body = response.json()
    assert response.status_code == status, body
    return body["errors"][0]["code"], body["errors"][0]["field"]


def project(person: Person, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = data(person.post("/projects", {**EXAMPLE, **more}), 201)
    return made


def task(person: Person, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = data(person.post("/tasks", {"title": "Read the meter", **more}), 201)
    return made


def confine(person: Person, *projects: dict[str, Any]) -> None:
    """Let a person see these projects alone."""
    with tenant(person.user.organization_id):  # type: ignore[arg-type]
        User.objects.filter(pk=person.user.pk).update(all_projects=False)
        Members().write(person.user, [p["id"] for p in projects])


@pytest.mark.covers(
    "E000-005",
    "E000-006",
    "E000-007",
    "E003-010",
    "E003-011",
    "E003-012",
    "000-API-01",
    "000-PAG-01",
    "003-PRJ-01",
    "003-TEN-06",
)
def test_the_examples_of_003(cast: Cast) -> None:
    made = project(cast.alice)
    assert {name: made[name] for name in EXAMPLE} == EXAMPLE
    assert made["status"] == "Draft"
    assert made["createdByUserId"] == str(cast.alice.user.pk)
    assert made["organizationId"] == str(cast.a.pk)
    assert made["createdAt"].endswith("Z")

    listed = cast.alice.get("/projects?status=Active").json()
    assert listed["data"] == []
    assert listed["meta"]["total"] == 0
    data(cast.alice.patch(f"/projects/{made['id']}", {"status": "active"}))
    listed = cast.alice.get("/projects?status=Active&page=1&limit=5").json()
    assert [row["id"] for row in listed["data"]] == [made["id"]]
    assert listed["meta"] | {"page": 1, "limit": 5, "total": 1, "totalPages": 1} == listed["meta"]
    assert data(cast.alice.get(f"/projects/{made['id']}"))["status"] == "Active"


@pytest.mark.covers("E003-010", "003-PRJ-02", "003-PRJ-03")
def test_end_must_be_after_start_and_bad_input_is_named(cast: Cast) -> None:
    upside_down = {**EXAMPLE, "endDate": EXAMPLE["startDate"]}
    answer = cast.alice.post("/projects", upside_down)
    assert refused(answer, 400) == ("VALIDATION_ERROR", "endDate")
    assert answer.json()["message"] == "End date must be after start date."
    for body, field in (
        ({}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "P", "startDate": "soon"}, "startDate"),
        ({"name": "P", "status": "Open"}, "status"),
        ({"name": "P", "metadata": "[1]"}, "metadata"),
        ({"name": "P", "memberIds": ["me"]}, "memberIds"),
        ({"name": "P", "memberIds": [str(cast.mallory.user.pk)]}, "memberIds"),
    ):
        assert refused(cast.alice.post("/projects", body), 400) == ("VALIDATION_ERROR", field)
    with tenant(cast.a.pk):
        assert not Project.objects.exists()


@pytest.mark.covers("E000-008", "E003-013", "C40", "C47")
def test_update_is_partial_optimistic_and_follows_the_ways_of_the_status(cast: Cast) -> None:
    made = project(cast.alice, metadata='{"region": "Souss"}', memberIds=[str(cast.bob.user.pk)])
    assert made["metadataObject"] == {"region": "Souss"}
    assert made["memberIds"] == [str(cast.bob.user.pk)]
    path = f"/projects/{made['id']}"

    changed = data(cast.alice.put(path, {"description": None, "version": made["version"]}))
    assert (changed["description"], changed["name"], changed["metadata"]) == ("", "Project Name", '{"region": "Souss"}')
    assert refused(cast.alice.patch(path, {"name": "Late", "version": made["version"]}), 409)[0] == "VERSION_CONFLICT"
    stale = cast.alice.patch(path, {"name": "Late"}, If_Match=f'"{made["version"]}"')
    assert refused(stale, 409)[0] == "VERSION_CONFLICT"

    assert data(cast.alice.patch(path, {"status": "Closed"}))["status"] == "Completed"
    assert [p["id"] for p in data(cast.alice.get("/projects?status=Closed"))] == [made["id"]]
    back = cast.alice.patch(path, {"status": "Draft"})
    assert refused(back, 422) == ("ILLEGAL_TRANSITION", "status")
    assert back.json()["meta"]["allowed"] == ["Active", "Archived"]
    assert refused(cast.alice.post(f"{path}/tasks", {"title": "Late"}), 400) == ("PROJECT_CLOSED", "projectId")


@pytest.mark.covers("E000-009", "E003-014", "000-DEL-01")
def test_delete_is_soft_and_takes_the_tasks(cast: Cast) -> None:
    made = project(cast.alice)
    todo = data(cast.alice.post(f"/projects/{made['id']}/tasks", {"title": "A"}), 201)

    answer = cast.alice.delete(f"/projects/{made['id']}")

    assert answer.status_code == 200
    assert answer.json()["message"] == "Project deleted successfully."
    assert cast.alice.delete(f"/projects/{made['id']}").status_code == 404
    assert cast.alice.get(f"/projects/{made['id']}").status_code == 404
    assert cast.alice.get(f"/tasks/{todo['id']}").status_code == 404
    with tenant(cast.a.pk):
        assert Project.objects.get(pk=made["id"]).deleted_by_id == cast.alice.user.pk


@pytest.mark.covers("000-RBAC-02", "000-RBAC-01", "E003-011", "003-ROLE-03", "C41")
def test_people_see_their_projects_and_only_the_office_writes(cast: Cast) -> None:
    mine, other = project(cast.alice, name="Mine"), project(cast.alice, name="Other")
    confine(cast.bob, mine)

    assert [p["name"] for p in data(cast.bob.get("/projects"))] == ["Mine"]
    assert cast.bob.get(f"/projects/{other['id']}").status_code == 404
    assert cast.bob.get(f"/projects/{other['id']}/tasks").status_code == 404
    assert cast.bob.post(f"/projects/{other['id']}/tasks", {"title": "X"}).status_code == 404
    assert refused(cast.bob.post("/tasks", {"title": "X", "projectId": other["id"]}), 400)[1] == "projectId"
    assert [p["name"] for p in data(cast.carol.get("/projects?sort=name"))] == ["Mine", "Other"]
    assert data(cast.mallory.get("/projects")) == []
    for person in (cast.bob, cast.carol):
        assert person.post("/projects", EXAMPLE).status_code == 403
        assert person.patch(f"/projects/{mine['id']}", {"name": "X"}).status_code == 403
        assert person.delete(f"/projects/{mine['id']}").status_code == 403
    assert cast.mallory.patch(f"/projects/{mine['id']}", {"name": "X"}).status_code == 404
    assert cast.carol.post("/tasks", {"title": "X"}).status_code == 403


def test_members(cast: Cast) -> None:
    made = project(cast.alice)
    path, bob = f"/projects/{made['id']}/members", str(cast.bob.user.pk)
    confine(cast.bob)

    added = data(cast.alice.post(path, {"userId": bob, "roleInProject": "Driver"}), 201)
    assert (added["userName"], added["role"], added["roleInProject"]) == ("Bob", "Technician", "Driver")
    assert cast.alice.post(path, {"userId": bob}).status_code == 200
    assert [m["userId"] for m in data(cast.bob.get(path))] == [bob]
    assert data(cast.alice.patch(f"{path}/{bob}", {"role": "Lead"}))["roleInProject"] == "Lead"
    after = data(cast.alice.get(f"/projects/{made['id']}"))
    assert after["memberIds"] == [bob]
    assert after["version"] > made["version"]
    # a change of members is no change of what another client may be editing
    data(cast.alice.patch(f"/projects/{made['id']}", {"name": "N", "version": made["version"]}))
    assert cast.alice.post(path, {"userId": str(cast.mallory.user.pk)}).status_code == 400

    assert cast.alice.delete(f"{path}/{bob}").status_code == 200
    assert cast.alice.delete(f"{path}/{bob}").status_code == 404
    assert data(cast.bob.get("/projects")) == []


@pytest.mark.covers("000-USR-01", "003-INV-03", "C42")
def test_membership_comes_with_people_and_invitations(cast: Cast) -> None:
    made = project(cast.alice)
    body = {"email": "driss@example.test", "name": "Driss", "role": "Agent", "password": "secret1"}

    driss = data(cast.alice.post("/users", {**body, "projectIds": [made["id"]]}), 201)

    assert driss["projectIds"] == [made["id"]]
    assert driss["allProjects"] is False
    stranger = {**body, "email": "x@example.test", "projectIds": [str(uuid4())]}
    assert refused(cast.alice.post("/users", stranger), 400) == ("VALIDATION_ERROR", "projectIds")
    invited = data(
        cast.alice.post("/invitations", {"email": "fatima@example.test", "role": "Agent", "projectIds": [made["id"]]}),
        201,
    )
    assert invited["projectIds"] == [made["id"]]
    joined = {"token": invited["token"], "name": "Fatima", "password": "secret12"}
    data(Person(User()).post("/invitations/accept", joined))
    with tenant(cast.a.pk):
        assert ProjectMember.objects.filter(project=made["id"]).count() == 2
    listed = data(cast.alice.get(f"/users?projectId={made['id']}&sort=name"))
    assert {"Driss", "Fatima"} <= {person["name"] for person in listed}
    stats = data(cast.root.get("/admin/dashboard/stats"))
    assert stats["projects"]["byStatus"]["draft"] == 1


@pytest.mark.covers("E000-010", "E000-011", "E000-012", "E000-013", "E000-014", "000-PAG-01")
def test_a_task_from_creation_to_deletion(cast: Cast) -> None:
    made, bob = project(cast.alice), str(cast.bob.user.pk)
    path = f"/projects/{made['id']}/tasks"

    todo = data(
        cast.alice.post(path, {"title": "Read", "assignedTo": bob, "dueDate": "2020-01-31", "priority": "urgent"}), 201
    )

    assert (todo["status"], todo["assignedToName"], todo["isOverdue"]) == ("assigned", "Bob", True)
    assert todo["projectId"] == made["id"]
    assert todo["dueDate"] == "2020-01-31T22:59:59Z"
    assert todo["assignedAt"]
    for query, found in (
        ("", 1), ("?status=assigned&priority=urgent", 1), ("?status=pending", 0), ("?overdue=true", 1),
        ("?assignedTo=none", 0), (f"?assignedTo={bob}", 1), ("?dueTo=2020-01-31&dueFrom=2020-01-31", 1),
        ("?dueFrom=2020-02-01", 0), ("?search=rEad", 1), ("?overdue=false", 0),
    ):  # fmt: skip
        assert cast.alice.get(path + query).json()["meta"]["total"] == found, query
    assert cast.alice.get(f"{path}?status=done").status_code == 400
    changed = data(cast.bob.put(f"/tasks/{todo['id']}", {"status": "in_progress", "notes": "على الطريق"}))
    assert (changed["status"], changed["notes"]) == ("in_progress", "على الطريق")
    assert data(cast.alice.patch(f"/tasks/{todo['id']}", {"status": "completed"}))["isOverdue"] is False
    jump = cast.alice.patch(f"/tasks/{todo['id']}", {"status": "cancelled"})
    assert refused(jump, 422)[0] == "ILLEGAL_TRANSITION"
    assert jump.json()["meta"]["allowed"] == ["in_progress", "submitted"]
    assert cast.bob.delete(f"/tasks/{todo['id']}").status_code == 403
    assert cast.alice.delete(f"/tasks/{todo['id']}").json()["message"] == "Task deleted successfully."
    assert cast.alice.get(f"/tasks/{todo['id']}").status_code == 404


@pytest.mark.covers("C55", "C56")
def test_status_and_assignee_go_together(cast: Cast) -> None:
    bob = str(cast.bob.user.pk)
    todo = task(cast.alice)
    path = f"/tasks/{todo['id']}"
    assert todo["status"] == "pending"

    assert refused(cast.alice.patch(path, {"status": "assigned"}), 400) == ("VALIDATION_ERROR", "assignedTo")
    assert data(cast.alice.patch(path, {"assigneeId": bob}))["status"] == "assigned"
    taken = data(cast.alice.patch(path, {"assignedTo": None}))
    assert (taken["status"], taken["assignedAt"]) == ("pending", None)
    data(cast.alice.patch(path, {"assignedTo": bob}))
    assert data(cast.alice.patch(path, {"status": "pending"}))["assignedTo"] is None
    assert refused(cast.alice.patch(path, {"assignedTo": str(cast.carol.user.pk)}), 400)[1] == "assignedTo"
    assert refused(cast.alice.patch(path, {"assignedTo": str(cast.mallory.user.pk)}), 400)[1] == "assignedTo"
    made = project(cast.alice)
    confine(cast.bob)
    inside = {"title": "X", "projectId": made["id"], "assignedTo": bob}
    assert refused(cast.alice.post("/tasks", inside), 400) == ("VALIDATION_ERROR", "assignedTo")


@pytest.mark.covers("000-RBAC-02")
def test_a_technician_changes_status_and_notes_of_own_tasks_alone(cast: Cast) -> None:
    bob = str(cast.bob.user.pk)
    mine, other = task(cast.alice, assignedTo=bob), task(cast.alice, assignedTo=str(cast.alice.user.pk))
    own = task(cast.bob, status="in_progress", assignedTo=bob, localSyncId="tablet/1")

    assert {row["id"] for row in data(cast.bob.get("/tasks"))} == {mine["id"], own["id"]}
    assert cast.bob.get(f"/tasks/{other['id']}").status_code == 404
    assert cast.bob.patch(f"/tasks/{other['id']}", {"status": "completed"}).status_code == 404
    for change in ({"title": "X"}, {"priority": "low"}, {"assignedTo": None}, {"status": "cancelled"}):
        assert cast.bob.patch(f"/tasks/{mine['id']}", change).status_code == 403, change
    assert cast.bob.post("/tasks", {"title": "X", "assignedTo": str(cast.alice.user.pk)}).status_code == 403
    # what did not change may stand in the body
    data(
        cast.bob.put(f"/tasks/{mine['id']}", {**mine, "status": "submitted", "notes": "done"} | {"status": "completed"})
    )
    assert cast.bob.post("/tasks/bulk-update", {"ids": [], "changes": {"priority": "low"}}).status_code == 403
    assert data(cast.alice.get(f"/tasks/{mine['id']}"))["title"] == "Read the meter"


@pytest.mark.covers("000-SYNC-01", "000-SYNC-02")
def test_a_create_that_is_repeated_makes_nothing_twice(cast: Cast) -> None:
    id = str(uuid4())
    first = task(cast.bob, localSyncId="tablet/7", id=id)

    again = data(cast.bob.post("/tasks", {"title": "Read the meter", "localSyncId": "tablet/7"}))

    assert first["id"] == id == again["id"]
    assert first["version"] == again["version"]
    assert data(cast.bob.post("/tasks", {"title": "Read the meter", "id": id}))["id"] == id
    assert cast.mallory.post("/tasks", {"title": "X", "id": id}).status_code == 404
    made = project(cast.alice, localSyncId="p1")
    assert data(cast.alice.post("/projects", {"name": "again", "localSyncId": "p1"}))["name"] == made["name"]


def test_bulk_answers_for_each(cast: Cast) -> None:
    bob = str(cast.bob.user.pk)
    one, done = task(cast.alice), task(cast.alice, status="completed")
    foreign = task(cast.mallory)

    answer = data(
        cast.alice.post(
            "/tasks/bulk-update",
            {
                "ids": [one["id"], done["id"], foreign["id"], "x"],
                "changes": {"status": "assigned", "assignedTo": bob},
            },
        )
    )

    assert (answer["succeeded"], answer["failed"]) == (1, 3)
    assert [(r["id"], r["error"] and r["error"]["code"]) for r in answer["results"]] == [
        (one["id"], None),
        (done["id"], "ILLEGAL_TRANSITION"),
        (foreign["id"], "RESOURCE_NOT_FOUND"),
        ("x", "RESOURCE_NOT_FOUND"),
    ]
    assert data(cast.alice.get(f"/tasks/{one['id']}"))["assignedTo"] == bob
    too_many = {"ids": [str(uuid4()) for _ in range(201)], "changes": {"priority": "low"}}
    assert cast.alice.post("/tasks/bulk-update", too_many).status_code == 413
    assert refused(cast.alice.post("/tasks/bulk-update", {"ids": [], "changes": {}}), 400)[1] == "changes"


def test_comments(cast: Cast) -> None:
    todo = task(cast.alice, assignedTo=str(cast.bob.user.pk))
    path = f"/tasks/{todo['id']}/comments"

    said = data(cast.bob.post(path, {"content": " المفتاح عند الحارس "}), 201)

    assert (said["content"], said["authorName"]) == ("المفتاح عند الحارس", "Bob")
    assert refused(cast.bob.post(path, {"content": " "}), 400)[1] == "content"
    assert cast.carol.post(path, {"content": "x"}).status_code == 403
    assert cast.mallory.get(path).status_code == 404
    assert cast.alice.patch(f"{path}/{said['id']}", {"content": "x"}).status_code == 403
    assert data(cast.bob.patch(f"{path}/{said['id']}", {"content": "y"}))["content"] == "y"
    assert cast.alice.delete(f"{path}/{said['id']}").status_code == 200
    assert cast.alice.get(path).json()["data"] == []
    other = task(cast.alice)
    assert cast.bob.get(f"/tasks/{other['id']}/comments").status_code == 404


@pytest.mark.covers("000-RT-01")
def test_events_reach_the_person_and_the_project(cast: Cast) -> None:
    made, bob = project(cast.alice, status="Active"), cast.bob.user.pk
    todo = data(cast.alice.post(f"/projects/{made['id']}/tasks", {"title": "T", "assignedTo": str(bob)}), 201)
    data(cast.bob.patch(f"/tasks/{todo['id']}", {"status": "in_progress"}))
    data(cast.alice.patch(f"/projects/{made['id']}", {"status": "Completed"}))

    with platform():
        told = list(
            Event.objects.exclude(type__endswith="s.changed")
            .exclude(type="notification.created")
            .order_by("at", "id")
            .values_list("type", "groups")
        )
    both = [f"user.{bob}", f"project.{made['id']}"]
    assert told == [("task.assigned", both), ("task.updated", both), ("project.status", [f"project.{made['id']}"])]
