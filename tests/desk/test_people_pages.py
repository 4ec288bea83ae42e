"""Pages of people, roles and invitations of an organisation."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import Device, Invitation, Role, User
from portal.core.accounts.services.invitations import invitation_create
from portal.core.accounts.services.roles import role_create
from portal.core.audit.models import Action, AuditEntry
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast
from tests.desk.test_me_pages import a_device, an_app, picture, stored, switched_on
from tests.lab.test_pages import FRAGMENT, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def builtin(key: str) -> Role:
    with platform():
        return Role.objects.get(key=key, organization=None)


def a_role(cast: Cast, *codes: str, name: str = "Sampler") -> Role:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return role_create(name=name, codes=codes or ("samples.view",), by=cast.alice)


def an_offer(by: User, email: str = "new@test.invalid") -> Invitation:
    with tenant(by.organization_id, by=by.actor()):  # type: ignore[arg-type]
        return invitation_create(email=email, role="Technician", by=by)[0]


def pages_of(cast: Cast) -> list[str]:
    role, offer = a_role(cast), an_offer(cast.alice)
    bob = cast.bob.pk
    return [
        "/users", "/users/new", "/users/roles", "/users/roles/new", f"/users/roles/{role.pk}",
        f"/users/roles/{role.pk}/delete", f"/users/roles/{builtin('Manager').pk}", "/users/invitations",
        "/users/invitations/new", f"/users/invitations/{offer.pk}", f"/users/{bob}", f"/users/{bob}/edit",
        f"/users/{bob}/rights", f"/users/{bob}/sessions", f"/users/{bob}/activity", f"/users/{bob}/delete",
        "/settings/organization", "/users.csv", "/users.xlsx",
    ]  # fmt: skip


ACTS = (
    "edit", "portrait", "rights", "status", "password", "two-step", "sign-out", "delete", f"sessions/{uuid4()}/end",
    f"devices/{uuid4()}/revoke",
)  # fmt: skip


def test_administrators_see_every_page_and_nobody_else_does(cast: Cast) -> None:
    paths = pages_of(cast)
    dina = cast.person("dina", "Manager", cast.a)

    alice, nobody = page(cast.alice), page(None)
    others = [page(user) for user in (cast.bob, cast.carol, dina, cast.root)]  # a SuperAdmin needs a support session
    for path in paths:
        answer = alice.get(path)
        assert answer.status_code == 200, path
        assert b"".join(answer) != b"", path  # read to its end, a file is closed
        for other in others:
            assert other.get(path).status_code == 403, path
        assert nobody.get(path).status_code == 302, path


def test_people_of_another_organisation_are_not_there(cast: Cast) -> None:
    client = page(cast.mallory)
    foreign = [path for path in pages_of(cast) if any(character.isdigit() for character in path)]

    for path in foreign:
        if str(builtin("Manager").pk) not in path:
            assert client.get(path).status_code == 404, path
    for act in ACTS:
        assert client.post(f"/users/{cast.bob.pk}/{act}", {"active": "0"}).status_code == 404, act

    bob = stored(cast.bob)
    assert (bob.is_active, bob.token_epoch, bob.deleted_at) == (True, 0, None)


def test_who_may_not_manage_people_changes_nothing(cast: Cast) -> None:
    reader = cast.person("erin", "Viewer", cast.a)
    with platform():
        User.objects.filter(pk=reader.pk).update(extra_permissions=["users.view"])
    client = page(reader)

    assert client.get(f"/users/{cast.bob.pk}").status_code == 200
    for act in ACTS:
        assert client.post(f"/users/{cast.bob.pk}/{act}", {"active": "0"}).status_code == 403, act
    for path in ("/users/new", "/users/bulk", "/users/roles/new", "/users/invitations/new"):
        assert client.post(path).status_code == 403, path

    assert stored(cast.bob).is_active


# --- list -----------------------------------------------------------------------------
def names(answer: Any) -> list[str]:
    return [row.name for row in answer.context["page"].object_list]


def test_the_list_is_searched_filtered_and_swapped(cast: Cast) -> None:
    client = page(cast.alice)
    with platform():
        User.objects.filter(pk=cast.bob.pk).update(is_active=False, department="Rabat")

    assert names(client.get("/users")) == ["alice", "bob", "carol"]
    assert names(client.get("/users?q=CAR")) == ["carol"]
    assert names(client.get("/users?status=inactive")) == ["bob"]
    assert names(client.get(f"/users?role={builtin('Viewer').pk}")) == ["carol"]
    assert names(client.get("/users?department=rabat&sort=-name")) == ["bob"]
    assert "<html" not in client.get("/users", headers=FRAGMENT).content.decode()
    assert "No results match" in client.get("/users?q=zzz").content.decode()


@pytest.mark.parametrize("path", ["/users", "/users/invitations", "/users/roles"])
def test_ten_more_rows_cost_no_more_queries(cast: Cast, path: str) -> None:
    client = page(cast.alice)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    an_offer(cast.alice, "first@test.invalid")
    a_role(cast, name="first")
    queries()  # what a process looks up once
    few = queries()
    for number in range(10):
        an_offer(cast.alice, f"n{number}@test.invalid")
        a_role(cast, name=f"role {number}")
        cast.person(f"person {number}", "Viewer", cast.a)

    assert queries() == few


def test_many_are_changed_each_for_itself(cast: Cast) -> None:
    client = page(cast.alice)
    ids = [str(user.pk) for user in (cast.alice, cast.bob, cast.carol, cast.mallory)]

    shown = client.post("/users/bulk", {"ids": ids, "action": "deactivate"})

    outcome = {row["user"].name if row["user"] else "?": row["success"] for row in shown.context["rows"]}
    assert outcome == {"alice": False, "bob": True, "carol": True, "?": False}
    assert not stored(cast.bob).is_active
    assert stored(cast.mallory).is_active


@pytest.mark.covers("001-FR-044")
def test_many_get_a_role(cast: Cast) -> None:
    client = page(cast.alice)

    client.post("/users/bulk", {"ids": [str(cast.bob.pk)], "action": f"role:{builtin('Auditor').pk}"})
    for bad in ({"action": "deactivate"}, {"ids": [str(cast.carol.pk)]}, {"ids": ["x"], "action": "activate"}):
        assert client.post("/users/bulk", bad).status_code == 302

    assert stored(cast.bob).role_key == "Auditor"
    assert stored(cast.carol).is_active


def test_the_export_is_the_filtered_list_and_is_recorded(cast: Cast) -> None:
    client = page(cast.alice)

    text = b"".join(client.get("/users.csv?q=bob").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]

    assert [line.split(",")[1] for line in text.splitlines()] == ["name", "bob"]
    assert client.get("/users.pdf").status_code == 404
    with tenant(cast.a.pk):
        entry = AuditEntry.objects.filter(action=Action.EXPORT).latest("timestamp")
        assert entry.changes["filters"] == {"search": "bob"}


# --- one person ---------------------------------------------------------------------------
def person_form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Nora", "email": "nora@test.invalid", "username": "", "role": str(builtin("Technician").pk),
        "department": "Rabat", "phone": "", "language": "ar", "new_password": "",
    } | changes  # fmt: skip


def test_a_person_is_created_and_changed(cast: Cast) -> None:
    client = page(cast.alice)

    made = client.post("/users/new", person_form(new_password="abcdef1"))
    with platform():
        nora = User.objects.select_related("role").get(email="nora@test.invalid")
    assert made.headers["Location"] == f"/users/{nora.pk}"
    assert (nora.role_key, nora.department, nora.organization_id) == ("Technician", "Rabat", cast.a.pk)
    assert nora.check_password("abcdef1")

    edited = client.post(f"/users/{nora.pk}/edit", person_form(name="Nora B", version=nora.version))
    stale = client.post(f"/users/{nora.pk}/edit", person_form(name="Nora C", version=nora.version))

    assert (edited.status_code, stale.status_code) == (302, 422)
    assert stored(nora).name == "Nora B"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "bob@test.invalid"}, "email"),
        ({"email": "no address"}, "email"),
        ({"role": ""}, "role"),
        ({"role": str(uuid4())}, "role"),
        ({"username": "with space"}, "username"),
        ({"new_password": "abc"}, "new_password"),
    ],
)
def test_a_person_who_cannot_be_made_is_explained(cast: Cast, changes: dict[str, Any], field: str) -> None:
    answer = page(cast.alice).post("/users/new", person_form(**changes))

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    with platform():
        assert User.objects.count() == 5


def test_nobody_gives_themselves_another_role(cast: Cast) -> None:
    client = page(cast.alice)

    assert "role" not in client.get(f"/users/{cast.alice.pk}/edit").context["form"].fields
    client.post(f"/users/{cast.alice.pk}/edit", person_form(email=cast.alice.email, version=1))
    client.post(f"/users/{cast.alice.pk}/status", {"active": "0"})
    refused = client.post(f"/users/{cast.alice.pk}/delete")

    assert refused.status_code == 422
    assert (stored(cast.alice).role_key, stored(cast.alice).is_active) == ("Admin", True)


def test_switching_off_ends_the_sessions(cast: Cast) -> None:
    client, browser = page(cast.alice), page(cast.bob)
    assert browser.get("/me").status_code == 200

    client.post(f"/users/{cast.bob.pk}/status", {"active": "0"})
    assert browser.get("/me").status_code == 302
    client.post(f"/users/{cast.bob.pk}/status", {"active": "1"})

    assert stored(cast.bob).is_active


def test_access_is_taken_back(cast: Cast) -> None:
    app, device = an_app(cast.bob), a_device(cast.bob)
    switched_on(page(cast.bob))
    client = page(cast.alice)
    shown = client.get(f"/users/{cast.bob.pk}/sessions").content.decode()
    assert "field app" in shown
    assert "tablet of bob" in shown

    for act in (f"sessions/{app.family}/end", f"devices/{device.pk}/revoke", "two-step", "password", "sign-out"):
        assert client.post(f"/users/{cast.bob.pk}/{act}").status_code == 302, act

    assert not stored(cast.bob).mfa_enabled
    with platform():
        assert Device.objects.get().status == "revoked"
    assert f"sessions/{app.family}" not in client.get(f"/users/{cast.bob.pk}/sessions").content.decode()


def test_a_portrait_is_given_and_taken(cast: Cast) -> None:
    client, address = page(cast.alice), f"/users/{cast.bob.pk}/portrait"

    client.post(address, {"file": picture()})
    given = stored(cast.bob).avatar
    client.post(address, {"file": SimpleUploadedFile("x.png", b"not a picture")})
    client.post(address)
    assert given
    assert stored(cast.bob).avatar == given
    client.post(address, {"remove": "1"})

    assert stored(cast.bob).avatar == ""


def test_removing_says_what_goes_and_then_does_it(cast: Cast) -> None:
    an_app(cast.bob)
    client = page(cast.alice)

    assert "1 signed-in app ends." in client.get(f"/users/{cast.bob.pk}/delete").content.decode()
    assert stored(cast.bob).deleted_at is None
    assert client.post(f"/users/{cast.bob.pk}/delete").headers["Location"] == "/users"

    assert stored(cast.bob).deleted_at is not None
    assert client.get(f"/users/{cast.bob.pk}").status_code == 404


def test_activity_shows_what_the_person_did(cast: Cast) -> None:
    page(cast.bob).get("/users")  # refused, and recorded

    shown = page(cast.alice).get(f"/users/{cast.bob.pk}/activity")

    assert [entry.actor_id for entry in shown.context["page"].object_list] == [cast.bob.pk]


# --- rights ---------------------------------------------------------------------------------
def lines(answer: Any) -> dict[str, Any]:
    return {line.code: line for _group, members in answer.context["groups"] for line in members}


def test_rights_are_allowed_and_denied_and_explained(cast: Cast) -> None:
    client, address = page(cast.alice), f"/users/{cast.carol.pk}/rights"
    before = lines(client.get(address))
    assert before["samples.view"].held
    assert not before["users.view"].held
    assert "platform.view" not in before  # no role of an organisation can hold it

    client.post(address, {"right.users.view": "allow", "right.samples.view": "deny", "right.unknown": "allow"})

    carol = stored(cast.carol)
    assert (carol.extra_permissions, carol.denied_permissions) == (["users.view"], ["samples.view"])
    after = lines(client.get(address))
    assert after["users.view"].why == ["It was given to this person."]
    assert after["samples.view"].why == [
        "The role Viewer holds it.",
        "It was taken away from this person, and that counts more.",
    ]
    assert page(cast.carol).get("/users").status_code == 200
    assert page(cast.carol).get("/samples").status_code == 403


def test_nobody_changes_their_own_rights(cast: Cast) -> None:
    answer = page(cast.alice).post(f"/users/{cast.alice.pk}/rights", {"right.users.view": "deny"})

    assert answer.status_code == 422
    assert stored(cast.alice).denied_permissions == []


# --- roles ------------------------------------------------------------------------------------
def test_a_role_is_copied_changed_and_removed(cast: Cast) -> None:
    client, viewer = page(cast.alice), builtin("Viewer")
    copy = client.get(f"/users/roles/new?copy={viewer.pk}")
    assert lines(copy)["samples.view"].chosen == "all"

    made = client.post(
        "/users/roles/new", {"name": "Sampler", "key": "", "description": "Takes samples", "right.samples.view": "all"}
    )
    with platform():
        role = Role.objects.get(key="sampler")
    assert made.headers["Location"] == f"/users/roles/{role.pk}"
    assert (role.organization_id, role.permissions) == (cast.a.pk, ["samples.view"])

    client.post(f"/users/roles/{role.pk}", {"name": "Sampler 2", "description": "", "right.samples.edit": "all"})
    with platform():
        role = Role.objects.get(pk=role.pk)
    assert (role.name, role.permissions) == ("Sampler 2", ["samples.edit"])

    assert client.post(f"/users/roles/{role.pk}/delete").headers["Location"] == "/users/roles"
    assert client.get(f"/users/roles/{role.pk}").status_code == 404


def test_a_role_that_people_have_needs_an_heir(cast: Cast) -> None:
    role = a_role(cast)
    with platform():
        User.objects.filter(pk=cast.bob.pk).update(role=role)
    client, address = page(cast.alice), f"/users/roles/{role.pk}/delete"

    assert "bob" in client.get(address).content.decode()
    assert client.post(address, {"heir": str(role.pk)}).status_code == 422
    assert client.post(address, {}).status_code == 422
    assert stored(cast.bob).role_id == role.pk
    assert client.post(address, {"heir": str(builtin("Viewer").pk)}).status_code == 302

    assert stored(cast.bob).role_key == "Viewer"


def test_built_in_roles_stay_as_they_are(cast: Cast) -> None:
    client, manager = page(cast.alice), builtin("Manager")

    assert client.post(f"/users/roles/{manager.pk}", {"name": "X"}).status_code == 422
    assert client.post(f"/users/roles/{manager.pk}/delete").status_code == 404
    assert client.get(f"/users/roles/{builtin('SuperAdmin').pk}").status_code == 404

    assert builtin("Manager").name == manager.name


@pytest.mark.parametrize("form", [{"name": ""}, {"name": "Admin", "key": "Admin"}, {"name": "X", "key": "a b"}])
def test_a_role_that_cannot_be_made_is_explained(cast: Cast, form: dict[str, str]) -> None:
    assert page(cast.alice).post("/users/roles/new", form).status_code == 422
    with platform():
        assert not Role.objects.filter(organization=cast.a).exists()


# --- invitations --------------------------------------------------------------------------------
def test_an_invitation_is_sent_sent_again_and_cancelled(cast: Cast) -> None:
    client = page(cast.alice)
    sent = client.post("/users/invitations/new", {"email": "new@test.invalid", "role": str(builtin("Technician").pk)})
    with platform():
        offer = Invitation.objects.get()
    link = sent.context["link"]
    assert link.endswith(link.rpartition("/invite/")[2])
    path = f"/users/invitations/{offer.pk}"
    assert link not in client.get(path).content.decode()  # once

    again = client.post(f"{path}/resend").context["link"]
    assert again != link
    assert page(None).get(f"/invite/{link.rpartition('/')[2]}").status_code == 404
    assert page(None).get(f"/invite/{again.rpartition('/')[2]}").status_code == 200

    client.post(f"{path}/cancel")
    assert page(None).get(f"/invite/{again.rpartition('/')[2]}").status_code == 404
    assert client.post(f"{path}/resend").status_code == 302  # told on the page, not sent
    with platform():
        assert Invitation.objects.get().status == "Cancelled"


@pytest.mark.parametrize("email", ["bob@test.invalid", "no address", "twice@test.invalid"])
def test_an_invitation_that_cannot_be_sent_is_explained(cast: Cast, email: str) -> None:
    an_offer(cast.alice, "twice@test.invalid")
    form = {"email": email, "role": str(builtin("Technician").pk)}

    answer = page(cast.alice).post("/users/invitations/new", form)

    assert answer.status_code == 422
    assert "email" in answer.context["form"].errors


@pytest.mark.covers("003-INV-02")
def test_invitations_are_filtered_by_status(cast: Cast) -> None:
    an_offer(cast.alice, "one@test.invalid")
    client = page(cast.alice)

    def found(query: str) -> list[str]:
        return [row.email for row in client.get(f"/users/invitations{query}").context["page"].object_list]

    assert found("") == found("?status=Pending") == found("?q=one") == ["one@test.invalid"]
    assert found("?status=Accepted") == found("?q=two") == []


# --- the organisation's own settings -----------------------------------------------------------------
def test_the_organisation_is_changed_by_its_administrator(cast: Cast) -> None:
    client = page(cast.alice)
    form = {
        "name": "Laboratory A", "kind": "lab", "time_zone": "Africa/Casablanca", "language": "fr", "version": "1",
        "password_min_length": "10", "website": "https://a.test",
    }  # fmt: skip

    assert client.post("/settings/organization", form).status_code == 302
    stale = client.post("/settings/organization", form)
    wrong = client.post("/settings/organization", form | {"version": "2", "password_min_length": "3"})

    assert {stale.status_code, wrong.status_code} == {422}
    with platform():
        cast.a.refresh_from_db()
    assert (cast.a.name, cast.a.time_zone, cast.a.settings) == (
        "Laboratory A",
        "Africa/Casablanca",
        {"passwordMinLength": 10},
    )
