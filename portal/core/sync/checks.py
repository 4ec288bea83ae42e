"""Start-up check: every synced model's table gives versions by itself."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from portal.core.sync.models import SyncedModel


@register(Tags.database)
def synced_models_have_triggers(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE t.tgname = 'sync_1_version' AND t.tgenabled = 'A'"
            )
            versioned = {name for (name,) in cursor.fetchall()}
        found += [
            Error(
                f"{model._meta.label} is synced but its table gives no versions",
                hint="Add SyncedTable(…) to a migration.",
                obj=model,
                id="sync.E001",
            )
            for model in apps.get_models()
            if issubclass(model, SyncedModel) and model._meta.db_table not in versioned
        ]
    return found
