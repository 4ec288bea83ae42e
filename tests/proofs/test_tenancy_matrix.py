"""Every page and every operation, asked by another organisation's administrator with this organisation's ids.

The routes come from the URLconf, the bodies from the OpenAPI documents, the ids from every model that has an
organisation: what is added later is tried too. By default a third of the places get the ids that
fit, with HYPOTHESIS_PROFILE=full all of them every id.
"""

import os
import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import get_resolver

from api.v1.api import api as v1
from portal.core.accounts import tokens
from portal.core.accounts.checks import policies, walk
from portal.core.accounts.models import User
from portal.core.tenancy.scope import platform
from tests.api.conftest import Cast
from tests.proofs.world import MARK, furnish, ids, print_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@pytest.fixture
def theirs(cast: Cast) -> dict[str, str]:
    """An id of A for each model."""
    cache.clear()
    return ids(furnish(cast))


def routes() -> Iterator[tuple[str, bool]]:
    """Paths with their parameters, and whether signing in is asked for; patterns that catch the rest are left out."""
    seen = set()
    for route, view in walk(get_resolver().url_patterns):
        path = "/" + route.replace("^", "").replace("$", "")
        if path not in seen and not path.endswith(("api/", "api/v1/", "api/mobile/v1/", "api/mobile/")):
            seen.add(path)
            yield path, all(not rule.public for rule in policies(view))


def filled(path: str, theirs: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The path with ids of A in turn."""
    if not PARAMETER.search(path):
        yield path, ""
        return
    for id in guesses(path, theirs):
        yield with_id(path, id), id


def guesses(path: str, theirs: dict[str, str]) -> list[str]:
    """Ids of A that an intruder tries here: of what the path is about, else any; in the full size all."""
    every = sorted(set(theirs.values()))
    if FULL:
        return every
    named, spoken = re.findall(r"<(?:\w+:)?(\w+?)(?:_id)?>", path), re.sub(r"\W|_", "", path).lower()
    meant = {
        id
        for label, id in theirs.items()
        if (model := label.partition(".")[2].lower()) in spoken or any(name and name in model for name in named)
    }
    return sorted(meant or random.Random(path).sample(every, 1))


def entered(user: User) -> tuple[Client, str]:
    """A browser where this person is signed in, and an access token."""
    with platform():
        user = User.objects.select_related("organization", "role").get(pk=user.pk)
        page = Client(raise_request_exception=False)
        page.force_login(user)
        return page, f"Bearer {tokens.issue(user)[0]}"


def with_id(path: str, id: str) -> str:
    return PARAMETER.sub(lambda found: id if found["kind"] != "int" or id.isdigit() else "1", path)


def tell_tale(response: Any, asked: str, theirs: dict[str, str], refused: Iterable[str] = ()) -> list[str]:
    """What of A stands in an answer, beside the ids in `asked`, and the addresses that were refused: the intruder's own
    audit log repeats them."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    text = body.decode(errors="replace") + str(response.headers)
    for address in refused:
        text = text.replace(address, "")
    return [word for word in (MARK, *theirs.values()) if len(word) > 4 and word in text and word not in asked]


@pytest.mark.covers("003-TST-02")
def test_no_answer_holds_anything_of_another_organisation(cast: Cast, theirs: dict[str, str]) -> None:
    before, asked = print_of(cast.a.pk), 0
    refused: set[str] = set()
    for path, guarded in list(routes())[:: 1 if FULL else 3]:
        page, token = entered(cast.mallory.user)  # anew for each path: some of them sign people out
        for whole, id in filled(path, theirs):
            for method in ("get", "post", "patch", "delete") if path.startswith("/api/") else ("get", "post"):
                if whole.endswith(("/logout", "/revoke-device")):
                    continue
                options: dict[str, Any] = {"headers": {"Authorization": token, "X-Device-ID": "theirs"}}
                if path.startswith("/api/") and method != "get":
                    options |= {"data": {}, "content_type": "application/json"}
                response = getattr(page, method)(whole, **options)
                asked += 1
                assert response.status_code < 500, (method, whole, response.content[:300])
                if not guarded:
                    continue
                if response.status_code == 403:
                    refused.add(whole)
                assert not tell_tale(response, id, theirs, refused), (method, whole)
                if id and method == "get":
                    empty = response.status_code == 200 and b'"data":[]' in response.content  # an audit trail
                    assert empty or response.status_code in (403, 404, 405), (method, whole, response.status_code)
                elif id:
                    assert response.status_code >= 400, (method, whole, response.status_code)
    assert asked > 200
    assert print_of(cast.a.pk) == before, "nothing of A was changed"


def _body(schema: Any, components: Any, id: str) -> Any:
    """What the schema asks for, with this id wherever an id may stand."""
    if "$ref" in schema:
        return _body(components[schema["$ref"].rsplit("/", 1)[1]], components, id)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _body(schema[several][0], components, id)
    if "properties" in schema:
        return {
            name: id if re.search(r"[iI]ds?$", name) and part.get("type") == "string" else _body(part, components, id)
            for name, part in schema["properties"].items()
        }
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "array":
            return [_body(schema["items"], components, id)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "object":
            return {"sampleId": id, "samplingPointId": id, "parameterId": id, "replacesId": id}
    if schema.get("format") == "date-time":
        return "2026-03-20T09:15:00Z"
    return id if schema.get("format") == "uuid" else "drinking_water"


def test_no_body_reaches_into_another_organisation(cast: Cast, theirs: dict[str, str]) -> None:
    document = v1.get_openapi_schema(path_prefix="/api/v1/")
    before, asked = print_of(cast.a.pk), 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or path.endswith("/logout"):
                continue
            for id in guesses(re.sub(r"{(?:\w+:)?(\w+)}", r"<\1>", path), theirs):
                body = _body(content["schema"], document["components"]["schemas"], id)
                whole = with_id(re.sub(r"{(\w+)}", r"<\1>", path), id)
                response = cast.mallory.call(method, whole.removeprefix("/api/v1"), body)
                asked += 1
                assert response.status_code < 500, (method, whole, body, response.content[:300])
                assert not tell_tale(response, id, theirs), (method, whole, body, response.content[:300])
    assert asked > 50
    assert print_of(cast.a.pk) == before, "nothing of A was changed"
