"""The audit log in a browser: verify it, watch the work, see what comes in, try a rule."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Page, expect

from portal.core.audit.models import Verification
from portal.core.audit.security import raise_event
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import _tell
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, enter_as
from tests.core.audit.chain import seal_all, write
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def reached(cast: Cast, percent: int) -> None:
    """What a worker reports on its way."""

    def report() -> None:
        with tenant(cast.a.pk):
            job = Job.objects.get(kind="audit.verify_chain")
            Job.objects.filter(pk=job.pk).update(status="running", progress=percent)
            _tell(job.pk)

    aside(report)


def work() -> None:
    """A worker takes what waits, and ends."""
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "MARSAD_BROWSER_DATABASE": str(database["NAME"]),
        "MARSAD_BROWSER_HOST": str(database["HOST"]),
    }
    command = [sys.executable, "manage.py", "procrastinate", "--skip-checks", "worker", "--one-shot"]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True, timeout=60)


@pytest.mark.covers("E002-145")
def test_a_verification_shows_its_progress_and_survives_a_reload(page: Page, cast: Cast) -> None:
    aside(lambda: write(cast, 12))
    aside(seal_all)
    enter_as(page, cast.alice)
    page.goto("/audit/integrity")
    expect(page.get_by_role("heading", name="Not verified yet")).to_be_visible()

    page.get_by_role("radio", name="Everything").check()
    page.get_by_role("button", name="Verify now").click()

    bar = page.get_by_role("progressbar")
    expect(page.locator("#job")).to_contain_text("Waiting")
    aside(lambda: reached(cast, 40))
    expect(bar).to_have_attribute("value", "40")
    page.reload()
    expect(bar).to_have_attribute("value", "40")
    expect(page.get_by_role("button", name="Verify now")).to_have_count(0)
    work()

    expect(page.get_by_role("heading", name="The log is intact")).to_be_visible()
    expect(page.get_by_role("button", name="Verify now")).to_be_visible()

    def kept() -> tuple[str, str, int]:
        with tenant(cast.a.pk):
            done = Verification.objects.get(mode="full")
            return done.status, done.by_name, done.checked

    status, name, checked = aside(kept)
    assert (status, name) == ("ok", "alice")
    assert checked >= 12


def test_a_security_event_arrives_without_a_reload(page: Page, cast: Cast) -> None:
    enter_as(page, cast.alice)
    page.goto("/audit/security")
    expect(page.get_by_text("No security event")).to_be_visible()

    def happen() -> None:
        with tenant(cast.a.pk):
            raise_event("brute_force", severity="high", subject="192.0.2.9")

    page.wait_for_timeout(1000)  # the socket opens
    aside(happen)

    expect(page.get_by_role("link", name="Password guessing")).to_be_visible()


def test_a_rule_is_tried_while_it_is_written(page: Page, cast: Cast) -> None:
    aside(lambda: write(cast, 3))
    enter_as(page, cast.alice)
    page.goto("/audit/alerts/new")
    page.get_by_label("Name").fill("Changes")
    page.get_by_label("Number of entries").fill("2")
    page.get_by_label("Number of entries").blur()
    expect(page.locator("#dry-run")).to_contain_text(re.compile(r"1 alert would have been raised"))

    page.get_by_role("button", name="Save").click()

    expect(page).to_have_url(re.compile(r"/audit/alerts/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", name="Changes")).to_be_visible()
