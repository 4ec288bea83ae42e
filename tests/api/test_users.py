"""People, roles and rights over the API (000, 001 FR-040 to FR-044, 002 users; C29 to C36)."""

import csv
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from openpyxl import load_workbook
from PIL import Image

from portal.core.accounts import projects, signals, tokens
from portal.core.accounts.models import Avatar, Device, RefreshToken, Role, User
from portal.core.accounts.permissions import Permission
from portal.core.accounts.selectors.people import narrow
from portal.core.accounts.services.people import user_update
from portal.core.audit.models import Action
from portal.core.common.errors import DomainError
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import PASSWORD, Cast, Person

pytestmark = pytest.mark.django_db


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


def fields(response: Any) -> list[str]:
    return [error["field"] for error in response.json()["errors"]]


def person_of(user: User) -> Person:
    return Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})


def fresh(user: User) -> User:
    with platform():
        return User.objects.select_related("role", "organization").get(pk=user.pk)


# --- list -----------------------------------------------------------------------------------


@pytest.mark.covers("E000-021", "E001-014", "E002-075", "E003-008", "001-FR-040")
def test_list_is_the_organisation_and_nothing_else(cast: Cast) -> None:
    response = cast.alice.get("/users")

    assert response.status_code == 200
    assert [row["name"] for row in response.json()["data"]] == ["Alice", "Bob", "Carol"]
    assert response.json()["meta"] == {"page": 1, "limit": 20, "total": 3, "totalPages": 1}
    first = response.json()["data"][0]
    assert (first["role"], first["isActive"], first["status"]) == ("Admin", True, "active")
    assert first["organizationId"] == first["tenantId"] == str(cast.a.pk)
    assert "password" not in json.dumps(first)


@pytest.mark.covers("E002-075")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("role=technician", ["Bob"]),
        ("role=FieldTechnician", ["Bob"]),
        ("search=ALI", ["Alice"]),
        ("search=bob@example", ["Bob"]),
        ("search=احمد", ["أحمد Hélène"]),
        ("search=helene", ["أحمد Hélène"]),
        ("search=%25", []),
        ("status=inactive", ["أحمد Hélène"]),
        ("isActive=false", ["أحمد Hélène"]),
        ("department=oujda", ["أحمد Hélène"]),
        ("mfaEnabled=true", []),
        ("sort=email&order=desc&limit=2", ["أحمد Hélène", "Carol"]),
        ("limit=2&page=2", ["Carol", "أحمد Hélène"]),
    ],
)
def test_list_filters_searches_and_sorts(cast: Cast, query: str, expected: list[str]) -> None:
    with tenant(cast.a.pk):
        User.objects.create(
            organization=cast.a, name="أحمد Hélène", email="z@example.test", department="Oujda", is_active=False,
            role=cast.carol.user.role,
        )  # fmt: skip

    response = cast.alice.get(f"/users?{query}")

    assert [row["name"] for row in response.json()["data"]] == expected


@pytest.mark.covers("E002-075")
@pytest.mark.parametrize("query", ["limit=0", "limit=201", "page=0", "sort=password", "status=x", "isActive=x"])
def test_list_refuses_bad_queries(cast: Cast, query: str) -> None:
    assert code(cast.alice.get(f"/users?{query}")) == (400, "VALIDATION_ERROR")


@pytest.mark.covers("003-TEN-05")
def test_superadmin_sees_all_or_one_and_is_audited(cast: Cast, trail: Any) -> None:
    everywhere = cast.root.get("/users?limit=200").json()["data"]
    only_b = cast.root.get("/users", X_Tenant_ID=str(cast.b.pk)).json()["data"]

    assert {row["organizationId"] for row in everywhere} == {str(cast.a.pk), str(cast.b.pk), None}
    assert [row["name"] for row in only_b] == ["Mallory"]
    assert len(trail(Action.SUPPORT_ACCESS)) == 2


def test_ten_more_people_cost_no_more_queries(cast: Cast, django_assert_max_num_queries: Any) -> None:
    with tenant(cast.a.pk):
        role = cast.carol.user.role
        User.objects.bulk_create(
            User(organization=cast.a, name=f"N{n}", email=f"n{n}@x.test", role=role) for n in range(50)
        )
    with django_assert_max_num_queries(9):
        assert len(cast.alice.get("/users?limit=200").json()["data"]) == 53


# --- create, read, change, remove -------------------------------------------------------------


@pytest.mark.covers(
    "E000-002", "E000-022", "E001-015", "E002-077", "001-FR-041", "001-FR-044", "000-USR-01", "C25", "C26", "C29"
)
@pytest.mark.parametrize("path", ["/users", "/auth/register"])
@pytest.mark.parametrize("role", ["Admin", "Technician", "Viewer", "agent", "Administrator"])
def test_admin_creates_a_person_who_can_sign_in(cast: Cast, nobody: Person, trail: Any, path: str, role: str) -> None:
    response = cast.alice.post(
        path,
        {
            "name": "John",
            "email": "John@Example.test",
            "role": role,
            "password": "secret2",
            "permissions": ["read", "audit.view"],
        },
    )

    assert response.status_code == 201
    data = response.json()["data"]
    assert data["role"] == {"agent": "Agent", "Administrator": "Admin"}.get(role, role)
    assert (data["email"], data["organizationId"]) == ("john@example.test", str(cast.a.pk))
    assert "audit.view" in data["permissions"]
    assert nobody.post("/auth/login", {"email": "john@example.test", "password": "secret2"}).status_code == 200
    created = [entry for entry in trail(Action.CREATE, entity="user") if entry.object_pk == data["id"]]
    assert [entry.actor_id for entry in created] == [cast.alice.user.pk]
    assert "password" not in created[0].changes


@pytest.mark.covers("E002-077", "003-AUTH-09", "C33")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"email": "no"}, "email"),
        ({"email": None}, "email"),
        ({"password": "short"}, "password"),
        ({"role": "Emperor"}, "role"),
        ({"role": "SuperAdmin"}, "role"),
        ({"permissions": ["fly"]}, "permissions"),
        ({"permissions": ["users.view:own"]}, "permissions"),
        ({"username": "alice@example.test"}, "username"),
        ({"language": "de"}, "language"),
        ({"avatar": "javascript:alert(1)"}, "avatar"),
        ({"projectIds": [str(uuid4())]}, "projectIds"),
        ({"projectIds": "x"}, "projectIds"),
        ({"name": "x" * 151}, "name"),
    ],
)
def test_create_names_the_field_at_fault_and_writes_nothing(cast: Cast, change: dict[str, Any], expected: str) -> None:
    with platform():
        count = User.objects.count()

    response = cast.alice.post("/users", {"email": "n@example.test", "password": "secret2", "name": "N", **change})

    assert code(response) == (400, "VALIDATION_ERROR")
    assert fields(response) == [expected]
    with platform():
        assert User.objects.count() == count


@pytest.mark.covers("E002-077")
def test_addresses_are_unique_on_the_platform_in_any_case(cast: Cast) -> None:
    own = cast.alice.post("/users", {"email": "BOB@example.test", "password": "secret2"})
    foreign = cast.alice.post("/users", {"email": "mallory@example.test", "password": "secret2"})
    name = cast.alice.post("/users", {"email": "new@example.test", "username": "Mallory", "password": "secret2"})

    assert code(own) == code(foreign) == code(name) == (409, "DUPLICATE")
    assert (fields(own), fields(name)) == (["email"], ["username"])


@pytest.mark.covers("E002-077", "003-TEN-02")
def test_organisation_in_the_body_is_the_superadmins_alone(cast: Cast) -> None:
    body = {"email": "n@example.test", "password": "secret2", "organizationId": str(cast.b.pk)}

    assert cast.alice.post("/users", body).json()["data"]["organizationId"] == str(cast.a.pk)
    made = cast.root.post("/users", {**body, "email": "m@example.test"})
    assert made.json()["data"]["organizationId"] == str(cast.b.pk)
    assert code(cast.root.post("/users", {"email": "k@example.test"})) == (400, "TENANT_REQUIRED")


@pytest.mark.covers("E000-023", "E002-076", "003-TEN-03")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""), ("put", ""), ("patch", ""), ("delete", ""), ("put", "/role"), ("patch", "/status"),
        ("post", "/reset-password"), ("get", "/activity"), ("get", "/permissions"), ("put", "/permissions"),
        ("get", "/permissions/users.view"), ("delete", "/avatar"), ("delete", "/mfa"), ("get", "/sessions"),
        ("delete", "/sessions"), ("get", "/devices"),
    ],
)  # fmt: skip
def test_another_organisations_person_is_not_there(cast: Cast, method: str, path: str) -> None:
    foreign = fresh(cast.mallory.user)

    for id in (foreign.pk, uuid4()):
        body = {"role": "Viewer"} if path == "/role" else {}
        assert cast.alice.call(method, f"/users/{id}{path}", body).status_code == 404
    after = fresh(cast.mallory.user)
    assert (after.version, after.token_epoch, after.is_active) == (foreign.version, foreign.token_epoch, True)


@pytest.mark.covers("E000-024", "E001-016", "E002-078", "001-FR-042")
@pytest.mark.parametrize("method", ["put", "patch"])
def test_update_is_partial_and_locks_optimistically(cast: Cast, trail: Any, method: str) -> None:
    path = f"/users/{cast.bob.user.pk}"
    first = cast.alice.call(method, path, {"name": "Robert", "department": "Fès", "version": 1})
    stale = cast.alice.call(method, path, {"name": "Bobby", "version": 1})
    header = cast.alice.call(method, path, {"name": "Bobby"}, If_Match='"1"')
    cleared = cast.alice.call(method, path, {"department": None})

    assert (first.json()["data"]["name"], first.json()["data"]["version"]) == ("Robert", 2)
    assert code(stale) == code(header) == (409, "VERSION_CONFLICT")
    assert stale.json()["meta"]["currentVersion"] == 2
    assert cleared.json()["data"]["department"] == ""
    assert cast.bob.get("/auth/me").status_code == 200
    changes = [entry.changes for entry in trail(Action.UPDATE, entity="user")]
    assert changes[0]["name"] == ["Bob", "Robert"]


@pytest.mark.covers("E001-017", "E002-079", "001-FR-043", "001-EDGE-08", "C59")
def test_delete_is_soft_and_ends_everything_at_once(cast: Cast, nobody: Person, trail: Any) -> None:
    signed_in = nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD}).json()["data"]

    response = cast.alice.delete(f"/users/{cast.bob.user.pk}")

    assert (response.status_code, response.json()["message"]) == (200, "User deleted successfully.")
    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert nobody.post("/auth/refresh", {"refreshToken": signed_in["refreshToken"]}).status_code == 401
    assert nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD}).status_code == 401
    assert cast.alice.delete(f"/users/{cast.bob.user.pk}").status_code == 404
    assert cast.alice.get(f"/users/{cast.bob.user.pk}").status_code == 404
    assert [entry.object_pk for entry in trail(Action.DELETE, entity="user")] == [str(cast.bob.user.pk)]
    assert cast.alice.post("/users", {"email": "bob@example.test", "password": "secret2"}).status_code == 201


@pytest.mark.covers("C31", "E002-079")
def test_nobody_removes_demotes_or_switches_off_themselves_or_the_last_admin(cast: Cast) -> None:
    me = f"/users/{cast.alice.user.pk}"
    refused = [
        cast.alice.delete(me),
        cast.alice.put(f"{me}/role", {"role": "Viewer"}),
        cast.alice.patch(f"{me}/status", {"isActive": False}),
        cast.alice.patch(me, {"isActive": False}),
        cast.alice.patch(f"{me}/permissions", {"deny": ["audit.view"]}),
    ]
    by_root = [
        cast.root.delete(me, X_Tenant_ID=str(cast.a.pk)),
        cast.root.put(f"{me}/role", {"role": "Viewer"}, X_Tenant_ID=str(cast.a.pk)),
        cast.root.patch(f"{me}/status", {}, X_Tenant_ID=str(cast.a.pk)),
    ]

    assert {code(response) for response in refused} == {(409, "SELF_CHANGE")}
    assert {code(response) for response in by_root} == {(409, "LAST_ADMIN")}
    assert fresh(cast.alice.user).is_active


@pytest.mark.django_db(transaction=True)
def test_admins_who_demote_each_other_at_once_leave_one(cast: Cast) -> None:
    with tenant(cast.a.pk):
        admin, viewer = cast.alice.user.role, cast.carol.user.role
        admins = [cast.alice.user] + [
            User.objects.create(organization=cast.a, name=f"A{n}", email=f"a{n}@x.test", role=admin) for n in range(7)
        ]
    start = threading.Barrier(8)

    def demote(n: int) -> str:
        try:
            me, other = fresh(admins[n]), admins[(n + 1) % 8]
            start.wait()
            with tenant(cast.a.pk, by=me.actor()):
                user_update(user=other, changes={"role": viewer}, by=me)
        except DomainError as refused:
            return refused.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(demote, range(8)))

    with tenant(cast.a.pk):
        assert User.objects.filter(role=admin, is_active=True).count() == 1
    assert sorted(said) == ["LAST_ADMIN", *["done"] * 7]


# --- role, status, password --------------------------------------------------------------------


@pytest.mark.covers("E000-025", "E003-009", "000-USR-01")
def test_new_role_holds_at_once_and_the_refresh_carries_it(cast: Cast, nobody: Person) -> None:
    session = nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD}).json()["data"]
    told: list[Any] = []
    signals.access_changed.connect(lambda users, **_: told.extend(users), weak=False, dispatch_uid="t")

    response = cast.alice.put(f"/users/{cast.bob.user.pk}/role", {"role": "ProjectManager"})
    signals.access_changed.disconnect(dispatch_uid="t")

    assert response.json()["data"]["role"] == "Manager"
    assert {"id", "role", "updatedAt"} <= set(response.json()["data"])
    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    renewed = nobody.post("/auth/refresh", {"refreshToken": session["refreshToken"]}).json()["data"]
    assert (
        Person(cast.bob.user, {"Authorization": f"Bearer {renewed['token']}"}).get("/auth/me").json()["data"]["role"]
        == "Manager"
    )
    assert told == [cast.bob.user.pk]


@pytest.mark.covers("E003-009", "C31")
def test_admin_cannot_make_a_superadmin(cast: Cast) -> None:
    assert code(cast.alice.put(f"/users/{cast.bob.user.pk}/role", {"role": "SuperAdmin"})) == (400, "VALIDATION_ERROR")
    assert fresh(cast.bob.user).role_key == "Technician"


@pytest.mark.covers("E002-089", "C35", "003-AUTH-05")
@pytest.mark.parametrize("method", ["patch", "put"])
def test_status_toggles_with_an_empty_body(cast: Cast, nobody: Person, trail: Any, method: str) -> None:
    path = f"/users/{cast.bob.user.pk}/status"

    off = cast.alice.call(method, path)
    assert (off.json()["data"]["isActive"], off.json()["data"]["status"]) == (False, "inactive")
    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    login = nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD})
    assert code(login) == (403, "ACCOUNT_INACTIVE")
    assert cast.alice.call(method, path, {}).json()["data"]["isActive"] is True
    assert cast.alice.call(method, path, {"status": "active", "reason": "back"}).json()["data"]["isActive"] is True
    assert cast.alice.call(method, path, {"active": False, "reason": "left"}).json()["data"]["isActive"] is False
    assert "left" in [entry.reason for entry in trail(Action.UPDATE, entity="user")]


@pytest.mark.covers("001-EDGE-08")
def test_switched_off_person_leaves_the_portal_too(cast: Cast) -> None:
    browser = Client()
    assert browser.login(username="bob@example.test", password=PASSWORD)
    assert browser.get("/").status_code == 200

    cast.alice.patch(f"/users/{cast.bob.user.pk}/status", {"isActive": False})
    assert browser.get("/").status_code == 302
    cast.alice.patch(f"/users/{cast.bob.user.pk}/status", {"isActive": True})
    assert browser.get("/").status_code == 302  # the old session has ended for good


# --- statistics, bulk, export ---------------------------------------------------------------------


@pytest.mark.covers("E002-092")
def test_figures(cast: Cast) -> None:
    cast.alice.patch(f"/users/{cast.bob.user.pk}/status", {"isActive": False})

    data = cast.alice.get("/users/stats").json()["data"]

    assert (data["total"], data["active"], data["inactive"]) == (3, 2, 1)
    assert data["byRole"] == {"Admin": 1, "Technician": 1, "Viewer": 1}
    assert (data["createdLast30Days"], data["neverSignedIn"], data["mfaPercent"]) == (3, 3, 0.0)
    assert cast.root.get("/users/stats").json()["data"]["total"] == 5


@pytest.mark.covers("E002-093", "C14")
def test_bulk_update_answers_for_each(cast: Cast) -> None:
    ids = [str(cast.bob.user.pk), str(cast.alice.user.pk), str(cast.mallory.user.pk), str(cast.carol.user.pk)]

    response = cast.alice.post("/users/bulk-update", {"ids": ids, "changes": {"role": "Auditor", "department": "QA"}})

    data = response.json()["data"]
    assert (data["succeeded"], data["failed"]) == (2, 2)
    assert [(row["id"], row["success"], row["error"] and row["error"]["code"]) for row in data["results"]] == [
        (ids[0], True, None),
        (ids[1], False, "SELF_CHANGE"),
        (ids[2], False, "RESOURCE_NOT_FOUND"),
        (ids[3], True, None),
    ]
    assert fresh(cast.bob.user).role_key == "Auditor"
    assert fresh(cast.alice.user).department == ""
    assert fresh(cast.mallory.user).role_key == "Admin"


@pytest.mark.covers("E002-093")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": [], "changes": {"role": "Viewer"}},
        {"ids": ["x"], "changes": {"role": "Viewer"}},
        {"ids": [str(uuid4())] * 201, "changes": {"role": "Viewer"}},
        {"ids": [str(uuid4())], "changes": {}},
        {"ids": [str(uuid4())], "changes": {"email": "x@example.test"}},
        {"ids": [str(uuid4())], "changes": {"password": "secret2"}},
    ],
)
def test_bulk_update_refuses_bad_bodies(cast: Cast, body: dict[str, Any]) -> None:
    assert code(cast.alice.post("/users/bulk-update", body)) == (400, "VALIDATION_ERROR")


@pytest.mark.covers("E002-094")
def test_export_holds_what_the_filters_leave_and_no_formula(cast: Cast, trail: Any) -> None:
    with tenant(cast.a.pk):
        User.objects.filter(pk=cast.bob.user.pk).update(name="=cmd|' /C calc'!A0")

    answer = cast.alice.get("/users/export?role=Technician")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert answer["Content-Disposition"] == 'attachment; filename="users.csv"'
    assert [(row["email"], row["name"]) for row in rows] == [("bob@example.test", "'=cmd|' /C calc'!A0")]
    table = load_workbook(io.BytesIO(b"".join(cast.alice.get("/users/export?format=xlsx").streaming_content))).active
    assert table is not None
    assert [cell.value for cell in table[1]][:3] == ["id", "name", "email"]
    assert (table.max_row, {cell.data_type for cell in table["B"]}) == (4, {"s"})
    listed = json.loads(b"".join(cast.alice.get("/users/export?format=json").streaming_content))
    assert {row["email"] for row in listed} == {f"{name}@example.test" for name in ("alice", "bob", "carol")}
    noted = trail(Action.EXPORT, entity="user")
    assert [(entry.changes["format"], entry.changes["rows"]) for entry in noted] == [
        ("csv", 1), ("xlsx", 3), ("json", 3)
    ]  # fmt: skip
    assert code(cast.alice.get("/users/export?format=pdf")) == (400, "VALIDATION_ERROR")


@pytest.mark.covers("E002-094")
def test_export_of_an_empty_list(cast: Cast) -> None:
    answer = cast.alice.get("/users/export?search=nobody&format=json")

    assert json.loads(b"".join(answer.streaming_content)) == []


# --- portrait -------------------------------------------------------------------------------------


def picture(kind: str = "JPEG", size: tuple[int, int] = (300, 200), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, kind, **options)
    return out.getvalue()


def upload(person: Person, path: str, content: bytes, name: str = "me.jpg") -> Any:
    file = io.BytesIO(content)
    file.name = name
    return Client().post(f"/api/v1{path}", {"file": file}, headers=person.headers)


@pytest.mark.covers("E002-095")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_portrait_is_encoded_again_without_its_metadata(cast: Cast, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6

    response = upload(cast.alice, f"/users/{cast.bob.user.pk}/avatar", picture(kind, exif=exif))

    address = response.json()["data"]["avatar"]
    assert address.startswith("/api/v1/avatars/")
    shown = Client().get(address)
    small = Client().get(f"{address}?size=64")
    with Image.open(io.BytesIO(shown.content)) as large, Image.open(io.BytesIO(small.content)) as tiny:
        assert (large.format, large.size, tiny.size) == ("WEBP", (256, 256), (64, 64))
        assert not large.getexif()
    assert b"taken at home" not in shown.content
    assert shown["Content-Type"] == "image/webp"
    again = upload(cast.alice, f"/users/{cast.bob.user.pk}/avatar", picture())
    assert Client().get(address).status_code == 404
    assert cast.alice.delete(f"/users/{cast.bob.user.pk}/avatar").json()["data"]["avatar"] is None
    assert Client().get(again.json()["data"]["avatar"]).status_code == 404


@pytest.mark.covers("E002-095")
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"<svg onload=alert(1)>", 400),
        (picture("GIF"), 400),
        (picture()[:200], 400),
        (picture("PNG", (9000, 5000)), 400),
        (b"x" * (5 * 1024 * 1024 + 100_000), 413),
    ],
)
def test_portrait_refuses_what_is_none(cast: Cast, content: bytes, status: int) -> None:
    response = upload(cast.alice, f"/users/{cast.bob.user.pk}/avatar", content)

    assert response.status_code == status
    with platform():
        assert not Avatar.objects.exists()


@pytest.mark.covers("E002-095")
def test_portrait_needs_a_form_and_an_own_person(cast: Cast) -> None:
    assert cast.alice.post(f"/users/{cast.bob.user.pk}/avatar", {}).status_code == 415
    endless = {"headers": cast.alice.headers, "content_type": "multipart/form-data"}  # without its boundary
    assert Client().post(f"/api/v1/users/{cast.bob.user.pk}/avatar", b"x", **endless).status_code == 400
    assert upload(cast.alice, f"/users/{cast.mallory.user.pk}/avatar", picture()).status_code == 404
    assert upload(cast.bob, f"/users/{cast.bob.user.pk}/avatar", picture()).status_code == 403
    own = upload(cast.bob, "/auth/avatar", picture())
    assert own.status_code == 200


# --- activity ----------------------------------------------------------------------------------------


@pytest.mark.covers("E002-091")
def test_activity_is_what_the_person_did(cast: Cast) -> None:
    cast.alice.patch(f"/users/{cast.bob.user.pk}", {"name": "Robert"})

    rows = cast.alice.get(f"/users/{cast.alice.user.pk}/activity").json()["data"]
    updates = cast.alice.get(f"/users/{cast.alice.user.pk}/activity?action=update").json()["data"]

    assert {row["userId"] for row in rows} == {str(cast.alice.user.pk)}
    assert [row["label"] for row in updates] == ["Robert"]
    assert cast.alice.get(f"/users/{cast.bob.user.pk}/activity").json()["data"] == []
    assert code(cast.alice.get(f"/users/{cast.bob.user.pk}/activity?action=dance")) == (400, "VALIDATION_ERROR")
    assert code(cast.alice.get(f"/users/{cast.bob.user.pk}/activity?dateFrom=x")) == (400, "VALIDATION_ERROR")


# --- roles and rights -----------------------------------------------------------------------------------


@pytest.fixture
def sampler(cast: Cast) -> dict[str, Any]:
    response = cast.alice.post(
        "/users/roles", {"name": "Sampler", "permissions": ["samples.view", "samples.edit"], "description": "d"}
    )
    assert response.status_code == 201
    return response.json()["data"]


@pytest.mark.covers("E002-080", "E002-081", "000-RBAC-01", "000-RBAC-02")
def test_roles_are_the_built_in_ones_and_the_organisations_own(cast: Cast, sampler: dict[str, Any]) -> None:
    rows = {row["key"]: row for row in cast.alice.get("/users/roles").json()["data"]}
    foreign = {row["key"] for row in cast.mallory.get("/roles").json()["data"]}

    assert set(rows) == foreign | {"sampler"}
    assert "SuperAdmin" not in rows
    assert (rows["Technician"]["isSystem"], rows["Technician"]["userCount"]) == (True, 1)
    assert (sampler["key"], sampler["isSystem"]) == ("sampler", False)
    assert sampler["permissions"] == ["samples.edit", "samples.view"]
    assert cast.alice.get(f"/users/roles/{sampler['id']}").json()["data"]["name"] == "Sampler"
    assert cast.mallory.get(f"/users/roles/{sampler['id']}").status_code == 404
    assert cast.root.get("/users/roles").status_code == 200


@pytest.mark.covers("E002-082", "002-SEC-06")
def test_custom_role_holds_exactly_what_it_says_and_changes_at_once(cast: Cast, sampler: dict[str, Any]) -> None:
    cast.alice.put(f"/users/{cast.carol.user.pk}/role", {"role": "sampler"})
    carol = person_of(fresh(cast.carol.user))
    assert carol.get("/samples").status_code == 200
    assert code(carol.get("/parameters")) == (403, "PERMISSION_DENIED")

    cast.alice.put(f"/users/roles/{sampler['id']}", {"permissions": ["parameters.view"]})

    assert carol.get("/parameters").status_code == 200
    assert code(carol.get("/samples")) == (403, "PERMISSION_DENIED")
    assert cast.mallory.put(f"/users/roles/{sampler['id']}", {"name": "x"}).status_code == 404


@pytest.mark.covers("E002-083")
def test_role_in_use_needs_an_heir(cast: Cast, sampler: dict[str, Any]) -> None:
    cast.alice.put(f"/users/{cast.carol.user.pk}/role", {"role": sampler["id"]})
    path = f"/users/roles/{sampler['id']}"

    refused = cast.alice.delete(path)
    assert (code(refused), refused.json()["meta"]["people"]) == ((409, "IN_USE"), 1)
    assert cast.mallory.delete(path).status_code == 404
    assert cast.alice.delete(f"{path}?reassignTo=Viewer").status_code == 200
    assert fresh(cast.carol.user).role_key == "Viewer"
    assert cast.alice.delete(path).status_code == 404
    assert cast.alice.post("/users/roles", {"name": "Sampler"}).status_code == 201


@pytest.mark.covers("E002-081", "E002-082")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "VALIDATION_ERROR")),
        ({"name": " "}, (400, "VALIDATION_ERROR")),
        ({"name": "x", "key": "a b"}, (400, "VALIDATION_ERROR")),
        ({"name": "x", "permissions": ["fly"]}, (400, "VALIDATION_ERROR")),
        ({"name": "x", "permissions": ["platform.view"]}, (403, "PERMISSION_DENIED")),
        ({"name": "Viewer"}, (409, "DUPLICATE")),
        ({"name": "x", "key": "surveyor"}, (409, "DUPLICATE")),
        ({"name": "SAMPLER"}, (409, "DUPLICATE")),
    ],
)
def test_role_that_cannot_be(cast: Cast, sampler: dict[str, Any], body: dict[str, Any], expected: Any) -> None:
    assert code(cast.alice.post("/users/roles", body)) == expected


@pytest.mark.covers("E002-082", "E002-083")
def test_built_in_roles_are_locked(cast: Cast) -> None:
    with platform():
        viewer = Role.objects.get(key="Viewer", organization=None)

    assert code(cast.alice.put(f"/users/roles/{viewer.pk}", {"name": "x"})) == (403, "ROLE_LOCKED")
    assert code(cast.alice.delete(f"/users/roles/{viewer.pk}")) == (403, "ROLE_LOCKED")


@pytest.mark.covers("E002-084")
def test_catalogue_is_grouped_and_translated(cast: Cast) -> None:
    english = cast.alice.get("/users/permissions").json()
    arabic = cast.alice.get("/users/permissions", Accept_Language="ar").json()

    rows = {row["code"]: row for row in english["data"]}
    assert (rows["users.manage"]["group"], rows["users.manage"]["dangerous"]) == ("People", True)
    assert (rows["samples.view"]["grantable"], rows["platform.view"]["grantable"]) == (True, False)
    assert {row["code"]: row["group"] for row in arabic["data"]}["samples.view"] != rows["samples.view"]["group"]
    assert {group["group"] for group in english["meta"]["groups"]} >= {"People", "Laboratory"}


@pytest.mark.covers("E002-096", "E002-097")
def test_allow_and_deny_hold_at_once_and_say_why(cast: Cast) -> None:
    path = f"/users/{cast.bob.user.pk}/permissions"

    changed = cast.alice.put(path, {"allow": ["audit.view"], "deny": ["samples.edit"]})

    rights = {row["code"]: row for row in changed.json()["data"]["rights"]}
    assert [source["type"] for source in rights["samples.edit"]["sources"]] == ["role", "denied"]
    assert (rights["samples.edit"]["held"], rights["audit.view"]["held"]) == (False, True)
    assert cast.bob.get("/audit/logs").status_code == 200
    assert code(cast.bob.post("/samples", {})) == (403, "PERMISSION_DENIED")
    why = cast.alice.get(f"{path}/samples.view").json()["data"]
    assert (why["held"], why["scope"], why["sources"]) == (
        True,
        "all",
        [{"type": "role", "scope": "all", "role": "Technician", "roleName": "Technician", "isSystem": True}],
    )
    assert cast.alice.get(f"{path}/nothing").status_code == 404
    kept = cast.alice.patch(path, {"permissions": ["read"]}).json()["data"]
    assert (kept["allow"], kept["deny"]) == ([], ["samples.edit"])
    assert code(cast.alice.put(path, {"allow": ["fly"]})) == (400, "VALIDATION_ERROR")
    assert code(cast.alice.put(path, {"allow": ["platform.view"]})) == (403, "PERMISSION_DENIED")
    assert code(cast.bob.put(path, {"allow": ["users.manage"]})) == (403, "PERMISSION_DENIED")


@pytest.mark.covers("E002-097", "C31")
def test_nobody_grants_what_they_lack_or_touches_their_betters(cast: Cast) -> None:
    cast.alice.post("/users/roles", {"name": "Clerk", "permissions": ["users.view", "users.manage", "roles.manage"]})
    cast.alice.put(f"/users/{cast.carol.user.pk}/role", {"role": "clerk"})
    clerk, bob = person_of(fresh(cast.carol.user)), f"/users/{cast.bob.user.pk}"
    made = clerk.post("/users", {"email": "d@example.test", "password": "secret2", "role": "clerk"})

    refused = [
        clerk.post("/users", {"email": "e@example.test", "password": "secret2", "role": "Admin"}),
        clerk.post(
            "/users", {"email": "e@example.test", "password": "secret2", "role": "clerk", "permissions": ["audit.view"]}
        ),
        clerk.post("/users/roles", {"name": "Boss", "permissions": ["audit.view"]}),
        clerk.patch(f"/users/{cast.alice.user.pk}", {"password": "secret3"}),
        clerk.post(f"/users/{cast.alice.user.pk}/reset-password"),
        clerk.delete(f"/users/{cast.alice.user.pk}"),
        clerk.put(f"{bob}/role", {"role": "clerk"}),
        clerk.put(f"/users/{made.json()['data']['id']}/role", {"role": "Manager"}),
        clerk.put(f"/users/{made.json()['data']['id']}/permissions", {"allow": ["audit.view"]}),
    ]

    assert made.status_code == 201
    assert {code(response) for response in refused} == {(403, "PERMISSION_DENIED")}
    assert fresh(cast.alice.user).check_password(PASSWORD)


@pytest.mark.covers("002-SEC-07")
def test_scope_of_a_right_narrows_what_it_reaches(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.core.accounts import permissions

    monkeypatch.setitem(
        permissions._catalogue,
        "deals.view",
        Permission(
            "deals.view", "d", "g", frozenset({"Technician", "Viewer"}), scoped=True, narrowed={"Viewer": "own"}
        ),
    )
    with tenant(cast.a.pk):
        User.objects.filter(pk__in=[cast.bob.user.pk, cast.carol.user.pk]).update(department="North")
        devices = Device.objects.all()
        for user in (cast.alice.user, cast.bob.user, cast.carol.user):
            Device.objects.create(organization=cast.a, user=user, device_id="x")
        reach = {}
        for name, extra in (("bob", []), ("carol", []), ("carol", ["deals.view:team"]), ("alice", [])):
            user = fresh(getattr(cast, name).user)
            user.extra_permissions = extra
            rows = narrow(devices, user=user, code="deals.view", owner="user")
            reach[name, *extra] = sorted(row.user.name for row in rows)

    assert reach == {
        ("bob",): ["Alice", "Bob", "Carol"],
        ("carol",): ["Carol"],
        ("carol", "deals.view:team"): ["Bob", "Carol"],
        ("alice",): [],
    }


def test_projects_of_a_person_are_kept_by_the_app_that_has_them(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[Any, list[Any]] = {}

    class Kept:
        def read(self, people: Any) -> Any:
            return {pk: kept[pk] for pk in people if pk in kept}

        def missing(self, projects: Any) -> Any:
            return []

        def write(self, user: User, projects: Any) -> None:
            kept[user.pk] = list(projects)

    monkeypatch.setattr(projects, "_kept", [Kept()])
    project, bob = str(uuid4()), f"/users/{cast.bob.user.pk}"

    given = cast.alice.patch(bob, {"projectIds": [project]}).json()["data"]
    everything = cast.alice.patch(bob, {"allProjects": True}).json()["data"]

    assert (given["projectIds"], given["allProjects"]) == ([project], False)
    assert everything["allProjects"] is True


@pytest.mark.covers("001-US4-AS4", "001-FR-063")
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_user_management_is_the_administrators(cast: Cast, who: str) -> None:
    person: Person = getattr(cast, who)

    for method, path in (
        ("get", "/users"), ("post", "/users"), ("get", f"/users/{cast.alice.user.pk}"), ("get", "/users/stats"),
        ("get", "/users/export"), ("get", "/users/roles"), ("post", "/users/bulk-update"),
        ("delete", f"/users/{uuid4()}"),
    ):  # fmt: skip
        assert code(person.call(method, path, {})) == (403, "PERMISSION_DENIED")
    with platform():
        assert RefreshToken.objects.count() == 0
