"""The global search asks every room through its own selectors, at the same price however much there is."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.projects.services import project_create, task_create
from portal.core.tenancy.scope import tenant
from portal.crm.customers.services import customer_create
from portal.lab.points.services import point_create
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_sample, page

pytestmark = pytest.mark.django_db


def found(user: Any, text: str) -> dict[str, list[str]]:
    groups = page(user).get("/search", {"q": text}).context["groups"]
    return {group.kind.key: [hit.title for hit in group.hits] for group in groups}


@pytest.mark.covers("001-US1-AS3")
def test_search_everything() -> None:
    cast = Cast()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        project, _new = project_create(data={"name": "رصد الآبار", "status": "Active"}, by=cast.alice)
        task_create(data={"title": "تفقد آبار أحمد", "projectId": project["id"]}, by=cast.alice)
        customer_create(data={"companyName": "Société Abar"}, by=cast.alice, force=True)
        point_create(data={"name": "بئر الأحمدية", "code": "P-1", "type": "groundwater"}, by=cast.alice)
    a_sample(cast.alice, location="Forage d’Essaouira")

    assert found(cast.alice, "ابار") == {"projects": ["رصد الآبار"], "tasks": ["تفقد آبار أحمد"]}
    assert found(cast.alice, "احمد") == {"points": ["بئر الأحمدية"], "tasks": ["تفقد آبار أحمد"]}
    assert found(cast.alice, "societe ABAR") == {"customers": ["Société Abar"]}
    assert list(found(cast.alice, "essaouira")) == ["samples"]
    assert found(cast.alice, "alice") == {"people": ["alice"]}
    assert list(found(cast.alice, "sampl")) == ["pages"]
    assert found(cast.alice, "a") == found(cast.alice, "") == {}
    # a viewer sees no list of people, an agent neither office nor laboratory; the other organisation nothing
    assert found(cast.carol, "alice") == {}
    assert found(cast.bob, "abar") == found(cast.bob, "essaouira") == {}
    assert found(cast.mallory, "ابار") == found(cast.mallory, "essaouira") == found(cast.mallory, "alice") == {}
    assert found(cast.root, "ابار") == {}
    assert page(cast.alice).get("/search", {"q": "x\x00y"}).status_code == 200

    client = page(cast.alice)
    client.get("/search", {"q": "essaouira"})
    with CaptureQueriesContext(
        connection,
    ) as one:
        box = client.get("/search", {"q": "essaouira"}, headers=FRAGMENT)
    assert 'role="option"' in box.content.decode()
    assert "1 result" in box.content.decode()
    for number in range(6):
        a_sample(cast.alice, location=f"Essaouira {number}")
    with CaptureQueriesContext(connection) as many:
        box = client.get("/search", {"q": "essaouira"}, headers=FRAGMENT)
    assert len(many) == len(one)
    assert box.context["count"] == 5
    assert "/samples?q=essaouira" in box.content.decode()
