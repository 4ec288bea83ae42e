"""The migrated database that every worker of the tests, and some programs that they start, get a copy of.

Migrating takes half a minute, copying the files of a stopped PostgreSQL half a second. The process that starts the
workers begins with it (`python -m tests.template`) while they collect the tests.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from portal.config import postgres
from portal.core.tenancy import seeds
from portal.core.tenancy.management.commands import bootstrap

BASE = str(settings.DATABASES["owner"]["NAME"])
NAME = f"{BASE}_test_template"
FOLDER = Path(os.environ["MARSAD_TEST_DATA"]) / "template"
MADE = FOLDER / "made"


def make() -> Path:
    """The data folder of the stopped PostgreSQL that holds `NAME`, made unless another process has; where
    `DATABASE_URL` names a server, `NAME` is there and the folder holds the lock alone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = schema_hash()
    with MADE.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if lock.read() != wanted:
            server = None if os.environ.get("DATABASE_URL") else postgres.start(FOLDER, fsync=False)
            try:
                use(NAME, server)
                owner = connections.settings["owner"]
                drop(NAME)
                bootstrap.create_database(owner)
                bootstrap.prepare_database(owner, connections.settings["default"])
                call_command("migrate", database="owner", interactive=False, verbosity=0)
                seeds.run()  # after every migration, as everywhere
                connections.close_all()
            finally:
                if server is not None:
                    server.stop()
            lock.truncate(0)
            lock.write(wanted)
    return FOLDER


def schema_hash() -> str:
    """What a kept database was made from: migrations, and the modules whose SQL and rows they use."""
    root = Path(settings.BASE_DIR) / "portal"
    names = ("**/migrations/*.py", "core/*/*.py", "**/triggers.py", "**/seeding.py", "**/fixtures/*", "**/catalogue*")
    files = sorted({path for name in names for path in root.glob(name) if path.suffix != ".pyc"})
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def copied(data: Path) -> postgres.Handle:
    """A running PostgreSQL of the data folder `data` with a copy of `NAME`."""
    source = postgres._pointed(make(), "home") / "data"
    home = postgres._home(data, postgres._account(data))
    shutil.rmtree(home / "data", ignore_errors=True)
    subprocess.run(["cp", "-a", source, home / "data"], check=True)  # with the owner of the files
    return postgres.start(data, fsync=False)


def use(name: str, server: postgres.Handle | None = None) -> None:
    """Connect to another database from here on, of another server where one is given."""
    for alias in connections:
        connections[alias].close()
        connections.settings[alias]["NAME"] = name
        if server is not None:
            connections.settings[alias]["HOST"] = str(server.socket)


def drop(name: str) -> None:
    with closing(bootstrap.connect(connections.settings["owner"], dbname="postgres")) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def forget() -> None:
    """Leave an administrator's server as it was."""
    if MADE.exists():
        drop(NAME)
        MADE.unlink()


if __name__ == "__main__":
    django.setup()
    make()
