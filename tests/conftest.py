"""The database of the tests: a PostgreSQL of each worker's own, and the application role without rights."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import TransactionTestCase
from psycopg import sql

from portal.config import postgres
from portal.config.management.commands.prepare import compile_messages
from portal.core.tenancy import seeds
from portal.core.tenancy.management.commands import bootstrap

hypothesis.settings.register_profile("usual", deadline=None)  # times say nothing on a shared machine
hypothesis.settings.register_profile("full", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

_server: postgres.Handle | None = None
_base = str(settings.DATABASES["owner"]["NAME"])
_template = f"{_base}_test_template"
_database = ""  # the name of this worker's database


def pytest_sessionstart(session: pytest.Session) -> None:
    if is_worker():
        return
    compile_messages(settings.BASE_DIR / "locale")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None:
        _server.stop()
    elif "DATABASE_URL" in os.environ and not is_worker() and (settings.DATA_DIR / "template.lock").exists():
        drop_database(_template)


def is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def start_server() -> None:
    """Start the embedded PostgreSQL of this worker; nothing with `DATABASE_URL`."""
    global _server
    if not os.environ.get("DATABASE_URL") and _server is None:
        _server = postgres.start(settings.DATA_DIR, fsync=False)
    if _server is not None:
        for alias in connections:
            connections.settings[alias]["HOST"] = str(_server.socket)


def use_database(name: str) -> None:
    for alias in connections:
        connections[alias].close()
        connections.settings[alias]["NAME"] = name


def make_template() -> None:
    """Migrate and seed one database that is copied for every test that commits."""
    made = schema_hash()
    with (settings.DATA_DIR / "template.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if lock.read() == made:
            return
        use_database(_template)
        owner = connections.settings["owner"]
        drop_database(_template)
        bootstrap.create_database(owner)
        bootstrap.prepare_database(owner, connections.settings["default"])
        call_command("migrate", database="owner", interactive=False, verbosity=0)
        seeds.run()  # after every migration, as everywhere
        connections.close_all()
        lock.truncate(0)
        lock.write(made)


def schema_hash() -> str:
    """What a kept database was made from: migrations, and the modules whose SQL and rows they use."""
    root = Path(settings.BASE_DIR) / "portal"
    names = ("**/migrations/*.py", "core/*/*.py", "**/triggers.py", "**/seeding.py", "**/fixtures/*", "**/catalogue*")
    files = sorted({path for name in names for path in root.glob(name)})
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def drop_database(name: str) -> None:
    with closing(bootstrap.connect(connections.settings["owner"], dbname="postgres")) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def copy_template() -> None:
    """Make this worker's database afresh: as clean after a test that committed as before the first one."""
    connections.close_all()
    names = {"fresh": sql.Identifier(_database), "template": sql.Identifier(_template)}
    # a copy of the files takes half the time of a copy through the log, which is the default (0.1 s)
    with closing(bootstrap.connect(connections.settings["owner"], dbname="postgres")) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {fresh} WITH (FORCE)").format(**names))
        connection.execute(sql.SQL("CREATE DATABASE {fresh} TEMPLATE {template} STRATEGY file_copy").format(**names))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any, worker_id: str) -> Iterator[None]:
    """Give this worker a migrated database and connect to it as the application role."""
    global _database
    with django_db_blocker.unblock():
        start_server()
        make_template()
        _database = f"{_base}_test_{worker_id}"
        copy_template()
        use_database(_database)
        TransactionTestCase._fixture_teardown = lambda self: copy_template()  # type: ignore[method-assign]
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == (settings.DATABASES["default"]["USER"], False, False)
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        if _server is None:
            drop_database(_database)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(settings.BASE_DIR)


@pytest.fixture(autouse=True)
def no_old_checkpoints() -> None:
    """The database forgets what a test did; the files of its checkpoints would say that the next one lost them."""
    shutil.rmtree(Path(settings.DATA_DIR) / "audit" / "checkpoints", ignore_errors=True)


@pytest.fixture(autouse=True)
def complete_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test of what people and devices do: played back, the audit log yields the tables (001-SC-006)."""
    folders = Path(request.path).relative_to(settings.BASE_DIR / "tests").parts
    watched = (
        folders[0] in {"api", "collect", "crm", "lab", "desk", "survey"} or folders[:2] == ("core", "sync")
    ) and request.node.get_closest_marker("django_db") is not None
    if watched:
        request.getfixturevalue("db")
    yield
    if watched and not connections["default"].needs_rollback:
        from tests.replay import differences

        assert differences() == []
