"""Make the database, its two roles and its tables; safe to run again, and by several processes at once."""

import contextlib
import os
from contextlib import closing
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand
from psycopg import sql
from psycopg.conninfo import make_conninfo

from portal.core.tenancy import seeds

AUDIT_ROLE = "marsad_audit"
_LOCK = 0x6D617273  # "mars"


class Command(BaseCommand):
    """`manage.py bootstrap`: what a deployment runs before it starts web and worker processes."""

    help = "Creates the database (embedded PostgreSQL only), the roles and the tables."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        owner, app = settings.DATABASES["owner"], settings.DATABASES["default"]
        if not os.environ.get("DATABASE_URL", "").strip():
            create_database(owner)
        prepare_database(owner, app)
        call_command("migrate", database="owner", interactive=False, verbosity=options["verbosity"])
        call_command("check", databases=["default"], fail_level="ERROR")
        seeds.run()


def connect(database: dict[str, Any], **changes: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Open an autocommit connection from one entry of `settings.DATABASES`, `changes` in libpq's names."""
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {name: str(database[key]) for name, key in names.items() if database.get(key)}
    return psycopg.connect(make_conninfo(**given | dict(database.get("OPTIONS") or {}) | changes), autocommit=True)


def create_database(owner: dict[str, Any], *, template: str = "template0") -> bool:
    """Create the database that `owner` names unless it exists; True when it was made now."""
    with closing(connect(owner, dbname="postgres")) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [owner["NAME"]]).fetchone():
            return False
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(owner["NAME"]), sql.Identifier(template)))
        return True


def prepare_database(owner_settings: dict[str, Any], app_settings: dict[str, Any]) -> None:
    """Make the roles and their rights in one database, before its tables are made.

    The application role reads and writes rows of the owner's tables and can do nothing else; `marsad_audit`
    owns the audit tables and cannot log in. Raises ImproperlyConfigured where the application role could pass
    by row-level security.
    """
    app = sql.Identifier(app_settings["USER"])
    audit = sql.Identifier(AUDIT_ROLE)
    database = sql.Identifier(owner_settings["NAME"])
    with closing(connect(owner_settings)) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        owner_role = connection.execute("SELECT current_user").fetchone()
        superuser = owner_role is not None and _flags(connection, owner_role[0])[0]
        _create_role(connection, app_settings["USER"], "LOGIN")
        _create_role(connection, AUDIT_ROLE, "NOLOGIN")
        if any(_flags(connection, app_settings["USER"])):
            raise ImproperlyConfigured(
                f"the role {app_settings['USER']} is a superuser or passes by row-level security: "
                "tenants would see each other's rows"
            )
        statements = [
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {database} TO {app}",
            "GRANT USAGE ON SCHEMA public TO {app}, {audit}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {app}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {app}",
        ]
        if not superuser:  # an ordinary owner hands tables over only to a role it belongs to and that may create here
            statements += ["GRANT {audit} TO CURRENT_USER", "GRANT CREATE ON SCHEMA public TO {audit}"]
        for statement in statements:
            connection.execute(sql.SQL(statement).format(app=app, audit=audit, database=database))
        _keep_password(connection, app_settings)


def _flags(connection: "psycopg.Connection[tuple[Any, ...]]", role: str) -> tuple[bool, bool]:
    row = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    return (bool(row[0]), bool(row[1])) if row else (False, False)


def _create_role(connection: "psycopg.Connection[tuple[Any, ...]]", name: str, login: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        return
    statement = sql.SQL("CREATE ROLE {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE " + login)
    # roles belong to the whole server: a bootstrap of another database may be faster
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(statement.format(sql.Identifier(name)))


def _keep_password(connection: "psycopg.Connection[tuple[Any, ...]]", app_settings: dict[str, Any]) -> None:
    """Set the application role's password where the one in the settings is not accepted."""
    try:
        connect(app_settings).close()
    except psycopg.OperationalError:
        verifier = connection.pgconn.encrypt_password(
            app_settings["PASSWORD"].encode(), app_settings["USER"].encode(), b"scram-sha-256"
        )
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")  # the server's log never sees the password itself
        connection.execute(statement.format(sql.Identifier(app_settings["USER"]), verifier.decode()))
        connect(app_settings).close()
