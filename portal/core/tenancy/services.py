"""Numbers of documents."""

from django.db import connection

from portal.core.common.ids import uuid7
from portal.core.tenancy import scope


def next_numbers(key: str, count: int = 1) -> range:
    """Reserve `count` consecutive numbers of the organisation in force; a rollback gives them back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tenancy_counter AS c (id, organization_id, key, value, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, now(), now())"
            " ON CONFLICT (organization_id, key) DO UPDATE SET value = c.value + excluded.value, updated_at = now()"
            " RETURNING value",
            [uuid7(), scope.organization_id(), key, count],
        )
        (last,) = cursor.fetchone()
    return range(last - count + 1, last + 1)
