"""Images of 12 megapixels uploaded by several connections at once, on the product as a person starts it.

Says how long it took, the memory of the web process before, during and after, and proves that nothing was lost: every
original is fetched again and its hash compared; uploads that break off in the middle leave neither row nor byte.
Usage: python scripts/bench_images.py [--images N] [--connections N] [--megapixels N]
"""

import argparse
import hashlib
import http.client
import io
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from PIL import Image
from program import ROOT, Program

LOGIN = {"email": "bench@test.invalid", "password": "a password of the benchmark"}
DIFFERENT = 20
BROKEN = 5
BOUNDARY = "marsad-bench"


def photograph(number: int, megapixels: float) -> bytes:
    """A JPEG with noise and shapes, as heavy as a phone's, taken at a place of its own."""
    width = int((megapixels * 1_000_000 * 4 / 3) ** 0.5)
    size = (width, width * 3 // 4)
    small = (size[0] // 4, size[1] // 4)
    bands = [Image.effect_noise(small, 40 + number % 7 * 8), Image.linear_gradient("L").resize(small)]
    picture = Image.merge("RGB", [*bands, Image.radial_gradient("L").resize(small).rotate(number * 18)]).resize(size)
    exif = Image.Exif()
    exif[0x010F] = "Bench"
    exif.get_ifd(0x8769).update({0x9003: f"2026:11:20 10:{number:02d}:00", 0x9011: "+01:00"})
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, float(number), 0.0), 3: "W", 4: (7.0, 36.0, 0.0)})
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88, exif=exif.tobytes())
    return out.getvalue()


def varied(content: bytes, number: int) -> bytes:
    """The same picture with a comment of its own: other bytes, another hash."""
    comment = f"{number:08d}".encode()
    return content[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + content[2:]


class Api:
    """One connection that stays open."""

    def __init__(self, port: int, token: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        self.connection.request(method, path, raw, self.headers | ({"Content-Type": kind} if raw is not None else {}))
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path} answered {answer.status}: {text[:300]!r}")
        return json.loads(text)

    def upload(self, content: bytes, name: str, **fields: str) -> Any:
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.call("POST", "/api/v1/images/upload", form(content, name, fields), kind)["data"]

    def fetch(self, url: str) -> str:
        """The SHA-256 of what an address gives."""
        self.connection.request("GET", urlsplit(url).path)
        answer, digest = self.connection.getresponse(), hashlib.sha256()
        while piece := answer.read(1 << 18):
            digest.update(piece)
        return digest.hexdigest()


def form(content: bytes, name: str, fields: dict[str, str]) -> bytes:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{fields[key]}\r\n' for key in fields]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    text = "".join(parts) + head + "Content-Type: image/jpeg\r\n\r\n"
    return text.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


class Memory(threading.Thread):
    """Private memory of the web process in MB, five times a second."""

    def __init__(self, program: Program) -> None:
        super().__init__(daemon=True)
        self.program, self.seen, self.on = program, [program.memory()["web"]], True
        self.start()

    def run(self) -> None:
        while self.on:
            with suppress(psutil.NoSuchProcess):  # one of the workers' short helpers
                self.seen.append(self.program.memory()["web"])
            time.sleep(0.2)


def break_off(port: int, token: str, content: bytes, project: str) -> None:
    """Send half of an upload and go away."""
    body = form(content, "broken.jpg", {"projectId": project})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/api/v1/images/upload")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[: len(body) // 2])
    connection.close()


def staged(folder: Path) -> int:
    """Temporary files of uploads that nobody has taken away."""
    return sum(1 for _path in (folder / "files" / "staging").iterdir())


def organization(program: Program) -> None:
    """An organisation with one administrator, made beside the running program."""
    os.environ |= program.environment
    sys.path[:0] = [str(ROOT)]
    import django

    django.setup()
    from portal.core.accounts.models import Role, User
    from portal.core.tenancy.models import Organization
    from portal.core.tenancy.scope import platform

    with platform():
        role = Role.objects.get(key="Admin", organization=None)
        office = Organization.objects.create(name="Benchmark")
        user = User(name="B", email=LOGIN["email"], organization=office, role=role)
        user.set_password(LOGIN["password"])
        user.save()


def measure(program: Program, wish: argparse.Namespace, originals: list[bytes]) -> dict[str, Any]:
    images, connections = wish.images, wish.connections
    organization(program)
    token = Api(program.port).call("POST", "/api/v1/auth/login", LOGIN)["data"]["accessToken"]
    first = Api(program.port, token)
    project = first.call("POST", "/api/v1/projects", {"name": "Bench"})["data"]["id"]
    first.upload(varied(originals[0], 99_999_999), "warm.jpg", projectId=project)
    memory = Memory(program)
    local, sent = threading.local(), {}

    def one(number: int) -> None:
        local.api = getattr(local, "api", None) or Api(program.port, token)
        content = varied(originals[number % len(originals)], number)
        made = local.api.upload(content, f"{number}.jpg", projectId=project, localSyncId=f"bench/{number}")
        sent[made["id"]] = hashlib.sha256(content).hexdigest()
        if made["checksumSha256"] != sent[made["id"]]:
            raise SystemExit(f"{number}: the server has other bytes")

    began = time.monotonic()
    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(one, range(images)))
    uploaded = time.monotonic() - began
    during = list(memory.seen)
    for _number in range(BROKEN):
        break_off(program.port, token, originals[0], project)
    time.sleep(3)
    left = staged(program.data)

    def kept(pk: str) -> bool:
        local.api = getattr(local, "api", None) or Api(program.port, token)
        return local.api.fetch(local.api.call("GET", f"/api/v1/images/{pk}/original-url")["data"]["url"]) == sent[pk]

    with ThreadPoolExecutor(connections) as threads:
        equal = sum(threads.map(kept, sent))

    def counted(**filters: str) -> int:
        query = "&".join(f"{key}={value}" for key, value in filters.items())
        found = Api(program.port, token).call("GET", f"/api/v1/images/project/{project}?limit=1&{query}")
        return int(found["meta"]["total"])

    while wish.copies and (waiting := counted(status="processing")):
        print(f"{waiting} wait for their copies", flush=True)
        time.sleep(10)
    prepared = time.monotonic() - began
    memory.on = False
    return {
        "images": images,
        "connections": connections,
        "bytes": sum(len(original) for original in originals) * images // len(originals),
        "uploadSeconds": round(uploaded, 1),
        "imagesPerSecond": round(images / uploaded, 1),
        "listed": counted() - 1,  # without the one that warmed up
        "distinct": len(sent),
        "checksumsEqual": equal,
        "brokenOff": BROKEN,
        "leftByThem": left,
        "webBeforeMB": during[0],
        "webDuringMaxMB": max(during),
        "webAfterMB": memory.seen[-1],
        "copied": counted(status="available"),
        "failed": counted(status="failed"),
        "afterSeconds": round(prepared, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--copies", action="store_true", help="wait until every image has its copies")
    wish = parser.parse_args()
    originals = [photograph(number, wish.megapixels) for number in range(min(DIFFERENT, wish.images))]
    print(f"{len(originals)} pictures of {sum(map(len, originals)) / len(originals) / 1e6:.1f} MB", flush=True)
    program = Program(MARSAD_ENV="test")  # without the demo
    try:
        program.start()
        found = measure(program, wish, originals)
    finally:
        program.discard()
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"images-{time.strftime('%Y%m%d-%H%M%S')}.json").write_text(json.dumps(found, indent=1))
    for name, value in found.items():
        print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
