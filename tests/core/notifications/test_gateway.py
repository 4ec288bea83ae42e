"""SMS through a provider's address: what it is sent, and what its refusals mean."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest

from portal.core.accounts.models import User
from portal.core.notifications import channels
from portal.core.notifications.channels import Letter, Permanent
from portal.core.notifications.models import Channel


@pytest.mark.covers("002-INT-02")
def test_an_sms_is_handed_to_the_provider_once_and_refusals_are_read(settings: Any) -> None:
    asked: list[tuple[dict[str, str], dict[str, str]]] = []
    codes = [201, 422, 503]

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((dict(self.headers), json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(codes[len(asked) - 1])
            self.end_headers()
            self.wfile.write(b'{"id": "SM1"}')

        def log_message(self, *_said: object) -> None:
            """Stay quiet."""

    words = ["توقفت.", "L’écart\u00a0: 41\u202f850"]
    letter = Letter(uuid4(), User(name="Bob", phone="+967 1 234"), "ar", "المضخة 4", words, "", "tasks")
    settings.SMS_GATEWAY = ("", "")
    assert not channels.provider_of(Channel.SMS)
    with pytest.raises(Permanent, match="no provider"):
        channels.send_sms(letter)
    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SMS_GATEWAY = (f"http://127.0.0.1:{server.server_port}/send", "token-1")
    try:
        assert channels.send_sms(letter) == "SM1"
        with pytest.raises(Permanent, match="422"):
            channels.send_sms(letter)
        with pytest.raises(OSError, match="503"):  # is tried again
            channels.send_sms(letter)
    finally:
        server.shutdown()
        server.server_close()
    headers, body = asked[0]
    assert body == {"to": "+967 1 234", "text": "المضخة 4\nتوقفت.\nL'écart : 41 850"}
    assert headers["Authorization"] == "Bearer token-1"
    assert {said["Idempotency-Key"] for said, _body in asked} == {str(letter.key)}
