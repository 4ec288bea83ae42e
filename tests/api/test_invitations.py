"""Invitations and organisations over the API: onboarding of specification 003 (C30, TEN, INV)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from portal.core.accounts import jobs
from portal.core.accounts.models import Invitation, User
from portal.core.accounts.services import invitations as services
from portal.core.audit.models import Action
from portal.core.common import clock
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import PASSWORD, Cast, Person
from tests.api.letters import delivered, token_in

pytestmark = pytest.mark.django_db


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


def invite(person: Person, email: str = "new@example.test", path: str = "/invitations", **more: Any) -> Any:
    return person.post(path, {"email": email, "role": "Agent", **more})


@pytest.mark.covers(
    "E003-006", "E003-007", "E003-032", "E003-033", "E003-001", "003-ROLE-01", "003-ORG-01", "003-ROLE-02", "003-WF-01",
    "003-WF-02",
)  # fmt: skip
def test_onboarding_of_an_organisation(cast: Cast, nobody: Person) -> None:
    """003 "New Organization Onboarding", then "Field Agent Data Collection"."""
    made = cast.root.post("/organizations", {"name": "East Africa Wildlife Foundation", "country": "Kenya"})  # 1
    assert made.status_code == 201
    organization = made.json()["data"]
    assert set(organization) >= {
        "id", "name", "description", "address", "city", "country", "phone", "email", "website", "logoUrl", "timeZone",
        "isActive", "createdAt", "updatedAt",
    }  # fmt: skip
    assert (organization["isActive"], organization["description"]) == (True, None)

    admin = cast.root.post(f"/organizations/{organization['id']}/admins", {"email": "Chief@example.test"})  # 2
    assert admin.status_code == 201
    offer = admin.json()["data"]
    assert (offer["email"], offer["status"], offer["role"]) == ("chief@example.test", "Pending", "Admin")

    accepted = nobody.post("/invitations/accept", {"token": offer["token"], "password": "SecurePassword123!"})  # 3
    message = "Invitation accepted successfully. You can now log in."
    assert (accepted.status_code, accepted.json()["message"]) == (200, message)
    assert accepted.json()["data"] == {"message": message, "email": "chief@example.test", "role": "Admin"}

    signed_in = nobody.post("/auth/login", {"email": "chief@example.test", "password": "SecurePassword123!"})  # 4
    chief = Person(User(), {"Authorization": f"Bearer {signed_in.json()['data']['accessToken']}"})
    assert signed_in.json()["data"]["user"]["organizationId"] == organization["id"]
    assert [row["email"] for row in chief.get("/users").json()["data"]] == ["chief@example.test"]

    project = chief.post("/projects", {"name": "Elephants"}).json()["data"]["id"]  # 5
    fields = [{"id": "herd_size", "type": "number", "label": "Herd Size", "required": True}]
    form = {"projectId": project, "name": "Daily Elephant Sighting", "schema": {"fields": fields}}
    made = chief.post("/forms", form)  # 6
    assert (made.status_code, made.json()["data"]["version"]) == (201, 1)

    agent = invite(chief, "agent@example.test")  # 7
    assert (agent.status_code, agent.json()["data"]["role"]) == (201, "Agent")
    nobody.post("/invitations/accept", {"token": agent.json()["data"]["token"], "password": "another-1"})
    people = chief.get("/users").json()["data"]
    assert [(row["email"], row["role"], row["allProjects"]) for row in people] == [
        ("agent@example.test", "Agent", True),
        ("chief@example.test", "Admin", True),
    ]

    signed_in = nobody.post("/auth/login", {"email": "agent@example.test", "password": "another-1"})
    worker = Person(User(), {"Authorization": f"Bearer {signed_in.json()['data']['accessToken']}"})
    (seen,) = worker.get("/projects").json()["data"]
    (given,) = worker.get(f"/forms/project/{seen['id']}").json()["data"]
    kept = {"formId": given["id"], "projectId": seen["id"], "answers": {"herd_size": 12}}
    synced = worker.post("/submissions/bulk", {"submissions": [kept, {**kept, "answers": {}}]}).json()["data"]
    assert (synced["successful"], synced["failed"]) == (1, 1)


@pytest.mark.covers("E002-085", "E002-086", "E003-032", "E003-034", "C30", "003-INV-01")
@pytest.mark.parametrize("path", ["/invitations", "/users/invitations"])
def test_the_token_stands_in_the_answer_to_the_sender_alone(cast: Cast, path: str, trail: Any) -> None:
    response = invite(cast.alice, path=path)

    data = response.json()["data"]
    assert response.status_code == 201
    assert {"id", "email", "role", "token", "status", "expiresAt", "projectIds"} <= set(data)
    left = clock.parse_moment(data["expiresAt"]) - clock.now()  # type: ignore[operator]
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    listed = cast.alice.get(path).json()["data"]
    assert [row["sentByUserId"] for row in listed] == [str(cast.alice.user.pk)]
    assert data["token"] not in cast.alice.get(path).content.decode()
    assert cast.mallory.get(path).json()["data"] == []
    with tenant(cast.a.pk):
        row = Invitation.objects.get()
    assert data["token"] not in (row.token_hash, row.nonce)
    noted = trail(Action.CREATE, entity="invitation")
    assert [entry.object_repr for entry in noted] == ["new@example.test"]
    assert data["token"] not in str(noted[0].changes)


@pytest.mark.covers("E003-032")
def test_the_letter_carries_the_same_token_in_the_organisations_language(cast: Cast, nobody: Person) -> None:
    with platform():
        Organization.objects.filter(pk=cast.a.pk).update(language="ar")
    token = invite(cast.alice).json()["data"]["token"]

    letter = delivered()[0]

    assert (letter.to, token_in(letter)) == (["new@example.test"], token)
    assert '<html lang="ar" dir="rtl">' in letter.alternatives[0].content
    assert nobody.get(f"/invitations/{token}").json()["data"]["organizationName"] == "A"


@pytest.mark.covers("E003-034", "003-INV-02")
def test_list_filters_by_what_the_status_is_now(cast: Cast) -> None:
    invite(cast.alice, "pending@example.test")
    invite(cast.alice, "late@example.test")
    cancelled = invite(cast.alice, "cancelled@example.test").json()["data"]["id"]
    cast.alice.delete(f"/invitations/{cancelled}")
    with tenant(cast.a.pk):
        Invitation.objects.filter(email="late@example.test").update(expires_at=clock.now())

    def listed(query: str) -> list[str]:
        return [row["email"].split("@")[0] for row in cast.alice.get(f"/invitations{query}").json()["data"]]

    assert listed("?status=Pending") == ["pending"]
    assert listed("?status=Expired") == ["late"]
    assert listed("?status=Cancelled") == ["cancelled"]
    assert listed("?status=Accepted") == []
    assert listed("?search=pend") == ["pending"]
    assert len(listed("")) == 3
    assert code(cast.alice.get("/invitations?status=x")) == (400, "VALIDATION_ERROR")
    with platform():
        jobs.expire()
    assert listed("?status=Expired") == ["late"]


@pytest.mark.covers("E003-033", "E002-087", "003-INV-04")
@pytest.mark.parametrize("state", ["unknown", "cancelled", "expired", "used", "rotated", "organisation off"])
def test_token_that_opens_nothing(cast: Cast, nobody: Person, state: str) -> None:
    data = invite(cast.alice).json()["data"]
    token, expected = data["token"], (404, "INVITATION_INVALID")
    match state:
        case "unknown":
            token = "0" * 64
        case "cancelled":
            assert cast.alice.delete(f"/users/invitations/{data['id']}").json()["data"]["status"] == "Cancelled"
        case "expired":
            with tenant(cast.a.pk):
                Invitation.objects.update(expires_at=clock.now())
            expected = (400, "INVITATION_EXPIRED")
        case "used":
            assert nobody.post("/invitations/accept", {"token": token, "password": "another-1"}).status_code == 200
            expected = (400, "INVITATION_USED")
        case "rotated":
            assert cast.alice.post(f"/invitations/{data['id']}/resend").status_code == 200
        case _:
            cast.root.patch(f"/organizations/{cast.a.pk}/status", {"isActive": False})
    with platform():
        people = User.objects.count()

    accepted = nobody.post("/invitations/accept", {"token": token, "password": "another-2"})

    assert code(accepted) == code(nobody.get(f"/invitations/{token}")) == expected
    with platform():
        assert User.objects.count() == people


@pytest.mark.covers("E003-033", "003-AUTH-09")
def test_accepting_keeps_the_organisations_rule_for_passwords(cast: Cast, nobody: Person) -> None:
    cast.alice.patch(f"/organizations/{cast.a.pk}", {"settings": {"passwordMinLength": 12}})
    token = invite(cast.alice).json()["data"]["token"]

    short = nobody.post("/invitations/accept", {"token": token, "password": "12345678901"})

    assert code(short) == (400, "VALIDATION_ERROR")
    assert short.json()["errors"][0]["field"] == "password"
    assert nobody.get(f"/invitations/{token}").json()["data"]["passwordMinLength"] == 12
    named = {"token": token, "password": "123456789012", "name": "Amina", "language": "fr"}
    assert nobody.post("/invitations/accept", named).status_code == 200
    with platform():
        user = User.objects.get(email="new@example.test")
    assert (user.name, user.language, user.organization_id) == ("Amina", "fr", cast.a.pk)


@pytest.mark.covers("E002-088")
def test_resend_rotates_the_token_three_times_an_hour(cast: Cast) -> None:
    first = invite(cast.alice).json()["data"]
    path = f"/users/invitations/{first['id']}/resend"

    second, third, refused = (cast.alice.post(path) for _ in range(3))

    tokens = {first["token"], second.json()["data"]["token"], third.json()["data"]["token"]}
    assert len(tokens) == 3
    assert code(refused) == (429, "RATE_LIMIT_EXCEEDED")
    assert 3500 < int(refused["Retry-After"]) <= 3600
    assert [token_in(letter) for letter in delivered()] == [third.json()["data"]["token"]] * 3
    with tenant(cast.a.pk):
        Invitation.objects.update(sent_at=[], status="Expired", expires_at=clock.now())
    other = invite(cast.alice).json()["data"]
    assert code(cast.alice.post(path)) == (409, "DUPLICATE")  # beside an open one for the same person
    cast.alice.delete(f"/invitations/{other['id']}")
    again = cast.alice.post(path).json()["data"]
    assert again["status"] == "Pending"
    cast.alice.delete(f"/invitations/{first['id']}")
    assert code(cast.alice.post(path)) == (422, "ILLEGAL_TRANSITION")
    assert code(cast.alice.delete(f"/invitations/{first['id']}")) == (422, "ILLEGAL_TRANSITION")


@pytest.mark.covers("E003-032", "E002-085")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"email": "no"}, (400, "VALIDATION_ERROR")),
        ({"role": "Emperor"}, (400, "VALIDATION_ERROR")),
        ({"role": "SuperAdmin"}, (400, "VALIDATION_ERROR")),
        ({"projectIds": [str(uuid4())]}, (400, "VALIDATION_ERROR")),
        ({"email": "BOB@example.test"}, (409, "DUPLICATE")),
        ({"email": "open@example.test"}, (409, "DUPLICATE")),
    ],
)
def test_invitation_that_cannot_be(cast: Cast, body: dict[str, Any], expected: tuple[int, str]) -> None:
    invite(cast.alice, "open@example.test")

    response = cast.alice.post("/invitations", {"email": "new@example.test", "role": "Agent", **body})

    assert code(response) == expected
    assert response.json()["errors"][0]["field"] == next(iter(body))
    assert cast.alice.get("/invitations").json()["meta"]["total"] == 1


@pytest.mark.covers("C30")
def test_somebody_of_another_organisation_learns_it_only_when_they_accept(cast: Cast, nobody: Person) -> None:
    response = invite(cast.alice, "mallory@example.test")

    assert response.status_code == 201
    token = response.json()["data"]["token"]
    assert code(nobody.post("/invitations/accept", {"token": token, "password": "another-1"})) == (409, "DUPLICATE")
    assert cast.alice.get("/invitations?status=Pending").json()["meta"]["total"] == 1


@pytest.mark.covers("003-TEN-03", "E002-087", "E002-088")
def test_invitations_of_another_organisation_are_not_there(cast: Cast) -> None:
    id = invite(cast.alice).json()["data"]["id"]

    for path in ("/invitations", "/users/invitations"):
        assert cast.mallory.get(f"{path}/{id}").status_code == 404
        assert cast.mallory.delete(f"{path}/{id}").status_code == 404
        assert cast.mallory.post(f"{path}/{id}/resend").status_code == 404
        assert cast.alice.get(f"{path}/{id}").json()["data"]["status"] == "Pending"
    for person in (cast.bob, cast.carol):
        assert code(person.get("/invitations")) == (403, "PERMISSION_DENIED")
        assert code(invite(person, "x@example.test")) == (403, "PERMISSION_DENIED")


@pytest.mark.covers("E003-032", "C32")
def test_superadmin_names_the_organisation(cast: Cast) -> None:
    assert code(invite(cast.root)) == (400, "TENANT_REQUIRED")
    by_body = invite(cast.root, organizationId=str(cast.b.pk))
    by_header = cast.root.post("/invitations", {"email": "y@example.test"}, X_Tenant_ID=str(cast.b.pk))

    assert [one.json()["data"]["organizationId"] for one in (by_body, by_header)] == [str(cast.b.pk)] * 2
    assert delivered()[0].to == ["new@example.test"]


def test_the_tokens_hash_alone_is_kept_and_follows_from_the_secret_key(cast: Cast) -> None:
    data = invite(cast.alice).json()["data"]

    with tenant(cast.a.pk):
        assert services.token_of(Invitation.objects.get()) == data["token"]


# --- organisations -----------------------------------------------------------------------


@pytest.mark.covers("E003-006", "003-TEN-01")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "email": "no"}, "email"),
        ({"name": "x", "website": "no"}, "website"),
        ({"name": "x", "timeZone": "Mars/Olympus"}, "timeZone"),
        ({"name": "x", "settings": {"passwordMinLength": 3}}, "settings.passwordMinLength"),
        ({"name": "x", "settings": {"accessTokenSeconds": "1"}}, "settings.accessTokenSeconds"),
        ({"name": "x", "kind": "ministry"}, "kind"),
    ],
)
def test_organisation_that_cannot_be(cast: Cast, body: dict[str, Any], field: str) -> None:
    response = cast.root.post("/organizations", body)

    assert code(response) == (400, "VALIDATION_ERROR")
    assert response.json()["errors"][0]["field"] == field
    assert cast.root.get("/organizations").json()["meta"]["total"] == 2


@pytest.mark.covers("E003-006", "E003-007")
@pytest.mark.parametrize("who", ["alice", "bob", "carol"])
def test_organisations_are_the_superadmins(cast: Cast, who: str) -> None:
    person: Person = getattr(cast, who)

    assert code(person.post("/organizations", {"name": "x"})) == (403, "PERMISSION_DENIED")
    assert code(person.post(f"/organizations/{cast.a.pk}/admins", {"email": "x@x.test"})) == (403, "PERMISSION_DENIED")
    assert code(person.delete(f"/organizations/{cast.a.pk}")) == (403, "PERMISSION_DENIED")
    assert code(person.patch(f"/organizations/{cast.a.pk}/status", {})) == (403, "PERMISSION_DENIED")
    refusal = person.get("/admin/dashboard/stats").json()
    assert refusal["message"] == "User does not have the required role to access this resource"
    assert [row["name"] for row in person.get("/organizations").json()["data"]] == ["A"]
    assert person.get(f"/organizations/{cast.b.pk}").status_code == 404


@pytest.mark.covers("003-TEN-02")
def test_an_admin_changes_the_own_organisation_but_its_being_on(cast: Cast) -> None:
    path = f"/organizations/{cast.a.pk}"

    changed = cast.alice.patch(path, {"city": "Rabat", "settings": {"accessTokenSeconds": 600}, "version": 1})
    merged = cast.alice.put(path, {"settings": {"passwordMinLength": 8}})
    cleared = cast.alice.put(path, {"city": None, "settings": {"accessTokenSeconds": None}})

    assert (changed.json()["data"]["city"], changed.json()["data"]["version"]) == ("Rabat", 2)
    assert merged.json()["data"]["settings"] == {"accessTokenSeconds": 600, "passwordMinLength": 8}
    assert (cleared.json()["data"]["city"], cleared.json()["data"]["settings"]) == (None, {"passwordMinLength": 8})
    assert code(cast.alice.patch(path, {"city": "x", "version": 1})) == (409, "VERSION_CONFLICT")
    assert code(cast.alice.patch(path, {"isActive": False})) == (403, "PERMISSION_DENIED")
    assert cast.alice.patch(f"/organizations/{cast.b.pk}", {"city": "x"}).status_code == 404
    assert code(cast.bob.patch(path, {"city": "x"})) == (403, "PERMISSION_DENIED")


@pytest.mark.covers("C36", "003-TEN-01")
def test_people_of_an_organisation_that_is_off_are_out_at_once(cast: Cast, nobody: Person) -> None:
    session = nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD}).json()["data"]

    off = cast.root.patch(f"/organizations/{cast.a.pk}/status", {})

    assert off.json()["data"]["isActive"] is False
    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert nobody.post("/auth/refresh", {"refreshToken": session["refreshToken"]}).status_code == 401
    sign_in = {"email": "bob@example.test", "password": PASSWORD}
    assert code(nobody.post("/auth/login", sign_in)) == (403, "ACCOUNT_INACTIVE")
    assert cast.mallory.get("/auth/me").status_code == 200
    on = cast.root.patch(f"/organizations/{cast.a.pk}/status", {})
    assert on.json()["data"]["isActive"] is True
    assert cast.bob.get("/auth/me").status_code == 200
    assert cast.root.delete(f"/organizations/{cast.a.pk}").json()["message"] == "Organization deleted successfully."
    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert cast.root.get(f"/organizations/{cast.a.pk}").status_code == 404
    assert cast.root.delete(f"/organizations/{cast.a.pk}").status_code == 404


@pytest.mark.covers("003-TEN-05")
def test_superadmin_lists_searches_and_sorts_organisations(cast: Cast) -> None:
    cast.root.post("/organizations", {"name": "Water agency", "kind": "agency", "country": "Yemen"})

    def listed(query: str) -> list[str]:
        return [row["name"] for row in cast.root.get(f"/organizations?{query}").json()["data"]]

    assert listed("") == ["A", "B", "Water agency"]
    assert listed("sort=name&order=desc&limit=1") == ["Water agency"]
    assert listed("search=yemen") == listed("kind=agency") == ["Water agency"]
    assert listed("isActive=false") == []
