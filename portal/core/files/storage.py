"""Where bytes lie: a folder of this machine by default, an S3-compatible bucket where settings name one.

Both stores have one face: whole objects in and out under keys, in pieces, never in memory at once.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

CHUNK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a client sends to the store itself: address, method, and headers that belong to the signature."""

    url: str
    method: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Missing(Exception):
    """The store has no such object."""


class Store(Protocol):
    def put(self, key: str, path: Path) -> None:
        """Take the file at `path` in under `key`; it is gone from `path` afterwards or not."""

    def chunks(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The object's bytes from `start`, at most `length`. Raises Missing before the first one."""

    def size_of(self, key: str) -> int:
        """Raises Missing."""

    def remove(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Every key under a folder with the moment it was written."""

    def signed_put(self, key: str, *, content_type: str, size: int, seconds: int) -> SignedRequest | None:
        """A request that puts exactly such an object; None where the program has to take it itself."""

    def signed_get(self, key: str, *, content_type: str, disposition: str, seconds: int) -> str | None:
        """An address that gives the object; None where the program has to give it itself."""


def store() -> Store:
    return cast(Store, storages["files"])


class FolderStore(FileSystemStorage):
    """Objects as files of one folder. They appear whole or not at all."""

    def put(self, key: str, path: Path) -> None:
        target = Path(self.path(key))
        target.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else the name could be gone after a power cut, and the database know of it
        finally:
            os.close(folder)

    def chunks(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            file = Path(self.path(key)).open("rb")  # noqa: SIM115  closed by the iterator
        except FileNotFoundError:
            raise Missing(key) from None
        file.seek(start)
        return Pieces(file, length)

    def size_of(self, key: str) -> int:
        try:
            return Path(self.path(key)).stat().st_size
        except FileNotFoundError:
            raise Missing(key) from None

    def remove(self, key: str) -> None:
        path = Path(self.path(key))
        path.unlink(missing_ok=True)
        with suppress(OSError):  # a folder with something in it stays
            path.parent.rmdir()

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        root = Path(self.path(prefix))
        for folder, _folders, names in root.walk():
            for name in names:
                path = folder / name
                with suppress(FileNotFoundError):
                    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield str(path.relative_to(self.location)).replace(os.sep, "/"), moment

    def signed_put(self, key: str, *, content_type: str, size: int, seconds: int) -> SignedRequest | None:
        return None

    def signed_get(self, key: str, *, content_type: str, disposition: str, seconds: int) -> str | None:
        return None


class Pieces:
    """The bytes of an open file in pieces, `length` at most; closes it at the end, or when nobody wants the rest."""

    def __init__(self, file: Any, length: int | None) -> None:
        self.file, self.left = file, length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece: bytes = self.file.read(CHUNK if self.left is None else min(CHUNK, self.left))
        if not piece:
            self.close()
            raise StopIteration
        if self.left is not None:
            self.left -= len(piece)
        return piece

    def close(self) -> None:
        self.file.close()
        self.left = 0


@contextmanager
def opened(key: str) -> Iterator[IO[bytes]]:
    """The object as a file that can be sought in: itself in a folder, else a copy on disk. Raises Missing."""
    here = store()
    if isinstance(here, FolderStore):
        here.size_of(key)
        with Path(here.path(key)).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile(dir=settings.FILE_STAGING) as file:
        for piece in here.chunks(key):
            file.write(piece)
        file.seek(0)
        yield file
