"""A small server that speaks clamd's protocol, with one signature: EICAR's. It scans what it is sent, as clamd does."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Scanner:
    address: str = ""
    version: str = "ClamAV 1.4.1/27500/Fri Nov 20 09:00:00 2026"
    most: int = 1 << 20
    scanned: list[int] = field(default_factory=list)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        scanner: Scanner = self.server.scanner  # type: ignore[attr-defined]
        word = b""
        while not word.endswith(b"\0"):
            word += self.rfile.read(1)
        if word == b"zVERSION\0":
            self.wfile.write(scanner.version.encode() + b"\0")
            return
        assert word == b"zINSTREAM\0"
        came = b""
        while size := struct.unpack("!I", self.rfile.read(4))[0]:
            came += self.rfile.read(size)
            if len(came) > scanner.most:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        scanner.scanned.append(len(came))
        self.wfile.write(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in came else b"stream: OK\0")


@contextmanager
def clamd() -> Iterator[Scanner]:
    scanner = Scanner()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads, server.scanner = True, scanner  # type: ignore[attr-defined]
        scanner.address = f"127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield scanner
        finally:
            server.shutdown()
