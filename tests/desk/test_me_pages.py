"""The own account: profile, portrait, preferences, password, second step, sign-ins, devices."""

import io
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from portal.core.accounts.models import Avatar, Device, RefreshToken, User
from portal.core.accounts.services import login
from portal.core.tenancy.scope import Actor, platform, tenant
from tests.codes import totp
from tests.core.people import Cast
from tests.lab.test_pages import page

pytestmark = pytest.mark.django_db
PASSWORD = "a password of the tests"


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def stored(user: User) -> User:
    with platform():
        return User.objects.select_related("role", "organization").get(pk=user.pk)


def profile_of(user: User, **changes: Any) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ("name", "phone", "version")} | changes


def picture(size: tuple[int, int] = (300, 200)) -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, "PNG")
    return SimpleUploadedFile("me.png", file.getvalue(), "image/png")


@pytest.mark.parametrize("path", ["/me", "/me/preferences", "/me/security", "/me/devices"])
@pytest.mark.parametrize("name", ["alice", "bob", "carol", "root"])
def test_everybody_has_an_account(cast: Cast, path: str, name: str) -> None:
    assert page(getattr(cast, name)).get(path).status_code == 200
    assert page(None).get(path).status_code == 302


def test_the_own_profile_is_changed(cast: Cast) -> None:
    client = page(cast.carol)

    answer = client.post("/me", profile_of(cast.carol, name="Carol Ann", phone="+212 600"))

    assert answer.status_code == 302
    assert (stored(cast.carol).name, stored(cast.carol).phone) == ("Carol Ann", "+212 600")


def test_nobody_moves_themselves_into_another_team(cast: Cast) -> None:
    page(cast.carol).post("/me", profile_of(cast.carol, department="Management", role="Admin"))

    assert (stored(cast.carol).department, stored(cast.carol).role_key) == ("", "Viewer")


def test_a_stale_or_empty_profile_changes_nothing(cast: Cast) -> None:
    client = page(cast.carol)

    stale = client.post("/me", profile_of(cast.carol, name="Other", version=99))
    empty = client.post("/me", profile_of(cast.carol, name=" "))

    assert {stale.status_code, empty.status_code} == {422}
    assert stored(cast.carol).name == "carol"


def test_a_portrait_comes_and_goes(cast: Cast) -> None:
    client = page(cast.carol)

    assert client.post("/me/portrait", {"file": picture()}).status_code == 302
    address = stored(cast.carol).avatar
    assert f'src="{address}?size=64"' in client.get("/me").content.decode()
    assert client.get(address).headers["Content-Type"] == "image/webp"
    assert client.post("/me/portrait", {"file": SimpleUploadedFile("x.png", b"not a picture")}).status_code == 422
    assert client.post("/me/portrait").status_code == 422
    assert client.post("/me/portrait/remove").status_code == 302

    assert stored(cast.carol).avatar == ""
    with platform():
        assert not Avatar.objects.exists()


def test_language_and_theme_are_chosen(cast: Cast) -> None:
    client = page(cast.carol)

    answer = client.post("/me/preferences", {"language": "fr", "theme": "dark"})

    assert answer.status_code == 302
    shown = client.get("/me/preferences").content.decode()
    assert 'lang="fr"' in shown
    assert 'data-bs-theme="dark"' in shown
    assert client.post("/me/preferences", {"language": "xx", "theme": "dark"}).status_code == 422
    assert stored(cast.carol).language == "fr"


def test_a_new_password_keeps_this_browser_signed_in(cast: Cast) -> None:
    client, other = page(cast.carol), page(cast.carol)
    form = {"current_password": PASSWORD, "new_password": "another one 7", "again": "another one 7"}

    wrong = client.post("/me/security", form | {"current_password": "guess"})
    differs = client.post("/me/security", form | {"again": "another one 8"})
    done = client.post("/me/security", form)

    assert "current_password" in wrong.context["form"].errors
    assert "again" in differs.context["form"].errors
    assert done.status_code == 302
    assert stored(cast.carol).check_password("another one 7")
    assert client.get("/me").status_code == 200
    assert other.get("/me").status_code == 302


# --- the second step ------------------------------------------------------------------
def switched_on(client: Any) -> tuple[str, list[str]]:
    """Set two-step sign-in up through the pages: (secret, recovery codes)."""
    shown = client.post("/me/security/two-step").content.decode()
    secret = re.search(r'name="secret" value="([A-Z2-7]+)"', shown)
    assert secret is not None
    done = client.post("/me/security/two-step", {"secret": secret[1], "code": totp(secret[1], steps=-1)})
    return secret[1], list(done.context["codes"])


def test_two_step_sign_in_is_set_up_with_a_picture(cast: Cast) -> None:
    client = page(cast.carol)

    begun = client.post("/me/security/two-step").content.decode()
    wrong = client.post("/me/security/two-step", {"secret": "A" * 32, "code": "000000"})

    assert "<svg" in begun
    assert "style=" not in begun
    assert wrong.status_code == 422
    assert not stored(cast.carol).mfa_enabled
    _secret, codes = switched_on(client)
    assert stored(cast.carol).mfa_enabled
    assert len(codes) == 10
    assert codes[0] not in client.get("/me/security").content.decode()  # shown once


def test_the_second_step_is_asked_at_the_door(cast: Cast) -> None:
    secret, codes = switched_on(page(cast.carol))
    client = page(None)

    door = client.post("/login", {"login": cast.carol.email, "password": PASSWORD, "next": "/samples"})
    assert door.headers["Location"] == "/login/mfa"
    assert client.get("/me").status_code == 302
    assert client.post("/login/mfa", {"code": "000000"}).status_code == 422
    assert client.post("/login/mfa", {"code": totp(secret)}).status_code == 302
    assert client.get("/me").status_code == 200

    again = page(None)
    again.post("/login", {"login": cast.carol.email, "password": PASSWORD})
    assert again.post("/login/mfa", {"code": totp(secret)}).status_code == 422  # a code works once
    assert again.post("/login/mfa", {"code": codes[0]}).status_code == 302
    assert again.get("/me").status_code == 200


def test_the_second_step_can_be_left_and_is_nobodys_without_the_first(cast: Cast) -> None:
    switched_on(page(cast.carol))
    client = page(None)
    assert client.get("/login/mfa").headers["Location"] == "/login"

    client.post("/login", {"login": cast.carol.email, "password": PASSWORD})
    assert client.get("/login").headers["Location"] == "/login/mfa"
    assert client.post("/login/mfa", {"cancel": "1"}).status_code == 302

    assert client.get("/login").status_code == 200


def test_guesses_at_the_code_lock_the_second_step(cast: Cast) -> None:
    secret, _codes = switched_on(page(cast.carol))
    client = page(None)
    client.post("/login", {"login": cast.carol.email, "password": PASSWORD})

    for _ in range(5):
        client.post("/login/mfa", {"code": "000000"})
    right = client.post("/login/mfa", {"code": totp(secret)})

    assert right.status_code == 422
    assert client.get("/me").status_code == 302


def test_recovery_codes_are_renewed_and_the_step_switched_off_with_a_code(cast: Cast) -> None:
    client = page(cast.carol)
    _secret, codes = switched_on(client)

    assert client.post("/me/security/recovery-codes", {"code": "000000"}).status_code == 422
    renewed = client.post("/me/security/recovery-codes", {"code": codes[0]}).context["codes"]
    assert set(renewed).isdisjoint(codes)
    assert client.post("/me/security/two-step/off", {"code": codes[1]}).status_code == 422
    assert stored(cast.carol).mfa_enabled
    assert client.post("/me/security/two-step/off", {"code": renewed[0]}).status_code == 302

    assert not stored(cast.carol).mfa_enabled


# --- sign-ins and devices -----------------------------------------------------------------
def an_app(user: User) -> RefreshToken:
    login(identifier=user.email, password=PASSWORD, by=Actor(ip="192.0.2.7", agent="field app"))
    with platform():
        return RefreshToken.objects.filter(user=user).latest("created_at")


def test_an_own_app_is_signed_out_and_no_other(cast: Cast) -> None:
    mine, theirs = an_app(cast.carol), an_app(cast.alice)
    client = page(cast.carol)

    assert "field app" in client.get("/me/security").content.decode()
    assert client.post(f"/me/security/sessions/{theirs.family}/end").status_code == 404
    assert client.post(f"/me/security/sessions/{mine.family}/end").status_code == 302

    with platform():
        ended = dict(RefreshToken.objects.values_list("user", "revoked_at"))
    assert ended[cast.carol.pk] is not None
    assert ended[cast.alice.pk] is None


def test_everything_else_is_signed_out(cast: Cast) -> None:
    an_app(cast.carol)
    client, other = page(cast.carol), page(cast.carol)

    assert client.get("/me/security/sessions/end").status_code == 405
    assert client.post("/me/security/sessions/end").status_code == 302

    assert client.get("/me").status_code == 200
    assert other.get("/me").status_code == 302
    with platform():
        assert not RefreshToken.objects.filter(user=cast.carol, revoked_at=None).exists()


def a_device(user: User, status: str = "active") -> Device:
    with tenant(user.organization_id):  # type: ignore[arg-type]
        device: Device = Device.objects.create(
            organization_id=user.organization_id, user=user, device_id=f"tablet of {user.name}", status=status
        )
    return device


def test_own_devices_are_revoked_and_no_others(cast: Cast) -> None:
    mine, theirs = a_device(cast.carol), a_device(cast.alice)
    client = page(cast.carol)

    shown = client.get("/me/devices").content.decode()
    assert "tablet of carol" in shown
    assert "tablet of alice" not in shown
    assert client.post(f"/me/devices/{theirs.pk}/revoke").status_code == 404
    assert client.post(f"/me/devices/{mine.pk}/revoke").status_code == 302

    with platform():
        assert set(Device.objects.values_list("user__name", "status")) == {("carol", "revoked"), ("alice", "active")}


def test_nobody_unblocks_their_device_by_revoking_it(cast: Cast) -> None:
    blocked = a_device(cast.carol, "blocked")

    assert page(cast.carol).post(f"/me/devices/{blocked.pk}/revoke").status_code == 404

    with platform():
        assert Device.objects.get().status == "blocked"


@pytest.mark.parametrize("credential", ["", "{}", '{"id": "x"}', '{"id": "eA", "rawId": "eA", "response": 1}'])
def test_a_passkey_that_is_none_is_not_kept(cast: Cast, credential: str) -> None:
    client, address = page(cast.carol), "/me/security/passkeys/new"
    assert client.get(address).headers["Location"] == "/me/security"  # two-step sign-in comes first
    switched_on(client)
    assert client.get(address).status_code == 200

    answer = client.post(address, {"name": "X", "current_password": PASSWORD, "credential": credential})

    assert answer.status_code == 422
    assert client.post("/me/security/passkeys/1/remove").status_code == 404
    with platform():
        assert not Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()
