"""Specification 001, user story 3: the acceptance scenarios in its order and words."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.core.audit.models import Action, AuditEntry
from tests.api.conftest import Cast
from tests.api.test_lab import result, sample

pytestmark = pytest.mark.django_db


def the(entries: list[AuditEntry], entity: str) -> AuditEntry:
    [entry] = [entry for entry in entries if entry.entity == entity]
    return entry


@pytest.mark.covers("001-US3-AS1", "001-FR-081")
def test_as1_creating_a_sample_leaves_user_action_time_and_new_values(cast: Cast, trail: Callable[..., Any]) -> None:
    made = sample(cast.alice)

    entry = the(trail(Action.CREATE), "sample")
    assert (entry.actor_id, entry.object_pk) == (cast.alice.user.pk, made["id"])
    assert entry.timestamp is not None
    assert entry.changes["location"] == made["location"]


@pytest.mark.covers("001-US3-AS2", "001-FR-081")
def test_as2_editing_a_test_result_leaves_old_and_new_values(cast: Cast, trail: Callable[..., Any]) -> None:
    made = result(cast.alice, sample(cast.alice))

    cast.alice.put(f"/results/{made['id']}", {"value": "11.50", "reason": "misread"})

    entry = the(trail(Action.UPDATE, object_pk=made["id"]), "result")
    assert (entry.actor_id, entry.reason) == (cast.alice.user.pk, "misread")
    assert entry.changes["value_text"] == ["12.00", "11.50"]


@pytest.mark.covers("001-US3-AS3", "001-FR-081")
def test_as3_deleting_a_sample_leaves_the_old_values(cast: Cast, trail: Callable[..., Any]) -> None:
    made = sample(cast.alice)

    cast.alice.delete(f"/samples/{made['id']}")

    entry = the(trail(Action.DELETE, object_pk=made["id"]), "sample")
    assert entry.actor_id == cast.alice.user.pk
    assert entry.changes["location"] == made["location"]


@pytest.mark.covers("001-US3-AS4", "001-FR-083")
def test_as4_an_auditor_filters_by_date_range_and_by_user(cast: Cast) -> None:
    mine, theirs = sample(cast.alice), sample(cast.bob, code="S-BOB")

    def found(query: str) -> set[str]:
        rows = cast.alice.get(f"/audit-logs?entityType=sample&{query}").json()["data"]
        return {row["resourceId"] for row in rows}

    assert found("dateFrom=2000-01-01") == {mine["id"], theirs["id"]}
    assert found("dateTo=2000-01-01") == set()
    assert found(f"user={cast.bob.user.pk}") == {theirs["id"]}
