"""Can the release before this one go on working while this one migrates? Looks at the SQL of migrations (no database).

Checked are the migrations that are not in released.txt beside this file, which `--release` writes with a release;
before the first one there is nothing to check. `--all` checks every migration, to see what it would say.
A rule that a person has weighed is named in the migration with the reason: `reviewed = {"drop-column": "unread since
1.4"}`. docs/upgrading.md says what to do instead.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASED = ROOT / "scripts" / "released.txt"
_TABLE = r'(?:ONLY )?(?:IF EXISTS )?"?(?P<table>\w+)"?'
# name, what is forbidden on a table that holds rows already, what to do
RULES = [
    ("not-null", rf"ALTER TABLE {_TABLE} ADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL", "give it a db_default"),
    ("lost-default", rf"ALTER TABLE {_TABLE} ALTER COLUMN \S+ DROP DEFAULT", "db_default: the old release writes on"),
    (
        "set-not-null",
        rf"ALTER TABLE {_TABLE} ALTER COLUMN \S+ SET NOT NULL",
        "a CHECK, NOT VALID, validated later",
    ),
    ("index", rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:.*?) ON {_TABLE}", "AddIndexConcurrently, atomic = False"),
    ("drop-index", r"DROP INDEX (?!CONCURRENTLY)(?P<table>\b)", "RemoveIndexConcurrently, atomic = False"),
    ("type", rf"ALTER TABLE {_TABLE} ALTER COLUMN \S+ TYPE", "a new column, filled in batches"),
    ("drop-column", rf"ALTER TABLE {_TABLE} DROP COLUMN", "a release that no longer reads it, then one that drops it"),
    ("rename-column", rf"ALTER TABLE {_TABLE} RENAME COLUMN", "a new column; the field may keep another db_column"),
    ("rename-table", rf"ALTER TABLE {_TABLE} RENAME TO", "keep Meta.db_table"),
    ("drop-table", rf"DROP TABLE {_TABLE}", "a release that no longer reads it, then one that drops it"),
    (
        "constraint",
        rf"ALTER TABLE {_TABLE} ADD CONSTRAINT (?!.*\b(?:NOT VALID|USING INDEX)\b)",
        "AddConstraintNotValid, then ValidateConstraint; a unique one: an index concurrently, USING INDEX",
    ),
]


def faults(statements: Iterable[str], fresh: set[str]) -> Iterator[tuple[str, str, str]]:
    """Rule, statement and advice for what would stop or break the release that still runs.

    Tables that are made here are free, and `fresh` learns their names.
    """
    for statement in statements:
        text = " ".join(line for line in statement.splitlines() if not line.lstrip().startswith("--")).strip()
        if made := re.match(r'CREATE TABLE (?:IF NOT EXISTS )?"?(\w+)"?', text, re.IGNORECASE):
            fresh.add(made[1])
        for name, pattern, advice in RULES:
            found = re.match(pattern, text, re.IGNORECASE | re.DOTALL)
            if found and found["table"] not in fresh:
                yield name, text, advice


def main(arguments: list[str]) -> int:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    import django
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.operations import RunPython

    django.setup()
    connection = connections["owner"]
    connection.__dict__["pg_version"] = 150000  # the oldest that is served; nothing is asked of a server
    connection.ops.compose_sql = lambda statement, params: statement  # the shape is looked at, not the values
    loader = MigrationLoader(None)
    ours = {app.label for app in django.apps.apps.get_app_configs() if app.name.startswith("portal.")}
    plan = loader.graph._generate_plan(  # noqa: SLF001
        list(loader.graph.leaf_nodes()), at_end=True
    )
    names = [f"{app}.{name}" for app, name in plan if app in ours]
    if "--release" in arguments:
        RELEASED.write_text("".join(f"{name}\n" for name in sorted(names)))
        return 0
    if not RELEASED.exists() and "--all" not in arguments:
        print("nothing is released yet: every migration may change anything")
        return 0
    released = set() if "--all" in arguments else set(RELEASED.read_text().split())
    count, fresh = 0, set[str]()
    state = loader.project_state()
    state = type(state)(real_apps=state.real_apps)
    for key in plan:
        migration = loader.graph.nodes[key]
        if ".".join(key) in released or key[0] not in ours:
            state = migration.mutate_state(state, preserve=False)
            continue
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            state = migration.apply(state, editor, collect_sql=True)
            statements = [*editor.collected_sql, *(str(one) for one in editor.deferred_sql)]
            editor.deferred_sql.clear()
        found = list(faults(statements, fresh))
        kinds = {isinstance(one, RunPython) for one in migration.operations}
        if kinds == {True, False}:
            found.append(("mixed", "moves rows and changes tables", "rows in a migration of their own, in batches"))
        for name, statement, advice in found:
            if name not in getattr(migration, "reviewed", {}):
                count += 1
                print(f"{'.'.join(key)}: {name}: {statement[:160]}\n    instead: {advice}")
    print(f"{len(set(names) - released)} migrations looked at, {count} faults")
    return count > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
