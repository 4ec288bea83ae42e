"""Headers of every route, cookies, limits of every surface, and that no secret is written anywhere."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.core.audit.models import AuditEntry
from portal.core.monitoring import logs
from portal.core.tenancy.scope import platform
from portal.ui import throttle
from scripts import audit
from tests.api.conftest import PASSWORD, Cast, Person
from tests.api.letters import delivered, token_in

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


# --- secrets ------------------------------------------------------------------------------------------
@pytest.fixture
def written(settings: Any) -> Iterator[io.StringIO]:
    """All that the program logs while the test runs, at DEBUG, as JSON lines."""
    settings.LOG_FORMAT = "json"
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(logs.JsonFormatter())
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.covers("004-LOG-06")
def test_no_secret_is_written_anywhere(cast: Cast, written: io.StringIO, nobody: Person) -> None:
    secrets = {"password": PASSWORD + "-that-is-wrong", "new": "A-new-password-7193"}

    nobody.post("/auth/login", {"email": "carol@example.test", "password": secrets["password"]})
    handed = nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD}).json()["data"]
    renewed = nobody.post("/auth/refresh", {"refreshToken": handed["refreshToken"]}).json()["data"]
    secrets |= {"access": handed["accessToken"], "refresh": handed["refreshToken"], "next": renewed["refreshToken"]}
    setup = cast.carol.post("/auth/mfa/setup").json()["data"]
    secrets["totp"] = setup["secret"]
    nobody.post("/auth/forgot-password", {"email": "carol@example.test"})
    secrets["reset"] = token_in(delivered()[-1])
    nobody.post("/auth/reset-password", {"token": secrets["reset"] + "x", "newPassword": secrets["new"]})
    nobody.post("/auth/reset-password", {"token": secrets["reset"], "newPassword": secrets["new"]})
    assert cast.alice.post("/invitations", {"email": "new@example.test", "role": "Agent"}).status_code == 201
    secrets["invitation"] = token_in(delivered()[-1])
    file = SimpleUploadedFile("a.txt", b"hello", "text/plain")
    sent = Client().post("/api/v1/files/upload", {"file": file}, headers=cast.alice.headers).json()["data"]
    shared = cast.alice.post(f"/files/metadata/{sent['id']}/share", {"password": "share-password-55"}).json()["data"]
    secrets |= {"share": shared["token"], "share password": "share-password-55"}
    read_out(nobody.get(f"/share/{shared['token']}/download", X_Share_Password="share-password-55"))
    browser = Client()
    page = browser.post("/login", {"login": "alice@example.test", "password": PASSWORD})
    secrets["session"] = page.cookies["sessionid"].value
    bearer = {"Authorization": f"Bearer {secrets['access']}x", "X-Share-Password": secrets["share password"]}
    error = Client(raise_request_exception=False).get("/nothing/there", headers=bearer)

    with platform():
        entries = json.dumps(list(AuditEntry.objects.values()), default=str)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(string_agg(args::text, ' '), '') FROM procrastinate_jobs")
        jobs = str(cursor.fetchone()[0])
    places = {"log": written.getvalue(), "audit": entries, "jobs": jobs, "page": error.content.decode()}
    assert len(places["log"]) > 1000
    assert {name for name, value in secrets.items() if len(value) < 8} == set()
    for place, text in places.items():
        found = [name for name, value in secrets.items() if value in text]
        assert not found, (place, found)
    assert mail.outbox  # that is where they belong


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


# --- the documents ------------------------------------------------------------------------------------
@pytest.mark.parametrize("document", ["asvs.md", "THREAT_MODEL.md"])
def test_what_the_documents_name_is_there(repository: Path, document: str) -> None:
    text = (repository / "docs" / document).read_text()
    named = set(re.findall(r"`([\w./-]+/[\w.-]+\.\w+|Makefile|pyproject\.toml|requirements\.lock)`", text))

    assert len(named) > 30
    assert sorted(path for path in named if not (repository / path).exists()) == []
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \| (\S+) \|", text, re.MULTILINE)
    assert len(dict(rows)) == len(rows)
    assert {state for _item, state in rows} <= {"met", "gap", "n/a"}
