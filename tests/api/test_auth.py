"""Sign-in, tokens, lockout (001 FR-001 to FR-006, C15 to C36)."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from portal.core.accounts import services, tokens
from portal.core.accounts.models import Device, LoginFailure, RefreshToken, Role, User
from portal.core.audit.models import Action
from portal.core.common import clock
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import PASSWORD, Cast, Person

pytestmark = pytest.mark.django_db


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


def sign_in(nobody: Person, name: str = "alice", **more: Any) -> Any:
    return nobody.post("/auth/login", {"email": f"{name}@example.test", "password": PASSWORD, **more})


@pytest.mark.covers(
    "E000-001", "E001-001", "E002-001", "E003-001", "001-FR-001", "001-FR-003", "001-FR-060", "001-US4-AS1",
    "000-AUTH-01", "C19", "C21",
)  # fmt: skip
def test_login_answers_what_every_source_promises(cast: Cast, nobody: Person, trail: Any) -> None:
    response = sign_in(nobody)

    assert response.status_code == 200
    data = response.json()["data"]
    assert data["token"] == data["accessToken"]
    assert (data["expiresIn"], data["tokenType"]) == (3600, "Bearer")
    assert data["user"]["role"] == "Admin"
    assert data["user"]["organizationId"] == data["user"]["tenantId"] == data["tenant"]["id"] == str(cast.a.pk)
    assert {"read", "write", "samples.view"} <= set(data["user"]["permissions"])
    assert data["user"]["lastLogin"].endswith("Z")
    assert [entry.object_pk for entry in trail(Action.LOGIN)] == [str(cast.alice.user.pk)]


@pytest.mark.covers("E001-001", "C20")
@pytest.mark.parametrize("identifier", ["ALICE@example.test", "alice", " alice@example.test "])
def test_login_by_user_name_and_in_any_case(cast: Cast, nobody: Person, identifier: str) -> None:
    response = nobody.post("/auth/login", {"username": identifier, "password": PASSWORD})

    assert response.status_code == 200


@pytest.mark.covers("E001-001", "001-FR-002")
def test_wrong_password_and_unknown_person_answer_alike(cast: Cast, nobody: Person, trail: Any) -> None:
    wrong = nobody.post("/auth/login", {"email": "alice@example.test", "password": "wrong"})
    unknown = nobody.post("/auth/login", {"email": "zoe@example.test", "password": "wrong"})

    assert code(wrong) == code(unknown) == (401, "INVALID_CREDENTIALS")
    assert wrong.json()["message"] == unknown.json()["message"]
    assert [entry.object_repr for entry in trail(Action.LOGIN_FAILED)] == ["alice@example.test", "zoe@example.test"]


@pytest.mark.covers("E003-001", "C22", "003-AUTH-05")
def test_inactive_person_is_told_only_with_the_right_password(cast: Cast, nobody: Person) -> None:
    with platform():
        User.objects.filter(pk=cast.alice.user.pk).update(is_active=False)

    assert code(sign_in(nobody)) == (403, "ACCOUNT_INACTIVE")
    assert code(nobody.post("/auth/login", {"email": "alice@example.test", "password": "x"})) == (
        401,
        "INVALID_CREDENTIALS",
    )


@pytest.mark.covers("E002-001", "002-AUTH-01")
def test_tenant_at_login_is_a_check(cast: Cast, nobody: Person) -> None:
    assert sign_in(nobody, tenantId=str(cast.a.pk)).status_code == 200
    assert code(sign_in(nobody, tenantId=str(cast.b.pk))) == (401, "INVALID_CREDENTIALS")
    assert code(sign_in(nobody, tenantId="x")) == (400, "VALIDATION_ERROR")


@pytest.mark.covers("E001-001")
@pytest.mark.parametrize("name", ["alice", "zoe"])
def test_five_failures_lock_known_and_unknown_identifiers(cast: Cast, nobody: Person, name: str) -> None:
    for _ in range(5):
        nobody.post("/auth/login", {"email": f"{name}@example.test", "password": "wrong"})

    locked = sign_in(nobody, name)

    assert code(locked) == (429, "ACCOUNT_LOCKED")
    assert 890 < int(locked["Retry-After"]) <= 900
    assert sign_in(nobody, "bob").status_code == 200


@pytest.mark.covers("E001-001")
def test_lock_opens_after_a_quarter_of_an_hour_and_success_forgets_failures(cast: Cast, nobody: Person) -> None:
    for _ in range(5):
        nobody.post("/auth/login", {"email": "alice", "password": "wrong"})
    LoginFailure.objects.update(at=clock.now() - timedelta(minutes=15, seconds=1))

    assert sign_in(nobody).status_code == 200
    for _ in range(4):
        nobody.post("/auth/login", {"email": "alice", "password": "wrong"})
    assert sign_in(nobody).status_code == 200
    assert LoginFailure.objects.filter(at__gt=clock.now() - timedelta(minutes=1)).count() == 0


def test_portal_and_api_share_the_lock(cast: Cast, nobody: Person) -> None:
    client = Client()
    for _ in range(5):
        assert not client.login(username="alice@example.test", password="wrong")

    assert code(sign_in(nobody)) == (429, "ACCOUNT_LOCKED")
    assert not client.login(username="alice@example.test", password=PASSWORD)


@pytest.mark.covers("003-TST-02")
def test_portal_sign_in_and_out_are_audited(cast: Cast, trail: Any) -> None:
    client = Client()
    assert client.login(username="bob@example.test", password=PASSWORD)
    client.logout()

    assert [entry.via for entry in trail(Action.LOGIN, actor=cast.bob.user.pk)] == ["portal"]
    assert len(trail(Action.LOGOUT, actor=cast.bob.user.pk)) == 1


@pytest.mark.covers("E001-001", "C24", "C15", "000-AUTH-02", "002-SEC-01", "003-AUTH-02")
def test_token_carries_the_agreed_claims_and_verifies_with_the_published_keys(cast: Cast, nobody: Person) -> None:
    token = sign_in(nobody).json()["data"]["token"]
    keys = {key["kid"]: key for key in nobody.get("/auth/jwks").json()["keys"]}

    header = jwt.get_unverified_header(token)
    key = jwt.PyJWK(keys[header["kid"]])
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="FieldScope", issuer="FieldScope")

    assert header["alg"] == "RS256"
    assert {
        "iss",
        "aud",
        "exp",
        "iat",
        "sub",
        "jti",
        "token_type",
        "role",
        "email",
        "organizationId",
        "tenantId",
    } <= set(claims)
    assert claims[tokens.MS_ROLE] == "Admin"
    assert claims["exp"] - claims["iat"] == 3600
    assert "d" not in keys[header["kid"]]


def forged(user: User, **changes: Any) -> str:
    body = jwt.decode(tokens.issue(user)[0], options={"verify_signature": False}) | changes
    kid, key = max(tokens._keys.load().items())
    return jwt.encode(body, key, algorithm="RS256", headers={"kid": kid})


@pytest.mark.covers("001-FR-004", "000-AUTH-03", "001-EDGE-07")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": 1}, "TOKEN_EXPIRED"),
        ({"aud": "another"}, "AUTHENTICATION_REQUIRED"),
        ({"iss": "another"}, "AUTHENTICATION_REQUIRED"),
        ({"token_type": "refresh"}, "AUTHENTICATION_REQUIRED"),
        ({"sub": "x"}, "AUTHENTICATION_REQUIRED"),
        ({"organizationId": "x"}, "AUTHENTICATION_REQUIRED"),
        ({"organizationId": str(uuid4())}, "TOKEN_REVOKED"),
        ({"organizationId": None}, "TOKEN_REVOKED"),
        ({"token_epoch": 7}, "TOKEN_REVOKED"),
        ({"device_id": "lost"}, "TOKEN_REVOKED"),
    ],
)
def test_token_that_does_not_hold(cast: Cast, changes: dict[str, Any], expected: str) -> None:
    person = Person(cast.alice.user, {"Authorization": f"Bearer {forged(cast.alice.user, **changes)}"})

    assert code(person.get("/auth/me")) == (401, expected)


@pytest.mark.covers("002-CFG-02")
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer a.b.c", "bearer  "])
def test_no_usable_authorization_header(cast: Cast, header: str) -> None:
    response = Person(cast.alice.user, {"Authorization": header}).get("/auth/me")

    assert code(response) == (401, "AUTHENTICATION_REQUIRED")
    assert response["WWW-Authenticate"] == "Bearer"


def test_algorithm_is_pinned(cast: Cast) -> None:
    kid, key = max(tokens._keys.load().items())
    body = jwt.decode(tokens.issue(cast.alice.user)[0], options={"verify_signature": False})
    unsigned = jwt.encode(body, "", algorithm="none", headers={"kid": kid})
    symmetric = jwt.encode(body, str(key.public_key().public_numbers().n), algorithm="HS256", headers={"kid": kid})

    for token in (unsigned, symmetric):
        assert code(Person(cast.alice.user, {"Authorization": f"Bearer {token}"}).get("/auth/me"))[0] == 401


@pytest.mark.covers(
    "E001-002", "E000-003", "E002-003", "E003-002", "001-FR-005", "002-SEC-02", "C17", "C18", "003-TST-02"
)
def test_refresh_rotates_and_reuse_ends_the_family(cast: Cast, nobody: Person) -> None:
    first = sign_in(nobody).json()["data"]
    second = nobody.post("/auth/refresh", {"refreshToken": first["refreshToken"]}).json()["data"]
    bearer = {"Authorization": f"Bearer {second['token']}"}
    assert set(second) == {"token", "accessToken", "refreshToken", "expiresIn", "tokenType"}
    assert Person(cast.alice.user, bearer).get("/auth/me").status_code == 200

    assert code(nobody.post("/auth/refresh-token", {"refresh_token": first["refreshToken"]})) == (
        401,
        "REFRESH_TOKEN_INVALID",
    )

    assert code(nobody.post("/auth/refresh", {"refreshToken": second["refreshToken"]})) == (
        401,
        "REFRESH_TOKEN_INVALID",
    )
    assert code(Person(cast.alice.user, bearer).get("/auth/me")) == (401, "TOKEN_REVOKED")


@pytest.mark.covers("E001-002", "C16", "003-AUTH-03", "003-AUTH-04", "004-AUTH-04", "002-CFG-03")
def test_refresh_token_is_kept_as_a_hash_and_lives_as_agreed(cast: Cast, nobody: Person) -> None:
    short, long = sign_in(nobody).json()["data"], sign_in(nobody, rememberMe=True).json()["data"]

    days = [
        (row.expires_at - row.created_at).total_seconds() / 86400 for row in RefreshToken.objects.order_by("created_at")
    ]
    assert [round(value, 2) for value in days] == [6, 30]
    hashes = set(RefreshToken.objects.values_list("token_hash", flat=True))
    assert not hashes & {short["refreshToken"], long["refreshToken"]}

    keys = {key["kid"]: key for key in nobody.get("/auth/jwks").json()["keys"]}
    key = jwt.PyJWK(keys[jwt.get_unverified_header(short["refreshToken"])["kid"]])
    claims = jwt.decode(short["refreshToken"], key, algorithms=["RS256"], audience="FieldScope", issuer="FieldScope")
    assert set(claims) == {"iss", "aud", "exp", "sub", "jti", "token_type"}
    assert (claims["sub"], claims["token_type"]) == (str(cast.alice.user.pk), "refresh")
    kept = RefreshToken.objects.get(pk=claims["jti"])
    assert claims["exp"] == int(kept.expires_at.timestamp())
    renewing = Person(cast.alice.user, {"Authorization": f"Bearer {short['refreshToken']}"})
    assert code(renewing.get("/auth/me")) == (401, "AUTHENTICATION_REQUIRED")

    # whoever comes back in time has the whole life again
    RefreshToken.objects.update(expires_at=clock.now() + timedelta(minutes=1))
    for token, life in ((short["refreshToken"], 6), (long["refreshToken"], 30)):
        long = nobody.post("/auth/refresh", {"refreshToken": token}).json()["data"]
        newest = RefreshToken.objects.latest("created_at")
        assert (newest.expires_at - newest.created_at).total_seconds() / 86400 == pytest.approx(life, abs=0.01)

    RefreshToken.objects.update(expires_at=clock.now())
    assert code(nobody.post("/auth/refresh", {"refreshToken": long["refreshToken"]})) == (401, "REFRESH_TOKEN_INVALID")


@pytest.mark.covers("E001-003", "E002-002", "001-FR-006", "002-SEC-03", "C23")
def test_logout_ends_the_token_at_once_and_its_family(cast: Cast, nobody: Person, trail: Any) -> None:
    data = sign_in(nobody).json()["data"]
    person = Person(cast.alice.user, {"Authorization": f"Bearer {data['token']}"})

    response = person.call("post", "/auth/logout")

    assert (response.status_code, response.json()["message"]) == (200, "Signed out.")
    assert code(person.get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert code(nobody.post("/auth/refresh", {"refreshToken": data["refreshToken"]})) == (401, "REFRESH_TOKEN_INVALID")
    assert cast.alice.get("/auth/me").status_code == 200  # another sign-in of the same person goes on
    assert len(trail(Action.LOGOUT)) == 1


@pytest.mark.covers("C36")
@pytest.mark.parametrize("change", ["inactive", "deleted", "epoch", "organization"])
def test_tokens_die_with_their_person(cast: Cast, change: str) -> None:
    values: dict[str, dict[str, Any]] = {
        "inactive": {"is_active": False},
        "deleted": {"deleted_at": clock.now()},
        "epoch": {"token_epoch": 1},
    }
    with platform():
        if change == "organization":
            type(cast.a).objects.filter(pk=cast.a.pk).update(is_active=False)
        else:
            User.objects.filter(pk=cast.alice.user.pk).update(**values[change])

    assert code(cast.alice.get("/auth/me")) == (401, "TOKEN_REVOKED")


def test_refresh_carries_the_new_role(cast: Cast, nobody: Person) -> None:
    refresh = sign_in(nobody, "bob").json()["data"]["refreshToken"]
    with platform():
        viewer = Role.objects.get(organization=None, key="Viewer")
        User.objects.filter(pk=cast.bob.user.pk).update(role=viewer, token_epoch=1)

    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    token = nobody.post("/auth/refresh", {"refreshToken": refresh}).json()["data"]["token"]
    assert (
        Person(cast.bob.user, {"Authorization": f"Bearer {token}"}).get("/auth/me").json()["data"]["role"] == "Viewer"
    )


def test_token_of_a_device_holds_while_the_device_is_active(cast: Cast) -> None:
    with tenant(cast.a.pk):
        device = Device.objects.create(organization=cast.a, user=cast.bob.user, device_id="lab-pc-7")
    person = Person(cast.bob.user, {"Authorization": f"Bearer {tokens.issue(cast.bob.user, device='lab-pc-7')[0]}"})
    assert person.get("/auth/me").status_code == 200

    with tenant(cast.a.pk):
        Device.objects.filter(pk=device.pk).update(status="revoked")

    assert code(person.get("/auth/me")) == (401, "TOKEN_REVOKED")


@pytest.mark.covers("E000-004", "E002-004", "E002-005", "E003-003", "C28")
def test_profile_is_one_body_at_three_addresses_and_changes_in_parts(cast: Cast) -> None:
    bodies = [cast.bob.get(path).json()["data"] for path in ("/auth/me", "/auth/profile", "/users/me")]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["username"] == "bob"

    changed = cast.bob.put("/auth/profile", {"name": "Bob Ali", "preferences": {"theme": "dark"}, "role": "Admin"})

    assert changed.json()["data"] | {"updatedAt": None, "version": 2} == bodies[0] | {
        "name": "Bob Ali", "fullName": "Bob Ali", "preferences": {"theme": "dark"}, "updatedAt": None, "version": 2,
    }  # fmt: skip
    assert changed.json()["meta"] == {"ignoredFields": ["role"]}
    assert code(cast.bob.patch("/auth/profile", {"phone": "1"}, If_Match='"1"')) == (409, "VERSION_CONFLICT")
    assert cast.bob.patch("/auth/profile", {"phone": "1", "version": 2}).json()["data"]["phone"] == "1"
    assert code(cast.bob.patch("/auth/profile", {"name": None})) == (400, "VALIDATION_ERROR")
    assert cast.bob.patch("/auth/profile", {"language": "de"}).json()["errors"][0]["field"] == "language"


def test_new_password_needs_the_old_one_and_ends_all_sessions(cast: Cast, nobody: Person) -> None:
    refresh = sign_in(nobody, "bob").json()["data"]["refreshToken"]
    wrong = cast.bob.patch("/auth/profile", {"currentPassword": "x", "newPassword": "12"})
    assert {error["field"] for error in wrong.json()["errors"]} == {"currentPassword", "newPassword"}

    assert cast.bob.patch("/auth/profile", {"currentPassword": PASSWORD, "newPassword": "another-1"}).status_code == 200

    assert code(cast.bob.get("/auth/me")) == (401, "TOKEN_REVOKED")
    assert code(nobody.post("/auth/refresh", {"refreshToken": refresh})) == (401, "REFRESH_TOKEN_INVALID")
    assert code(sign_in(nobody, "bob")) == (401, "INVALID_CREDENTIALS")
    assert nobody.post("/auth/login", {"email": "bob", "password": "another-1"}).status_code == 200


@pytest.mark.covers("C24")
def test_rotated_key_signs_and_the_old_one_still_verifies(cast: Cast) -> None:
    before = set(tokens._keys.load())

    kid, dropped = tokens.rotate_key()

    assert kid not in before
    assert not dropped
    assert jwt.get_unverified_header(tokens.issue(cast.alice.user)[0])["kid"] == kid
    assert cast.alice.get("/auth/me").status_code == 200


def test_first_key_is_made_once_by_many(tmp_path: Any, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(tokens.make_key(only_first=True))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 1
    paths = list((tmp_path / "keys" / "jwt").glob("*.pem"))
    assert [oct(path.stat().st_mode & 0o777) for path in paths] == ["0o600"]


def together(count: int, work: Any) -> list[Any]:
    """Run `work` in `count` threads at once, each with its own connection."""
    results: list[Any] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        try:
            barrier.wait()
            results.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
@pytest.mark.covers("E001-002")
def test_of_parallel_refreshes_exactly_one_wins_and_keeps_its_session(cast: Cast, nobody: Person) -> None:
    token = sign_in(nobody).json()["data"]["refreshToken"]

    with transaction.atomic(), connection.cursor() as cursor:
        list(RefreshToken.objects.select_for_update())
        asking = ThreadPoolExecutor(1).submit(
            together, 8, lambda: nobody.post("/auth/refresh", {"refreshToken": token})
        )
        blocked = "SELECT count(*) >= 8 FROM pg_locks WHERE NOT granted"  # all have come before the first is served
        while not asking.done() and cursor.execute(blocked) and cursor.fetchone() == (False,):
            time.sleep(0.02)
    answers = asking.result()

    won = [answer.json()["data"] for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {code(answer) for answer in answers if answer.status_code != 200} == {(401, "REFRESH_TOKEN_INVALID")}
    assert nobody.post("/auth/refresh", {"refreshToken": won[0]["refreshToken"]}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_count_one_by_one(cast: Cast, nobody: Person) -> None:
    answers = together(10, lambda: nobody.post("/auth/login", {"email": "alice", "password": "wrong"}))

    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 5


@pytest.mark.covers("C15", "001-FR-064", "001-CON-03", "003-AUTH-01", "004-AUTH-01")
def test_lifetime_follows_the_organisation_within_bounds(cast: Cast) -> None:
    for wished, expected in ((600, 600), (10, 3600), (86400, 86400), (86401, 3600), ("x", 3600)):
        cast.a.settings = {"accessTokenSeconds": wished}
        cast.alice.user.organization = cast.a
        assert tokens.access_seconds(cast.alice.user) == expected
    assert settings.ACCESS_TOKEN_SECONDS == 3600
    assert services.FAILURES == 5
