"""A hundred devices push and pull at once on a real server: none fails, none blocks another, all end with the same."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from portal.core.sync.models import Clock
from portal.core.tenancy.scope import tenant
from portal.lab.models import Result, Sample
from tests.api.conftest import Cast, Person
from tests.api.test_sync import NITRATE, SAMPLE, item
from tests.live import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
DEVICES, ROUNDS = 100, 3
SHARED = [str(uuid4()) for _ in range(10)]  # samples that everybody edits


@dataclass
class Tablet:
    """A device that keeps what it pulled: records by id, and its place."""

    name: str
    url: str
    token: str
    deletes: bool
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    cursor: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        headers = {"Authorization": self.token, "X-Device-ID": self.name}
        self.http = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=120)

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self.http.request(method, path, **more)
        self.statuses[answer.status_code] += 1
        answer.raise_for_status()
        return answer.json()["data"]  # type: ignore[no-any-return]

    def push(self, *changes: dict[str, Any]) -> None:
        data = self.ask("POST", "/sync", json={"deviceId": self.name, "changes": changes})
        self.results.update(result["status"] for result in data["results"])

    def pull(self) -> None:
        more = True
        while more:
            data = self.ask("GET", "/sync/changes", params={"cursor": self.cursor, "limit": 200})
            for entry in data["changes"]:
                if entry["operation"] == "deleted":
                    self.records.pop(entry["entityId"], None)
                else:
                    self.records[entry["entityId"]] = entry["data"]
            self.cursor, more = data["pagination"]["nextCursor"], data["pagination"]["hasMore"]

    def work(self) -> None:
        """Some of its own, and the same ten samples as all the others."""
        chance = random.Random(self.name)
        for turn in range(ROUNDS):
            own = item("sample", SAMPLE)
            result = item("result", {**NITRATE, "sampleId": own["entityId"]})
            shared = chance.sample(SHARED, 3)
            self.push(own, result, *(self.edit(id, f"{self.name}, {turn}") for id in shared))
            if turn == 1 and self.deletes:
                self.push(item("sample", id=own["entityId"], operation="deleted", clientVersion=10**9))
            self.pull()

    def edit(self, id: str, notes: str) -> dict[str, Any]:
        version = self.records.get(id, {}).get("version", 0)
        return item("sample", {"notes": notes}, id=id, operation="updated", clientVersion=version)


@pytest.fixture
def tablets(cast: Cast) -> Iterator[list[Tablet]]:
    people: list[Person] = [cast.alice, cast.bob]  # a technician deletes nothing
    with serving() as address:
        made = [
            Tablet(f"tablet-{n}", address, people[n % 2].headers["Authorization"], deletes=n % 2 == 0)
            for n in range(DEVICES)
        ]
        yield made
        for tablet in made:
            tablet.http.close()


@pytest.mark.covers("001-FR-031", "001-SC-003", "001-SC-004", "001-EDGE-06", "001-ASM-06")
def test_a_hundred_devices_at_once(cast: Cast, tablets: list[Tablet]) -> None:
    tablets[0].push(*(item("sample", SAMPLE, id=id) for id in SHARED))

    with ThreadPoolExecutor(DEVICES) as crowd:
        list(crowd.map(Tablet.work, tablets))
    with ThreadPoolExecutor(DEVICES) as crowd:
        list(crowd.map(Tablet.pull, tablets))

    assert set().union(*(tablet.statuses for tablet in tablets)) == {200}
    results = sum((tablet.results for tablet in tablets), Counter[str]())
    assert results["error"] == 0
    assert results["created"] == len(SHARED) + 2 * DEVICES * ROUNDS
    assert results["deleted"] == DEVICES // 2
    with tenant(cast.a.pk):
        stored = {
            str(id): version
            for model in (Sample, Result)
            for id, version in model.objects.filter(deleted_at=None).values_list("pk", "version")
        }
        newest = Clock.objects.get().seq
    assert len(stored) == len(SHARED) + 2 * DEVICES * ROUNDS - DEVICES
    assert max(stored.values()) <= newest
    for tablet in tablets:
        assert {id: record["version"] for id, record in tablet.records.items()} == stored
    assert len({repr(sorted(tablet.records.items())) for tablet in tablets}) == 1
