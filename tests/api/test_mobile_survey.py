"""Specification 004 for survey tasks, sessions, points, shapes and media, endpoint by endpoint, example by example."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.api.conftest import Cast
from tests.api.surveying import HERE, Surveyor, application, assign, begin_body, dispatch, parcel, point, surveyor
from tests.api.test_mobile import fault

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def bob(cast: Cast) -> Surveyor:
    assign(cast, cast.bob.user, "XY1101")
    return surveyor(cast, cast.bob)


@pytest.mark.covers("E004-006", "E004-007", "E004-008", "E004-009", "E004-010", "E004-013")
def test_a_day_from_the_task_to_the_submission(cast: Cast, bob: Surveyor) -> None:
    file = application(cast)
    dispatch(cast, file, cast.bob.user, dueDate="2026-12-01")
    listed = bob.app.call("get", "/tasks", API_Version="1.0").json()["data"]
    [task] = listed["tasks"]
    print(task)
    assert task["applicationId"] == file["id"]

    begun = bob.send("post", "/sessions", begin_body(file))
    assert begun.status_code == 201, begun.content
    session = begun.json()["data"]["sessionId"]
    print(begun.json())
    sent = bob.points(session, *(point(n) for n in range(1, 6)))
    assert sent.status_code == 201, sent.content
    print(sent.json()["data"]["results"][0])
    shaped = bob.shapes(session, parcel(1), parcel(2), parcel(3, (HERE[0] + 0.0011, HERE[1])))
    assert shaped.status_code == 201, shaped.content
    print(shaped.json()["data"])
    done = bob.submit(session, 5, 3)
    assert done.status_code == 200, done.content
    print(done.json())
    changes, cursor = bob.pull()
    for change in changes:
        print(change)
    card = cast.alice.get(f"/survey/sessions/{session}").json()
    print(card)
    assert cast.alice.post(f"/survey/sessions/{session}/review", {"decision": "approve"}).status_code == 200
