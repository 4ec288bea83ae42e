"""A mail server that takes every message and notes its Message-ID: `python tests/smtp_sink.py FILE` prints its port.

A message is noted before it is acknowledged: what a killed sender had handed over counts.
"""

import re
import socketserver
import sys
from pathlib import Path

_NUMBER = re.compile(rb"^Message-ID:\s+<([0-9a-f-]{36})@", re.MULTILINE | re.IGNORECASE)


class Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say(b"220 sink")
        while line := self.rfile.readline():
            match line[:4].upper():
                case b"EHLO" | b"HELO":
                    self.say(b"250 sink")
                case b"DATA":
                    self.say(b"354 go on")
                    lines = []
                    while (line := self.rfile.readline()) and line != b".\r\n":
                        lines.append(line)
                    if line:
                        self.note(b"".join(lines))
                        self.say(b"250 taken")
                case b"QUIT":
                    self.say(b"221 bye")
                    return
                case _:
                    self.say(b"250 ok")

    def say(self, text: bytes) -> None:
        try:
            self.wfile.write(text + b"\r\n")
        except ConnectionError:
            return

    def note(self, message: bytes) -> None:
        with Path(sys.argv[1]).open("ab") as file:  # one short write: whole or not at all
            file.write(b"".join(number + b"\n" for number in _NUMBER.findall(message)))


class Sink(socketserver.ThreadingTCPServer):
    daemon_threads = True


if __name__ == "__main__":
    with Sink(("127.0.0.1", 0), Session) as sink:
        print(sink.server_address[1], flush=True)
        sink.serve_forever()
