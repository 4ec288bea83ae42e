"""Bytes that arrive: written to a temporary file on the way, counted, hashed, and never more of them than allowed."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from django.conf import settings
from django.utils.translation import gettext as _

from portal.core.common.errors import TooLarge
from portal.core.files.kinds import HEAD
from portal.core.files.storage import CHUNK


@dataclass(frozen=True, slots=True)
class Staged:
    """A whole file on local disk that no store has yet. `head` is its beginning."""

    path: Path
    size: int
    sha256: str
    head: bytes


def too_large(limit: int) -> TooLarge:
    return TooLarge(
        _("The file is larger than %(limit)s MB.") % {"limit": f"{limit / 1024 / 1024:g}"},
        meta={"limit": limit, "unit": "bytes"},
    )


class Intake:
    """A temporary file that is written to piece by piece. Gone at the end of the block unless a store took it."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size, self.head = limit, 0, b""
        self._hash = hashlib.sha256()
        folder = Path(settings.FILE_STAGING)
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
        self._file, self.path = os.fdopen(handle, "wb"), Path(name)

    def write(self, piece: bytes) -> None:
        """Raises PAYLOAD_TOO_LARGE (413) at the first byte above the limit."""
        self.size += len(piece)
        if self.size > self.limit:
            raise too_large(self.limit)
        if len(self.head) < HEAD:
            self.head += piece[: HEAD - len(self.head)]
        self._hash.update(piece)
        self._file.write(piece)

    def finish(self) -> Staged:
        self._file.close()
        return Staged(self.path, self.size, self._hash.hexdigest(), self.head)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        with suppress(OSError):  # a full disk refuses what is still to be written
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: Any) -> None:
        self.discard()


@contextmanager
def staged(source: IO[bytes] | Iterable[bytes] | Staged, *, limit: int) -> Iterator[Staged]:
    """`source` as a file on disk, gone at the end of the block unless a store took it. Raises PAYLOAD_TOO_LARGE."""
    if isinstance(source, Staged):
        if source.size > limit:
            raise too_large(limit)
        yield source
        return
    with Intake(limit) as intake:
        for piece in pieces(source):
            intake.write(piece)
        yield intake.finish()


def pieces(source: IO[bytes] | Iterable[bytes]) -> Iterator[bytes]:
    read = getattr(source, "read", None)
    if read is None:
        yield from source
        return
    while piece := read(CHUNK):
        yield piece
