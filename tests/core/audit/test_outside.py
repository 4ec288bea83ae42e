"""Copies of checkpoints leave the house: by mail and to S3, each once, and again where a place failed."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from portal.config import env
from portal.core.audit import outside, sealing
from portal.core.tenancy.scope import platform
from tests.core.audit.chain import sealed
from tests.core.people import Cast

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a/secret+of=the%tests"


class Bucket(BaseHTTPRequestHandler):
    """S3 as far as it is needed: works out the signature by itself and keeps what came."""

    objects: dict[str, bytes]
    answers: list[int]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.headers["Authorization"].endswith(f"Signature={self.signature(body)}")
        status = self.answers.pop(0) if self.answers else 200 if good else 403
        if status == 200:
            self.objects[self.path] = body
        self.send_response(status)
        self.end_headers()

    def signature(self, body: bytes) -> str:
        date = self.headers["x-amz-date"]
        canonical = (
            f"PUT\n{self.path}\n\nhost:{self.headers['Host']}\nx-amz-content-sha256:{hashlib.sha256(body).hexdigest()}\n"
            f"x-amz-date:{date}\n\nhost;x-amz-content-sha256;x-amz-date\n{hashlib.sha256(body).hexdigest()}"
        )
        scope = f"{date[:8]}/eu-west-3/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + SECRET).encode()
        for part in (date[:8], "eu-west-3", "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key.hex()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Bucket]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://KEY:a%2Fsecret%2Bof%3Dthe%25tests@127.0.0.1:{server.server_port}/audit/marsad?region=eu-west-3"
    monkeypatch.setenv("MARSAD_CHECKPOINT_S3", address)
    settings.CHECKPOINT_S3 = env.bucket("MARSAD_CHECKPOINT_S3")
    Bucket.objects, Bucket.answers = {}, []
    yield Bucket
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of this test alone: tests that run beside it write checkpoints, too."""
    monkeypatch.setattr(sealing, "folder", lambda: tmp_path)


def send() -> dict[str, int]:
    with platform():
        return outside.send()


def test_every_checkpoint_arrives_in_the_bucket_once(bucket: type[Bucket]) -> None:
    cast = Cast()
    sealed(cast, 3)
    mine = f"/audit/marsad/{cast.a.pk}/"

    first = send()
    again = send()
    sealed(cast, 2)
    send()

    kept = [json.loads(body) for path, body in sorted(bucket.objects.items()) if path.startswith(mine)]
    assert (first["s3"] >= 1, again["s3"]) == (True, 0)
    assert kept == list(sealing.exported(cast.a.pk))
    assert len(kept) == 2


def test_what_a_place_refused_is_sent_again(bucket: type[Bucket], caplog: pytest.LogCaptureFixture) -> None:
    cast = Cast()
    sealed(cast, 3)
    send()
    sealed(cast, 1)
    bucket.objects.clear()
    bucket.answers[:] = [503]

    assert send() == {"s3": 0}
    assert "tried again" in caplog.text
    assert send()["s3"] == 1
    assert len(bucket.objects) == 1


def test_new_checkpoints_are_mailed_together(settings: Any) -> None:
    settings.CHECKPOINT_MAIL = ["auditor@example.test"]
    cast = Cast()
    sealed(cast, 3)

    assert send()["mail"] >= 1
    assert send()["mail"] == 0

    letters = [letter for letter in mail.outbox if str(cast.a.pk) in letter.subject]
    (letter,) = letters
    assert letter.to == ["auditor@example.test"]
    assert [json.loads(line) for line in str(letter.body).splitlines()] == list(sealing.exported(cast.a.pk))


def test_signature_of_the_published_example() -> None:
    """From Amazon's documentation of Signature Version 4: GET of `test.txt` with four signed headers."""
    bucket = {
        "key": "AKIAIOSFODNN7EXAMPLE",
        "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "region": "us-east-1",
    }
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-amz-date": datetime(2013, 5, 24, tzinfo=UTC).strftime("%Y%m%dT%H%M%SZ"),
    }

    assert outside.authorization(bucket, "GET", "/test.txt", headers).endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize("text", ["s3://bucket", "https://host/bucket", "https://key:secret@host/"])
def test_a_bucket_that_is_not_one_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MARSAD_CHECKPOINT_S3", text)

    with pytest.raises(env.ImproperlyConfigured, match="MARSAD_CHECKPOINT_S3"):
        env.bucket("MARSAD_CHECKPOINT_S3")
