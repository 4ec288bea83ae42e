"""How people come in without being signed in: a forgotten password and an invitation."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user

from portal.core.accounts.models import Invitation, PasswordReset, User
from portal.core.accounts.services.invitations import invitation_cancel, invitation_create
from portal.core.accounts.services.passwords import reset_send
from portal.core.common import clock
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast
from tests.lab.test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def mailed(user: User, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token of a reset message, taken before it is sent."""
    sent: list[str] = []
    monkeypatch.setattr(
        "portal.core.accounts.services.passwords.mail.password_reset", lambda **said: sent.append(said["token"])
    )
    with platform():
        reset_send(identifier=user.email, language="en")
    return sent[0]


def an_offer(cast: Cast, email: str = "new@test.invalid", role: str = "Technician") -> tuple[Invitation, str]:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return invitation_create(email=email, role=role, by=cast.alice)


def test_the_answer_is_the_same_whether_there_is_an_account(cast: Cast) -> None:
    known = page(None).post("/password/forgot", {"identifier": cast.carol.email}).content.decode()
    unknown = page(None).post("/password/forgot", {"identifier": "nobody@test.invalid"}).content.decode()

    assert "is on its way" in known
    assert _plain(known.replace(cast.carol.email, "X")) == _plain(unknown.replace("nobody@test.invalid", "X"))
    assert page(None).post("/password/forgot", {"identifier": " "}).status_code == 422


def _plain(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "csrf" not in line)


def test_a_new_password_through_the_mailed_link(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    token, browser = mailed(cast.carol, monkeypatch), page(cast.carol)
    client = page(None)

    assert cast.carol.email in client.get(f"/password/reset/{token}").content.decode()
    short = client.post(f"/password/reset/{token}", {"new_password": "abc", "again": "abc"})
    differs = client.post(f"/password/reset/{token}", {"new_password": "abcdef1", "again": "abcdef2"})
    assert {short.status_code, differs.status_code} == {422}
    done = client.post(f"/password/reset/{token}", {"new_password": "abcdef1", "again": "abcdef1"})

    assert done.headers["Location"] == "/login"
    with platform():
        assert User.objects.get(pk=cast.carol.pk).check_password("abcdef1")
    assert browser.get("/me").status_code == 302  # every session has ended
    assert client.get(f"/password/reset/{token}").status_code == 404  # once


@pytest.mark.parametrize("reason", ["unknown", "expired"])
def test_a_link_that_does_not_work_says_so(cast: Cast, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    token = mailed(cast.carol, monkeypatch)
    if reason == "expired":
        with platform():
            PasswordReset.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    else:
        token = "0" * 64

    shown = page(None).get(f"/password/reset/{token}")

    assert shown.status_code == 404
    assert 'href="/password/forgot"' in shown.content.decode()


def accepted(**changes: Any) -> dict[str, Any]:
    return {"name": "Nora", "language": "ar", "new_password": "abcdef1", "again": "abcdef1"} | changes


def test_an_invitation_is_shown_and_accepted(cast: Cast) -> None:
    invitation, token = an_offer(cast)
    client = page(None)

    shown = client.get(f"/invite/{token}").content.decode()
    assert "new@test.invalid" in shown
    assert "Technician" in shown
    assert client.post(f"/invite/{token}", accepted(new_password="abc", again="abc")).status_code == 422
    assert client.post(f"/invite/{token}", accepted(name=" ")).status_code == 422
    done = client.post(f"/invite/{token}", accepted())

    assert done.headers["Location"] == "/"
    home = client.get("/")
    assert home.status_code == 200
    assert 'dir="rtl"' in home.content.decode()
    with platform():
        user = User.objects.select_related("role").get(email="new@test.invalid")
        assert (user.name, user.role_key, user.organization_id) == ("Nora", "Technician", cast.a.pk)
        assert Invitation.objects.get(pk=invitation.pk).status == "Accepted"
    assert page(None).get(f"/invite/{token}").status_code == 404


def test_whoever_is_signed_in_here_gives_way_to_the_new_person(cast: Cast) -> None:
    _invitation, token = an_offer(cast)
    client = page(cast.carol)

    client.post(f"/invite/{token}", accepted())

    request = client.get("/me").wsgi_request  # type: ignore[attr-defined]
    with platform():
        assert get_user(request).email == "new@test.invalid"  # type: ignore[union-attr]


@pytest.mark.covers("003-INV-01")
@pytest.mark.parametrize("reason", ["unknown", "cancelled", "expired"])
def test_an_invitation_that_is_over_says_so(cast: Cast, reason: str) -> None:
    invitation, token = an_offer(cast)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        if reason == "cancelled":
            invitation_cancel(invitation=invitation)
        if reason == "expired":
            Invitation.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    address = f"/invite/{'0' * 64 if reason == 'unknown' else token}"

    assert page(None).get(address).status_code == 404
    assert page(None).post(address, accepted()).status_code == 404
    with platform():
        assert not User.objects.filter(email="new@test.invalid").exists()


RESPONSE = '{"userHandle": "eA", "clientDataJSON": "eA", "authenticatorData": "eA", "signature": "eA"}'
CREDENTIALS = [
    "",
    "x",
    "1",
    "[]",
    "{}",
    '"a"',
    "null",
    '{"id": "x"}',
    '{"id": 1, "rawId": [], "type": "public-key", "response": {}}',
    f'{{"id": "eA", "rawId": "eA", "type": "public-key", "response": {RESPONSE}, "clientExtensionResults": {{}}}}',
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_passkey_that_is_none_opens_nothing(cast: Cast, credential: str) -> None:
    client = page(None)
    assert client.get("/login/passkey").json()["publicKey"]["challenge"]

    answer = client.post("/login/passkey", {"credential": credential})

    assert answer.headers["Location"] == "/login"
    assert client.get("/me").status_code == 302
