"""The home page by role, its arrangement, and the dashboard's pages."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.projects import services as projects
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import tenant
from portal.crm.customers import services as customers
from portal.crm.sales import services as sales
from portal.crm.tickets import services as tickets
from portal.desk.home.layout import DEFAULTS
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_sample, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    made = Cast()
    seeds.run()
    return made


def test_each_role_finds_what_waits_for_it_and_lists_of_exactly_that(cast: Cast) -> None:
    people = {role: cast.person(role.lower(), role, cast.a) for role in DEFAULTS if role != "SuperAdmin"}
    manager, agent, seller, support = (people[role] for role in ("Manager", "Agent", "SalesAgent", "SupportAgent"))
    a_sample(cast.alice)
    with tenant(cast.a.pk, by=manager.actor()):
        late = (clock.now() - timedelta(days=2)).isoformat()
        for person in (manager, agent):
            projects.task_create(
                data={"title": f"Of {person}", "assignedTo": str(person.pk), "dueDate": late}, by=manager
            )
        firm = customers.customer_create(data={"companyName": "Sources du Rif"}, by=manager)
        day = clock.now().date() - timedelta(days=3)
        for person in (manager, seller):
            sales.deal_create(
                data={"title": "D", "customer_id": firm.pk, "value": Decimal(900), "assigned_to": person.pk,
                      "expected_close_date": day},
                by=manager,
            )  # fmt: skip
        for person in (support, None):
            tickets.ticket_create(data={"title": "Leak", "assignedTo": str(person.pk) if person else None}, by=manager)

    def needs(user: User) -> dict[str, tuple[int, str]]:
        shown = page(user).get("/")
        assert shown.status_code == 200
        return {one.key: (one.count, one.url) for one in shown.context.get("waiting") or []}

    told = {role: needs(user) for role, user in people.items()}
    counts = {role: {key: count for key, (count, _url) in found.items()} for role, found in told.items()}
    assert counts["Agent"] == {"tasks.mine": 1}
    assert counts["SalesAgent"] == {"sales.late": 1}
    assert counts["SupportAgent"] == {"tickets.free": 1, "tickets.mine": 1}
    assert counts["Manager"] == {"tasks.late": 2, "samples.registered": 1, "sales.late": 2, "tickets.free": 1}
    for role in ("Manager", "SalesAgent", "SupportAgent"):
        for count, url in told[role].values():
            listed = page(people[role]).get(url, headers=FRAGMENT)
            assert listed.context["page"].paginator.count == count, url  # the list holds what the number says
    assert needs(cast.mallory) == {}
    assert "Begin a project" in page(cast.mallory).get("/").content.decode()


def test_the_figures_of_the_log_lead_to_the_entries_they_count(cast: Cast) -> None:
    client = page(cast.alice)
    a_sample(cast.alice)
    client.get("/samples.csv")
    page(cast.carol).get("/audit")  # a viewer is refused
    with tenant(cast.a.pk, by=cast.alice.actor()):
        firm = customers.customer_create(data={"companyName": "Sources du Rif"}, by=cast.alice)
        customers.customer_delete(id=firm.pk, by=cast.alice)

    tiles = client.get("/?block=audit", headers=FRAGMENT).context["tiles"]

    said = {tile["label"]: tile["said"] for tile in tiles}
    assert said["Deletions"] == said["Exports"] == said["Refusals"] == "1"
    for tile in tiles:
        listed = page(cast.alice).get(tile["url"], headers=FRAGMENT).context["page"].paginator.count
        assert str(listed) == tile["said"], tile["url"]
    assert client.get("/audit?action=nonsense", headers=FRAGMENT).status_code == 200


def test_a_person_arranges_the_own_home_page(cast: Cast) -> None:
    client = page(cast.alice)

    def keys() -> list[str]:
        return [block.key for block in client.get("/home/layout").context["shown"]]

    usual = keys()
    assert usual[:2] == ["attention", "kpis"]
    client.post("/home/layout", {"step": "up:kpis"})
    client.post("/home/layout", {"step": "hide:lab"})
    client.post("/home/layout", {"step": "show:tasks"})
    client.post("/home/layout", {"step": "up:nonsense"})
    assert keys() == ["kpis", "attention", *(key for key in usual[2:] if key != "lab"), "tasks"]
    shown = client.get("/").content.decode()
    assert shown.index('id="home-kpis"') < shown.index('id="home-attention"')
    assert 'id="home-lab"' not in shown
    assert next(block.key for block in page(cast.carol).get("/home/layout").context["shown"]) == "kpis"  # her role's
    client.post("/home/layout", {"step": "reset"})
    assert keys() == usual
    assert page(cast.root).post("/home/layout", {"step": "up:health"}).status_code == 302
    assert page(cast.root).get("/").content.decode().count('class="home-block') == 3


@pytest.mark.covers("E002-110")
def test_the_dashboard_shows_what_its_file_says(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        firm = customers.customer_create(data={"companyName": "Sources du Rif"}, by=cast.alice)
        deal = sales.deal_create(
            data={"title": "D", "customer_id": firm.pk, "value": Decimal("1234.56")}, by=cast.alice
        )
        sales.deal_move(id=deal.pk, data={"stage": "won"}, by=cast.alice)
    client = page(cast.alice)

    for tab in ("metrics", "team", "finance", "support", "activity"):
        shown = client.get(f"/dashboard?tab={tab}")
        assert shown.status_code == 200
        assert shown.context["tab"].key == tab
    tiles = {tile.key: tile for tile in client.get("/dashboard").context["tab"].tiles}
    assert (tiles["sales.closed"].value, tiles["sales.closed"].text) == (Decimal("1234.56"), "1\u202f235")
    text = b"".join(client.get("/dashboard/export/csv").streaming_content).decode("utf-8-sig")
    lines = {(line["row"], line["unit"]): line["value"] for line in csv.DictReader(io.StringIO(text))}
    for tile in tiles.values():
        if tile.value is not None:
            unit = {"money": "MAD" if ("sales.closed", "MAD") in lines else "USD", "count": "", "hours": "h"}[tile.unit]
            assert float(lines[tile.key, unit]) == float(tile.value)
    fragment = client.get("/dashboard?tab=team", headers=FRAGMENT).content.decode()
    assert '<div id="dashboard"' in fragment
    assert "<html" not in fragment
    assert client.get("/dashboard?date_from=2026-02-01&date_to=2026-01-01").status_code == 400
    assert client.get("/dashboard?tab=weather").status_code == 404
    assert client.get("/dashboard/export/pdf").status_code == 404
    assert page(cast.bob).get("/dashboard").status_code == 403
    seller = page(cast.person("salma", "SalesAgent", cast.a)).get("/dashboard")
    assert {tile.key: tile.value for tile in seller.context["tab"].tiles}["sales.closed"] == 0  # her own
    assert "your own records" in seller.content.decode()
