"""Images from several connections at once on a real server: none is lost, none is changed, a broken one leaves nothing.

`scripts/bench_images.py` does the same with 500 images of 12 megapixels and measures (`docs/benchmarks.md`).
"""

import hashlib
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings

from portal.core.files.models import Blob, StoredFile
from portal.core.tenancy.scope import platform
from portal.fieldwork.images.models import Image
from tests.api.conftest import Cast
from tests.live import serving
from tests.pictures import HERE, photo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
IMAGES = int(os.environ.get("MARSAD_PROOF_IMAGES", "16"))
CONNECTIONS = 8


@pytest.mark.covers("000-IMG-01", "000-IMG-02", "000-IMG-05")
def test_images_of_eight_connections_arrive_whole_and_a_broken_one_leaves_nothing(cast: Cast) -> None:
    pictures = [photo(HERE, size=(1000, 700 + number)).getvalue() for number in range(IMAGES)]
    with (
        serving() as address,
        httpx.Client(base_url=f"{address}/api/v1", headers=cast.alice.headers, timeout=60) as api,
    ):
        project = api.post("/projects", json={"name": "Wells"}).json()["data"]["id"]

        def send(number: int) -> str:
            files = {"file": (f"{number}.jpg", pictures[number], "image/jpeg")}
            answer = api.post("/images/upload", data={"projectId": project}, files=files)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["data"]["id"])

        with ThreadPoolExecutor(CONNECTIONS) as threads:
            ids = list(threads.map(send, range(IMAGES)))
        kept = objects()
        leave_half_way(address, cast.alice.headers["Authorization"], pictures[0], project)
        for number, pk in enumerate(ids):
            url = api.get(f"/images/{pk}/original-url").json()["data"]["url"]
            fetched = api.get(f"{address}{urlsplit(url).path}")
            assert hashlib.sha256(fetched.content).digest() == hashlib.sha256(pictures[number]).digest()

    assert len(set(ids)) == IMAGES
    assert objects() == kept
    with platform():
        assert (Image.objects.count(), StoredFile.objects.count(), Blob.objects.count()) == (IMAGES,) * 3


def objects() -> set[str]:
    """Everything on disk: what is stored and what is on its way."""
    return {str(path) for path in (Path(settings.DATA_DIR) / "files").rglob("*") if path.is_file()}


def leave_half_way(address: str, token: str, picture: bytes, project: str) -> None:
    """Announce an upload, send half of it and go; returns when the server has noticed."""
    head = f'--x\r\nContent-Disposition: form-data; name="projectId"\r\n\r\n{project}\r\n--x\r\n'
    head += 'Content-Disposition: form-data; name="file"; filename="half.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = head.encode() + picture + b"\r\n--x--\r\n"
    lines = ["POST /api/v1/images/upload HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {token}", "Connection: close"]
    lines += ["Content-Type: multipart/form-data; boundary=x", f"Content-Length: {len(body)}", "", ""]
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + body[: len(body) // 2])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
