"""A bucket that speaks S3 as the store of files. A module of its own: most installations never load its libraries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as Unconnected
from storages.backends.s3 import S3Storage

from portal.core.common.outages import StoreAway
from portal.core.files.storage import Missing, Pieces, SignedRequest

_ALONE: Final = TransferConfig(use_threads=False)  # one request, one thread: memory stays flat
# Five attempts of a minute each, as the library would make them, hold a thread that other people wait for.
PATIENCE: Final = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 2})


class BucketStore(S3Storage):
    """Objects in a bucket that speaks S3. Signed requests go to the bucket itself and spare the web processes."""

    client_config: Config

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.client_config = self.client_config.merge(PATIENCE)

    @property
    def client(self) -> Any:
        return self.connection.meta.client

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(key)}

    def put(self, key: str, path: Path) -> None:
        with path.open("rb") as file, _asked(key):
            self.client.upload_fileobj(file, **self._where(key), Config=_ALONE)

    def chunks(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0 or (start == 0 and length is None and self.size_of(key) == 0):
            return iter(())
        end = "" if length is None else start + length - 1
        with _asked(key):
            answer = self.client.get_object(**self._where(key), Range=f"bytes={start}-{end}")
        return Pieces(answer["Body"], None)

    def size_of(self, key: str) -> int:
        with _asked(key):
            return int(self.client.head_object(**self._where(key))["ContentLength"])

    def remove(self, key: str) -> None:
        with _asked(key):
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


@contextmanager
def _asked(key: str) -> Iterator[None]:
    """Says by exceptions of our own what the bucket answered: Missing, or StoreAway for what is its matter."""
    try:
        yield
    except (Unconnected, HTTPClientError) as error:
        raise StoreAway(str(error)) from error
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            raise Missing(key) from None
        if error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:  # `SlowDown` is a 503
            raise StoreAway(str(error)) from error
        raise
