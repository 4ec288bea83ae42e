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
@pytest.mark.covers("001-FR-073")
def test_an_owner_without_superuser_makes_saves_and_restores_the_database(
    server: postgres.Handle, data: Path, repository: Path
) -> None:
    first, second = (f"postgresql://keeper:kept@/{name}?host={server.socket}" for name in ("first", "second"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARSAD_", "DATABASE_"))}
    ours = {"DJANGO_SETTINGS_MODULE": "portal.config.settings"}
    elsewhere = data / "elsewhere"
    folders = {first: data, second: elsewhere}

    def run(url: str, *command: str) -> "subprocess.CompletedProcess[str]":
        environment = kept | ours | {"DATABASE_URL": url, "MARSAD_DATA": str(folders[url])}
        command = (sys.executable, "manage.py", *command, "--verbosity", "0")
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=repository, env=environment)

    def manage(url: str, *command: str) -> None:
        done = run(url, *command)
        assert done.returncode == 0, done.stderr

    def owners(url: str) -> list[tuple[object, ...]]:
        tables = "SELECT tableowner, count(*) > 1 FROM pg_tables WHERE schemaname = 'public' GROUP BY 1 ORDER BY 1"
        return rows(url, tables)

    manage(first, "bootstrap")
    manage(first, "bootstrap")

    assert owners(first) == [("keeper", True), ("marsad_audit", True)]
    assert rows(first, "SELECT count(*) > 0 FROM accounts_role") == [(True,)]  # shared rows are for all
    assert rows(first, "SELECT count(*) FROM audit_auditentry") == [(0,)]  # the owner is bound like everybody

    upload = data / "files" / "store" / "ab" / "report.pdf"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"%PDF of the day")
    passphrase = data / "passphrase"
    passphrase.write_text("correct horse battery\n")
    archive = str(data / "marsad.tar")
    epochs = "SELECT organization_id, epoch FROM sync_clock ORDER BY 1"
    manage(first, "backup", archive, "--passphrase-file", str(passphrase))
    assert b"report.pdf" not in Path(archive).read_bytes()
    manage(second, "restore", archive, "--passphrase-file", str(passphrase), "--check")
    manage(second, "restore", archive, "--passphrase-file", str(passphrase))

    assert owners(second) == owners(first)
    for table in ("audit_auditentry", "accounts_role", "django_migrations", "lab_parameter"):
        count = f"SELECT count(*) FROM {table}"
        assert rows(second, count, options=SCOPE) == rows(first, count, options=SCOPE) != [(0,)]
    clocks = rows(first, epochs, options=SCOPE), rows(second, epochs, options=SCOPE)
    assert [id for id, _epoch in clocks[0]] == [id for id, _epoch in clocks[1]]
    assert not {epoch for _id, epoch in clocks[0]} & {epoch for _id, epoch in clocks[1]}
    assert (elsewhere / "files/store/ab/report.pdf").read_bytes() == b"%PDF of the day"
    assert (elsewhere / "keys/secret_key").read_text() == (data / "keys/secret_key").read_text()
    assert not (elsewhere / "restore.new").exists()
    again = run(second, "restore", archive, "--passphrase-file", str(passphrase))
    assert again.returncode == 1
    assert "not empty" in again.stderr
