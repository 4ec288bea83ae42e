"""A queue, a board and a ticket that lie open show what happens as it happens, in Arabic."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from portal.core.common import clock
from portal.core.tenancy.scope import platform, tenant
from portal.crm.sla import services as sla
from portal.crm.sla.models import SlaClock
from portal.crm.tickets import services
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast

# Says on the page that its socket is open: what happens before that is not told to it.
OPENED = """
window.WebSocket = class extends WebSocket {
    constructor(...given) {
        super(...given);
        this.addEventListener("open", () => { document.documentElement.dataset.socket = "open"; });
    }
};"""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.covers("E002-050", "E002-057")
def test_a_ticket_a_comment_and_a_broken_promise_appear_by_themselves(page: Page, cast: Cast) -> None:
    def make(title: str) -> str:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            data = {"title": title, "priority": "urgent", "assignedTo": str(cast.alice.pk)}
            return str(services.ticket_create(data=data, by=cast.alice).pk)

    def say(ticket: str, content: str) -> None:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            services.comment_add(ticket=ticket, content=content, by=cast.alice, from_customer=True)  # type: ignore[arg-type]

    def run_out(ticket: str) -> None:
        with tenant(cast.a.pk):
            late = clock.now() - timedelta(minutes=1)
            SlaClock.objects.filter(ticket=ticket).update(due_at=late, check_at=late)
        with platform():
            assert sla.sweep() == 1

    first = aside(lambda: make("تسرب في البئر"))
    enter_as(page, cast.alice, language="ar")
    page.context.add_init_script(OPENED)
    page.goto("/tickets")
    expect(page.locator("tbody tr")).to_have_count(1)
    board, ticket = page.context.new_page(), page.context.new_page()
    board.goto("/tickets/board")
    ticket.goto(f"/tickets/{first}")
    expect(board.locator(".board-card")).to_have_count(1)
    for one in (page, board, ticket):
        expect(one.locator("html")).to_have_attribute("data-socket", "open")

    aside(lambda: make("عطل في المضخة"))
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(board.locator(".board-card")).to_have_count(2)

    aside(lambda: say(first, "متى يأتي الفني؟"))
    expect(ticket.locator(".talk-text").last).to_have_text("متى يأتي الفني؟")

    over = "[data-state=over]"
    expect(ticket.locator(f"#ticket-facts {over}")).to_have_count(0)
    aside(lambda: run_out(first))
    expect(ticket.locator(f"#ticket-facts {over}").first).to_be_visible()
    expect(page.locator(f"tbody {over}")).to_have_count(1)
