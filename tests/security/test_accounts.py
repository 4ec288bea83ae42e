"""What guards an account beside its password: letters about changes, the platform's second step, change of keys."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.api.conftest import PASSWORD, Cast, Person
from tests.api.letters import delivered, token_in
from tests.api.test_entry import code, secured, sign_in
from tests.codes import totp

__all__ = ["secured"]
pytestmark = pytest.mark.django_db
NEW = "a-new-password-71"


def letters() -> list[tuple[str, str]]:
    """To whom the letters since the last look went, and what they say."""
    found = [(letter.to[0], letter.body) for letter in delivered()]
    mail.outbox.clear()
    return found


@pytest.mark.covers("002-SEC-04", "E001-004")
def test_people_are_told_what_became_of_their_sign_in(cast: Cast, nobody: Person, secured: Any) -> None:
    """By whomever it was changed, and to the address that they had (ASVS 2.2.3, 2.5.5)."""
    path = f"/users/{cast.bob.user.pk}"
    told = [("bob@example.test", "Two-step sign-in was switched on.")]
    assert cast.bob.post("/auth/mfa/recovery-codes", {"code": secured[1][0]}).status_code == 200
    told += [("bob@example.test", "New recovery codes were made.")]
    assert cast.alice.delete(f"{path}/mfa").status_code == 200
    told += [("bob@example.test", "Two-step sign-in was switched off.")]
    assert cast.alice.patch(path, {"email": "robert@example.test", "password": NEW}).status_code == 200
    told += [("robert@example.test", "The password of your account was changed.")]
    told += [("bob@example.test", "Your account has another e-mail address now.")]
    for (to, text), (wanted, begin) in zip(letters(), told, strict=True):
        assert (to, begin in text) == (wanted, True)
        assert "/me/security" in text

    nobody.post("/auth/forgot-password", {"email": "carol@example.test"})
    nobody.post("/auth/reset-password", {"token": token_in(delivered()[0]), "newPassword": NEW})
    changed = cast.alice.patch("/auth/profile", {"currentPassword": PASSWORD, "newPassword": NEW})
    assert changed.status_code == 200
    assert [to for to, text in letters() if "was changed" in text] == ["carol@example.test", "alice@example.test"]
    refused = cast.bob.patch("/auth/profile", {"currentPassword": "wrong", "newPassword": NEW})
    assert refused.status_code in (400, 401)
    assert letters() == []


def test_platform_administrators_need_a_second_step(cast: Cast, settings: Any) -> None:
    settings.PLATFORM_MFA = True
    browser = Client()
    browser.force_login(cast.root.user)

    for path in ("/admin/health", "/organizations", "/samples"):
        refused = cast.root.get(path, X_Tenant_ID=str(cast.a.pk)) if path == "/samples" else cast.root.get(path)
        assert code(refused) == (403, "MFA_REQUIRED"), path
    for path in ("/", "/platform/health", "/platform/organizations"):
        assert browser.get(path).headers["Location"] == "/me/security", path
    assert browser.get("/me/security").status_code == 200
    assert cast.alice.get("/samples").status_code == 200  # nobody else is asked

    secret = cast.root.post("/auth/mfa/setup").json()["data"]["secret"]
    assert cast.root.post("/auth/mfa/verify", {"code": totp(secret)}).status_code == 200
    assert cast.root.get("/admin/health").status_code == 200
    assert browser.get("/platform/organizations").status_code == 200


@pytest.mark.parametrize(
    ("password", "status"), [("elevenchars", 400), ("password1234", 400), ("an-odd-sentence", 200), ("x9-" * 43, 400)]
)
def test_platform_administrators_need_a_long_password(cast: Cast, password: str, status: int) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": password}

    assert cast.root.patch("/auth/profile", body).status_code == status


def test_a_secret_key_is_changed_and_nobody_notices(cast: Cast, nobody: Person, secured: Any, settings: Any) -> None:
    secret, old = secured[0], settings.SECRET_KEY
    browser = Client()
    browser.force_login(cast.alice.user)
    challenge = sign_in(nobody).json()["data"]["mfaToken"]

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [old]
    assert browser.get("/samples").status_code == 200
    done = nobody.post("/auth/mfa/challenge", {"mfaToken": challenge, "code": totp(secret)})
    assert done.status_code == 200, done.content

    settings.SECRET_KEY_FALLBACKS = []  # the second step was encrypted anew when it was used
    assert browser.get("/samples").status_code == 200  # and the session was signed anew
    assert sign_in(nobody, code=totp(secret, steps=1)).status_code == 200
