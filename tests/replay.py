"""The audit log, played back: from its entries alone comes every row of every audited table as it is now.

What any write path leaves out of the log shows as a difference, whichever door it came through.
"""

from collections import defaultdict
from functools import cache
from typing import Any

import orjson
from django.apps import apps
from django.db import connection
from psycopg import Cursor

from portal.core.audit.models import Action
from portal.core.audit.triggers import ALWAYS_IGNORED
from portal.core.tenancy.scope import platform

AUDITED: list[Any] = [model for model in apps.get_models() if hasattr(model, "audit_entity")]
_GONE, _ERASED = "gone", "erased"
# By hand: conflicts, sign-ins and the like are no changes of the row they are about.
_CHANGES = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.RESTORE)


def differences() -> list[str]:
    """One line for each row that the log does not tell of as it is. Where a transaction is open, the tables are looked
    at that it has written to: in the others all is as at its begin."""
    found = []
    inside = connection.in_atomic_block
    with platform(), connection.cursor() as cursor:
        cursor.execute(_WRITTEN)
        written = {table for (table,) in cursor.fetchall()}
        audited = [model for model in AUDITED if not inside or model._meta.db_table in written]
        cursor.execute(
            "SELECT c.app_label || '.' || c.model, object_pk, action, changes FROM audit_auditentry e"
            " JOIN django_content_type c ON c.id = e.content_type_id"
            " WHERE action = ANY(%s) ORDER BY e.id",
            [[int(action) for action in _CHANGES]],
        )
        told: dict[str, dict[str, Any]] = defaultdict(dict)
        for entity, pk, action, changes in cursor.fetchall():
            told[entity][pk] = _after(
                told[entity].get(pk), Action(action), changes and orjson.loads(changes), f"{entity} {pk}", found
            )
        rows: dict[str, dict[str, Any]] = defaultdict(dict)
        if audited:  # in one statement: this is asked after each of thousands of tests
            for entity, pk, row in Cursor(connection.connection).execute(" UNION ALL ".join(map(_rows, audited))):
                rows[entity][pk] = orjson.loads(row)
    for model in audited:
        entity = model._meta.label_lower
        found += _compared(entity, told[entity], rows[entity])
    return found


@cache
def _rows(audited: Any) -> str:
    hidden = ",".join([*ALWAYS_IGNORED, *getattr(audited, "audit_ignored", ())])
    row = f"jsonb_strip_nulls(to_jsonb(t) - '{{{hidden}}}'::text[])::text"
    return f"SELECT '{audited._meta.label_lower}', id::text, {row} FROM \"{audited._meta.db_table}\" t"


_WRITTEN = "SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"


def _after(before: Any, action: Action, changes: dict[str, Any] | None, what: str, found: list[str]) -> Any:
    if changes is None or before == _ERASED:
        return _ERASED
    if action == Action.DELETE or (action == Action.CREATE and "deleted_at" in changes):
        return _GONE
    if action in (Action.CREATE, Action.RESTORE):
        return changes
    if not isinstance(before, dict):
        return before
    for column, (old, _new) in changes.items():
        if _bare(before.get(column)) != _bare(old):
            found.append(f"{what}: {column} was {before.get(column)!r} before it changed from {old!r}")
    after = before | {column: new for column, (_old, new) in changes.items()}
    return {column: value for column, value in after.items() if value is not None}


def _compared(entity: str, told: dict[str, Any], rows: dict[str, dict[str, Any]]) -> list[str]:
    found = []
    for pk in told.keys() | rows.keys():
        row, state = rows.get(pk), told.get(pk)
        if state == _ERASED:
            continue
        if row is None or "deleted_at" in row:
            if state != _GONE:
                found.append(f"{entity} {pk}: its removal is not told")
        elif _bare(state) != _bare(row):
            found.append(f"{entity} {pk}: the log has {state!r}, the table {row!r}")
    return found


def _bare(value: Any) -> Any:
    """Without nulls at any depth, as the log keeps new and removed rows."""
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if each is not None}
    return [_bare(each) for each in value] if isinstance(value, list) else value
