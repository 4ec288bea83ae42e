"""The few words of clamd's protocol that are needed: PING, VERSION, INSTREAM."""

import re
import socket
import struct
from collections.abc import Iterable
from typing import Final

from django.conf import settings

TIMEOUT: Final = 60  # seconds without a sign of life
CHUNK: Final = 64 * 1024
_FOUND: Final = re.compile(r"^stream: (.+) FOUND$")


class Unavailable(Exception):
    """Nobody answers, or not as clamd would."""


class Refused(Exception):
    """clamd will not scan this: larger than its `StreamMaxLength`, or encrypted."""


def _connect() -> socket.socket:
    where = settings.CLAMD
    try:
        if where.startswith("unix:"):
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.settimeout(TIMEOUT)
            line.connect(where.removeprefix("unix:"))
            return line
        host, _colon, port = where.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT)
    except (OSError, ValueError) as error:
        raise Unavailable(str(error)) from None


def _answer(line: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\0"):
        piece = line.recv(4096)
        if not piece:
            break
        said += piece
    return said.rstrip(b"\0\n").decode(errors="replace")


def version() -> str:
    """Engine and edition of its signatures, `ClamAV 1.4.1/27500/Fri Nov 20 …`. Raises Unavailable."""
    try:
        with _connect() as line:
            line.sendall(b"zVERSION\0")
            said = _answer(line)
    except OSError as error:
        raise Unavailable(str(error)) from None
    if not said:
        raise Unavailable("clamd said nothing")
    return said[:200]


def scan(pieces: Iterable[bytes]) -> str:
    """The name of the threat in a stream, '' where it is clean. Raises Unavailable, Refused."""
    try:
        with _connect() as line:
            line.sendall(b"zINSTREAM\0")
            try:
                for piece in pieces:
                    for start in range(0, len(piece), CHUNK):
                        part = piece[start : start + CHUNK]
                        line.sendall(struct.pack("!I", len(part)) + part)
                line.sendall(struct.pack("!I", 0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it closes when its limit is reached, and says so
            said = _answer(line)
    except OSError as error:
        raise Unavailable(str(error)) from None
    if said == "stream: OK":
        return ""
    if found := _FOUND.match(said):
        threat = found.group(1)
        if threat.startswith(("Heuristics.Encrypted", "Heuristics.Limits")):
            raise Refused(threat)
        return threat
    if "size limit exceeded" in said:
        raise Refused(said[:200])
    raise Unavailable(said[:200] or "clamd closed the line")
