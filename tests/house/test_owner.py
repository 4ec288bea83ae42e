"""An administrator's PostgreSQL: the schema's owner may create roles and tables and is no superuser."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from portal.config import postgres


@pytest.mark.slow
def test_an_owner_without_superuser_makes_and_renews_the_database(data: Path, repository: Path) -> None:
    server = postgres.start(data, fsync=False)
    try:
        with closing(
            psycopg.connect(host=str(server.socket), user="postgres", dbname="postgres", autocommit=True)
        ) as c:
            c.execute("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'kept'")
            c.execute("CREATE DATABASE theirs OWNER keeper")
        url = f"postgresql://keeper:kept@/theirs?host={server.socket}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARSAD_", "DATABASE_"))}
        ours = {"DATABASE_URL": url, "MARSAD_DATA": str(data), "DJANGO_SETTINGS_MODULE": "portal.config.settings"}
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "manage.py", "bootstrap", "--verbosity", "0"],
                check=False,
                capture_output=True,
                text=True,
                cwd=repository,
                env=kept | ours,
            )
            assert done.returncode == 0, done.stderr
        with closing(psycopg.connect(url, autocommit=True)) as c:
            owners = c.execute(
                "SELECT tableowner, count(*) > 1 FROM pg_tables WHERE schemaname = 'public' GROUP BY 1 ORDER BY 1"
            ).fetchall()
            assert owners == [("keeper", True), ("marsad_audit", False)]
            assert c.execute("SELECT count(*) FROM accounts_role").fetchone() != (0,)  # shared rows are for all
            assert c.execute("SELECT count(*) FROM audit_auditentry").fetchone() == (0,)  # the log is bound to a scope
    finally:
        server.stop()
