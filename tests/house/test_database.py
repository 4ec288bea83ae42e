"""The database under the tests is the one of production: migrated by the owner, used by a role without rights."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection, connections, transaction


@pytest.mark.django_db
def test_the_tests_run_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("marsad_app", False, False)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["CREATE TABLE mine ()", "TRUNCATE django_session", "DROP TABLE django_session"])
def test_the_application_role_cannot_change_the_schema(statement: str) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_that_commits_leaves_nothing(turn: int) -> None:
    assert not ContentType.objects.filter(app_label="left behind").exists()

    ContentType.objects.create(app_label="left behind", model=f"turn {turn}")


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_kept_connection_that_the_server_ended_is_seen_without_asking() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    connection.is_usable()

    assert connection.is_usable()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert not connection.is_usable()
    connection.close()
