"""Every page and every operation × every role × the own, another and no organisation.

What is expected follows from the declared policy alone: no table of codes that somebody would have to keep. Each
request is undone, so that the next one meets the same world; a denied one has to have left that world as it was. Every
sixth role asks for each of them; all roles with HYPOTHESIS_PROFILE=full (`make test-full`).
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from api.mobile.v1.api import api as mobile
from api.v1.api import api as v1
from portal.core.accounts import tokens
from portal.core.accounts.checks import policies, walk
from portal.core.accounts.models import Role, User
from portal.core.accounts.permissions import BUILTIN_ROLES, SUPERADMIN, catalogue
from portal.core.accounts.policy import Policy
from portal.core.accounts.services import device_open
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import Cast, new_cast
from tests.proofs.test_tenancy_matrix import PARAMETER, tell_tale
from tests.proofs.world import furnish, ids, print_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
DEVICE: Final = "matrix-tablet"
FULL: Final = os.environ.get("HYPOTHESIS_PROFILE") == "full"
ROLES: Final = [*BUILTIN_ROLES, "nothing"]  # the last one holds no right at all


@dataclass(frozen=True)
class World:
    cast: Cast
    ids: dict[str, str]  # of an organisation that has something of everything, by model


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Furnishing takes as long as a role's questions, so all roles meet the same world; it is undone at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        cast = new_cast()
        yield World(cast, ids(furnish(cast)))
        transaction.set_rollback(True)


@pytest.fixture
def world(made: World, db: None) -> World:
    """As it was made: `db` undoes what each test did to it."""
    return made


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the code declares it."""

    method: str
    path: str
    policy: Policy
    reach: str  # of an API operation; a page's is "page"
    status: int = 200


def operations() -> Iterator[Operation]:
    for api, prefix in ((v1, "/api/v1"), (mobile, "/api/mobile/v1")):
        for _prefix, router in api._routers:
            for path, view in router.path_operations.items():
                for one in view.operations:
                    for method in one.methods:
                        yield Operation(method, f"{prefix}{path}", one.policy, one.reach, one.status)


def pages() -> Iterator[Operation]:
    for route, view in walk(get_resolver().url_patterns):
        path = "/" + route.replace("^", "").replace("$", "")
        if not path.startswith(("/api/", "/health/")):
            for rule in policies(view):
                yield Operation("GET", path, rule, "page")
                yield Operation("POST", path, rule, "page")


def asked_by(role: str) -> list[Operation]:
    """What a person of this role asks for: each operation and page is some role's turn, and some other's."""
    place = ROLES.index(role)
    return [one for number, one in enumerate([*operations(), *pages()]) if FULL or (number // 2 + place) % 6 == 0]


def address(operation: Operation, own: dict[str, str]) -> str:
    """The path with an id of the kind that its parameter is named after."""
    by_name = {label.partition(".")[2].lower(): id for label, id in own.items()}

    def one(name: str) -> str:
        return by_name.get(name.removesuffix("_id").replace("_", ""), own["accounts.User"])

    path = re.sub(r"{(?:(\w+):)?(\w+)}", lambda found: f"<{found[1] or 'x'}:{found[2]}>", operation.path)
    return PARAMETER.sub(lambda found: "1" if found["kind"] == "int" else one(found["name"]), path)


@dataclass
class Somebody:
    """A person of one role, at the API and at the portal."""

    user: User

    def ask(self, operation: Operation, path: str, **headers: str) -> Any:
        """The answer; whatever it did is undone."""
        cache.clear()
        client = Client(raise_request_exception=False)
        token = tokens.issue(self.user, device=DEVICE if "/mobile/" in path else "")[0]
        named = {"Authorization": f"Bearer {token}", "X-Device-ID": DEVICE, "X-Idempotency-Key": "k", **headers}
        options: dict[str, Any] = {"content_type": "application/json", "data": {}} if operation.method != "GET" else {}
        with transaction.atomic():
            if operation.reach == "page":
                client.force_login(self.user)
                response = getattr(client, operation.method.lower())(path)
            else:
                response = getattr(client, operation.method.lower())(path, headers=named, **options)
            body = b"".join(response.streaming_content) if response.streaming else response.content
            response.closed_body = body
            transaction.set_rollback(True)
        return response


def somebody(role: str, organization: Organization) -> Somebody:
    """A new person of that role, with a device; the platform's one has no organisation."""
    with platform():
        if role == "nothing":
            row = Role.objects.create(organization=organization, key="nothing", name="Nothing", permissions=[])
        else:
            row = Role.objects.get(key=role, organization=None)
        home = None if role == SUPERADMIN else organization
        user = User.objects.create(
            organization=home, role=row, name=f"M {role}", email=f"{role}.{organization.name}@matrix.test"
        )
    if home:
        with tenant(home.pk):
            device_open(user=user, device_id=DEVICE)
    with platform():
        return Somebody(User.objects.select_related("role", "organization").get(pk=user.pk))


def denied_by_policy(operation: Operation, response: Any) -> bool:
    """Whether the declared right was what refused; a rule inside may refuse with 403 as well."""
    if operation.reach == "page":
        return bool(response.status_code == 403)
    if response.status_code != 403:
        return False
    said = response.json()
    meta = said["error"]["details"] if "error" in said else said["meta"]
    return bool(meta.get("permission") == operation.policy.permission)


def expected_denial(operation: Operation, role: str, user: User) -> bool:
    right = operation.policy.permission
    return bool(right) and right not in user.grants


@pytest.mark.covers("000-RBAC-02", "001-FR-061", "001-FR-062", "001-FR-063", "002-SEC-05", "002-SEC-06", "003-ADM-01")
@pytest.mark.parametrize("role", ROLES)
def test_in_the_own_organisation_a_role_may_what_its_rights_say(world: World, role: str) -> None:
    cast = world.cast
    me = somebody(role, cast.a)
    before, denied, allowed = print_of(), 0, 0
    for operation in asked_by(role):
        if operation.policy.public:
            continue
        path = address(operation, world.ids)
        response = me.ask(operation, path)
        asked = (role, operation.method, path, response.status_code, response.closed_body[:300])
        assert response.status_code < 500, asked
        if response.status_code == 405 and operation.reach == "page":  # the page has no such method
            continue
        outside = role == SUPERADMIN and operation.reach == "page" and not _of_platform(operation.policy)
        if expected_denial(operation, role, me.user) or (outside and operation.policy.permission):
            denied += 1
            assert denied_by_policy(operation, response), asked
        elif role == SUPERADMIN and "/mobile/" in path:
            assert response.status_code == 401, asked  # no devices, no organisation
        elif role == SUPERADMIN and _needs_a_tenant(operation):
            assert response.json()["errors"][0]["code"] in ("TENANT_REQUIRED", "UNSUPPORTED_MEDIA_TYPE"), asked
        elif operation.method == "GET" or operation.reach != "page":
            allowed += 1
            assert not denied_by_policy(operation, response), asked
            assert response.status_code != 401, asked
            assert not (response.status_code == 302 and "/login" in response["Location"]), asked
    assert allowed > (10 if FULL else 3)
    assert denied > (0 if role in (SUPERADMIN, "Admin") else 20)
    assert print_of() == before, "a denied request changed something"


def _of_platform(policy: Policy) -> bool:
    return bool(policy.permission) and not catalogue()[policy.permission].roles


def _needs_a_tenant(operation: Operation) -> bool:
    return operation.reach == "tenant" or (operation.reach == "span" and operation.method != "GET")


@pytest.mark.covers("003-TEN-03", "003-TEN-04", "002-SEC-08", "003-ERR-04")
@pytest.mark.parametrize("role", [role for role in ROLES if role != SUPERADMIN])
def test_whoever_asks_from_another_organisation_finds_nothing(world: World, role: str) -> None:
    cast = world.cast
    them = somebody(role, cast.b)
    before, asked = print_of(), 0
    for operation in asked_by(role):
        if operation.policy.public or "<" not in operation.path.replace("{", "<"):
            continue
        path = address(operation, world.ids)
        response = them.ask(operation, path)
        said = (role, operation.method, path, response.status_code, response.closed_body[:300])
        if response.status_code == 405 and operation.reach == "page":
            continue
        asked += 1
        assert not tell_tale(Plain(response), path, world.ids), said
        if expected_denial(operation, role, them.user):
            assert denied_by_policy(operation, response), said
        elif operation.method == "GET":
            assert nothing_there(response), said
        elif operation.reach != "page":
            assert response.status_code in (400, 404, 409, 415, 422), said
        else:
            assert response.status_code in (400, 403, 404), said
    assert asked > 60
    assert print_of() == before, "a request from outside changed something"


def nothing_there(response: Any) -> bool:
    """Not found; or, where the id is a filter of a list, an empty one."""
    return response.status_code == 404 or (response.status_code == 200 and response.json()["data"] == [])


class Plain:
    """An answer whose stream has been read."""

    streaming = False

    def __init__(self, response: Any) -> None:
        self.content, self.headers = response.closed_body, response.headers


@pytest.mark.covers("000-AUTH-03", "001-FR-061", "001-US4-AS2")
def test_without_an_account_only_what_is_declared_public_answers(world: World) -> None:
    before, client, guarded = print_of(), Client(raise_request_exception=False), 0
    for operation in [*operations(), *pages()]:
        cache.clear()
        path = address(operation, world.ids)
        options: dict[str, Any] = {"content_type": "application/json", "data": {}} if operation.method != "GET" else {}
        response = getattr(client, operation.method.lower())(path, **({} if operation.reach == "page" else options))
        asked = (operation.method, path, response.status_code)
        if operation.policy.public:
            assert operation.policy.public.strip(), asked
            assert response.status_code < 500, asked
        elif operation.reach == "page":
            guarded += 1
            if response.status_code == 405:
                continue
            assert response.status_code == 302, asked
            assert response["Location"].startswith("/login"), asked
        else:
            guarded += 1
            assert response.status_code == 401, asked
    assert guarded > 150
    assert print_of() == before


@pytest.mark.covers("C32", "003-TEN-05", "003-ROLE-01")
def test_the_superadmin_works_in_the_organisation_that_the_header_names(world: World) -> None:
    cast = world.cast
    root = somebody(SUPERADMIN, cast.a)
    before, seen = print_of(), 0
    for operation in operations():
        if operation.policy.public or operation.reach == "self" or "/mobile/" in operation.path:
            continue
        path = address(operation, world.ids)
        inside = root.ask(operation, path, **{"X-Tenant-ID": str(cast.a.pk)})
        asked = (operation.method, path, inside.status_code, inside.closed_body[:300])
        assert inside.status_code < 500, asked
        assert inside.status_code not in (401, 403) or not denied_by_policy(operation, inside), asked
        if operation.reach in ("tenant", "span") and "{" in operation.path:
            elsewhere = root.ask(operation, path, **{"X-Tenant-ID": str(cast.b.pk)})
            said = (operation.method, path, elsewhere.status_code, elsewhere.closed_body[:300])
            assert elsewhere.status_code in (400, 404, 409, 415, 422) or nothing_there(elsewhere), said
            assert operation.method != "GET" or nothing_there(elsewhere), said
            seen += 1
    assert seen > 30
    assert print_of() == before
