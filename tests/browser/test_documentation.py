"""The page of the API's documentation, in a browser and under its policy: calls are tried from there."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.core.accounts import tokens
from tests.browser.conftest import aside
from tests.core.people import Cast


@pytest.mark.covers("001-US5-AS2", "001-FR-092")
def test_calls_are_tried_on_the_page_of_the_documentation(page: Page, cast: Cast) -> None:
    token = aside(lambda: tokens.issue(cast.alice)[0])

    def tried(tag: str, operation: str, body: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        page.locator(f"[id='operations-tag-{tag}']").click()
        box = page.locator(f"[id='operations-{tag}-{operation}']")
        box.locator("button.opblock-summary-control").click()
        box.locator("button.try-out__btn").click()
        if body is not None:
            box.locator("textarea.body-param__text").fill(json.dumps(body))
        box.locator("button.execute").click()
        answer = box.locator(".live-responses-table tbody tr.response")
        return answer.locator(".response-col_status").inner_text(), json.loads(answer.locator("pre").first.inner_text())

    page.goto("/api/v1/docs")
    expect(page.locator("h3.opblock-tag").first).to_be_visible(timeout=30_000)
    page.locator("button.authorize").first.click()
    page.locator(".auth-container input").fill(token)
    page.locator(".auth-container button[type=submit]").click()
    page.locator("button.btn-done").click()
    status, me = tried("auth", "get_auth_me")
    made_status, made = tried("customers", "post_customers", {"companyName": "Aguelmam"})

    assert (status, me["data"]["email"]) == ("200", cast.alice.email)
    assert (made_status, made["data"]["companyName"]) == ("201", "Aguelmam")
