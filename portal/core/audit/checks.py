"""Start-up checks: every model that says it is audited has its triggers, and the log its guards."""

from collections.abc import Sequence
from typing import Any, Final

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from portal.core.audit.triggers import CHECKPOINTS, LEAVES, TABLE, VERIFICATIONS

GUARDED: Final = (TABLE, LEAVES, CHECKPOINTS, VERIFICATIONS)
GUARDS: Final = {"audit_no_change", "audit_no_truncate"}


@register(Tags.database)
def audited_models_have_triggers(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT c.relname, array_agg(t.tgname::text) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE NOT t.tgisinternal AND t.tgenabled = 'A' GROUP BY 1"
            )
            triggers = {table: set(names) for table, names in cursor.fetchall()}
            cursor.execute("SELECT tablename, tableowner FROM pg_tables WHERE tablename LIKE 'audit\\_%'")
            owners = dict(cursor.fetchall())
        found.extend(
            Error(
                f"The table {table} of the audit log is not guarded",
                hint="It belongs to marsad_audit, and its guards are ENABLE ALWAYS: restore them from the migrations.",
                id="audit.E002",
            )
            for table in GUARDED
            if not triggers.get(table, set()) >= GUARDS or owners.get(table) != "marsad_audit"
        )
        wanted = {"audit_insert", "audit_update", "audit_delete"}
        found.extend(
            Error(
                f"{model._meta.label} is audited but its table lacks the audit triggers",
                hint="Add AuditedTable(…) to a migration and run the bootstrap command.",
                obj=model,
                id="audit.E001",
            )
            for model in apps.get_models()
            if hasattr(model, "audit_entity") and not wanted <= triggers.get(model._meta.db_table, set())
        )
    return found
