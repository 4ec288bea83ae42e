"""What the database itself promises: references, indexes, kept connections, and nothing half-written."""

from collections import defaultdict

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, close_old_connections, connection, connections, transaction
from django.db.models import ForeignKey

from portal.core.accounts.models import User
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform
from portal.lab.models import Result, Sample
from tests.core.people import Cast
from tests.core.rows import organization_column, row, tenant_models

# They outlive what they tell of: the audit log and its parts, the outbox of events, the feed of changes.
UNBOUND = {
    "audit.AuditEntry.content_type", "audit.AuditEntry.actor", "audit.AuditLeaf.entry", "audit.AuditWords.entry",
    "audit.AuditReport.checkpoint", "notifications.Event.organization", "sync.FeedRecord.deleted_by",
}  # fmt: skip


@pytest.mark.covers("001-FR-070", "001-ASM-01", "001-CON-01")
@pytest.mark.django_db
def test_the_database_is_a_postgresql_that_is_new_enough() -> None:
    assert {database["ENGINE"] for database in settings.DATABASES.values()} == {"portal.config.database"}
    assert connection.vendor == "postgresql"
    assert connection.pg_version >= 150000
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lab_parameter")
        assert cursor.fetchone() > (100,)


@pytest.mark.covers("001-FR-071")
@pytest.mark.django_db
def test_every_reference_is_a_foreign_key_of_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c JOIN pg_attribute a"
            " ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) WHERE c.contype = 'f' AND c.convalidated"
        )
        bound = set(cursor.fetchall())
    fields = [f for model in apps.get_models() for f in model._meta.concrete_fields if isinstance(f, ForeignKey)]
    fields = [f for f in fields if f.model._meta.managed]

    loose = {f"{f.model._meta.label}.{f.name}" for f in fields if (f.model._meta.db_table, f.column) not in bound}

    assert loose == UNBOUND
    cast = Cast()
    with platform():
        made = row(Result, cast.a)
        made.save()
        for statement in (
            "UPDATE lab_result SET sample_id = gen_random_uuid() WHERE id = %s",
            "UPDATE lab_result SET parameter_id = NULL WHERE id = %s",
        ):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                with pytest.raises(IntegrityError), transaction.atomic():
                    cursor.execute(statement, [made.pk])
        assert Sample.objects.filter(pk=made.sample_id).exists()


@pytest.mark.covers("002-DB-04")
@pytest.mark.django_db
def test_what_is_asked_for_has_an_index() -> None:
    """Of every table an organisation's rows are found by an index, and the rows that point to a record, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indrelid::regclass::text, array(SELECT a.attname FROM unnest(i.indkey::int2[]) WITH ORDINALITY"
            " AS k(number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
            " ORDER BY k.place)::text[] FROM pg_index i WHERE i.indisvalid"
        )
        indexes = defaultdict(list)
        for table, columns in cursor.fetchall():
            indexes[table].append(columns)

    people, unfound = (Organization, User), set()
    for model in tenant_models():
        label, found = model._meta.label, indexes[model._meta.db_table]
        parents = [
            f for f in model._meta.concrete_fields if isinstance(f, ForeignKey) and f.related_model not in people
        ]
        unfound |= {f"{label}.{f.name}" for f in parents if not any(f.column in columns[:2] for columns in found)}
        own = {organization_column(model), "user_id", *(f.column for f in parents)}
        if not any(columns and columns[0] in own for columns in found):
            unfound.add(label)  # neither by its organisation, nor by a person or a record that it belongs to
    # entries are asked for by the word in `entity`; of rules an organisation has a handful
    assert unfound == {"audit.AuditEntry.content_type", "audit.AlertRule"}


@pytest.mark.covers("002-SCAL-02")
@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_connection_serves_many_requests_and_a_dead_one_is_replaced() -> None:
    def served_by() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    assert (settings.DATABASES["default"]["CONN_MAX_AGE"], settings.DATABASES["default"]["CONN_HEALTH_CHECKS"]) == (
        600, True,
    )  # fmt: skip
    connection.close()  # one of an earlier test may be as old as connections get
    first = served_by()
    for _request in range(3):
        close_old_connections()  # what begins and ends every request
        assert served_by() == first
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        assert cursor.fetchone() == (True,)
    close_old_connections()
    assert served_by() != first
