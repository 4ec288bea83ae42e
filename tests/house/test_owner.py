"""An administrator's PostgreSQL: the schema's owner may create roles and tables and is no superuser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from portal.config import postgres

SCOPE = "-c marsad.scope=platform"  # lets the owner see every organisation's rows


@pytest.fixture
def server(data: Path) -> Iterator[postgres.Handle]:
    started = postgres.start(data, fsync=False)
    with closing(psycopg.connect(f"postgresql://postgres@/postgres?host={started.socket}", autocommit=True)) as c:
        c.execute("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'kept'")
        c.execute("CREATE DATABASE first OWNER keeper")
        c.execute("CREATE DATABASE second OWNER keeper")
    yield started
    started.stop()


def rows(url: str, query: str, *, options: str = "") -> list[tuple[object, ...]]:
    with closing(psycopg.connect(url, autocommit=True, options=options)) as connection:
        cursor = connection.execute(query)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


@pytest.mark.slow
def test_an_owner_without_superuser_makes_saves_and_restores_the_database(
    server: postgres.Handle, data: Path, repository: Path
) -> None:
    first, second = (f"postgresql://keeper:kept@/{name}?host={server.socket}" for name in ("first", "second"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARSAD_", "DATABASE_"))}
    ours = {"MARSAD_DATA": str(data), "DJANGO_SETTINGS_MODULE": "portal.config.settings", "PGOPTIONS": SCOPE}
    programs = postgres._bindir(data / "postgres", None)

    def run(url: str, *command: str) -> None:
        environment = kept | ours | {"DATABASE_URL": url}
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=repository, env=environment)
        assert done.returncode == 0, done.stderr

    def manage(url: str, *command: str) -> None:
        run(url, sys.executable, "manage.py", *command, "--verbosity", "0")

    def owners(url: str) -> list[tuple[object, ...]]:
        tables = "SELECT tableowner, count(*) > 1 FROM pg_tables WHERE schemaname = 'public' GROUP BY 1 ORDER BY 1"
        return rows(url, tables)

    manage(first, "bootstrap")
    manage(first, "bootstrap")

    assert owners(first) == [("keeper", True), ("marsad_audit", True)]
    assert rows(first, "SELECT count(*) > 0 FROM accounts_role") == [(True,)]  # shared rows are for all
    assert rows(first, "SELECT count(*) FROM audit_auditentry") == [(0,)]  # the owner is bound like everybody

    dump = str(data / "marsad.dump")
    run(first, str(programs / "pg_dump"), "--enable-row-security", "--format=custom", "--file", dump, first)
    rows(second, "GRANT USAGE, CREATE ON SCHEMA public TO marsad_audit")
    run(second, str(programs / "pg_restore"), "--exit-on-error", "--dbname", second, dump)
    manage(second, "bootstrap")
    manage(second, "new_epoch")

    assert owners(second) == owners(first)
    count = "SELECT count(*) FROM audit_auditentry"
    assert rows(second, count, options=SCOPE) == rows(first, count, options=SCOPE) != [(0,)]
