"""Start-up check: every tenant's table is locked by row-level security."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

# Read before an organisation is known, through services that filter by person or token.
UNLOCKED = frozenset({"accounts.RefreshToken"})


@register(Tags.database)
def tenant_tables_are_locked(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
            locked = {name for (name,) in cursor.fetchall()}
        for model in apps.get_models():
            fields = {field.attname for field in model._meta.concrete_fields}
            if "organization_id" in fields and model._meta.db_table not in locked and model._meta.label not in UNLOCKED:
                found.append(
                    Error(
                        f"{model._meta.label} is an organisation's but its table has no forced row-level security",
                        hint="Add TenantTable(…) to a migration.",
                        obj=model,
                        id="tenancy.E001",
                    )
                )
    return found
