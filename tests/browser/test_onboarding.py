"""An organisation comes in through the portal (003, "New Organization Onboarding"), from the platform to the field."""

import email
import os
import re
import subprocess
import sys
from email import policy

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Page, expect

from portal.core.accounts.models import User
from portal.core.tenancy.scope import platform
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PASSWORD = "chosen by the person 7"
BETWEEN = re.compile(rb"^-{79}$", re.MULTILINE)  # how the mail file separates messages


def mailed_link(to: str) -> str:
    """Let a worker do what waits, and take the portal's address out of the last message to somebody."""
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "MARSAD_BROWSER_DATABASE": str(database["NAME"]),
        "MARSAD_BROWSER_HOST": str(database["HOST"]),
        "MARSAD_MAIL": "file",
    }
    command = [sys.executable, "manage.py", "procrastinate", "--skip-checks", "worker", "--one-shot"]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, timeout=60, capture_output=True)
    for file in sorted((settings.DATA_DIR / "mail").iterdir(), reverse=True):
        for raw in reversed(BETWEEN.split(file.read_bytes())):
            message = email.message_from_bytes(raw.strip(), policy=policy.default)
            body = message.get_body(("plain",)) if message["To"] == to else None
            found = re.search(r"https?://[^/\s]+(/invite/\w+)", body.get_content()) if body else None
            if found:
                return found[1]
    raise AssertionError(f"no message to {to}")


def accept(page: Page, link: str, name: str) -> None:
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("New password*", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Accept and sign in").click()
    expect(page.get_by_text("Welcome. Your account is ready.")).to_be_visible()


@pytest.mark.covers("003-ROLE-01", "003-INV-02")
def test_an_organisation_comes_in(page: Page, cast: Cast) -> None:
    enter_as(page, cast.root)
    page.goto("/platform/organizations")
    page.get_by_role("link", name="New organisation").click()
    page.get_by_label("Name*").fill("Wildlife Office")
    page.get_by_label("Kind").select_option(label="Agency")
    page.get_by_label("Time zone").select_option("Africa/Nairobi")
    page.get_by_role("button", name="Create the organisation").click()
    page.get_by_role("link", name="Invite an administrator").click()
    page.get_by_label("E-mail").fill("chief@wildlife.test")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_label("shown only now")).to_have_value(re.compile(r"/invite/\w{64}$"))

    accept(page, mailed_link("chief@wildlife.test"), "Grace Wanjiru")
    expect(page.locator(".side-org")).to_have_text("Wildlife Office")
    page.goto("/users/invitations")
    expect(page.get_by_role("row", name="chief@wildlife.test")).to_contain_text("Accepted")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail").fill("field@wildlife.test")
    page.get_by_label("Role").select_option(label="Technician")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_label("shown only now")).to_be_visible()

    accept(page, mailed_link("field@wildlife.test"), "Peter Otieno")
    page.locator("summary.person").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("E-mail or user name").fill("field@wildlife.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Peter")
    assert page.request.get("/users").status == 403
    page.goto("/samples")
    expect(page.get_by_text("No samples yet")).to_be_visible()

    def made() -> list[tuple[str, str]]:
        with platform():
            people = User.objects.filter(organization__name="Wildlife Office").order_by("name")
            return list(people.values_list("name", "role__key"))

    assert aside(made) == [("Grace Wanjiru", "Admin"), ("Peter Otieno", "Technician")]
