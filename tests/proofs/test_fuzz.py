"""Any JSON to every operation that takes a body: never a 500, always the documented envelope, nothing half-written.

The operations and the shapes come from the OpenAPI documents; each value is what the shape asks for, or junk.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.mobile.v1.api import api as mobile
from api.v1.api import api as v1
from portal.core.accounts import tokens
from portal.core.accounts.services import device_open
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast
from tests.proofs.world import furnish, ids, print_of, writes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
DEVICE = "fuzz-tablet"
texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "",
        "\0",
        "NaN",
        "1e999",
        "٧٫٢",
        "<0.01",
        "2026-03-20",
        "2026-03-20T09:15:00Z",
        "9999-12-31T23:59:59Z",
        "NO3",
        "sample",
    ]
)
leaves = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


keys = st.uuids().map(str)


class Shapes:
    """Values of a JSON schema. `known` are ids of the own organisation, so that bodies come past the first look-up."""

    def __init__(self, components: dict[str, Any], known: list[str]) -> None:
        self.components, self.known = components, known

    def of(self, schema: dict[str, Any], depth: int = 4) -> st.SearchStrategy[Any]:
        return st.one_of(self._right(schema, depth), self._right(schema, depth), self._right(schema, depth), junk)

    def _right(self, schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
        if depth == 0:
            return junk
        if "$ref" in schema:
            return self._right(self.components[schema["$ref"].rsplit("/", 1)[1]], depth)
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return st.one_of([self.of(part, depth) for part in schema[several]])
        if "properties" in schema:
            return st.fixed_dictionaries(
                {}, optional={name: self.of(part, depth - 1) for name, part in schema["properties"].items()}
            )
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "const" in schema:
            return st.just(schema["const"])
        if schema.get("type") == "array":
            return st.lists(self.of(schema["items"], depth - 1), max_size=3)
        if schema.get("type") == "integer":
            return st.integers(0, 5)
        if schema.get("type") == "boolean":
            return st.booleans()
        if schema.get("type") == "object":
            fields = self.components["SampleIn"]["properties"] | self.components["ResultIn"]["properties"]
            return st.dictionaries(st.sampled_from(sorted(fields)), st.sampled_from(self.known) | junk, max_size=5)
        return st.sampled_from(self.known) if schema.get("format") == "uuid" else texts


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    schema: dict[str, Any]
    components: dict[str, Any]


def operations() -> Iterator[Operation]:
    for api, prefix in ((v1, "/api/v1/"), (mobile, "/api/mobile/v1/")):
        document = api.get_openapi_schema(path_prefix=prefix)
        components = v1.get_openapi_schema()["components"]["schemas"] | document["components"]["schemas"]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                content = operation.get("requestBody", {}).get("content", {}).get("application/json")
                if content is not None:
                    yield Operation(method.upper(), path, content["schema"], components)


def test_any_body_gets_a_clear_answer(cast: Cast) -> None:
    known = sorted(set(ids(furnish(cast)).values()))
    with tenant(cast.a.pk):
        device_open(user=cast.alice.user, device_id=DEVICE)
    token = tokens.issue(cast.alice.user, device=DEVICE)[0]
    headers = {"Authorization": f"Bearer {token}", "X-Device-ID": DEVICE}
    before, tried = print_of(), list(operations())
    assert len(tried) > 15

    def send(operation: Operation, body: Any, id: str, key: str) -> None:
        raw = json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")
        path = re.sub(r"{\w+}", id, operation.path)
        cache.clear()
        with transaction.atomic():
            written = writes()
            response = Client().generic(
                operation.method, path, raw, "application/json", headers={**headers, "X-Idempotency-Key": key}
            )
            assert response.status_code < 500, (operation.method, path, raw, response.content[:400])
            said = json.loads(response.content)
            assert said["success"] is (response.status_code < 400)
            if response.status_code >= 400:
                faults = [said["error"]] if "error" in said else said["errors"]
                assert faults
                assert all(fault["code"] and fault["message"] for fault in faults)
                assert written == writes() or print_of() == before, (
                    "written all the same",
                    operation.method,
                    path,
                    raw,
                )
            transaction.set_rollback(True)

    for operation in tried:
        fuzz(operation, known, send)


def fuzz(operation: Operation, known: list[str], send: Callable[[Operation, Any, str, str], None]) -> None:
    @settings(max_examples=300 if FULL else 5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        body=Shapes(operation.components, known).of(operation.schema),
        id=st.sampled_from(known),
        key=st.uuids().map(str),
    )
    @example(body={}, id=known[0], key="1")
    @example(body=[], id=known[0], key="2")
    def check(body: Any, id: str, key: str) -> None:
        send(operation, body, id, key)

    check()
