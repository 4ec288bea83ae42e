"""Tenancy's first two locks, for every table: scoped managers, and PostgreSQL's row-level security behind them."""

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, models, transaction
from django_scopes.exceptions import ScopeError

from portal.core.accounts.models import Role, User
from portal.core.audit.models import AuditEntry, AuditLeaf, AuditWords
from portal.core.sync.models import Clock
from portal.core.tenancy import checks, scope
from portal.core.tenancy.management.commands import bootstrap
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.lab.models import Limit, Parameter, Standard
from tests.core.people import Cast
from tests.core.rows import organization_column, row, tenant_models

pytestmark = pytest.mark.django_db
SEALED = (AuditLeaf, AuditWords)  # the sealer alone writes them: tests/core/audit/test_chain.py
every_table = pytest.mark.parametrize(
    "model", [model for model in tenant_models() if model not in SEALED], ids=lambda model: model._meta.label
)


@pytest.fixture
def cast() -> Cast:
    return Cast()


def stored(model: type[models.Model], organization: Organization) -> Any:
    """A row of this organisation in this table."""
    with platform():
        if model is Organization:
            return organization
        if model is Clock:  # made by a trigger with its organisation
            return Clock.objects.get(organization=organization)
        made = row(model, organization)
        made.save(force_insert=True)
        return made


def owners(model: type[models.Model]) -> list[Any]:
    """Whose rows raw SQL sees in the scope in force."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT DISTINCT {organization_column(model)} FROM "{model._meta.db_table}"')
        return [owner for (owner,) in cursor.fetchall() if owner]


@pytest.mark.covers("002-DB-01")
@every_table
def test_raw_sql_sees_no_row_without_an_organisation_and_only_its_own_with_one(
    cast: Cast, model: type[models.Model]
) -> None:
    stored(model, cast.a)
    stored(model, cast.b)

    assert owners(model) == []
    with tenant(cast.a.pk):
        assert owners(model) == [cast.a.pk]
    with tenant(cast.b.pk):
        assert owners(model) == [cast.b.pk]
    with platform():
        assert {cast.a.pk, cast.b.pk} <= set(owners(model))
    assert owners(model) == []


# The log is left out: a refusal is recorded for the organisation that it concerns, and no row ever changes.
@pytest.mark.parametrize("model", [m for m in tenant_models() if m is not AuditEntry], ids=lambda m: m._meta.label)
def test_a_row_of_another_organisation_is_not_written(cast: Cast, model: type[models.Model]) -> None:
    with platform():
        foreign = row(model, cast.b)
        if model is Clock:
            Clock.objects.filter(organization=cast.b).delete()

    for act in (lambda: tenant(cast.a.pk), transaction.atomic):
        with pytest.raises(DatabaseError), act():
            foreign.save(force_insert=True)

    with platform():
        assert not model._base_manager.filter(pk=foreign.pk).exists()


@every_table
def test_a_row_of_another_organisation_is_not_changed_deleted_or_taken(cast: Cast, model: type[models.Model]) -> None:
    theirs = stored(model, cast.b)
    mine = stored(model, cast.a)
    table, column = model._meta.db_table, organization_column(model)

    def attempt(statement: str, *values: Any) -> int:
        try:
            with tenant(cast.a.pk), connection.cursor() as cursor:
                cursor.execute(statement, values)
                return int(cursor.rowcount)
        except DatabaseError:
            return 0

    assert attempt(f'UPDATE "{table}" SET {column} = {column} WHERE {column} = %s', cast.b.pk) == 0
    assert attempt(f'DELETE FROM "{table}" WHERE {column} = %s', cast.b.pk) == 0
    assert attempt(f'UPDATE "{table}" SET {column} = %s WHERE {column} = %s', cast.b.pk, cast.a.pk) == 0

    with platform():
        for each, organization in ((mine, cast.a), (theirs, cast.b)):
            owner = model._base_manager.filter(pk=each.pk).values_list(column, flat=True)
            assert list(owner) == [organization.pk]


def test_scoped_managers_raise_outside_of_a_scope() -> None:
    unscoped = set()
    for model in tenant_models():
        try:
            model._default_manager.count()
        except ScopeError:
            continue
        unscoped.add(model)

    # sign-in looks people up before an organisation is known; the rest holds rows that all organisations share
    assert unscoped == {Organization, User, Role, Parameter, Standard, Limit}


def test_a_nested_scope_gives_the_outer_one_back_and_a_failed_one_too(cast: Cast) -> None:
    with tenant(cast.a.pk):
        with platform():
            assert len(owners(User)) == 2
        assert owners(User) == [cast.a.pk]
        with pytest.raises(RuntimeError), tenant(cast.b.pk):
            raise RuntimeError
        assert owners(User) == [cast.a.pk]
        assert scope.organization_id() == cast.a.pk
    with pytest.raises(LookupError):
        scope.current()


def test_a_table_without_its_lock_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.tenant_tables_are_locked(databases=["default"]) == []

    monkeypatch.setattr(checks, "UNLOCKED", frozenset[str]())

    found = checks.tenant_tables_are_locked(databases=["default"])
    assert [(error.id, error.obj) for error in found] == [("tenancy.E001", apps.get_model("accounts.RefreshToken"))]


def test_an_application_role_that_passes_by_row_level_security_is_refused() -> None:
    owner = connection.settings_dict | {
        key: value for key, value in settings.DATABASES["owner"].items() if key in ("USER", "PASSWORD")
    }

    with pytest.raises(ImproperlyConfigured, match="tenants would see each other's rows"):
        bootstrap.prepare_database(owner, owner)


def test_the_look_for_ids_elsewhere_answers_that_alone_and_gives_the_scope_back(cast: Cast) -> None:
    table = User._meta.db_table
    ask = "SELECT marsad_ids_elsewhere(%s, %s, %s)"
    ids = [cast.alice.pk, cast.mallory.pk]

    with tenant(cast.a.pk), connection.cursor() as cursor:
        cursor.execute(ask, [table, cast.a.pk, ids])
        assert cursor.fetchall() == [(cast.mallory.pk,)]
        assert owners(User) == [cast.a.pk]

        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(ask, ["no_such_table", cast.a.pk, ids])
        assert owners(User) == [cast.a.pk]
    assert owners(User) == []
