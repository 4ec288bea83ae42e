"""Where the program runs is told by its environment alone: at home without any, and in a cloud."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

READ = """
import json
from portal.config import settings
names = [name for name in dir(settings) if name.isupper() and name != "LANGUAGES"]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""
CLOUD = {
    "MARSAD_ENV": "production",
    "MARSAD_SECRET_KEY": "k" * 60,
    "MARSAD_HOSTS": "lab.example.org",
    "MARSAD_PUBLIC_URL": "https://lab.example.org",
    "MARSAD_CDN": "https://cdn.example.org/",
    "DATABASE_URL": "postgresql://boss:db-secret@db.example.org/marsad?sslmode=verify-full",
    "REDIS_URL": "rediss://:redis-secret@cache.example.org:6380/0",
    "MARSAD_FILES_S3": "https://AKEY:s3-secret@s3.eu-west-3.amazonaws.com/lab-images/live?region=eu-west-3",
    "MARSAD_SMTP_URL": "smtp://apikey:mail-secret@smtp.sendgrid.net:587",
    "MARSAD_SMS_URL": "https://sms.example.org/send",
    "MARSAD_SMS_TOKEN": "sms-secret",
    "MARSAD_OTLP_ENDPOINT": "https://insights.example.org/v1/traces",
}
# What a program that learns from data would be made of.
LEARNING = {"scikit-learn", "torch", "tensorflow", "keras", "xgboost", "lightgbm", "transformers", "jax", "onnxruntime"}


def settings_of(folder: Path, repository: Path, **environment: str) -> dict[str, Any]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MARSAD_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, "-c", READ],
        cwd=repository,
        env={**inherited, "REDIS_URL": "", "MARSAD_DATA": str(folder), **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.covers(
    "001-CON-08", "001-CON-01", "001-OOS-03", "001-OOS-05", "001-OOS-06", "001-OOS-07", "C103"
)  # fmt: skip
def test_without_an_environment_it_needs_nobody_else(tmp_path: Path, repository: Path) -> None:
    found = settings_of(tmp_path, repository)

    assert {database["ENGINE"] for database in found["DATABASES"].values()} == {"portal.config.database"}
    assert len({(database["HOST"], database["NAME"]) for database in found["DATABASES"].values()}) == 1
    assert str(found["DATABASES"]["default"]["HOST"]).startswith("/")  # a socket of this machine
    assert found["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert found["STORAGES"]["files"]["OPTIONS"]["location"].startswith(str(tmp_path))
    assert found["MAILERS"]["default"]["BACKEND"].endswith("console.EmailBackend")
    outside = ("REDIS_URL", "FILES_S3", "CHECKPOINT_S3", "CLAMD", "OTLP_ENDPOINT", "TILES", "CDN")
    assert not any(found[name] for name in outside)
    assert found["SMS_GATEWAY"] == found["PUSH_GATEWAY"] == ["", ""]
    lock = (repository / "requirements.lock").read_text().lower()
    assert not {line.partition("==")[0] for line in lock.splitlines()} & LEARNING


@pytest.mark.covers(
    "001-CON-08", "000-IMG-06", "002-SCAL-03", "002-SCAL-04", "002-INT-01", "C106", "004-NET-01"
)  # fmt: skip
@pytest.mark.django_db
def test_in_a_cloud_everything_comes_from_the_environment(tmp_path: Path, repository: Path, settings: Any) -> None:
    found = settings_of(tmp_path, repository, **CLOUD)

    assert (found["DATABASES"]["default"]["HOST"], found["DATABASES"]["default"]["OPTIONS"]) == (
        "db.example.org", {"sslmode": "verify-full"},
    )  # fmt: skip
    bucket = found["STORAGES"]["files"]["OPTIONS"]
    assert (bucket["bucket_name"], bucket["location"], bucket["access_key"], bucket["secret_key"]) == (
        "lab-images", "live", "AKEY", "s3-secret",
    )  # fmt: skip
    assert found["CACHES"]["default"]["BACKEND"] != "django.core.cache.backends.locmem.LocMemCache"
    assert found["CACHES"]["default"]["LOCATION"] == CLOUD["REDIS_URL"]
    mail = found["MAILERS"]["default"]
    assert mail["BACKEND"].endswith("smtp.EmailBackend")
    said = {name: mail["OPTIONS"][name] for name in ("host", "port", "username", "password", "use_tls")}
    assert said == {
        "host": "smtp.sendgrid.net", "port": 587, "username": "apikey", "password": "mail-secret", "use_tls": True,
    }  # fmt: skip
    assert found["STATIC_URL"] == "https://cdn.example.org/static/"
    for kind in ("script-src", "style-src", "img-src", "font-src"):
        assert "https://cdn.example.org" in found["SECURE_CSP"][kind]
    # nothing of it is written down in the program
    for path in (*(repository / "portal").rglob("*.py"), *(repository / "api").rglob("*.py")):
        found_words = re.findall(r"\b(?:access_key|secret_key|bucket_name|password)=[\"'](?![\"'])", path.read_text())
        assert not found_words, path

    # over plain HTTP nothing is answered but where to go instead
    for name in found:
        if name.startswith(("SECURE_SSL", "SECURE_REDIRECT", "SECURE_HSTS", "SECURE_PROXY")) or "COOKIE_SECURE" in name:
            value = found[name]
            setattr(settings, name, tuple(value) if name == "SECURE_PROXY_SSL_HEADER" else value)
    assert settings.SESSION_COOKIE_SECURE
    assert settings.CSRF_COOKIE_SECURE
    client = Client()
    for path in ("/api/mobile/v1/tasks", "/api/v1/samples", "/login"):
        plain = client.get(path)
        assert (plain.status_code, plain["Location"]) == (301, f"https://testserver{path}")
        safe = client.get(path, headers={"X-Forwarded-Proto": "https"})
        assert safe.status_code in (200, 401)
        assert safe["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.covers("002-CFG-01")
def test_each_environment_has_its_address_and_the_same_path_below_it(tmp_path: Path, repository: Path) -> None:
    addresses = {}
    for name in ("dev", "test", "production"):
        own = CLOUD | {"MARSAD_ENV": name, "MARSAD_PUBLIC_URL": f"https://{name}.example.org/"}
        found = settings_of(tmp_path, repository, **own)
        addresses[found["MARSAD_ENV"]] = f"{found['PUBLIC_URL']}/api/v1"
        assert found["ROOT_URLCONF"] == "portal.config.urls"  # which tests of the documents look at
        assert found["DEBUG"] is (name == "dev")
    assert addresses == {name: f"https://{name}.example.org/api/v1" for name in ("dev", "test", "production")}
