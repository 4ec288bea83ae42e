"""One behaviour of both stores: a folder, and a bucket of an S3 server on loopback (moto)."""

import hashlib
import io
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from moto.server import ThreadedMotoServer

from portal.config.env import file_store
from portal.core.accounts import tokens
from portal.core.common import clock
from portal.core.files import blobs, jobs, services, serving, shares, uploads
from portal.core.files import bucket as bucket_module
from portal.core.files.bucket import BucketStore
from portal.core.files.models import Blob, StoredFile, Upload
from portal.core.files.storage import Missing, opened, store
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast

TEXT = b"0123456789" * 3
pytestmark = pytest.mark.covers("002-INT-03")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=url, region_name="eu-west-3", **keys)
    client.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    client.close()
    yield url
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def kind(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    where = None
    if request.param == "bucket":
        url = request.getfixturevalue("bucket")
        where = {"endpoint": url, "path": "files/one", "key": "key", "secret": "secret", "region": "eu-west-3"}
    settings.STORAGES = {**settings.STORAGES, "files": file_store(where, tmp_path)}
    settings.FILE_STAGING = tmp_path / "staging"  # a file is moved to the folder, so both are on one file system
    assert isinstance(storages["files"], BucketStore) is (where is not None)
    return str(request.param)


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


def content(blob: Blob, start: int = 0, length: int | None = None) -> bytes:
    return b"".join(store().chunks(blob.key, start, length))


@pytest.mark.covers("000-IMG-04")
def test_in_out_in_parts_and_gone(kind: str, cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        file = services.file_create(stream=io.BytesIO(TEXT), filename="a.txt", by=cast.alice)
        assert file.current is not None
        blob = file.current.blob

        assert (content(blob), content(blob, 5, 3), content(blob, 28)) == (TEXT, b"567", b"89")
        assert store().size_of(blob.key) == len(TEXT)
        assert [key for key, _at in store().keys(str(cast.a.pk))] == [blob.key]
        with opened(blob.key) as copy:
            copy.seek(20)
            assert copy.read(2) == b"01"
        services.file_delete(file=file, by=cast.alice)
        services.file_purge(file=file, by=cast.alice)
    with platform():
        assert blobs.sweep_unused() == 0  # an hour's grace
        Blob.objects.update(updated_at=clock.now() - timedelta(hours=2))
        assert blobs.sweep_unused() == 1
        store().remove(blob.key)  # the transaction of this test never commits, so its hook does not run
    for read in (lambda: store().size_of(blob.key), lambda: content(blob)):
        with pytest.raises(Missing):
            read()


def test_uploads_in_parts_and_by_signed_address(kind: str, cast: Cast) -> None:
    said = {"filename": "a.txt", "size": len(TEXT), "by": cast.alice, "sha256": hashlib.sha256(TEXT).hexdigest()}
    with tenant(cast.a.pk, by=cast.alice.actor()):
        for direct in (False, True):
            upload = uploads.upload_begin(direct=direct, **said)  # type: ignore[arg-type]
            if kind == "bucket" and direct:
                put = uploads.address(upload)
                request = Request(put.url, data=TEXT, method=put.method, headers=dict(put.headers))
                with urlopen(request, timeout=10) as answer:
                    assert answer.status == 200
            else:
                uploads.part_put(upload=upload, number=1, stream=io.BytesIO(TEXT))

            file, row = uploads.upload_finish(upload=upload, by=cast.alice)

            assert (file.size, row.status) == (len(TEXT), Upload.Status.DONE)
        assert (StoredFile.objects.count(), Blob.objects.get().references) == (2, 2)


def test_signed_addresses_of_downloads(kind: str, cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        page = services.file_create(stream=io.BytesIO(b"<html></html>"), filename="a.html", by=cast.alice)
        assert page.current is not None
        link = serving.signed_url(blob=page.current.blob, filename="a.html", content_type="text/html")

    if kind == "bucket":
        with urlopen(link.url, timeout=10) as answer:
            assert (answer.read(), answer.headers["Content-Type"]) == (b"<html></html>", "application/octet-stream")
            assert answer.headers["Content-Disposition"] == 'attachment; filename="a.html"'
    else:
        assert "/files/get/" in link.url


def test_what_breaks_left_behind_is_swept_after_a_day(kind: str, cast: Cast, monkeypatch: Any, tmp_path: Path) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        file = services.file_create(stream=io.BytesIO(TEXT), filename="a.txt", by=cast.alice)
        assert file.current is not None
    orphan = tmp_path / "orphan"
    orphan.write_bytes(b"of a transaction that failed")
    store().put(f"{cast.a.pk}/xx/orphan", orphan)

    with platform():
        assert jobs.leftovers() == 0
        monkeypatch.setattr(jobs, "LEFT", timedelta(seconds=-60))
        jobs.leftovers()

    assert content(file.current.blob) == TEXT
    with pytest.raises(Missing):
        store().size_of(f"{cast.a.pk}/xx/orphan")


@pytest.mark.parametrize("how", ["gone", "silent", "broken"])
def test_a_bucket_that_is_away_is_tried_again_later(cast: Cast, settings: Any, monkeypatch: Any, how: str) -> None:
    """Slow storage must not hold the threads that answer everybody else."""
    patience = Config(connect_timeout=1, read_timeout=0.3, retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(bucket_module, "PATIENCE", patience)
    with bad_server(how) as url:
        where = {"endpoint": url, "path": "files/one", "key": "key", "secret": "secret", "region": "eu-west-3"}
        settings.STORAGES = {**settings.STORAGES, "files": file_store(where, Path())}
        file = SimpleUploadedFile("well.txt", TEXT, content_type="text/plain")
        signed = {"Authorization": f"Bearer {tokens.issue(cast.alice)[0]}"}
        refused = Client().post("/api/v1/files/upload", {"file": file}, headers=signed)

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert refused.headers["Retry-After"]
    with platform():
        assert (StoredFile.objects.count(), Blob.objects.count()) == (0, 0)


@contextmanager
def bad_server(how: str) -> Iterator[str]:
    """The address of one that refuses connections, never answers, or answers 503."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        if how == "gone":
            server.close()
        elif how == "broken":
            Thread(target=busy, args=[server], daemon=True).start()
        yield url


def busy(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            peer, _address = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_a_share_of_a_lost_object_is_told(kind: str, cast: Cast, rf: Any) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        file = services.file_create(stream=io.BytesIO(TEXT), filename="a.txt", by=cast.alice)
        token = shares.share_create(file=file, by=cast.alice)[1]
        assert file.current is not None
        store().remove(file.current.blob.key)
    taken = shares.share_take(token=token, password="", by=cast.alice.actor())

    with pytest.raises(Exception, match="no such file"):
        serving.respond(rf.get("/"), blob=taken.version.blob, filename="a.txt", content_type="text/plain")
