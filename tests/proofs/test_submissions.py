"""Submissions that arrive at the same moment: one row, one answer (C45)."""

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import orjson
import pytest
from django.db import connections

from portal.collect.models import Submission, WebhookDelivery
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast
from tests.api.test_forms import ANSWERS, data, form, project

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
CALLS = 32
THREADS = 16 if os.environ.get("HYPOTHESIS_PROFILE") == "full" else 8


@pytest.mark.covers("E003-021", "E003-022", "003-OFF-02", "003-TST-02")
def test_parallel_repeats_are_one_submission(cast: Cast) -> None:
    made = form(cast, project(cast))
    hook = {"name": "n", "url": "https://example.org/x"}
    data(cast.alice.post(f"/forms/{made['id']}/webhooks", hook), 201)
    items = [{"formId": made["id"], "answers": ANSWERS, "localSyncId": str(uuid4())} for _ in range(8)]
    raced = items[3]

    def send(number: int) -> list[tuple[int, str]]:
        """Alone, in a batch, and in a batch the other way round."""
        try:
            if number % 3 == 0:
                answer = cast.bob.post("/submissions", raced)
                return [(answer.status_code, orjson.loads(answer.content)["data"]["id"])]
            batch = items if number % 3 == 1 else items[::-1]
            results = data(cast.bob.post("/submissions/bulk", {"submissions": batch}))["results"]
            assert all(result["success"] for result in results)
            return [(200, r["submission"]["id"]) for r in results if r["localSyncId"] == raced["localSyncId"]]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [one for found in pool.map(send, range(CALLS)) for one in found]

    assert len(answers) == CALLS
    assert len({id for _status, id in answers}) == 1
    assert sum(status == 201 for status, _id in answers) <= 1
    with tenant(cast.a.pk):
        assert Submission.objects.count() == len(items) == WebhookDelivery.objects.count()


def test_a_bulk_of_two_hundred_with_every_third_bad(cast: Cast) -> None:
    made = form(cast, project(cast))
    bad = {"herd_size": "many", "behavior": "Flying"}
    items = [
        {
            "formId": made["id"],
            "localSyncId": str(uuid4()),
            "answers": {**ANSWERS, **(bad if n % 3 == 2 else {"herd_size": n})},
        }
        for n in range(200)
    ]
    answer = data(cast.bob.post("/submissions/bulk", {"submissions": items}))
    assert (answer["successful"], answer["failed"]) == (134, 66)
    for number, result in enumerate(answer["results"]):
        assert result["localSyncId"] == items[number]["localSyncId"]
        if number % 3 == 2:
            assert [(e["field"], e["rule"]) for e in result["errors"]] == [
                ("herd_size", "TYPE"),
                ("behavior", "OPTION"),
            ]
        else:
            assert result["submission"]["answers"]["herd_size"] == number
    good = [item for number, item in enumerate(items) if number % 3 != 2]
    again = data(cast.bob.post("/submissions/bulk", {"submissions": good}))
    assert (again["successful"], again["failed"]) == (134, 0)
    with tenant(cast.a.pk):
        assert Submission.objects.count() == 134
