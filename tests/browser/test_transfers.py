"""A manager sees a device push while it pushes."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from portal.core.accounts import tokens
from portal.core.accounts.models import User
from tests.api.test_sync import SAMPLE, item
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def send(server: str, token: str, upload: dict[str, Any]) -> None:
    body = {"deviceId": "tablet-7", "changes": [item("sample", SAMPLE) for _ in range(5)], "upload": upload}
    answer = httpx.post(f"{server}/api/v1/sync", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.status_code == 200, answer.text


def token_of(user: User) -> str:
    return aside(lambda: tokens.issue(user)[0])


@pytest.mark.covers("001-FR-034", "001-FR-035")
def test_a_push_is_seen_while_it_runs(page: Page, server: str, cast: Cast) -> None:
    upload = {"id": str(uuid4()), "chunks": 3, "records": 15}
    token = token_of(cast.alice)
    enter_as(page, cast.alice)
    page.goto("/sync")
    expect(page.get_by_text("tablet-7")).to_have_count(0)
    page.wait_for_timeout(500)

    bar = page.get_by_role("progressbar")
    for chunk in (0, 1):
        send(server, token, {**upload, "chunk": chunk})
        expect(bar).to_have_attribute("value", str(chunk + 1))
    running = page.locator(".tile", has_text="Running transfers")
    expect(running).to_contain_text("1")
    send(server, token, {**upload, "chunk": 2})
    expect(page.locator("#transfers-results .badge")).to_have_text("Complete")
    expect(running).to_contain_text("0")
