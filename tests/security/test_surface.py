"""Headers of every route, cookies, limits of every surface, and that the papers about security say what is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.ui import throttle
from scripts import audit, sbom
from tests.api.conftest import Cast, Person

pytestmark = pytest.mark.django_db
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"


@pytest.fixture
def browser(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.alice.user)
    return client


def plain_routes(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    """Addresses without parameters."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from plain_routes(pattern, prefix + route.lstrip("^"))
        elif isinstance(pattern, URLPattern) and not set(route) & set("<(^$["):
            yield prefix + route


def read_out(response: Any) -> Any:
    """The response, whose file is closed: its end does that, `close()` would end the database connection too."""
    if response.streaming:
        b"".join(response.streaming_content)
    return response


# --- headers ------------------------------------------------------------------------------------------
def assert_guarded(path: str, response: Any) -> None:
    said = response.headers
    assert said["X-Content-Type-Options"] == "nosniff", path
    assert said["X-Frame-Options"] == "DENY", path
    assert said["Referrer-Policy"] in ("same-origin", "no-referrer"), path
    assert said["Cross-Origin-Opener-Policy"] == "same-origin", path
    assert said["Cross-Origin-Resource-Policy"] == "same-origin", path
    assert "geolocation=(self)" in said["Permissions-Policy"], path
    assert said["Cache-Control"], path
    policy = said["Content-Security-Policy"]
    assert "unsafe" not in policy, path
    assert "frame-ancestors 'none'" in policy or policy.startswith("sandbox"), path
    for cookie in response.cookies.values():
        assert cookie["samesite"] == "Lax", (path, cookie.key)
        assert cookie["httponly"] or cookie.key == "marsad_theme", (path, cookie.key)


def test_every_route_answers_with_guards(browser: Client) -> None:
    paths = [path for path in sorted(set(plain_routes())) if "openapi" not in path]  # seconds of making
    stranger = Client(raise_request_exception=False)

    assert len(paths) > 150
    for path in paths[:: 1 if FULL else 5]:
        assert_guarded(path, stranger.get(path))
    for path in ("/", "/samples", "/samples/export?format=csv", "/no-such-page", "/api/v1/samples"):
        response = read_out(browser.get(path))
        assert_guarded(path, response)
        assert "public" not in response.headers["Cache-Control"]
    assert "no-store" in browser.get("/samples").headers["Cache-Control"]


def test_production_sends_cookies_over_tls_alone(tmp_path: Path) -> None:
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE CSRF_COOKIE_HTTPONLY"
    names += " SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS SECURE_HSTS_INCLUDE_SUBDOMAINS DEBUG MARSAD_RATE_LIMITS"
    ask = f"from django.conf import settings as s; print(*(getattr(s, n) for n in '{names}'.split()), sep='|')"
    environment = {"MARSAD_ENV": "production", "MARSAD_DATA": str(tmp_path), "MARSAD_SECRET_KEY": "k" * 60}
    environment |= {"DJANGO_SETTINGS_MODULE": "portal.config.settings", "MARSAD_HOSTS": "lab.example"}
    environment |= {
        "DATABASE_URL": "postgres://o:p@localhost/m",
        "MARSAD_APP_DATABASE_URL": "postgres://a:p@localhost/m",
    }
    command = [sys.executable, "-c", ask]

    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.strip() == "__Host-session|__Host-csrf|True|True|True|True|31536000|True|False|on", done.stderr


# --- limits -------------------------------------------------------------------------------------------
def test_pages_have_limits_by_person_and_by_address(
    browser: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MARSAD_RATE_LIMITS = "on"
    cache.clear()
    monkeypatch.setattr(throttle, "time", SimpleNamespace(time=lambda: 1_800_000_030.0))  # no minute ends meanwhile
    for name in ("PER_PERSON", "PER_ADDRESS", "PER_ADDRESS_SIGN_IN"):
        monkeypatch.setattr(throttle, name, 2)
    stranger = Client()

    for client, call in (
        (browser, lambda: browser.get("/samples")),
        (stranger, lambda: stranger.get("/login")),
        (stranger, lambda: stranger.post("/login", {"login": "x", "password": "y"})),
    ):
        assert [call().status_code for _turn in range(2)] == [200, 200], client
        refused = call()
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert Client().get("/health/live").status_code == 200  # watched by machines, and has no limit


def test_the_api_limits_what_costs_most_more(cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.kit import throttle as limits

    settings.MARSAD_RATE_LIMITS = "on"
    cache.clear()
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 1_800_000_030.0))
    monkeypatch.setattr(limits, "PER_MINUTE", {"login": 1, "sync": 1, "upload": 1, "heavy": 1, "other": 3})

    def ask(person: Person, path: str) -> int:
        return int(read_out(person.get(path)).status_code)

    for path in ("/customers/search?q=a", "/users/export?format=csv"):
        cache.clear()
        assert [ask(cast.alice, path) for _turn in range(2)] == [200, 429], path
    assert ask(cast.alice, "/samples") == 200  # another bucket
    assert ask(cast.bob, "/customers/search?q=a") != 429  # another person
    login = {"email": "bob@example.test", "password": "wrong"}
    nobody = Person(cast.bob.user)
    assert [nobody.post("/auth/login", login).status_code for _turn in range(2)] == [401, 429]
    sent = [Client().post("/api/v1/files/upload", headers=cast.carol.headers).status_code for _turn in range(2)]
    assert sent[1] == 429


# --- the audit of packages ------------------------------------------------------------------------------
def test_the_audit_of_packages_tells_findings_from_silence() -> None:
    bad = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    good = {"name": "b", "version": "1", "vulns": []}

    assert audit.python_findings({"dependencies": [bad, good]}) == (["a 1: CVE-1, mended in 2"], 2)
    assert audit.python_findings({"dependencies": [{"name": "c", "skip_reason": "not found"}]}) == ([], 0)
    assert audit.python_findings({}) == ([], 0)
    found = {"vulnerabilities": {"x": {"severity": "high", "range": "<2"}}, "metadata": {"dependencies": {"total": 9}}}
    assert audit.front_end_findings(found) == (["x: high, <2"], 9)
    assert audit.front_end_findings({"message": "405"}) == ([], 0)
    assert audit.said(["false"]) == {}


def test_the_bill_of_materials_names_every_package(repository: Path) -> None:
    found = sbom.bill(repository)["components"]

    pinned = re.findall(r"^([\w.-]+)[^=\n]*==", (repository / "requirements.lock").read_text(), re.MULTILINE)
    front_end = json.loads((repository / "package-lock.json").read_text())["packages"]
    assert [one["name"] for one in found[: len(pinned)]] == pinned
    assert len(found) == len(pinned) + len(front_end) - 1
    assert all(one["hashes"] and one["version"] in one["purl"] for one in found)


# --- the documents ------------------------------------------------------------------------------------
@pytest.mark.parametrize("document", ["asvs.md", "THREAT_MODEL.md"])
def test_what_the_documents_name_is_there(repository: Path, document: str) -> None:
    text = (repository / "docs" / document).read_text()
    named = set(re.findall(r"`([\w./-]+/[\w.-]+\.\w+|Makefile|pyproject\.toml|requirements\.lock)(?:::\w+)?`", text))

    assert len(named) > 30
    assert sorted(path for path in named if not (repository / path).exists()) == []
    for path, test in set(re.findall(r"`([\w./-]+\.py)::(\w+)`", text)):
        assert f"\ndef {test}(" in (repository / path).read_text(), f"{path}::{test}"
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \| (\S+) \|", text, re.MULTILINE)
    assert len(dict(rows)) == len(rows)
    assert {state for _item, state in rows} <= {"met", "gap", "n/a"}
