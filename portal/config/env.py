"""Read settings from the environment; a bad value stops the program with its name in the message."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in _TRUE:
        return True
    if value.strip().lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is not a yes or no (use 1 or 0)")


def number(name: str, default: int, *, low: int, high: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        parsed = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number") from None
    if not low <= parsed <= high:
        raise ImproperlyConfigured(f"{name}={parsed} is outside {low} to {high}")
    return parsed


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name) or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}")
    return value


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, `127.0.0.1,10.1.0.0/16`."""
    try:
        return [ip_network(part) for part in names(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def folder(name: str, default: Path) -> Path:
    return Path(text(name) or default).expanduser().resolve()


def address(name: str) -> str:
    """An http(s) address, '' where none is set."""
    value = text(name)
    if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
        raise ImproperlyConfigured(f"{name}={value!r} is not like http://localhost:4318/v1/traces")
    return value


def bucket(name: str) -> dict[str, str] | None:
    """Turn `https://key:secret@endpoint/bucket/prefix?region=eu-west-3` into its parts; None where it is not set."""
    parts = urlsplit(text(name))
    if not parts.geturl():
        return None
    host, path = parts.netloc.rpartition("@")[2], parts.path.strip("/")
    if parts.scheme not in {"http", "https"} or not (host and path and parts.username and parts.password):
        raise ImproperlyConfigured(f"{name} is not like https://key:secret@endpoint/bucket/prefix?region=eu-west-3")
    return {
        "endpoint": f"{parts.scheme}://{host}",
        "path": path,
        "key": unquote(parts.username),
        "secret": unquote(parts.password),
        "region": dict(parse_qsl(parts.query)).get("region", "us-east-1"),
    }


def file_store(bucket: dict[str, str] | None, folder: Path) -> dict[str, Any]:
    """Django's entry of the store of files: the bucket, or a folder of this machine without one."""
    if bucket is None:
        return {"BACKEND": "portal.core.files.storage.FolderStore", "OPTIONS": {"location": folder}}
    name, _slash, prefix = bucket["path"].partition("/")
    return {
        "BACKEND": "portal.core.files.bucket.BucketStore",
        "OPTIONS": {
            "bucket_name": name,
            "location": prefix,
            "endpoint_url": bucket["endpoint"],
            "access_key": bucket["key"],
            "secret_key": bucket["secret"],
            "region_name": bucket["region"],
            "addressing_style": "path",
            "signature_version": "s3v4",
            "default_acl": None,
        },
    }


def megabytes(name: str, default: str) -> dict[str, int]:
    """`image=50,video=100` as bytes; what is not named keeps its default."""
    found: dict[str, int] = {}
    for entry in [*default.split(","), *names(name)]:
        key, _sign, value = entry.partition("=")
        if not value.isascii() or not value.isdigit() or not 0 < int(value) <= 5000 or f"{key}=" not in default:
            raise ImproperlyConfigured(f"{name}: {entry!r} is not like {default.partition(',')[0]} (MB, up to 5000)")
        found[key] = int(value) * 1024 * 1024
    return found


def database(url: str, *, source: str) -> dict[str, object]:
    """Turn `postgresql://user:password@host:port/name?option=value` into Django's dictionary.

    A socket folder is given as `?host=/folder`; other options go to libpq.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{source}: only postgresql:// URLs are understood, not {parts.scheme!r}")
    options: dict[str, object] = dict(parse_qsl(parts.query))
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{source}: the port is not a number") from None
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured(f"{source}: the database name is missing")
    return {
        "ENGINE": "portal.config.database",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(options.pop("port", port or "")),
        "OPTIONS": options,
    }


def smtp(name: str) -> dict[str, object]:
    """Turn `smtp://user:password@host:587` (STARTTLS), `smtps://…` (TLS) or `smtp+plain://…` into Django's options."""
    parts = urlsplit(text(name))
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"smtp", "smtps", "smtp+plain"} or not parts.hostname or port == -1:
        raise ImproperlyConfigured(f"{name} is not like smtp://user:password@host:587")
    return {
        "host": parts.hostname,
        "port": port or {"smtp": 587, "smtps": 465, "smtp+plain": 25}[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp",
        "use_ssl": parts.scheme == "smtps",
        "timeout": 20,
    }


def tiles(name: str) -> str:
    """The origin of a tile server's address (`https://tiles.example.org/{z}/{x}/{y}.png`), '' where none is named."""
    value = os.environ.get(name, "").strip()
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or not all(x in value for x in ("{z}", "{x}", "{y}")):
        raise ImproperlyConfigured(f"{name}={value!r} is not like https://tiles.example.org/{{z}}/{{x}}/{{y}}.png")
    if "{" in parts.netloc:
        raise ImproperlyConfigured(f"{name}={value!r} names no single host")
    return f"{parts.scheme}://{parts.netloc}"
