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

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from storages.backends.s3 import S3Storage

CHUNK: Final = 256 * 1024
_ALONE: Final = TransferConfig(use_threads=False)  # one request, one thread: memory stays flat


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
        return _Pieces(file, length)

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


class BucketStore(S3Storage):
    """Objects in a bucket that speaks S3. Signed requests go to the bucket itself and spare the web processes."""

    @property
    def client(self) -> Any:
        return self.connection.meta.client

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(key)}

    def put(self, key: str, path: Path) -> None:
        with path.open("rb") as file:
            self.client.upload_fileobj(file, **self._where(key), Config=_ALONE)

    def chunks(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0 or (start == 0 and length is None and self.size_of(key) == 0):
            return iter(())
        end = "" if length is None else start + length - 1
        try:
            answer = self.client.get_object(**self._where(key), Range=f"bytes={start}-{end}")
        except ClientError as error:
            raise _missing(error, key) from None
        return _Pieces(answer["Body"], None)

    def size_of(self, key: str) -> int:
        try:
            return int(self.client.head_object(**self._where(key))["ContentLength"])
        except ClientError as error:
            raise _missing(error, key) from None

    def remove(self, key: str) -> None:
        self.client.delete_object(**self._where(key))

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        root = self.location.rstrip("/")
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket_name, Prefix=f"{self._normalize_name(prefix)}/"
        )
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"].removeprefix(f"{root}/" if root else ""), entry["LastModified"]

    def signed_put(self, key: str, *, content_type: str, size: int, seconds: int) -> SignedRequest | None:
        params = {**self._where(key), "ContentType": content_type, "ContentLength": size}
        url = self.client.generate_presigned_url("put_object", Params=params, ExpiresIn=seconds)
        return SignedRequest(url, "PUT", {"Content-Type": content_type, "Content-Length": str(size)})

    def signed_get(self, key: str, *, content_type: str, disposition: str, seconds: int) -> str | None:
        shown = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition}
        return str(self.client.generate_presigned_url("get_object", Params=self._where(key) | shown, ExpiresIn=seconds))


def _missing(error: ClientError, key: str) -> Exception:
    return Missing(key) if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound") else error


class _Pieces:
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
