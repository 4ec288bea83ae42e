"""Every change of an audited model leaves its row in the same transaction, whatever door it came through."""

from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, connections, models, transaction

from portal.core.audit import checks
from portal.core.audit.models import Action, AlertRule, AuditEntry
from portal.core.audit.triggers import ALWAYS_IGNORED
from portal.core.sync.models import SyncedModel
from portal.core.tenancy.management.commands import bootstrap
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, platform, tenant
from portal.lab.lifecycle.models import CustodyEntry
from tests.core.people import Cast
from tests.core.rows import organization_column, row
from tests.replay import differences

pytestmark = pytest.mark.django_db
AUDITED: list[Any] = [model for model in apps.get_models() if hasattr(model, "audit_entity")]


def label(model: Any) -> str:
    return str(model._meta.label)


every_audited = pytest.mark.parametrize("model", AUDITED, ids=label)
ACTOR = Actor(name="Alice", role="Admin", ip="192.0.2.7", request="request-1", reason="because", via="tests")


def ignored(model: Any) -> set[str]:
    return {*ALWAYS_IGNORED, *getattr(model, "audit_ignored", ())}


def entries(pk: object) -> list[AuditEntry]:
    with platform():
        return list(AuditEntry.objects.filter(object_pk=str(pk)).order_by("timestamp", "id"))


def sql(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def plain_column(model: Any) -> str:
    """A text column that the log shows and that may hold any text."""
    return next(
        field.column
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not (field.choices or field.null or field.column in ignored(model))
    )


# Links and numbers alone have no text to change by hand, and the chain of custody refuses every change.
TEXTED = [
    model
    for model in AUDITED
    if model is not CustodyEntry
    and any(
        isinstance(field, models.CharField | models.TextField)
        and not (field.choices or field.null or field.column in ignored(model))
        for field in model._meta.concrete_fields
    )
]
every_texted = pytest.mark.parametrize("model", TEXTED, ids=label)


def attribute(model: Any, column: str) -> str:
    return next(field.attname for field in model._meta.concrete_fields if field.column == column)


@every_audited
def test_a_change_and_its_entry_share_a_transaction(model: Any) -> None:
    cast = Cast()
    with platform():
        made = row(model, cast.a)

    def fail_later() -> None:
        with platform(by=ACTOR):
            made.save(force_insert=True)
            assert len(entries(made.pk)) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_later()

    assert entries(made.pk) == []


@every_texted
def test_raw_sql_and_bulk_calls_are_recorded_like_a_save(model: Any) -> None:
    cast = Cast()
    table = model._meta.db_table
    with platform(by=ACTOR):
        made = row(model, cast.a)
        model._base_manager.bulk_create([made])
        column = plain_column(model)
        before = getattr(model._base_manager.get(pk=made.pk), column)
        assert sql(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', "0", made.pk) == 1
        assert sql(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', "0", made.pk) == 1  # changes nothing

    created, updated = entries(made.pk)
    owner = made.pk if model is Organization else cast.a.pk if organization_column(model) else None
    assert (created.action, created.entity, created.organization_id) == (Action.CREATE, model.audit_entity, owner)
    assert not ignored(model) & created.changes.keys()
    assert (updated.action, updated.changes) == (Action.UPDATE, {column: [before, "0"]})
    for entry in (created, updated):
        assert (entry.actor_name, entry.actor_role, entry.remote_addr) == ("Alice", "Admin", "192.0.2.7")
        assert (entry.cid, entry.reason, entry.via) == ("request-1", "because", "tests")


@every_texted
@pytest.mark.covers("001-FR-080", "001-SC-006", "002-AUD-01")
def test_update_and_upsert_leave_a_log_that_yields_the_table(model: Any) -> None:
    """Services, API, portal, import and sync: see `complete_log` in conftest.py."""
    cast = Cast()
    table, column = model._meta.db_table, plain_column(model)
    with platform(by=ACTOR):
        made = row(model, cast.a)
        made.save(force_insert=True)
        names = [str(field.column) for field in model._meta.concrete_fields if not field.generated]
        assert model._base_manager.filter(pk=made.pk).update(**{attribute(model, column): "0"}) == 1
        listed = ", ".join(f'"{name}"' for name in names)
        sql(
            f'INSERT INTO "{table}" ({listed}) SELECT {listed} FROM "{table}" WHERE id = %s'
            f' ON CONFLICT (id) DO UPDATE SET "{column}" = %s',
            made.pk,
            "1",
        )

    assert entries(made.pk)[-1].changes[column] == ["0", "1"]
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_copy_is_recorded_and_the_applications_role_cannot_even_use_it() -> None:
    cast = Cast()
    with tenant(cast.a.pk, by=ACTOR):
        AlertRule.objects.create(organization=cast.a, name="Copied")
    read = "COPY (SELECT {} FROM audit_alertrule WHERE name = 'Copied') TO STDOUT"
    with closing(bootstrap.connect(connections.settings["owner"])) as owner, owner.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_alertrule LIMIT 0")
        columns = ", ".join("gen_random_uuid()" if c.name == "id" else f'"{c.name}"' for c in cursor.description or ())
        with cursor.copy(read.format(columns)) as out:
            lines = [bytes(part) for part in out]
        with cursor.copy("COPY audit_alertrule FROM STDIN") as into:
            for line in lines:
                into.write(line)

    with tenant(cast.a.pk):
        told = AuditEntry.objects.filter(entity="alert_rule", action=Action.CREATE).order_by("id")
        assert [(entry.object_repr, entry.via) for entry in told] == [("Copied", "tests"), ("Copied", "sql")]
    assert differences() == []
    with pytest.raises(DatabaseError), platform(), connection.cursor() as cursor:
        cursor.execute("COPY audit_alertrule FROM STDIN")


@every_audited
@pytest.mark.parametrize(
    "statement", ['UPDATE "{}" SET id = gen_random_uuid() WHERE id = %s', 'TRUNCATE "{}" CASCADE -- %s']
)
def test_what_the_log_could_not_tell_of_is_refused(model: Any, statement: str) -> None:
    cast = Cast()
    with platform(by=ACTOR):
        made = row(model, cast.a)
        made.save(force_insert=True)

    with pytest.raises(DatabaseError), platform(by=ACTOR):
        sql(statement.format(model._meta.db_table), made.pk)

    with platform():
        assert model._base_manager.filter(pk=made.pk).exists()


@pytest.mark.parametrize("model", [model for model in AUDITED if model is not CustodyEntry], ids=label)
def test_a_deletion_is_recorded_with_what_was_there(model: Any) -> None:
    cast = Cast()
    table = model._meta.db_table
    with platform(by=ACTOR):
        made = row(model, cast.a)
        made.save(force_insert=True)
        if issubclass(model, SyncedModel):
            sql(f'UPDATE "{table}" SET deleted_at = now() WHERE id = %s', made.pk)
        else:
            sql("SET CONSTRAINTS ALL DEFERRED")
            if model is Organization:
                sql("DELETE FROM sync_clock WHERE organization_id = %s", made.pk)
            sql(f'DELETE FROM "{table}" WHERE id = %s', made.pk)

    last = entries(made.pk)[-1]
    assert last.action == Action.DELETE
    assert last.changes
    assert model not in TEXTED or plain_column(model) in last.changes


@pytest.mark.parametrize("statement", ["UPDATE lab_custodyentry SET note = 'x'", "DELETE FROM lab_custodyentry"])
def test_the_chain_of_custody_refuses_every_change(statement: str) -> None:
    cast = Cast()
    with platform(by=ACTOR):
        row(CustodyEntry, cast.a).save(force_insert=True)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            sql(statement)
        assert CustodyEntry.objects.count() == 1


def test_secrets_stand_in_no_entry() -> None:
    cast = Cast()
    with platform():
        cast.alice.set_password("another password")
        cast.alice.save()
        made = AuditEntry.objects.filter(entity="user", object_pk=str(cast.alice.pk))

        assert [entry.action for entry in made] == [Action.CREATE]
        assert all("password" not in entry.changes for entry in made)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditentry SET reason = 'forged'",
        "DELETE FROM audit_auditentry",
        "TRUNCATE audit_auditentry",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
        "SET ROLE marsad_audit",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_touch_the_log(statement: str) -> None:
    Cast()

    with pytest.raises(DatabaseError), platform():
        sql(statement)

    with platform():
        assert AuditEntry.objects.exclude(reason="forged").exists()


def test_the_owner_of_the_schema_cannot_change_an_entry_either() -> None:
    """The guards fire as a replica too, where ordinary triggers sleep."""
    replica = bootstrap.connect(connections.settings["owner"], options="-c session_replication_role=replica")
    with closing(replica), pytest.raises(psycopg.errors.InsufficientPrivilege):
        replica.execute("TRUNCATE audit_auditentry")


@every_audited
def test_the_triggers_say_what_the_model_says(model: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled::text, encode(tgargs, 'escape') FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND tgname LIKE 'audit\\_%%'",
            [model._meta.db_table],
        )
        found = {name: (enabled, arguments.split("\\000")) for name, enabled, arguments in cursor.fetchall()}

    assert set(found) == {"audit_insert", "audit_update", "audit_delete"}
    for enabled, (entity, hidden, label, column, app, name, _) in found.values():
        assert enabled == "A"
        assert (entity, app, name) == (model.audit_entity, model._meta.app_label, model._meta.model_name)
        assert set(hidden.strip("{}").split(",")) == ignored(model)
        assert column == (organization_column(model) or "organization_id")  # the platform's own rows have none
        assert label == getattr(model, "audit_label", "name")


def test_an_audited_model_without_triggers_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.audited_models_have_triggers(databases=["default"]) == []
    device = apps.get_model("accounts.RevokedToken")
    monkeypatch.setattr(device, "audit_entity", "token", raising=False)

    assert [error.id for error in checks.audited_models_have_triggers(databases=["default"])] == ["audit.E001"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("damage", "repair", "code"),
    [
        ("ALTER TABLE audit_auditleaf DISABLE TRIGGER audit_no_change",
         "ALTER TABLE audit_auditleaf ENABLE ALWAYS TRIGGER audit_no_change", "audit.E002"),
        ("ALTER TABLE audit_checkpoint OWNER TO CURRENT_USER",
         "ALTER TABLE audit_checkpoint OWNER TO marsad_audit", "audit.E002"),
        ("ALTER TABLE lab_sample ENABLE TRIGGER audit_update",
         "ALTER TABLE lab_sample ENABLE ALWAYS TRIGGER audit_update", "audit.E001"),
    ],
)  # fmt: skip
def test_a_log_without_its_guards_stops_the_start(damage: str, repair: str, code: str) -> None:
    with closing(bootstrap.connect(connections.settings["owner"])) as owner:
        owner.execute(damage)
        found = [error.id for error in checks.audited_models_have_triggers(databases=["default"])]
        owner.execute(repair)

    assert found == [code]
    assert checks.audited_models_have_triggers(databases=["default"]) == []


def test_the_log_is_not_the_applications() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'audit_auditentry'")
        assert cursor.fetchone() == ("marsad_audit",)
        cursor.execute(
            "SELECT array_agg(privilege_type::text ORDER BY 1) FROM information_schema.role_table_grants"
            " WHERE table_name = 'audit_auditentry' AND grantee = %s",
            [settings.DATABASES["default"]["USER"]],
        )
        assert cursor.fetchone() == (["INSERT", "SELECT"],)
        cursor.execute("SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'marsad_audit'")
        assert cursor.fetchone() == (False, False)
