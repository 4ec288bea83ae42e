"""What the server calls because somebody named it: webhooks and push services (SSRF)."""

import http.client
import io
import socket
import threading
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import requests

from portal.collect.submissions import outside
from portal.core.accounts.models import User
from portal.core.common.errors import Invalid
from portal.core.notifications import channels
from portal.core.notifications.models import PushSubscription

INSIDE = (
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",  # IPv4-compatible
    "::ffff:10.0.0.1",  # IPv4-mapped
    "64:ff9b::a9fe:a9fe",  # NAT64 of 169.254.169.254
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "fd00::1",
    "fe80::1",
    "fec0::1",  # site-local, which Python takes for public
    "ff02::1",
)


@pytest.mark.parametrize("address", INSIDE)
def test_no_webhook_reaches_inside(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(Invalid):
        outside.check_url(f"https://{literal}/hook")

    # a name whose addresses change after it was saved, and one that has a public address beside the private one
    for found in ([address], ["93.184.215.14", address]):
        monkeypatch.setattr(
            outside.socket, "getaddrinfo", lambda *a, to=found, **k: [(0, 0, 0, "", (one, 443)) for one in to]
        )
        with pytest.raises(OSError, match="private"):
            outside.post("https://rebinding.example.org/", b"", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "https://user:password@example.org/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://metadata/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://example.org.1/",
        "https://example.org:22/",
        "https://example.org:25/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://[::1%25lo]/",
        "https://example.org/\r\nHost: inside",
        "https://example.org/ x",
        "https:///x",
        "https://" + "a" * 500 + ".org/",
        None,
        {"url": 1},
    ],
)
def test_addresses_that_are_refused_by_their_looks(url: object) -> None:
    with pytest.raises(Invalid):
        outside.check_url(url)


def test_addresses_that_are_taken() -> None:
    for url in ("https://example.org/hook?x=1", "https://example.org:8443/", "https://[2606:4700::1111]/"):
        assert outside.check_url(url) == url


def test_a_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(outside.Refused):
        outside.post(f"https://{'a' * 80}.example.org/", b"", {})


@contextmanager
def answering(*pieces: bytes, every: float = 0.0) -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine that answers one call in pieces; what it was sent stands in the list."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _peer = server.accept()
            with line:
                heard.append(line.recv(65536))
                for piece in pieces:
                    try:
                        line.sendall(piece)
                    except OSError:
                        return
                    time.sleep(every)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook", heard
        thread.join(5)


def test_a_webhook_follows_no_redirect_and_waits_for_no_drip(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_PRIVATE = True
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
    with answering(moved) as (url, heard):
        assert outside.post(url, b"{}", {}) == (302, "")
    assert len(heard) == 1

    monkeypatch.setattr(outside, "DEADLINE", 0.2)
    drip = [b"HTTP/1.1 200 OK\r\n", *[b"X-Slow: 1\r\n"] * 40]
    with answering(*drip, every=0.05) as (url, _heard), pytest.raises(TimeoutError):
        outside.post(url, b"{}", {})


def test_a_push_goes_to_known_services_and_follows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    letter = channels.Letter(uuid4(), User(), "en", "t", ["x"], "", "other")
    called: list[str] = []
    monkeypatch.setattr("pywebpush.webpush", lambda *a, **k: called.append("webpush"))

    row = PushSubscription(endpoint="https://169.254.169.254/latest", keys={})
    with pytest.raises(channels.Permanent) as refused:
        channels._push(row, letter)

    assert refused.value.gone
    assert called == []

    def moved(self: Any, request: Any, **more: Any) -> requests.Response:
        called.append(request.url)
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 302, request, request.url
        answer.headers["Location"], answer.raw = "http://169.254.169.254/", io.BytesIO()
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", moved)
    with channels._stays() as session, pytest.raises(requests.TooManyRedirects):
        session.post("https://fcm.googleapis.com/x", data=b"")
    assert called == ["https://fcm.googleapis.com/x"]


def test_the_gateway_s_token_goes_nowhere_else() -> None:
    with answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n") as (url, heard):
        with pytest.raises(urllib.error.HTTPError) as moved:
            channels.HttpGateway(url, "token").send({"to": "1"}, key="k")
        moved.value.close()
    assert moved.value.code == http.client.FOUND
    assert b"Bearer token" in heard[0]
