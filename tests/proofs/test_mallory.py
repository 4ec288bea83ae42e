"""10,000 random requests of another organisation's administrator, and not one foreign byte.

600 by default, 10,000 with `HYPOTHESIS_PROFILE=full`; `MARSAD_SEED` repeats a run. Whatever stands in organisation A
carries a canary; what a request says itself does not count as an answer.
"""

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from api.mobile.v1.api import api as mobile
from api.v1.api import api as v1
from portal.core.accounts.services import device_open
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast
from tests.proofs.test_tenancy_matrix import PARAMETER, routes
from tests.proofs.world import MARK, fresh, furnish, ids, print_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
REQUESTS: Final = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "full" else 600
SEED: Final = int(os.environ.get("MARSAD_SEED", "20261121"))
TOGETHER: Final = 25  # requests between two looks at A, after which all they did is undone
DEVICE: Final = "mallory-phone"
ENDS_HERSELF: Final = ("/logout", "/revoke-device", "/sign-out")


class Guesses:
    """Random requests that know everything an outsider may have heard: ids, names, addresses, codes."""

    def __init__(self, chance: random.Random, world: dict[str, str], cast: Cast) -> None:
        self.chance, self.world = chance, sorted(set(world.values()))
        apis = ((v1, "/api/v1/"), (mobile, "/api/mobile/v1/"))
        documents = [api.get_openapi_schema(path_prefix=prefix) for api, prefix in apis]
        self.components: dict[str, Any] = {}
        self.operations = []
        for document in documents:
            self.components |= document["components"]["schemas"]
            for path, methods in document["paths"].items():
                self.operations += [(method, path, operation) for method, operation in methods.items()]
        self.pages = [path for path, _guarded in routes() if not path.startswith("/api/")]
        self.words = [
            *self.world,
            "",
            "a",
            "alice",
            "example",
            MARK[:4],
            "%",
            "'",
            "0",
            "-1",
            "x" * 300,
            "../../a",
            "ة",
        ]
        self.words += ["Admin", "SuperAdmin", "drinking_water", "2026-03-20", "2026-03-20T09:15:00Z", "true", "null"]
        self.words += [str(cast.a.pk), str(cast.b.pk), "\u202e"]

    def one(self) -> tuple[str, str, bytes | dict[str, str] | None, dict[str, str]]:
        """Method, address, body (a form for a page) and headers."""
        if self.chance.random() < 0.25:
            page = PARAMETER.sub(lambda found: self._in_path(found["kind"]), self.chance.choice(self.pages))
            form = {self.chance.choice(("q", "name", "email", "role", "id", "reason")): self._word() for _ in range(3)}
            return self.chance.choice(("get", "post")), page + self._query(), form, {}
        method, path, operation = self.chance.choice(self.operations)
        path = re.sub(r"{\w+}", lambda found: self._in_path(""), path)
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if self.chance.random() < 0.05:
            method = self.chance.choice(("get", "post", "put", "patch", "delete"))
        body = json.dumps(self._body(schema)).encode() if schema else b"{}"
        return method, path + self._query(operation), None if method == "get" else body, self._headers()

    def _in_path(self, kind: str) -> str:
        return str(self.chance.randint(0, 60)) if kind == "int" else self.chance.choice(self.world)

    def _word(self) -> str:
        return self.chance.choice(self.words)

    def _query(self, operation: dict[str, Any] | None = None) -> str:
        named = [one["name"] for one in (operation or {}).get("parameters", []) if one["in"] == "query"]
        names = named or ["q", "search", "page", "sort", "status", "language", "organization", "organizationId"]
        said = [(self.chance.choice(names), self._word()) for _ in range(self.chance.randint(0, 3))]
        return f"?{urlencode(said)}" if said else ""

    def _headers(self) -> dict[str, str]:
        headers = {}
        for name in ("X-Tenant-ID", "If-Match", "Idempotency-Key", "Accept-Language", "X-Forwarded-For"):
            if self.chance.random() < 0.15:
                headers[name] = re.sub(r"[^ -~]", "", self._word())
        return headers

    def _body(self, schema: dict[str, Any], depth: int = 4) -> Any:
        if depth == 0 or self.chance.random() < 0.05:
            return self._word()
        if "$ref" in schema:
            return self._body(self.components[schema["$ref"].rsplit("/", 1)[1]], depth)
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return self._body(self.chance.choice(schema[several]), depth)
        if "properties" in schema:
            return {
                name: self._body(part, depth - 1)
                for name, part in schema["properties"].items()
                if self.chance.random() < 0.8
            }
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        match schema.get("type"):
            case "array":
                return [self._body(schema["items"], depth - 1) for _ in range(self.chance.randint(0, 2))]
            case "integer" | "number":
                return self.chance.randint(0, 5)
            case "boolean":
                return self.chance.random() < 0.5
            case "object":
                return {name: self._word() for name in ("sampleId", "parameterId", "id", "organizationId", "role")}
        return self.chance.choice(self.world) if schema.get("format") == "uuid" else self._word()


def canaries(cast: Cast, world: dict[str, str]) -> list[str]:
    people = (cast.alice.user, cast.bob.user, cast.carol.user)
    return [MARK, *(id for id in world.values() if len(id) > 4), *(person.email for person in people)]


def in_batches(send: Callable[[], None], count: int, cast: Cast) -> Iterator[None]:
    """Undo what a batch did, after a look at A."""
    before = print_of(cast.a.pk)
    for start in range(0, count, TOGETHER):
        with transaction.atomic():
            for _ in range(min(TOGETHER, count - start)):
                send()
            assert print_of(cast.a.pk) == before, f"something of A changed in requests {start} to {start + TOGETHER}"
            transaction.set_rollback(True)
        yield


@pytest.mark.covers("003-TEN-01", "003-TEN-03", "003-TEN-04", "002-SEC-08")
def test_random_requests_from_outside_bring_not_one_foreign_byte(cast: Cast) -> None:
    world = ids(furnish(cast))
    chance, secrets = random.Random(SEED), canaries(cast, world)
    guesses, asked, codes = Guesses(chance, world, cast), 0, set()
    heard: list[str] = []  # what she said in this batch: her own audit log repeats it
    with tenant(cast.b.pk):
        device_open(user=cast.mallory.user, device_id=DEVICE)

    def send() -> None:
        nonlocal asked
        cache.clear()
        method, path, body, headers = guesses.one()
        if any(word in path for word in ENDS_HERSELF):
            return
        mallory, client = fresh(cast.mallory), Client(raise_request_exception=False)
        if path.startswith("/api/"):
            named = {**mallory.headers, "X-Device-ID": DEVICE, "X-Idempotency-Key": "m", **headers}
            options = {} if body is None else {"data": body, "content_type": "application/json"}
            response = getattr(client, method)(path, headers=named, **options)
        else:
            client.force_login(mallory.user)
            response = getattr(client, method)(path, **({"data": body} if method == "post" else {}))
        content = b"".join(response.streaming_content) if response.streaming else response.content
        asked += 1
        codes.add(response.status_code)
        heard.append(f"{path} {body!r} {headers}")
        request = f"seed {SEED}, request {asked}: {method.upper()} {heard[-1]}"
        assert response.status_code < 500, (request, content[:500])
        told = content.decode(errors="replace") + str(response.headers)
        foreign = [word for word in secrets if word in told and not any(word in said for said in heard)]
        assert not foreign, (request, response.status_code, foreign, told[:800])

    for _batch in in_batches(send, REQUESTS, cast):
        heard.clear()
    assert asked > REQUESTS * 0.9
    assert {200, 400, 404} <= codes
