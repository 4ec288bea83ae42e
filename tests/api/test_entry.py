"""Two-step sign-in, forgotten passwords, sign-ins and devices, and what an observer may not learn (C20 to C38)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.accounts import jobs, signals
from portal.core.accounts.models import Device, PasswordReset, RevokedToken, User
from portal.core.audit.models import Action, SecurityEvent
from portal.core.common import clock
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import PASSWORD, Cast, Person
from tests.api.letters import delivered, token_in
from tests.codes import totp

pytestmark = pytest.mark.django_db


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


def sign_in(nobody: Person, name: str = "bob", **more: Any) -> Any:
    return nobody.post("/auth/login", {"email": f"{name}@example.test", "password": PASSWORD, **more})


def bearer(data: dict[str, Any]) -> Person:
    return Person(User(), {"Authorization": f"Bearer {data['token']}"})


@contextmanager
def heard(signal: Any) -> Iterator[list[dict[str, Any]]]:
    """What a signal says meanwhile."""
    said: list[dict[str, Any]] = []
    signal.connect(lambda signal, sender, **told: said.append(told), weak=False, dispatch_uid="tests.heard")
    try:
        yield said
    finally:
        signal.disconnect(dispatch_uid="tests.heard")


# --- two steps -----------------------------------------------------------------------------------------


@pytest.fixture
def secured(cast: Cast) -> tuple[str, list[str]]:
    """Bob with two-step sign-in: (secret, recovery codes)."""
    secret = cast.bob.post("/auth/mfa/setup").json()["data"]["secret"]
    on = cast.bob.post("/auth/mfa/verify", {"code": totp(secret, steps=-1)})
    assert on.status_code == 200, on.content
    return secret, on.json()["data"]["recoveryCodes"]


@pytest.mark.covers("C34", "002-SEC-04")
def test_nothing_is_on_before_a_code_has_come_back(cast: Cast, nobody: Person) -> None:
    assert code(cast.bob.post("/auth/mfa/verify", {"code": "000000"})) == (422, "MFA_SETUP_REQUIRED")
    setup = cast.bob.post("/auth/mfa/setup").json()["data"]
    assert setup["otpauthUrl"].startswith("otpauth://totp/bob%40example.test?")
    assert setup["secret"] in setup["otpauthUrl"]
    for wrong in ("000000", "ةةةةةة", "٠٠٠٠٠٠", " "):
        assert code(cast.bob.post("/auth/mfa/verify", {"code": wrong})) == (400, "VALIDATION_ERROR")
    assert sign_in(nobody).json()["data"]["mfaRequired"] is False
    assert cast.bob.get("/auth/mfa").json()["data"] == {"enabled": False, "recoveryCodesLeft": 0}
    with tenant(cast.a.pk):
        assert setup["secret"] not in User.objects.get(pk=cast.bob.user.pk).mfa_pending

    on = cast.bob.post("/auth/mfa/verify", {"code": totp(setup["secret"])})

    assert len(on.json()["data"]["recoveryCodes"]) == 10
    assert cast.bob.get("/auth/mfa").json()["data"] == {"enabled": True, "recoveryCodesLeft": 10}
    assert cast.bob.get("/auth/me").json()["data"]["mfaEnabled"] is True
    assert code(cast.bob.post("/auth/mfa/setup")) == (409, "MFA_ENABLED")


@pytest.mark.covers("C34", "E001-001")
def test_the_second_step_takes_each_code_once(cast: Cast, nobody: Person, secured: Any, trail: Any) -> None:
    secret, recovery = secured
    first = sign_in(nobody).json()["data"]
    assert set(first) == {"mfaRequired", "mfaToken", "expiresIn"}
    assert (first["mfaRequired"], first["expiresIn"]) == (True, 300)
    assert not trail(Action.LOGIN)

    def finish(given: str, challenge: str = first["mfaToken"]) -> Any:
        return nobody.post("/auth/mfa/challenge", {"mfaToken": challenge, "code": given})

    shown = totp(secret)
    done = finish(f"{shown[:3]} {shown[3:]}")
    assert done.status_code == 200
    assert bearer(done.json()["data"]).get("/auth/me").json()["data"]["email"] == "bob@example.test"
    assert code(finish(shown)) == (401, "MFA_CODE_INVALID")
    assert finish(recovery[0]).status_code == 200
    assert code(finish(recovery[0])) == (401, "MFA_CODE_INVALID")
    assert code(finish(recovery[1], "x")) == (401, "MFA_TOKEN_INVALID")
    assert sign_in(nobody, code=recovery[1]).json()["data"]["mfaRequired"] is False
    assert cast.bob.get("/auth/mfa").json()["data"]["recoveryCodesLeft"] == 8
    assert len(trail(Action.LOGIN)) == 3


def test_a_challenge_ends_with_time_and_with_a_new_password(
    cast: Cast, nobody: Person, secured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenge = sign_in(nobody).json()["data"]["mfaToken"]
    cast.bob.patch("/auth/profile", {"currentPassword": PASSWORD, "newPassword": "another-1"})

    body = {"mfaToken": challenge, "code": secured[1][0]}
    assert code(nobody.post("/auth/mfa/challenge", body)) == (401, "MFA_TOKEN_INVALID")
    signed_in = nobody.post("/auth/login", {"email": "bob", "password": "another-1"}).json()["data"]
    now = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + 301)
    late = nobody.post("/auth/mfa/challenge", {"mfaToken": signed_in["mfaToken"], "code": secured[1][0]})
    assert code(late) == (401, "MFA_TOKEN_INVALID")


@pytest.mark.covers("C34")
def test_five_wrong_codes_lock_the_second_step_though_the_password_is_right(
    cast: Cast, nobody: Person, secured: Any
) -> None:
    for _ in range(5):
        challenge = sign_in(nobody).json()["data"]["mfaToken"]
        wrong = nobody.post("/auth/mfa/challenge", {"mfaToken": challenge, "code": "000000"})
        assert code(wrong) == (401, "MFA_CODE_INVALID")

    locked = nobody.post("/auth/mfa/challenge", {"mfaToken": challenge, "code": secured[1][0]})

    assert code(locked) == (429, "ACCOUNT_LOCKED")
    assert int(locked["Retry-After"]) > 800
    assert code(cast.bob.post("/auth/mfa/disable", {"code": secured[1][0]})) == (429, "ACCOUNT_LOCKED")


def test_wrong_codes_inside_count_too(cast: Cast, secured: Any) -> None:
    answers = [cast.bob.post("/auth/mfa/disable", {"code": "000000"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert cast.bob.get("/auth/mfa").json()["data"]["enabled"] is True


def test_two_steps_are_switched_off_by_a_code_or_by_an_administrator(cast: Cast, nobody: Person, secured: Any) -> None:
    renewed = cast.bob.post("/auth/mfa/recovery-codes", {"code": secured[1][0]}).json()["data"]["recoveryCodes"]
    assert not set(renewed) & set(secured[1])
    assert code(cast.bob.post("/auth/mfa/disable", {"code": secured[1][1]})) == (401, "MFA_CODE_INVALID")
    assert cast.bob.post("/auth/mfa/disable", {"code": renewed[0]}).status_code == 200
    assert sign_in(nobody).json()["data"]["mfaRequired"] is False
    assert code(cast.bob.post("/auth/mfa/disable", {"code": renewed[1]})) == (422, "MFA_NOT_ENABLED")

    secret = cast.bob.post("/auth/mfa/setup").json()["data"]["secret"]
    cast.bob.post("/auth/mfa/verify", {"code": totp(secret)})
    path = f"/users/{cast.bob.user.pk}/mfa"
    assert cast.mallory.delete(path).status_code == 404
    assert code(cast.carol.delete(path)) == (403, "PERMISSION_DENIED")
    assert cast.alice.delete(path).status_code == 200
    assert code(cast.alice.delete(path)) == (422, "MFA_NOT_ENABLED")


@pytest.mark.covers("E004-001", "C34")
def test_a_device_sends_the_code_with_the_password(cast: Cast, secured: Any) -> None:
    body = {"username": "bob", "password": PASSWORD, "deviceInfo": {"deviceId": "t-1"}}

    def login(**more: Any) -> Any:
        return Client().post("/api/mobile/v1/auth/login", {**body, **more}, content_type="application/json")

    refused = login()
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "AUTHENTICATION_REQUIRED")
    assert refused.json()["error"]["details"]["mfaRequired"] is True
    assert login(mfaCode="000000").json()["error"]["code"] == "MFA_CODE_INVALID"
    with tenant(cast.a.pk):
        assert not Device.objects.exists()
    assert login(mfaCode=secured[1][0]).status_code == 200


# --- forgotten passwords -------------------------------------------------------------------------------


@pytest.mark.covers("E003-004", "003-AUTH-06", "003-AUTH-07")
def test_the_answer_and_the_work_are_the_same_for_everybody(cast: Cast, nobody: Person) -> None:
    seen = []
    for email in ("bob@example.test", "nobody@example.test"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = nobody.post("/auth/forgot-password", {"email": email})
        seen.append((response.status_code, response.content, [query["sql"].split(" ", 1)[0] for query in queries]))

    assert seen[0] == seen[1]
    assert seen[0][0] == 200
    message = "If the email exists, a password reset link has been sent."
    assert nobody.post("/auth/forgot-password", {"email": "x"}).json()["message"] == message
    with platform():
        assert not PasswordReset.objects.exists(), "a worker looks the person up, not the request"
    letters = delivered()
    assert [letter.to for letter in letters] == [["bob@example.test"]]
    assert len(token_in(letters[0])) == 64


@pytest.mark.covers("E003-005", "003-AUTH-08", "003-AUTH-10", "003-AUTH-11")
def test_reset_works_once_and_ends_every_session(cast: Cast, nobody: Person, trail: Any) -> None:
    session = sign_in(nobody).json()["data"]
    for _ in range(5):
        nobody.post("/auth/login", {"email": "bob@example.test", "password": "wrong"})
    for _ in range(2):
        nobody.post("/auth/forgot-password", {"email": "BOB@example.test"})
    first, second = (token_in(letter) for letter in delivered())
    short = nobody.post("/auth/reset-password", {"token": first, "newPassword": "12345"})
    assert (code(short), short.json()["errors"][0]["field"]) == ((400, "VALIDATION_ERROR"), "newPassword")

    done = nobody.post("/auth/reset-password", {"token": first, "newPassword": "another-1"})

    assert (done.status_code, done.json()["message"]) == (200, "Password has been reset successfully.")
    assert code(bearer(session).get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert nobody.post("/auth/refresh", {"refreshToken": session["refreshToken"]}).status_code == 401
    assert nobody.post("/auth/login", {"email": "bob", "password": "another-1"}).status_code == 200
    for token in (first, second, "0" * 64):
        again = nobody.post("/auth/reset-password", {"token": token, "newPassword": "another-2"})
        assert code(again) == (400, "RESET_TOKEN_INVALID")
    assert [entry.reason for entry in trail(Action.SETTINGS, actor=cast.bob.user.pk)] == ["PASSWORD_RESET"]
    with platform():
        assert not PasswordReset.objects.filter(token_hash__in=[first, second]).exists()


@pytest.mark.covers("E003-005", "003-AUTH-07")
@pytest.mark.parametrize("state", ["late", "deleted", "inactive"])
def test_reset_token_that_does_not_hold(cast: Cast, nobody: Person, state: str) -> None:
    nobody.post("/auth/forgot-password", {"email": "bob@example.test"})
    token = token_in(delivered()[0])
    with platform():
        if state == "late":
            PasswordReset.objects.update(expires_at=clock.now())
        else:
            values: dict[str, Any] = {"deleted_at": clock.now()} if state == "deleted" else {"is_active": False}
            User.objects.filter(pk=cast.bob.user.pk).update(**values)

    response = nobody.post("/auth/reset-password", {"token": token, "newPassword": "another-1"})

    assert code(response) == (400, "RESET_TOKEN_INVALID")


@pytest.mark.covers("E002-090")
def test_an_administrator_has_a_password_reset(cast: Cast, nobody: Person) -> None:
    response = cast.alice.post(f"/users/{cast.bob.user.pk}/reset-password")

    assert response.status_code == 200
    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    token = token_in(delivered()[0])
    assert token not in response.content.decode()
    assert nobody.post("/auth/reset-password", {"token": token, "newPassword": "another-1"}).status_code == 200


# --- what an observer may not learn --------------------------------------------------------------------


@pytest.mark.covers("001-FR-002", "E001-001")
def test_sign_in_does_the_same_work_for_known_and_unknown_people(cast: Cast, nobody: Person, monkeypatch: Any) -> None:
    """No clock: the slow part is the hash, so its calls are counted, and the statements beside it."""
    encode, hashes = MD5PasswordHasher.encode, []

    def counted(self: Any, password: str, salt: str) -> str:
        hashes.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    with platform():
        User.objects.filter(pk=cast.carol.user.pk).update(password="!unusable")
    work = []
    for name in ("bob", "zoe", "carol"):
        hashes.clear()
        with CaptureQueriesContext(connection) as queries:
            response = nobody.post("/auth/login", {"email": f"{name}@example.test", "password": "wrong"})
        assert code(response) == (401, "INVALID_CREDENTIALS")
        body = response.json() | {"meta": None}
        work.append((body, len(hashes), [query["sql"].split(" ", 1)[0] for query in queries]))

    assert work[0][1] == 1
    assert work[0] == work[1] == work[2]


@pytest.mark.covers("E001-001")
def test_a_locked_account_and_a_guess_at_none_are_announced(cast: Cast, nobody: Person) -> None:
    with heard(signals.security_event) as said:
        for name in ("bob", "zoe"):
            for _ in range(7):
                nobody.post("/auth/login", {"email": f"{name}@example.test", "password": "wrong"})

    assert [(one["kind"], one["subject"], one["organization"]) for one in said] == [
        ("account_locked", "Bob", cast.a.pk),
        ("brute_force", "zoe@example.test", None),
    ]


# --- tokens ------------------------------------------------------------------------------------------------


@pytest.mark.covers("002-SEC-02", "E001-002", "001-FR-005")
def test_a_spent_refresh_token_ends_the_family_and_is_announced(cast: Cast, nobody: Person, trail: Any) -> None:
    first = sign_in(nobody).json()["data"]
    other = sign_in(nobody).json()["data"]
    second = nobody.post("/auth/refresh", {"refreshToken": first["refreshToken"]}).json()["data"]

    with heard(signals.security_event) as said, heard(signals.access_changed) as ended:
        again = nobody.post("/auth/refresh", {"refreshToken": first["refreshToken"]})

    assert code(again) == (401, "REFRESH_TOKEN_INVALID")
    assert code(bearer(first).get("/auth/me")) == code(bearer(second).get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert nobody.post("/auth/refresh", {"refreshToken": second["refreshToken"]}).status_code == 401
    assert bearer(other).get("/auth/me").status_code == 200
    assert [(one["kind"], one["severity"], one["user"]) for one in said] == [("token_reuse", "high", cast.bob.user.pk)]
    assert [one["users"] for one in ended] == [[cast.bob.user.pk]]
    with platform():
        event = SecurityEvent.objects.get(type="token_reuse")
    assert (event.organization_id, event.severity, event.status) == (cast.a.pk, "high", "open")
    denied = [entry.reason for entry in trail(Action.LOGIN_FAILED)]
    assert denied == ["REFRESH_TOKEN_REUSED"]


def test_a_refresh_token_of_one_api_is_none_of_the_other(cast: Cast, nobody: Person) -> None:
    token = sign_in(nobody).json()["data"]["refreshToken"]

    answer = Client().post(
        "/api/mobile/v1/auth/refresh", {"refreshToken": token}, content_type="application/json",
        headers={"X-Device-ID": "d"},
    )  # fmt: skip

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "REFRESH_TOKEN_INVALID")
    assert nobody.post("/auth/refresh", {"refreshToken": token}).status_code == 200


@pytest.mark.covers("E002-006", "C27", "000-RBAC-02")
def test_own_rights_are_verbs_and_codes_in_one_list(cast: Cast) -> None:
    words = cast.carol.get("/auth/permissions").json()["data"]

    assert {"read", "samples.view"} <= set(words)
    assert "samples.edit" not in words
    assert cast.carol.get("/auth/me").json()["data"]["permissions"] == words
    assert {"manage", "users.manage"} <= set(cast.alice.get("/auth/permissions").json()["data"])


@pytest.mark.covers("C39", "002-SEC-12")
def test_the_portals_cookie_opens_no_api_and_is_closed_to_scripts(cast: Cast) -> None:
    page = Client(enforce_csrf_checks=True)
    assert page.login(username="bob@example.test", password=PASSWORD)

    assert page.get("/").status_code == 200
    assert code(page.get("/api/v1/auth/me")) == (401, "AUTHENTICATION_REQUIRED")
    signed_in = Client().post("/login", {"login": "bob@example.test", "password": PASSWORD})
    cookie = signed_in.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert page.post("/logout").status_code == 403, "without the CSRF token"
    assert page.get("/").status_code == 200


# --- the organisation in force ------------------------------------------------------------------------------


@pytest.mark.covers("C32", "003-TEN-04")
def test_the_header_names_the_own_organisation_or_nothing(cast: Cast, trail: Any) -> None:
    with heard(signals.security_event) as said:
        own = cast.alice.get("/users", X_Tenant_ID=str(cast.a.pk).upper())
        foreign = cast.alice.get("/users", X_Tenant_ID=str(cast.b.pk))
        unknown = cast.alice.get("/users", X_Tenant_ID=str(uuid4()))
        broken = cast.alice.get("/users", X_Tenant_ID="1")

    assert own.status_code == 200
    assert code(foreign) == code(unknown) == (403, "TENANT_MISMATCH")
    assert code(broken) == (400, "VALIDATION_ERROR")
    assert [(one["kind"], one["organization"]) for one in said] == [("cross_tenant", cast.a.pk)] * 2
    assert [entry.reason for entry in trail(Action.DENIED)] == ["TENANT_MISMATCH"] * 2


@pytest.mark.covers("C32", "003-TEN-05")
def test_superadmin_reads_all_writes_one_and_leaves_a_trace(cast: Cast, trail: Any) -> None:
    sample = {"type": "drinking_water", "collectionDate": "2026-03-20T09:15:00Z", "location": "x", "collectorName": "y"}

    assert cast.root.get("/users").status_code == 200
    assert code(cast.root.post("/samples", sample)) == (400, "TENANT_REQUIRED")
    assert code(cast.root.post("/samples", sample, X_Tenant_ID=str(uuid4()))) == (404, "RESOURCE_NOT_FOUND")
    made = cast.root.post("/samples", sample, X_Tenant_ID=str(cast.b.pk))
    assert (made.status_code, made.json()["data"]["organizationId"]) == (201, str(cast.b.pk))
    assert cast.mallory.get(f"/samples/{made.json()['data']['id']}").status_code == 200
    noted = trail(Action.SUPPORT_ACCESS)
    assert [(entry.object_pk, entry.reason, entry.actor_id) for entry in noted] == [
        ("", "GET /api/v1/users", cast.root.user.pk),
        (str(cast.b.pk), "POST /api/v1/samples", cast.root.user.pk),
    ]
    assert [entry.organization_id for entry in noted] == [None, cast.b.pk]


# --- sign-ins and devices -----------------------------------------------------------------------------------


@pytest.mark.covers("002-SEC-03")
def test_own_sign_ins_are_listed_and_ended_at_once(cast: Cast, nobody: Person) -> None:
    here, there = sign_in(nobody).json()["data"], sign_in(nobody, rememberMe=True).json()["data"]
    sign_in(nobody, "alice")
    me, other = bearer(here), bearer(there)

    rows = me.get("/auth/sessions").json()["data"]
    assert [(row["current"], row["rememberMe"], row["surface"]) for row in rows] == [
        (False, True, "v1"),
        (True, False, "v1"),
    ]
    assert me.delete(f"/auth/sessions/{rows[0]['id']}").status_code == 200
    assert code(other.get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert nobody.post("/auth/refresh", {"refreshToken": there["refreshToken"]}).status_code == 401
    assert me.delete(f"/auth/sessions/{rows[0]['id']}").status_code == 404
    assert cast.alice.delete(f"/auth/sessions/{rows[1]['id']}").status_code == 404
    assert me.get("/auth/me").status_code == 200


@pytest.mark.covers("002-SEC-03")
@pytest.mark.parametrize("everywhere", [False, True])
def test_all_sign_ins_end_the_portal_included(cast: Cast, nobody: Person, everywhere: bool) -> None:
    here, there = sign_in(nobody).json()["data"], sign_in(nobody).json()["data"]
    page = Client()
    assert page.login(username="bob@example.test", password=PASSWORD)
    assert page.get("/").status_code == 200

    response = bearer(here).delete(f"/auth/sessions?all={str(everywhere).lower()}")

    assert response.status_code == 200
    assert code(bearer(there).get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert bearer(here).get("/auth/me").status_code == (401 if everywhere else 200)
    assert page.get("/").status_code == 302


@pytest.mark.covers("E002-091", "002-SEC-03")
def test_an_administrator_sees_and_ends_the_sign_ins_of_others(cast: Cast, nobody: Person) -> None:
    session = sign_in(nobody).json()["data"]
    path = f"/users/{cast.bob.user.pk}/sessions"

    assert [row["current"] for row in cast.alice.get(path).json()["data"]] == [False]
    assert code(cast.carol.get(path)) == code(cast.carol.delete(path)) == (403, "PERMISSION_DENIED")
    assert cast.mallory.delete(path).status_code == 404
    assert cast.alice.delete(path).status_code == 200
    assert code(bearer(session).get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert cast.alice.get(path).json()["data"] == []


@pytest.mark.covers("E004-001", "E004-005", "C38")
@pytest.mark.parametrize("who", ["bob", "alice"])
def test_devices_are_listed_and_revoked_at_once(cast: Cast, who: str) -> None:
    body = {"username": "bob", "password": PASSWORD, "deviceInfo": {"deviceId": "t-1", "deviceName": "Tablet 1"}}
    with heard(signals.security_event) as said:
        data = Client().post("/api/mobile/v1/auth/login", body, content_type="application/json").json()["data"]
        Client().post("/api/mobile/v1/auth/login", body, content_type="application/json")
    tablet = Person(User(), {"Authorization": f"Bearer {data['accessToken']}"})
    path = "/auth/devices" if who == "bob" else f"/users/{cast.bob.user.pk}/devices"
    person: Person = getattr(cast, who)

    rows = person.get(path).json()["data"]
    revoked = person.delete(f"{path}/{rows[0]['id']}")

    assert [(row["deviceId"], row["deviceName"], row["status"]) for row in rows] == [("t-1", "Tablet 1", "active")]
    assert revoked.json()["data"]["status"] == "revoked"
    assert code(tablet.get("/auth/me")) == (401, "TOKEN_REVOKED")
    refresh = Client().post(
        "/api/mobile/v1/auth/refresh", {"refreshToken": data["refreshToken"]}, content_type="application/json",
        headers={"X-Device-ID": "t-1"},
    )  # fmt: skip
    assert refresh.status_code == 401
    assert cast.mallory.delete(f"/users/{cast.bob.user.pk}/devices/{rows[0]['id']}").status_code == 404
    assert cast.carol.delete(f"/auth/devices/{rows[0]['id']}").status_code == 404
    assert [(one["kind"], one["details"]["device"]) for one in said] == [("new_device", "Tablet 1")]


def test_housekeeping_removes_what_has_run_out(cast: Cast, nobody: Person) -> None:
    sign_in(nobody)
    bearer(sign_in(nobody).json()["data"]).post("/auth/logout")
    nobody.post("/auth/forgot-password", {"email": "bob"})
    delivered()
    with platform():
        PasswordReset.objects.update(expires_at=clock.now() - timedelta(days=2))
        RevokedToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))

        jobs.purge_tokens()

        assert not PasswordReset.objects.exists()
        assert not RevokedToken.objects.exists()
