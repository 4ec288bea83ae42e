"""Pages of the platform's administrators: organisations, figures, health, support sessions."""

from datetime import timedelta
from typing import Any

import pytest

from portal.core.accounts.models import Invitation, SupportSession, User
from portal.core.audit.models import AuditEntry
from portal.core.common import clock
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_sample, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def organization_form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Wildlife Office", "kind": "agency", "time_zone": "Africa/Nairobi", "language": "en",
        "city": "Nairobi", "country": "Kenya", "email": "office@test.invalid", "website": "https://wildlife.test",
    } | changes  # fmt: skip


def test_only_platform_administrators_see_the_platform(cast: Cast) -> None:
    address = f"/platform/organizations/{cast.a.pk}"
    paths = [
        "/platform/organizations", "/platform/organizations/new", address, f"{address}/edit", f"{address}/delete",
        f"{address}/invite", "/platform/stats", "/platform/health", "/platform/support",
    ]  # fmt: skip

    root, others = page(cast.root), [page(user) for user in (cast.alice, cast.bob, cast.carol)]
    for path in paths:
        assert root.get(path).status_code == 200, path
        for other in others:
            assert other.get(path).status_code == 403, path
            if path not in ("/platform/organizations", address, "/platform/stats", "/platform/health"):
                assert other.post(path, organization_form()).status_code == 403, path
    assert page(cast.alice).post(f"{address}/status", {"active": "0"}).status_code == 403

    with platform():
        assert Organization.objects.filter(is_active=True, deleted_at=None).count() == 2


def test_an_organisation_is_created_found_changed(cast: Cast) -> None:
    client = page(cast.root)

    made = client.post("/platform/organizations/new", organization_form())
    with platform():
        office = Organization.objects.get(name="Wildlife Office")
    assert made.headers["Location"] == f"/platform/organizations/{office.pk}"
    assert (office.kind, office.city, office.is_active) == ("agency", "Nairobi", True)

    def found(query: str) -> list[str]:
        return [row.name for row in client.get(f"/platform/organizations?{query}").context["page"].object_list]

    assert found("q=nairobi") == found("kind=agency") == ["Wildlife Office"]
    assert found("status=active") == ["A", "B", "Wildlife Office"]

    edited = client.post(f"/platform/organizations/{office.pk}/edit", organization_form(name="Office", version="1"))
    assert edited.status_code == 302
    with platform():
        office.refresh_from_db()
    assert office.name == "Office"


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": " "}, "name"), ({"time_zone": "Mars/Base"}, "time_zone"), ({"website": "no address"}, "website")],
)
def test_an_organisation_that_cannot_be_made_is_explained(cast: Cast, changes: dict[str, Any], field: str) -> None:
    answer = page(cast.root).post("/platform/organizations/new", organization_form(**changes))

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    with platform():
        assert Organization.objects.count() == 2


def test_an_organisation_is_switched_off_and_on(cast: Cast) -> None:
    client, browser = page(cast.root), page(cast.alice)
    address = f"/platform/organizations/{cast.a.pk}/status"

    client.post(address, {"active": "0"})
    assert browser.get("/").status_code == 302
    client.post(address, {"active": "1"})

    assert page(cast.alice).get("/").status_code == 200


def test_removing_asks_for_the_name(cast: Cast) -> None:
    client, address = page(cast.root), f"/platform/organizations/{cast.b.pk}/delete"

    assert client.post(address, {"name": "b?"}).status_code == 422
    with platform():
        assert Organization.objects.get(pk=cast.b.pk).deleted_at is None
    assert client.post(address, {"name": "B"}).status_code == 302

    assert client.get(f"/platform/organizations/{cast.b.pk}").status_code == 404
    assert page(cast.mallory).get("/").status_code == 302


def test_the_first_administrator_is_invited(cast: Cast) -> None:
    client, address = page(cast.root), f"/platform/organizations/{cast.a.pk}"

    sent = client.post(f"{address}/invite", {"email": "chief@test.invalid"})
    twice = client.post(f"{address}/invite", {"email": "chief@test.invalid"})

    assert "/invite/" in sent.context["link"]
    assert twice.status_code == 422
    with platform():
        offer = Invitation.objects.select_related("role").get()
    assert (offer.organization_id, offer.role.key) == (cast.a.pk, "Admin")
    assert "chief@test.invalid" in client.get(address).content.decode()
    assert "Platform administrator" in page(cast.alice).get(f"/users/invitations/{offer.pk}").content.decode()
    assert "chief@test.invalid" in page(cast.alice).get("/users/invitations").content.decode()


def test_figures_and_health_are_shown_and_reload_as_fragments(cast: Cast) -> None:
    client = page(cast.root)

    figures = client.get("/platform/stats")
    assert figures.context["figures"]["users"]["total"] == 5
    assert ("Administrator", 2) in [(str(name), count) for name, count in figures.context["roles"]]
    parts = [str(name) for name, _badge, _facts in client.get("/platform/health").context["parts"]]
    assert {"Database", "Background jobs", "This server"} <= set(parts)
    for path in ("/platform/stats", "/platform/health"):
        assert "<html" not in client.get(path, headers=FRAGMENT).content.decode()


# --- support sessions -------------------------------------------------------------------------
def support(cast: Cast, **changes: Any) -> Any:
    client = page(cast.root)
    form = {"organization": str(cast.a.pk), "reason": "Their list is empty", "minutes": "30"} | changes
    return client, client.post("/platform/support", form)


def test_a_support_session_opens_the_pages_of_one_organisation(cast: Cast) -> None:
    sample, foreign = a_sample(cast.alice), a_sample(cast.mallory)
    client, answer = support(cast)
    assert answer.headers["Location"] == "/"

    home = client.get("/").content.decode()

    assert "Their list is empty" in home
    assert "Support session in" in home
    assert client.get(f"/samples/{sample.pk}").status_code == 200
    assert client.get(f"/samples/{foreign.pk}").status_code == 404
    assert [user.name for user in client.get("/users").context["page"].object_list] == ["alice", "bob", "carol"]
    assert client.get(f"/users/{cast.mallory.pk}").status_code == 404
    assert client.get("/me").status_code == 200  # still the own account
    assert client.get("/platform/organizations").status_code == 200


def test_what_is_changed_in_it_carries_name_and_reason(cast: Cast) -> None:
    client, _answer = support(cast)

    client.post(f"/users/{cast.bob.pk}/status", {"active": "0"})

    with platform():
        assert not User.objects.get(pk=cast.bob.pk).is_active
        entry = AuditEntry.objects.filter(entity="user", object_pk=str(cast.bob.pk)).latest("timestamp")
        assert User.objects.get(pk=cast.root.pk).organization_id is None
    assert (entry.actor_name, entry.reason, entry.organization_id) == ("root", "Their list is empty", cast.a.pk)
    assert "Their list is empty" in page(cast.alice).get("/settings/organization").content.decode()


def test_it_is_left_and_it_ends_by_itself(cast: Cast) -> None:
    client, _answer = support(cast)
    assert client.post("/platform/support/leave").status_code == 302
    assert client.get("/users").status_code == 403

    client, _answer = support(cast)
    assert client.get("/users").status_code == 200
    with platform():
        SupportSession.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert client.get("/users").status_code == 403
    assert "Support session in" not in client.get("/").content.decode()


def test_the_language_is_changed_in_it_and_it_survives_signing_out(cast: Cast) -> None:
    client, _answer = support(cast)

    assert client.post("/language", {"language": "ar", "next": "/users"}).status_code == 302
    assert 'dir="rtl"' in client.get("/users").content.decode()
    assert client.post("/logout").status_code == 302

    with platform():
        assert User.objects.get(pk=cast.root.pk).language == "ar"
    assert page(cast.root).get("/users").status_code == 200


@pytest.mark.parametrize("changes", [{"reason": " "}, {"minutes": "90"}, {"organization": ""}])
def test_it_needs_an_organisation_a_reason_and_an_end(cast: Cast, changes: dict[str, str]) -> None:
    _client, answer = support(cast, **changes)

    assert answer.status_code == 422
    with platform():
        assert not SupportSession.objects.exists()
