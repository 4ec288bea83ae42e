"""The interactive documentation of both APIs, their addresses, and their versions."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import get_resolver, resolve

from api.kit import Api, Policy, Router
from api.kit.openapi30 import as_3_0
from api.mobile.v1 import surface
from portal.config.websockets import websocket_urlpatterns
from tests.api.conftest import PASSWORD, Cast
from tests.api.test_mobile import call, sign_in

pytestmark = pytest.mark.django_db
PREFIXES = ("/api/v1/", "/api/mobile/v1/")
# Of what the source specifications write otherwise: hubs are sockets, `*` is every method, 5 an id.
UNUSUAL = {
    "E000-020": ("GET", "/projects/{}/images"),
    "E001-020": ("GET", None),
    "E003-030": ("PATCH", "/views/{}"),
    "E000-026": ("WS", None),
    "E000-027": ("WS", None),
}


def document(prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client().get(f"{prefix}openapi.json").content)
    return found


def operations(prefix: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document(prefix)["paths"].items():
        for method, details in methods.items():
            yield method.upper(), re.sub(r"\{[^}]*\}", "{}", path), details


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, here)
        else:
            yield here


@pytest.mark.covers("E001-020", "001-FR-092", "004-VER-05", "000-VER-02")
@pytest.mark.parametrize("prefix", PREFIXES)
def test_each_version_has_a_swagger_page_with_its_changes(prefix: str) -> None:
    page = Client().get(f"{prefix}docs")

    assert page.status_code == 200
    text = page.content.decode()
    assert 'id="swagger-ui"' in text
    linked = re.findall(r'(?:src|href)="/static/([^"]+)"', text)
    assert any(name.endswith("swagger-ui-bundle.js") for name in linked)
    assert all(finders.find(name) for name in linked)
    [settings] = re.findall(r'<script id="swagger-settings" type="application/json">(.*?)</script>', text)
    shown = document(prefix)
    assert json.loads(settings)["url"] == f"{prefix}openapi-3.0.json"
    assert shown["openapi"].startswith("3.1")
    assert shown["info"]["version"] == Client().get(f"{prefix}nothing")["API-Version"] == "1.0"
    _before, versions = shown["info"]["description"].split("## Versions")
    assert all(f"**{word}**: " in versions for word in ("Changes", "Features", "Deprecations", "Migration"))


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_document_in_3_0_says_the_same_in_its_own_words(prefix: str) -> None:
    made = json.loads(Client().get(f"{prefix}openapi-3.0.json").content)
    shown = document(prefix)

    assert made["openapi"] == "3.0.3"
    assert {path: set(said) for path, said in made["paths"].items()} == {
        path: set(said) for path, said in shown["paths"].items()
    }
    assert set(made["components"]["schemas"]) == set(shown["components"]["schemas"])
    text = json.dumps(made)
    for word in ('"type": "null"', '"const":', '"examples": [', '"$defs"'):
        assert word not in text, word
    assert set(re.findall(r'"exclusiveM\w+": (\w+)', text)) <= {"true"}
    assert text.count('"nullable": true') == json.dumps(shown).count('"type": "null"')
    shape = {"anyOf": [{"$ref": "#/a"}, {"type": "null"}], "title": "const", "properties": {"const": {"const": 1}}}
    assert as_3_0({"x": shape})["x"] == {
        "allOf": [{"$ref": "#/a"}], "nullable": True, "title": "const", "properties": {"const": {"enum": [1]}},
    }  # fmt: skip


@pytest.mark.covers("001-US5-AS2")
def test_trying_the_example_of_the_page_registers_a_sample(cast: Cast) -> None:
    """What Swagger's “Try it out” sends: the example of the body, to the page's own origin, with the token given."""
    page = Client().get("/api/v1/docs")
    [settings] = re.findall(
        r'<script id="swagger-settings" type="application/json">(.*?)</script>', page.content.decode()
    )
    assert "supportedSubmitMethods" not in json.loads(settings)  # every method may be tried
    assert "connect-src 'self'" in page["Content-Security-Policy"]
    shown = document("/api/v1/")
    assert not shown.get("servers")
    offered = shown["paths"]["/api/v1/samples"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    example = shown["components"]["schemas"][offered["$ref"].rsplit("/", 1)[1]]["example"]

    answer = cast.bob.post("/samples", example)

    assert answer.status_code == 201, answer.content
    assert answer.json()["data"]["location"] == example["location"]


@pytest.mark.covers("001-FR-090")
def test_every_endpoint_of_the_specifications_and_of_the_program_is_documented(repository: Path) -> None:
    documented = {(method, path) for prefix in PREFIXES for method, path, _details in operations(prefix)}

    with (repository / "tests" / "contract" / "endpoints.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            method, path = UNUSUAL.get(row["id"]) or row["text"].split(" ", 1)
            if path is None:
                continue
            path = re.sub(r"\{[^}]*\}", "{}", path.split("?")[0])
            here = [path] if path.startswith("/api/") else [f"{prefix[:-1]}{path}" for prefix in PREFIXES]
            assert any((method, one) in documented for one in here), row
    served = {"/" + re.sub(r"<[^>]*>", "{}", route) for route in routes() if route.startswith("api/")}
    aside = {"openapi.json", "openapi-3.0.json", "docs", "", "^mobile/"}  # the documents themselves and the answers 404
    aside = {f"{prefix}{name}" for prefix in (*PREFIXES, "/api/") for name in aside} | {"/ogc"}
    assert served - aside <= {path for _method, path in documented}


@pytest.mark.covers("000-DOC-01")
def test_the_document_is_made_from_the_code() -> None:
    router = Router(tags=["t"])

    @router.get("/tides/{int:hour}", policy=Policy(public="a test"), summary="Height of the tide")
    def tide(request: Any, hour: int, zone: str = "UTC") -> int:
        """Metres above chart datum."""
        return hour

    api = Api(namespace="api-tides", title="Tides", version="7.1")
    api.add_router("", router)

    made = api.get_openapi_schema(path_prefix="/x/")

    assert made["info"]["title"] == "Tides"
    shown = made["paths"]["/x/tides/{hour}"]["get"]
    assert (shown["summary"], shown["description"]) == ("Height of the tide", "Metres above chart datum.")
    assert [(p["name"], p["in"], p["required"]) for p in shown["parameters"]] == [
        ("hour", "path", True), ("zone", "query", False),
    ]  # fmt: skip


@pytest.mark.covers("001-FR-093", "001-US5-AS3", "002-CFG-02", "001-ASM-02", "C34")
def test_the_document_says_how_to_get_a_token_and_that_is_enough(cast: Cast) -> None:
    said = document("/api/v1/")
    assert said["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    assert said["security"] == [{"bearer": []}]
    for prefix in PREFIXES:
        for method, path, details in operations(prefix):
            assert details.get("security", []) == [], path  # nothing but the one scheme, or none
            assert "401" in details["responses"] or "security" in details, (method, path)
    assert not [route for route in routes() if "oauth" in route.lower()]

    # what a newcomer does who reads the page from its top
    [(address, keys)] = re.findall(r"1\. `POST (\S+)` with `(\{.*?\})`", said["info"]["description"])
    names = re.findall(r'"(\w+)":', keys)
    client = Client()
    body = dict(zip(names, ["alice@example.test", PASSWORD], strict=True))
    answer = client.post(address, body, content_type="application/json").json()["data"]
    [(field, header)] = re.findall(
        r"2\. Take `data\.(\w+)` and .* `(Authorization: Bearer) <", said["info"]["description"]
    )
    name, scheme = header.split(": ")
    assert client.get("/api/v1/auth/me").status_code == 401
    assert client.get("/api/v1/auth/me", headers={name: f"Basic {answer[field]}"}).status_code == 401
    assert client.get("/api/v1/auth/me", headers={name: f"{scheme} {answer[field]}"}).status_code == 200


@pytest.mark.covers("000-VER-01", "004-VER-01", "C01")
def test_the_version_stands_in_the_path_and_nothing_is_served_beside_it() -> None:
    for prefix in PREFIXES:
        assert all(path.startswith(prefix) for _method, path, _details in operations(prefix))
    assert {route.split("/")[1] for route in routes() if route.startswith("api/v")} == {"v1"}
    client = Client()
    for path in (
        "/auth/login",
        "/auth/me",
        "/forms/project/1",
        "/submissions/bulk",
        "/api/auth/login",
        "/api/v2/projects",
    ):
        answer = client.post(path, {}, content_type="application/json")
        assert answer.status_code in (403, 404), path  # 403: a page without its CSRF token


@pytest.mark.covers("C13", "C98")
def test_no_literal_path_is_taken_for_an_id() -> None:
    paths = {path for prefix in PREFIXES for _method, path, _details in operations(prefix)}

    literal = {path for path in paths if "{}" not in path}
    for path in literal:
        assert "<" not in resolve(path).route, path
    lists = {"users/roles", "customers/export", "files/metadata/stats", "audit/logs/stats", "tickets/bulk-update"}
    assert literal >= {f"/api/v1/{name}" for name in (*lists, "dashboard/metrics", "dashboards")}


@pytest.mark.covers("001-CON-02", "001-OOS-01", "001-OOS-02", "C78")
def test_there_is_no_graphql_and_no_data_goes_through_sockets(repository: Path) -> None:
    assert not [route for route in routes() if "graphql" in route.lower()]
    assert "graphql" not in (repository / "requirements.lock").read_text().lower()
    for path in ("/graphql", "/api/graphql", "/api/v1/graphql"):
        answer = Client().post(path, {"query": "{ samples { id } }"}, content_type="application/json")
        assert answer.status_code in (403, 404)
    sockets = [str(pattern.pattern) for pattern in websocket_urlpatterns]
    assert sockets == ["ws/notifications/", "ws/org/", "ws/projects/<uuid:project>/", "ws/platform/", ""]
    assert {"/api/v1/sync", "/api/v1/sync/changes"} <= {path for _method, path, _details in operations("/api/v1/")}


@pytest.mark.covers("004-VER-02", "004-VER-03")
def test_two_major_versions_are_served_and_an_end_is_announced_half_a_year_before(cast: Cast) -> None:
    app = sign_in(cast.bob, "tablet")
    plain = app.call("get", "/sync/changes").json()["data"]["changes"]
    for version in (*surface.SUPPORTED, *surface.DEPRECATED):
        answer = app.call("get", "/sync/changes", API_Version=version)
        assert (answer.status_code, answer.json()["data"]["changes"]) == (200, plain), version
    served = {version.split(".")[0] for version in (*surface.SUPPORTED, *surface.DEPRECATED)}
    assert len(served) == 2
    assert app.call("get", "/sync/changes", API_Version="2.0").status_code == 400
    for since, until in surface.DEPRECATED.values():
        assert (until - since).days >= 182
    said = call("get", "/openapi.json").json()["info"]["description"]
    for version, (since, until) in surface.DEPRECATED.items():
        assert f"`{version}` since {since:%Y-%m-%d}, ends {until:%Y-%m-%d}" in said
