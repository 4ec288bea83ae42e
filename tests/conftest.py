"""The database of the tests: a PostgreSQL of each worker's own, and the application role without rights."""

import gc
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from psycopg import sql

from portal.config import postgres
from portal.config.management.commands.prepare import compile_messages
from portal.core.tenancy.management.commands import bootstrap
from tests import template

hypothesis.settings.register_profile("usual", deadline=None)  # times say nothing on a shared machine
hypothesis.settings.register_profile("full", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

_server: postgres.Handle | None = None
_database = ""  # the name of this worker's database


def pytest_sessionstart(session: pytest.Session) -> None:
    if is_worker():
        return
    compile_messages(settings.BASE_DIR / "locale")
    if session.config.getoption("numprocesses", None):
        ahead = subprocess.Popen([sys.executable, "-m", "tests.template"], cwd=settings.BASE_DIR)
        session.config.add_cleanup(lambda: (ahead.terminate(), ahead.wait()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that no worker ends long before the other; those without a database while it is made."""
    if not is_worker():
        return
    counts = Counter(item.path for item in items)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    stored = {item.path for item in items if item.get_closest_marker("django_db")}
    items.sort(key=lambda item: (item.path not in slow, item.path in stored, -counts[item.path], item.path))


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.collect()
    gc.freeze()  # what was loaded stays; the collector need not walk through it again


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None:
        _server.stop()
    elif "DATABASE_URL" in os.environ and not is_worker():
        template.forget()


def is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def copy_template() -> None:
    """Make this worker's database afresh: as clean after a test that committed as before the first one."""
    connections.close_all()
    names = {"fresh": sql.Identifier(_database), "template": sql.Identifier(template.NAME)}
    # a copy of the files takes half the time of a copy through the log, which is the default (0.1 s)
    with closing(bootstrap.connect(connections.settings["owner"], dbname="postgres")) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {fresh} WITH (FORCE)").format(**names))
        connection.execute(sql.SQL("CREATE DATABASE {fresh} TEMPLATE {template} STRATEGY file_copy").format(**names))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any, worker_id: str) -> Iterator[None]:
    """Give this worker a migrated database and connect to it as the application role."""
    global _database, _server
    with django_db_blocker.unblock():
        if os.environ.get("DATABASE_URL"):
            template.make()
        else:
            _server = template.copied(settings.DATA_DIR)
            template.use(template.NAME, _server)
            bootstrap.prepare_database(connections.settings["owner"], connections.settings["default"])
        _database = f"{template.BASE}_test_{worker_id}"
        copy_template()
        template.use(_database)
        TransactionTestCase._fixture_teardown = lambda self: copy_template()  # type: ignore[method-assign]
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == (settings.DATABASES["default"]["USER"], False, False)
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        if _server is None:
            template.drop(_database)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(settings.BASE_DIR)


@pytest.fixture(autouse=True)
def no_old_checkpoints() -> None:
    """The database forgets what a test did; the files of its checkpoints would say that the next one lost them."""
    shutil.rmtree(Path(settings.DATA_DIR) / "audit" / "checkpoints", ignore_errors=True)


@pytest.fixture(autouse=True)
def steady_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.codes import stand_still

    stand_still(monkeypatch)


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
