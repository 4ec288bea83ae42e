"""What the program makes once and keeps under its data folder: signing secret and database passwords."""

import os
import secrets as stdlib_secrets
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

APP_ROLE = "marsad_app"
EMBEDDED_DATABASE = "marsad"


def kept(folder: Path, name: str) -> str:
    """A random text that is created on first use and readable by this user alone."""
    path = folder / "keys" / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        value = stdlib_secrets.token_urlsafe(48)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process was faster
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(value)
        return value


def secret_key(folder: Path, *, required: bool) -> str:
    value = os.environ.get("MARSAD_SECRET_KEY", "").strip()
    if value:
        return value
    if required:
        raise ImproperlyConfigured("MARSAD_SECRET_KEY must be set in production")
    return kept(folder, "secret_key")


def embedded_socket(folder: Path) -> Path:
    """The socket folder of the embedded PostgreSQL, written by its launcher (a socket path has 107 bytes at most)."""
    pointer = folder / "postgres" / "socket"
    return Path(pointer.read_text().strip()) if pointer.exists() else folder / "postgres"


def database_urls(folder: Path) -> tuple[str, str]:
    """The URLs of the schema owner and of the application role.

    `DATABASE_URL` names the owner: a role that may create roles and tables. The application connects as
    `marsad_app`, whose password the bootstrap command sets; `MARSAD_APP_DATABASE_URL` replaces that where an
    administrator made the role by hand.
    """
    owner = os.environ.get("DATABASE_URL", "").strip()
    if not owner:
        owner = f"postgresql://postgres@/{EMBEDDED_DATABASE}?host={quote(str(embedded_socket(folder)), safe='')}"
    app = os.environ.get("MARSAD_APP_DATABASE_URL", "").strip()
    if not app:
        parts = urlsplit(owner)
        host = parts.netloc.rpartition("@")[2]
        password = quote(kept(folder, "app_database_password"), safe="")
        app = urlunsplit(parts._replace(netloc=f"{APP_ROLE}:{password}@{host}"))
    return owner, app
