"""No secret is written anywhere: logs, audit log, exports, jobs, pages of failures."""

import base64
import io
import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as installation
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from portal.collect.submissions import outside, webhooks
from portal.config import postgres
from portal.core.accounts.services import passwords
from portal.core.audit.models import AuditEntry
from portal.core.monitoring import logs
from portal.core.notifications import channels
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import PASSWORD, Cast, Person
from tests.api.letters import delivered, token_in
from tests.security.test_surface import read_out

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(settings: Any) -> Iterator[io.StringIO]:
    """All that the program logs while the test runs, at DEBUG, as JSON lines."""
    settings.LOG_FORMAT = "json"
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(logs.JsonFormatter())
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def read_text(answer: Any) -> str:
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def kept() -> dict[str, str]:
    """What the database keeps for others to read: the audit log and the arguments of jobs."""
    with platform():
        entries = json.dumps(list(AuditEntry.objects.values()), default=str)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(string_agg(args::text, ' '), '') FROM procrastinate_jobs")
        return {"audit": entries, "jobs": str(cursor.fetchone()[0])}


def assert_nowhere(secrets: dict[str, str], places: dict[str, str]) -> None:
    assert {name for name, value in secrets.items() if len(value) < 8} == set()
    for place, text in places.items():
        assert not [name for name, value in secrets.items() if value in text], place


@pytest.mark.covers("004-LOG-06")
def test_no_secret_is_written_anywhere(cast: Cast, written: io.StringIO, nobody: Person) -> None:
    secrets = {"password": PASSWORD + "-that-is-wrong", "new": "A-new-password-7193"}

    nobody.post("/auth/login", {"email": "carol@example.test", "password": secrets["password"]})
    handed = nobody.post("/auth/login", {"email": "bob@example.test", "password": PASSWORD}).json()["data"]
    renewed = nobody.post("/auth/refresh", {"refreshToken": handed["refreshToken"]}).json()["data"]
    secrets |= {"access": handed["accessToken"], "refresh": handed["refreshToken"], "next": renewed["refreshToken"]}
    setup = cast.carol.post("/auth/mfa/setup").json()["data"]
    secrets["totp"] = setup["secret"]
    nobody.post("/auth/forgot-password", {"email": "carol@example.test"})
    secrets["reset"] = token_in(delivered()[-1])
    nobody.post("/auth/reset-password", {"token": secrets["reset"] + "x", "newPassword": secrets["new"]})
    nobody.post("/auth/reset-password", {"token": secrets["reset"], "newPassword": secrets["new"]})
    assert cast.alice.post("/invitations", {"email": "new@example.test", "role": "Agent"}).status_code == 201
    secrets["invitation"] = token_in(delivered()[-1])
    file = SimpleUploadedFile("a.txt", b"hello", "text/plain")
    sent = Client().post("/api/v1/files/upload", {"file": file}, headers=cast.alice.headers).json()["data"]
    shared = cast.alice.post(f"/files/metadata/{sent['id']}/share", {"password": "share-password-55"}).json()["data"]
    secrets |= {"share": shared["token"], "share password": "share-password-55"}
    read_out(nobody.get(f"/share/{shared['token']}/download", X_Share_Password="share-password-55"))
    browser = Client()
    page = browser.post("/login", {"login": "alice@example.test", "password": PASSWORD})
    secrets["session"] = page.cookies["sessionid"].value
    bearer = {"Authorization": f"Bearer {secrets['access']}x", "X-Share-Password": secrets["share password"]}
    error = Client(raise_request_exception=False).get("/nothing/there", headers=bearer)

    assert len(written.getvalue()) > 1000
    assert_nowhere(secrets, kept() | {"log": written.getvalue(), "page": error.content.decode()})
    assert mail.outbox  # that is where they belong


def as_written(key: ec.EllipticCurvePrivateKey) -> str:
    number = key.private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()


@pytest.mark.covers("004-LOG-06")
def test_no_key_of_what_goes_out_is_written_anywhere(
    cast: Cast, written: io.StringIO, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Webhooks, pushes to browsers, messages through a gateway; the address of a push is a secret by itself."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    plain = point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    browser = {"p256dh": base64.urlsafe_b64encode(plain).decode(), "auth": "c2VjcmV0LW9mLXB1c2hlcw"}
    endpoint = {"endpoint": "https://fcm.googleapis.com/fcm/send/push-address-55", "keys": browser}
    settings.SMS_GATEWAY = ("http://127.0.0.1:9/send", "gateway-token-77")
    secrets = {"installation": installation.SECRET_KEY, "push": "push-address-55", "push key": browser["auth"]}
    secrets |= {"vapid": as_written(channels.vapid_key().private_key), "gateway": "gateway-token-77"}

    def cut(self: Any, request: Any, **more: Any) -> requests.Response:
        raise requests.ConnectionError(f"HTTPSConnectionPool: Max retries exceeded with url: {request.url}")

    project = cast.alice.post("/projects", {"name": "P"}).json()["data"]["id"]
    fields = {"fields": [{"id": "place", "type": "text", "label": "Place"}]}
    form = cast.alice.post("/forms", {"projectId": project, "name": "F", "schema": fields}).json()["data"]["id"]
    hooks = f"/forms/{form}/webhooks"
    hook = cast.alice.post(hooks, {"name": "n", "url": "https://example.org/x"}).json()["data"]
    secrets["webhook"] = hook["secret"]
    assert cast.alice.post("/submissions", {"formId": form, "answers": {"place": "well"}}).status_code == 201
    monkeypatch.setattr(outside, "post", lambda url, body, headers: (401, str(headers)[:300]))
    with tenant(cast.a.pk):
        assert webhooks.deliver_next()
    assert cast.bob.post("/notifications/push/subscribe", endpoint).status_code == 201
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", cut)
    letter = channels.Letter(uuid4(), cast.bob.user, "en", "t", ["x"], "", "other")
    for send in (channels.send_push, channels.send_sms):
        cast.bob.user.phone = "+967 1 234"
        with pytest.raises(OSError) as failed:  # noqa: PT011  what the job writes down and logs
            send(letter)
        logging.getLogger("procrastinate.worker").error("delivery failed", exc_info=failed.value)

    shown = {path: cast.alice.get(path) for path in (hooks, f"{hooks}/{hook['id']}/deliveries", f"/forms/{form}")}
    shown |= {"export": cast.alice.get("/audit/export?format=jsonl"), "log": cast.alice.get("/audit/logs")}
    pages = {path: read_text(answer) for path, answer in shown.items()}
    assert all(answer.status_code == 200 for answer in shown.values())
    assert "webhook" in pages["log"]
    assert_nowhere(secrets, kept() | pages | {"written": written.getvalue()})


@pytest.mark.covers("004-LOG-06")
def test_a_failure_of_ours_tells_its_number_alone(
    cast: Cast, nobody: Person, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "hunter-hunter-42"

    def fail(*, identifier: str) -> None:
        raise RuntimeError(f"smtp said 535 for password={secret} and Authorization: Bearer {secret}")

    monkeypatch.setattr(passwords, "reset_request", fail)
    said = {"identifier": "bob@example.test", "password": secret}
    page = Client(raise_request_exception=False).post("/password/forgot", said)
    answer = nobody.post("/auth/forgot-password", {"email": "bob@example.test", "token": secret})

    assert (page.status_code, answer.status_code) == (500, 500)
    for text in (page.content.decode(), answer.content.decode()):
        assert not {word for word in (secret, "RuntimeError", "Traceback", "smtp", "bob@") if word in text}
    number = answer.json()["errors"][0]["code"], answer.json()["meta"]["requestId"]
    assert number[0] == "SERVER_ERROR"
    log = written.getvalue()
    assert log.count("Traceback") == 2  # with the way to it, for whoever looks after the program
    assert number[1] in log
    assert page.headers["X-Request-ID"] in page.content.decode()
    assert_nowhere({"secret": secret}, kept() | {"log": log})


@pytest.mark.parametrize("form", [logs.JsonFormatter(), logs.LineFormatter("%(message)s")])
def test_the_queue_names_no_arguments(form: logging.Formatter) -> None:
    """They hold names and addresses of people."""
    call = "accounts.password_reset[7](arguments={'identifier': 'bob@example.test'})"
    job = {"id": 7, "task_name": "accounts.password_reset", "call_string": call}
    record = logging.makeLogRecord({"name": "procrastinate.worker", "msg": f"Job {call} ended", "job": job})

    said = form.format(record)

    assert "Job accounts.password_reset[7] ended" in said
    assert "bob@" not in said


def test_pages_of_refusals_repeat_no_query(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.carol.user)

    for path, status in (("/nothing/there", 404), ("/audit", 403)):
        for who in (client, Client()):
            page = who.get(f"{path}?token=abcdef-123456&code=998877")
            if who is client or status == 404:  # a stranger has to sign in first, and comes back with the query
                assert page.status_code == status, path
                assert not {word for word in (b"abcdef-123456", b"998877") if word in page.content}


@pytest.mark.covers("001-FR-073")
def test_the_passphrase_of_backups_is_told_to_nobody(
    tmp_path: Path, written: io.StringIO, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Not to other programs, whose arguments and environment the machine shows, nor in messages about it."""
    settings.DATA_DIR = tmp_path / "data"
    phrase, asked, out = "correct-horse-battery", [], io.StringIO()
    (tmp_path / "phrase").write_text(f"{phrase}\n")

    def run(command: list[str], **more: Any) -> Any:
        asked.append(f"{command} {more.get('env')}")
        Path(command[command.index("--file") + 1]).write_bytes(b"PGDMP")
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(postgres, "programs", lambda: Path("/nowhere"))
    told = {"passphrase_file": tmp_path / "phrase", "stdout": out, "stderr": out}
    call_command("backup", tmp_path / "a.tar", **told)
    call_command("restore", tmp_path / "a.tar", check=True, **told)
    (tmp_path / "phrase").write_text(f"{phrase}-mistyped\n")
    with pytest.raises(CommandError, match="passphrase is wrong") as refused:
        call_command("restore", tmp_path / "a.tar", check=True, **told)

    assert len(asked) == 1
    places = {"asked": asked[0], "out": out.getvalue(), "refusal": str(refused.value), "log": written.getvalue()}
    assert "members" in places["out"]
    assert_nowhere({"passphrase": phrase}, places | {"file": (tmp_path / "a.tar").read_bytes().decode("latin1")})
