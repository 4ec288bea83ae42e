"""Passkeys, with a device that the browser pretends to have."""

from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from playwright.sync_api import Page, expect

from portal.core.accounts.models import User
from portal.core.accounts.services import mfa
from portal.core.tenancy.scope import platform
from tests.browser.conftest import aside
from tests.codes import totp
from tests.core.people import Cast, session_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PASSWORD = "a password of the tests"


def with_codes(user: User) -> str:
    """Switch two-step sign-in on: the session of a person who may add a passkey."""

    def switch_on() -> str:
        with platform():
            secret = mfa.mfa_setup(user=user)["secret"]
            mfa.mfa_enable(user=user, code=totp(secret))
            return session_of(User.objects.select_related("role", "organization").get(pk=user.pk))

    return aside(switch_on)


def test_a_passkey_signs_in_alone_and_as_the_second_step(page: Page, cast: Cast, server: str) -> None:
    home = f"http://localhost:{urlsplit(server).port}"  # browsers want a name, not an address
    session = {"name": settings.SESSION_COOKIE_NAME, "value": with_codes(cast.carol), "url": home}
    page.context.add_cookies([session])  # type: ignore[list-item]
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    features = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True} | features
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    page.goto(f"{home}/me/security")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Current password").fill("guess")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The current password is wrong.")).to_be_visible()
    page.get_by_label("Name").fill("Office laptop")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The passkey has been added.")).to_be_visible()
    expect(page.get_by_text("Office laptop")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{home}/login?next=/me/security")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{home}/me/security")

    page.context.clear_cookies()
    page.goto(f"{home}/login")
    page.get_by_label("E-mail or user name").fill(cast.carol.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("carol")

    page.goto(f"{home}/me/security")
    page.get_by_role("button", name="Remove").click()
    page.locator("#confirm button[value=yes]").click()
    expect(page.get_by_text("The passkey has been removed.")).to_be_visible()

    def left() -> tuple[int, bool]:
        with platform():
            keys = Authenticator.objects.filter(user=cast.carol, type=Authenticator.Type.WEBAUTHN)
            return keys.count(), User.objects.get(pk=cast.carol.pk).mfa_enabled

    assert aside(left) == (0, True)
