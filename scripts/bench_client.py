"""What the benchmarks share: a client with one connection, and how times are counted."""

import http.client
import json
import re
import time
from collections.abc import Callable
from typing import Any

import orjson

PASSWORD = "a password of the benchmark"
FORM = "application/x-www-form-urlencoded"


class Client:
    """One connection that stays open; every answer that is not the expected one ends the benchmark."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[Any, http.client.HTTPMessage]:
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        self.connection.request(method, path, raw, kind | self.headers | headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201, 202, 302):
            raise SystemExit(f"{method} {path} answered {answer.status}: {text[:300]!r}")
        return text, answer.headers

    def get(self, path: str) -> bytes:
        text, _headers = self.send("GET", path)
        return bytes(text)

    def data(self, method: str, path: str, body: Any = None) -> Any:
        return orjson.loads(self.send(method, path, body)[0])["data"]  # what a client does with it shall cost little

    def sign_in(self, email: str) -> "Client":
        handed = self.data("POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
        self.headers = {"Authorization": f"Bearer {handed['accessToken']}"}
        return self

    def open_session(self, email: str) -> "Client":
        """Sign in at the portal as a browser does."""
        page, headers = self.send("GET", "/login")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.decode())
        assert token is not None
        cookies = cookie(headers)
        form = f"csrfmiddlewaretoken={token[1]}&login={email}&password={PASSWORD.replace(' ', '+')}".encode()
        _, headers = self.send("POST", "/login", form, Cookie=cookies, **{"Content-Type": FORM})
        self.headers = {"Cookie": f"{cookies}; {cookie(headers)}"}
        return self


def cookie(headers: http.client.HTTPMessage) -> str:
    return "; ".join(line.split(";")[0] for line in headers.get_all("Set-Cookie") or [])


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def shares(runs: list[list[float]], share: float) -> list[float]:
    """This percentile of each run."""
    return [percentile(run, share) for run in runs]


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
