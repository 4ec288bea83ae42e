"""Settings from the environment: a bad value stops the program and names the variable."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.config import env, secrets


@pytest.mark.parametrize(("given", "expected"), [("1", True), ("Yes", True), (" on ", True), ("0", False), ("", False)])
def test_flag_reads_words(monkeypatch: pytest.MonkeyPatch, given: str, expected: bool) -> None:
    monkeypatch.setenv("MARSAD_X", given)

    assert env.flag("MARSAD_X", default=not expected) is expected


def test_absent_values_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARSAD_X", raising=False)

    assert env.flag("MARSAD_X", default=True) is True
    assert env.number("MARSAD_X", 7, low=1, high=9) == 7
    assert env.choice("MARSAD_X", "a", ("a", "b")) == "a"
    assert env.names("MARSAD_X", "a, b,,") == ["a", "b"]


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (lambda: env.flag("MARSAD_X", default=True), "maybe"),
        (lambda: env.number("MARSAD_X", 1, low=1, high=9), "two"),
        (lambda: env.number("MARSAD_X", 1, low=1, high=9), "10"),
        (lambda: env.number("MARSAD_X", 1, low=1, high=9), "0"),
        (lambda: env.choice("MARSAD_X", "a", ("a", "b")), "c"),
    ],
)
def test_bad_values_stop_the_program(monkeypatch: pytest.MonkeyPatch, read: object, given: str) -> None:
    monkeypatch.setenv("MARSAD_X", given)

    with pytest.raises(ImproperlyConfigured, match="MARSAD_X"):
        read()  # type: ignore[operator]


def test_database_url_is_taken_apart() -> None:
    found = env.database("postgresql://me:p%40ss@db:6000/shop?sslmode=require", source="DATABASE_URL")

    assert found == {
        "ENGINE": "portal.config.database",
        "NAME": "shop",
        "USER": "me",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": "6000",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize("url", ["mysql://a/b", "postgresql://host/", "postgresql://host:port/name", "nonsense"])
def test_bad_database_urls_stop_the_program(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        env.database(url, source="DATABASE_URL")


def test_kept_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = secrets.kept(tmp_path, "key")

    assert secrets.kept(tmp_path, "key") == first
    assert len(first) >= 43
    assert (tmp_path / "keys" / "key").stat().st_mode & 0o777 == 0o600


def test_production_refuses_a_secret_of_its_own_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARSAD_SECRET_KEY", raising=False)

    with pytest.raises(ImproperlyConfigured, match="MARSAD_SECRET_KEY"):
        secrets.secret_key(tmp_path, required=True)
    assert not (tmp_path / "keys").exists()


def test_the_application_connects_with_a_role_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://boss:secret@db/shop?sslmode=require")
    monkeypatch.delenv("MARSAD_APP_DATABASE_URL", raising=False)

    owner, app = (env.database(url, source="DATABASE_URL") for url in secrets.database_urls(tmp_path))

    assert (owner["USER"], app["USER"]) == ("boss", "marsad_app")
    assert app["PASSWORD"] == secrets.kept(tmp_path, "app_database_password")
    assert (app["HOST"], app["NAME"], app["OPTIONS"]) == ("db", "shop", {"sslmode": "require"})
