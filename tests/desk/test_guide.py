"""Help, the first steps of a new organisation, and the way on from an error."""

import pytest
from django.core.management import CommandError, call_command

from portal.core.projects.services import project_create
from portal.core.tenancy.scope import tenant
from tests.core.people import Cast
from tests.lab.test_pages import a_sample, page

pytestmark = pytest.mark.django_db


def test_first_steps_follow_the_data() -> None:
    cast = Cast()
    alice = page(cast.alice)

    def done() -> dict[str, bool]:
        return {step.key: step.done for step in alice.get("/help").context["steps"]}

    assert 'id="start"' in alice.get("/").content.decode()
    assert 'id="start"' not in page(cast.carol).get("/").content.decode()  # a viewer has nothing to set up
    before = done()
    assert before["people"]
    assert not before["project"]
    with tenant(cast.a.pk, by=cast.alice.actor()):
        project_create(data={"name": "P", "status": "Active"}, by=cast.alice)
    a_sample(cast.alice)
    assert done() == before | {"project": True, "sample": True}
    alice.post("/start", {"away": "1"})
    assert 'id="start"' not in alice.get("/").content.decode()
    assert "Show them on the home page again" in alice.get("/help").content.decode()
    alice.post("/start")
    assert 'id="start"' in alice.get("/").content.decode()
    assert page(cast.root).get("/help").status_code == page(cast.bob).get("/help").status_code == 200
    lost = alice.get("/there-is-no-such-page")
    assert lost.status_code == 404
    assert 'href="/search"' in lost.content.decode()


def test_the_demo_is_not_reset_where_others_are() -> None:
    Cast()

    with pytest.raises(CommandError, match="A, B"):
        call_command("demo", reset=True, noinput=True)
