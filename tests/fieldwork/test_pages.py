"""Pages of projects and tasks: who opens what, what they say, and that a change shows."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import Invitation, User
from portal.core.projects import members, services
from portal.core.projects.models import Project, ProjectMember, Task
from portal.core.tenancy.scope import tenant
from portal.ui import panels
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, page

pytestmark = pytest.mark.django_db
# Who opens a page of a project that they see: role -> (project, its form, a task of theirs, form of it, list of tasks)
OPENS = {
    "Admin": (200, 200, 200, 200, 200),
    "Manager": (200, 200, 200, 200, 200),
    "Technician": (200, 403, 200, 403, 200),
    "Agent": (200, 403, 200, 403, 200),
    "Auditor": (200, 403, 200, 403, 200),
    "Viewer": (200, 403, 200, 403, 200),
    "SalesAgent": (200, 403, 403, 403, 403),
    "SupportAgent": (200, 403, 403, 403, 403),
}


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def a_project(user: User, **more: Any) -> UUID:
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        row, _new = services.project_create(data={"name": "رصد الآبار", **more}, by=user)
        return row["id"]  # type: ignore[no-any-return]


def a_task(user: User, **more: Any) -> UUID:
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        row, _new = services.task_create(data={"title": "قياس البئر", **more}, by=user)
        return row["id"]  # type: ignore[no-any-return]


@pytest.mark.covers("000-RBAC-02")
def test_who_opens_what(cast: Cast) -> None:
    project = a_project(cast.alice)
    for role, expected in OPENS.items():
        person = cast.person(role.lower(), role, cast.a)
        works = role in ("Admin", "Manager", "Technician", "Agent")
        given = {"assignedTo": str(person.pk)} if works else {}
        task = a_task(cast.alice, projectId=str(project), **given)
        client = page(person)
        urls = (f"/projects/{project}", f"/projects/{project}/edit", f"/tasks/{task}", f"/tasks/{task}/edit", "/tasks")

        assert tuple(client.get(url).status_code for url in urls) == expected, role
        assert client.get("/projects").status_code == 200
        with tenant(cast.a.pk, by=cast.alice.actor()):
            User.objects.filter(pk=person.pk).update(all_projects=False)
        assert client.get(urls[0]).status_code == 404, role
        if not works and expected[2] == 200:
            assert client.get(urls[2]).status_code == 404, role


def test_a_stranger_changes_nothing(cast: Cast) -> None:
    project, task = a_project(cast.alice), a_task(cast.alice)
    client = page(cast.mallory)

    for url in (
        f"/projects/{project}/edit", f"/projects/{project}/delete", f"/projects/{project}/members",
        f"/tasks/{task}/edit", f"/tasks/{task}/delete", f"/tasks/{task}",
    ):  # fmt: skip
        assert client.post(url, {"name": "x", "status": "completed"}).status_code == 404, url
    client.post(f"/tasks/{task}/move", {"status": "completed"})
    client.post("/tasks/bulk", {"ids": [str(task)], "priority": "urgent"})
    assert client.get(f"/tasks/new?project={project}").status_code == 404
    with tenant(cast.a.pk):
        found = Task.objects.get(pk=task)
        assert (found.status, found.priority, found.deleted_at) == ("pending", "medium", None)
        assert Project.objects.get(pk=project).deleted_at is None


def test_a_project_from_the_form_to_the_archive(cast: Cast) -> None:
    client = page(cast.alice)
    wrong = client.post("/projects/new", {"name": "", "status": "Draft"})
    upside = client.post(
        "/projects/new", {"name": "P", "status": "Draft", "start_date": "2026-03-02", "end_date": "2026-03-01"}
    )
    made = client.post(
        "/projects/new", {"name": "P", "status": "Draft", "start_date": "2026-03-01", "end_date": "2026-03-31"}
    )

    assert (wrong.status_code, upside.status_code, made.status_code) == (422, 422, 302)
    assert "End date must be after start date." in upside.content.decode()
    with tenant(cast.a.pk):
        project = Project.objects.get()
        assert project.end_date is not None
        assert project.end_date.isoformat() == "2026-03-31T23:59:59+00:00"
    url = f"/projects/{project.pk}"
    assert client.post(f"{url}/members", {"user": str(cast.bob.pk), "role_in_project": "سائق"}).status_code == 302
    assert "سائق" in client.get(f"{url}/members").content.decode()
    client.post(f"{url}/status", {"status": "Active"})
    told = client.post(f"{url}/status", {"status": "Draft"}, follow=True).content.decode()
    assert "Completed, Archived" in told
    stale = client.post(f"{url}/edit", {"name": "Q", "status": "Active", "version": str(project.version)})
    assert stale.status_code == 422
    assert "Save mine all the same" in stale.content.decode()
    kept = {"name": "Q", "status": "Active", "start_date": "2026-03-01", "end_date": "2026-03-31"}
    again = client.post(f"{url}/edit", kept | {"version": str(stale.context["form"].data["version"])})
    assert again.status_code == 302
    assert client.post(f"{url}/members/{cast.bob.pk}/remove").status_code == 302
    assert client.post(f"{url}/delete", {"reason": "over"}).status_code == 302
    assert client.get(url).status_code == 404
    with tenant(cast.a.pk):
        assert Project.objects.get().name == "Q"
        assert not ProjectMember.objects.exists()


def test_lists_filter_export_and_cost_the_same_for_more_rows(cast: Cast) -> None:
    project = a_project(cast.alice, status="Active")
    a_task(cast.alice, projectId=str(project), assignedTo=str(cast.bob.pk), dueDate="2020-01-01")
    client = page(cast.alice)
    client.get("/projects")

    with CaptureQueriesContext(connection) as one:
        client.get("/projects")
        client.get("/tasks")
    for number in range(5):
        a_task(cast.alice, title=f"t{number}", projectId=str(a_project(cast.alice, name=f"p{number}")))
    with CaptureQueriesContext(connection) as many:
        client.get("/projects")
        client.get("/tasks")
    assert len(one) == len(many)
    fragment = client.get(f"/tasks?late=yes&assignee={cast.bob.pk}", headers=FRAGMENT).content.decode()
    assert "قياس البئر" in fragment
    assert "t1" not in fragment
    assert "رصد الابار" not in client.get("/projects?q=xyz").content.decode()
    assert "رصد الآبار" in client.get("/projects?q=الابار&status=Active").content.decode()
    csv = b"".join(client.get("/tasks/export.csv?assignee=null").streaming_content).decode()  # type: ignore[attr-defined]
    assert csv.startswith("\ufefftitle,status,priority,")
    assert len(csv.splitlines()) == 6
    book = b"".join(client.get("/projects/export.xlsx").streaming_content)  # type: ignore[attr-defined]
    assert book.startswith(b"PK")
    assert client.get("/projects/export.pdf").status_code == 404
    assert page(cast.carol).get("/tasks/export.csv").status_code == 403


def test_a_task_is_made_worked_on_and_talked_about(cast: Cast) -> None:
    project = a_project(cast.alice)
    office, field = page(cast.alice), page(cast.bob)
    body = {"title": "T", "project": str(project), "assigned_to": str(cast.bob.pk), "priority": "high"}
    made = office.post("/tasks/new", body | {"due_date": "2020-01-02", "requirements": "one\n\ntwo"})
    url = made.headers["Location"]
    with tenant(cast.a.pk):
        task = Task.objects.get()
        assert (task.requirements, task.status, task.overdue) == (["one", "two"], "assigned", True)
        assert task.due_date is not None
        assert task.due_date.isoformat() == "2020-01-02T23:59:59+00:00"

    assert "T" in field.get("/").content.decode()
    mine = field.get("/tasks/mine")
    assert [group[0] for group in mine.context["groups"]] == ["late"]
    assert field.post(f"{url}/step", {"status": "in_progress"}).status_code == 302
    shown = field.get(url)
    assert "cancelled" not in [value for value, _word in shown.context["form"].fields["status"].choices]
    version = str(shown.context["form"].initial["version"])
    saved = field.post(url, {"status": "completed", "notes": "تم", "version": version})
    assert saved.status_code == 302
    field.post(f"{url}/comments", {"content": "المفتاح عند الحارس"})
    shown = office.get(url)
    assert "المفتاح عند الحارس" in shown.content.decode()
    comment = shown.context["comments"][0]
    assert page(cast.carol).post(f"{url}/comments/{comment.pk}/delete").status_code == 403
    assert office.post(f"{url}/comments/{comment.pk}/delete").status_code == 302
    assert "تم" in office.get(f"{url}/history").content.decode()
    edited = {"title": "U", "priority": "low", "project": str(project), "assigned_to": str(cast.bob.pk)}
    assert office.post(f"{url}/edit", edited).status_code == 302
    assert office.post(f"{url}/delete").status_code == 302
    assert field.get(url).status_code == 404


def test_board_calendar_and_bulk(cast: Cast) -> None:
    one, two = a_task(cast.alice, dueDate="2026-11-20"), a_task(cast.alice, status="completed")
    client = page(cast.alice, "ar")

    board = client.get("/tasks/board")
    assert {status: count for status, _label, count, _cards in board.context["columns"] if count} == {
        "pending": 1,
        "completed": 1,
    }
    moved = client.post(f"/tasks/{one}/move", {"status": "in_progress"}, headers=FRAGMENT)
    assert moved.status_code == 200
    assert "<html" not in moved.content.decode()
    refused = client.post(f"/tasks/{two}/move", {"status": "cancelled"}, headers=FRAGMENT)
    assert refused.status_code == 422
    assert "marsad:toast" in refused.headers["HX-Trigger"]
    month = client.get("/tasks/calendar?on=2026-11-03")
    assert month.context["total"] == 1
    assert (month.context["first"].isoformat(), month.context["last"].isoformat()) == ("2026-10-26", "2026-12-06")
    week = client.get("/tasks/calendar?on=2026-11-20&span=week&late=no")
    assert week.context["first"].isoformat() == "2026-11-16"
    assert client.get("/tasks/calendar?on=nonsense").status_code == 200
    outcome = client.post("/tasks/bulk", {"ids": [str(one), str(two), "x"], "assignee": str(cast.bob.pk)})
    assert (outcome.context["done"], outcome.context["failed"]) == (2, 1)
    assert client.post("/tasks/bulk", {"ids": [str(one)]}).status_code == 302
    assert page(cast.bob).post("/tasks/bulk", {"ids": [str(one)], "priority": "low"}).status_code == 403


def test_empty_pages_teach_the_next_step(cast: Cast) -> None:
    assert 'href="/projects/new"' in page(cast.alice).get("/projects").content.decode()
    assert 'href="/projects/new"' not in page(cast.bob).get("/projects").content.decode()
    for url in ("/tasks", "/tasks/board", "/tasks/calendar", "/tasks/mine"):
        assert page(cast.bob, "ar").get(url).status_code == 200, url


def test_people_are_given_projects_in_the_portal(cast: Cast) -> None:
    project, client = a_project(cast.alice), page(cast.alice)
    body = {"email": "new@test.invalid", "name": "New", "confined": "on", "projects": [str(project)]}
    with tenant(cast.a.pk):
        body["role"] = str(cast.bob.role_id)
    assert client.post("/users/new", body).status_code == 302
    assert client.post("/users/invitations/new", body | {"email": "other@test.invalid"}).status_code == 200

    with tenant(cast.a.pk):
        person = User.objects.get(email="new@test.invalid")
        assert not person.all_projects
        assert ProjectMember.objects.get().user_id == person.pk
        assert Invitation.objects.get().projects == [str(project)]
    listed = client.get(f"/users?project={project}").content.decode()
    assert "new@test.invalid" in listed
    assert "bob@test.invalid" not in listed
    edit = client.get(f"/users/{person.pk}/edit").context["form"]
    assert edit["projects"].value() == [project]
    body |= {"projects": [], "version": str(person.version)}
    assert client.post(f"/users/{person.pk}/edit", body).status_code == 302
    with tenant(cast.a.pk):
        assert not ProjectMember.objects.exists()


def test_other_apps_show_boxes_on_these_pages(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "_panels", {})
    box = panels.Panel(
        place="task", key="k", template="ui/offline.html", context=lambda request, record: {"label": record.title}
    )
    panels.register(box, panels.Panel(place="task", key="l", template="none.html", context=lambda *_: None))
    task = a_task(cast.alice)
    with tenant(cast.a.pk):
        members.Members().write(cast.bob, [])

    assert page(cast.alice).get(f"/tasks/{task}").content.decode().count('id="offline"') == 2
