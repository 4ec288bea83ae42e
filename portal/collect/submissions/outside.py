"""Calls to addresses that people name: to public hosts alone, without redirects, with bounds on time and bytes.

The name is looked up once and the connection goes to the address that was checked, so that a name which points
elsewhere a moment later (DNS rebinding) reaches nothing inside.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from portal.core.common.errors import Invalid

TIMEOUT: Final = 10  # seconds of silence
DEADLINE: Final = 30  # seconds of a whole call, however slowly the other side drips
_ANSWER: Final = 4096  # bytes of an answer that are read


_UNICAST: Final = ipaddress.ip_network("2000::/3")  # of IPv6, what is public; the rest leads inside or to IPv4


class Refused(OSError):
    """The address is none that the program calls."""


def check_url(url: object, field: str = "url") -> str:
    """An address that may be called, by its looks. Raises Invalid."""
    parts = _parts(url)
    if parts is None or len(str(url)) > 500:
        raise Invalid.field(field, _("Enter an address that begins with https://."))
    try:
        literal = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        literal = None
    name = (parts.hostname or "").lower()
    # `localhost.` has a root dot; `127.1`, `0x7f.1` and `2130706433` are addresses to a resolver
    last = name.rstrip(".").rpartition(".")[2]
    inner = last in ("", "localhost", name) or last[0].isdecimal() if literal is None else not _public(literal)
    if inner and not settings.WEBHOOK_PRIVATE:
        raise Invalid.field(field, _("This address lies inside of a private network."))
    return str(url)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and the beginning of the answer. Raises OSError: no connection, no public address, no time."""
    parts = _parts(url)
    if parts is None:
        raise Refused("not an http(s) address")
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = _Connection(host, port, _address(host, port), secure=parts.scheme == "https")
    watch = threading.Timer(DEADLINE, connection.cut)
    watch.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read(_ANSWER).decode("utf-8", "replace")
        if connection.late:  # what was cut off in its headers looks whole
            raise TimeoutError("no answer in time")
        return answer.status, text
    except (http.client.HTTPException, OSError) as error:
        if connection.late:
            raise TimeoutError("no answer in time") from error
        if isinstance(error, OSError):
            raise
        raise OSError(str(error) or type(error).__name__) from error
    finally:
        watch.cancel()
        connection.close()


class _Connection(http.client.HTTPConnection):
    """To an address that was checked, under the name of its host."""

    def __init__(self, host: str, port: int, address: str, *, secure: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self.address, self.secure = address, secure
        self.late = False
        self.default_port = 443 if secure else 80  # names no usual port in the Host header

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), timeout=TIMEOUT)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host) if self.secure else plain

    def cut(self) -> None:
        """End a call that takes too long: whoever reads finds the end."""
        self.late = True
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def _parts(url: object) -> SplitResult | None:
    try:
        parts = urlsplit(url) if isinstance(url, str) and url.isprintable() and " " not in url else None
        usual = parts is not None and parts.hostname and not parts.username and (parts.port or 1) > 0
    except ValueError:
        return None
    schemes = {"https", "http"} if settings.WEBHOOK_PRIVATE or settings.DEBUG else {"https"}
    return parts if usual and parts is not None and parts.scheme in schemes and _port(parts) else None


def _port(parts: SplitResult) -> bool:
    """Those of the web, and those that no system service has: none that understands mail, files or shells."""
    return parts.port in (None, 80, 443) or (parts.port or 0) >= 1024


def _address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters
        raise Refused("not a name") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not settings.WEBHOOK_PRIVATE and not all(_public(ipaddress.ip_address(text)) for text in addresses):
        raise Refused("the name leads into a private network")
    return addresses[0]


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _UNICAST)
