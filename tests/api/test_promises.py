"""What holds everywhere at once: hostile texts, what a person is on the wire, an organisation's many names."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import connection
from django.test import Client

from portal.core.accounts.models import User
from portal.core.tenancy.scope import platform, tenant
from portal.lab.models import Sample
from tests.api.conftest import PASSWORD, Cast, Person
from tests.api.test_lab import TAP

pytestmark = pytest.mark.django_db
HOSTILE = (
    "zqxj' OR '1'='1' --",
    "zqxj'; DROP TABLE lab_sample; --",
    "zqxj%' UNION SELECT password FROM accounts_user --",
    "zqxj\\' $1 %s",
)
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.mark.covers("002-SEC-10")
def test_no_text_becomes_sql(cast: Cast, nobody: Person) -> None:
    made = cast.alice.post("/samples", TAP | {"location": "Anfa, tap 4"}).json()["data"]
    document = json.loads(nobody.get("/openapi.json").content)
    lists = {
        path.removeprefix("/api/v1"): {p["name"] for p in item["get"].get("parameters", [])}
        for path, item in document["paths"].items()
        if "get" in item and "{" not in path and "export" not in path
    }
    searched = {path: names & {"search", "q"} for path, names in lists.items() if names & {"search", "q"}}
    assert len(searched) > 12
    for number, (path, names) in enumerate(searched.items()):
        hostile = HOSTILE[number % len(HOSTILE)]
        answer = cast.alice.get(f"{path}?{'&'.join(f'{name}={hostile}' for name in names)}")
        assert answer.status_code in (200, 400, 403), (path, answer.content)
        if answer.status_code == 200 and answer["Content-Type"] == "application/json":
            assert answer.json()["meta"].get("total", 0) == 0, path
    for hostile in HOSTILE:
        for query in (f"search={hostile}", f"location={hostile}"):
            assert cast.alice.get(f"/samples?{query}").json()["data"] == [], query
        for query in (f"sort={hostile}", f"status={hostile}", f"limit={hostile}", f"collectedFrom={hostile}"):
            assert cast.alice.get(f"/samples?{query}").status_code in (200, 400), query
        assert nobody.post("/auth/login", {"email": hostile, "password": hostile}).status_code == 401
        assert cast.alice.get(f"/samples/{hostile}").status_code == 404
        changed = cast.alice.patch(f"/samples/{made['id']}", {"location": hostile})
        assert changed.json()["data"]["location"] == hostile  # a text like any other
    with tenant(cast.a.pk):
        assert Sample.objects.count() == 1


@pytest.mark.covers("002-SEC-11")
def test_no_text_becomes_a_script(cast: Cast) -> None:
    made = cast.alice.post("/samples", TAP | {"location": SCRIPT, "notes": SCRIPT}).json()["data"]
    page = Client()
    assert page.login(username="alice@example.test", password=PASSWORD)

    for path in ("/samples", f"/samples/{made['id']}", f"/samples?search={SCRIPT}", f"/search?q={SCRIPT}"):
        answer = page.get(path)
        assert answer.status_code == 200, path
        text = answer.content.decode()
        assert "&lt;script&gt;alert(1)" in text, path
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert (policy["script-src"], policy["object-src"], policy["base-uri"]) == ("'self'", "'none'", "'self'")
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), path
    assert cast.alice.get(f"/samples/{made['id']}")["Content-Type"].startswith("application/json")
    assert cast.alice.get(f"/samples/{made['id']}")["X-Content-Type-Options"] == "nosniff"


@pytest.mark.covers("001-ENT-04", "C88")
def test_a_person_has_the_fields_of_001_and_no_password_leaves(cast: Cast, nobody: Person) -> None:
    nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD})

    answer = cast.alice.get(f"/users/{cast.bob.user.pk}")

    shown = answer.json()["data"]
    expected = {
        "id": str(cast.bob.user.pk), "email": "bob@example.test", "role": "Technician", "isActive": True,
        "organizationId": str(cast.a.pk), "tenantId": str(cast.a.pk),
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == expected
    assert shown["createdAt"].endswith("Z")
    assert shown["lastLogin"].endswith("Z")
    with tenant(cast.a.pk):
        kept = User.objects.get(pk=cast.bob.user.pk).password
    assert identify_hasher(kept)
    assert PASSWORD not in kept
    assert kept not in answer.content.decode()
    assert not [name for name in shown if "password" in name.lower() and name != "passwordChangedAt"]

    # the laboratory of 001 is the organisation, under any of its names, and nobody reads another one's
    for name in ("labId", "lab_id", "tenantId", "organizationId"):
        body = {"email": f"{name}@example.test", "password": "secret1", "role": "Viewer", name: str(cast.b.pk)}
        made = cast.root.post("/users", body, X_Tenant_ID=str(cast.b.pk))
        assert (made.status_code, made.json()["data"]["organizationId"]) == (201, str(cast.b.pk)), name
        assert cast.alice.get(f"/users/{made.json()['data']['id']}").status_code == 404
    mine = cast.bob.post("/samples", TAP | {"labId": str(cast.b.pk)}).json()["data"]
    assert mine["organizationId"] == str(cast.a.pk)
    with platform():
        assert Sample.objects.get().organization_id == cast.a.pk


@pytest.mark.covers("002-PERF-01")
def test_a_sign_in_and_a_checked_token_cost_a_fixed_number_of_statements(cast: Cast, nobody: Person) -> None:
    from django.test.utils import CaptureQueriesContext

    def cost(call: Any) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert call().status_code == 200
        return len([query for query in asked if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    def sign_in() -> Any:
        return nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD})

    first = (cost(sign_in), cost(lambda: cast.bob.get("/auth/permissions")))
    with platform():
        User.objects.bulk_create(
            User(email=f"{n}@x.test", name=str(n), organization=cast.a, role=cast.bob.user.role) for n in range(300)
        )
    assert (cost(sign_in), cost(lambda: cast.bob.get("/auth/permissions"))) == first
    print(first)
