"""Copies of signed checkpoints for places that whoever runs the database does not rule: mail and S3.

What lies in the file of a chain and has not been sent goes out, at least once; a place that fails is tried again.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.mail import EmailMessage

from portal.core.audit import sealing
from portal.core.common import clock

TIMEOUT: Final = 20  # seconds
logger = logging.getLogger(__name__)
type Place = Callable[[str, Sequence[Mapping[str, Any]]], None]


def places() -> dict[str, Place]:
    """By name: what takes the new checkpoints of a chain."""
    found: dict[str, Place] = {}
    if settings.CHECKPOINT_MAIL:
        found["mail"] = by_mail
    if settings.CHECKPOINT_S3:
        found["s3"] = by_s3
    return found


def send() -> dict[str, int]:
    """Bring every place up to date; how many checkpoints each took. In the platform scope, so that the files are."""
    for chain in sealing.chains():
        sealing.export(chain)
    return {name: _bring(name, place) for name, place in places().items()}


def _bring(name: str, place: Place) -> int:
    state, taken = sealing.folder() / f"{name}.sent", 0
    sent: dict[str, int] = json.loads(state.read_text()) if state.exists() else {}
    for path in sorted(sealing.folder().glob("*.jsonl")):
        fresh = [wire for wire in sealing.exported(path.stem) if wire["count"] > sent.get(path.stem, 0)]
        if not fresh:
            continue
        try:
            place(path.stem, fresh)
        except OSError:  # SMTP and HTTP errors are of this family
            logger.exception("checkpoints of %s could not be sent by %s; they are tried again", path.stem, name)
            continue
        sent[path.stem] = max(wire["count"] for wire in fresh)
        taken += len(fresh)
        _keep(state, json.dumps(sent))
    return taken


def _keep(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def by_mail(chain: str, fresh: Sequence[Mapping[str, Any]]) -> None:
    newest = fresh[-1]
    EmailMessage(
        f"Marsad audit {chain} {newest['count']} {newest['head'][:16]}",
        "".join(json.dumps(wire) + "\n" for wire in fresh),
        to=settings.CHECKPOINT_MAIL,
    ).send()


def by_s3(chain: str, fresh: Sequence[Mapping[str, Any]]) -> None:
    """One object per checkpoint, `<prefix>/<chain>/<count>-<signature>.json`: none is ever written over."""
    bucket = settings.CHECKPOINT_S3
    assert bucket is not None
    for wire in fresh:
        name = f"{chain}/{wire['count']:012d}-{wire['signature'][:16]}.json"
        put(bucket, name, json.dumps(wire).encode(), at=clock.now())


def put(bucket: Mapping[str, str], name: str, body: bytes, *, at: datetime) -> None:
    """Write one object (AWS Signature Version 4, path-style). Raises urllib.error.HTTPError, an OSError."""
    path = "/" + quote(f"{bucket['path']}/{name}")
    headers = {
        "host": urlsplit(bucket["endpoint"]).netloc,
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": at.strftime("%Y%m%dT%H%M%SZ"),
    }
    headers["Authorization"] = authorization(bucket, "PUT", path, headers)
    request = Request(bucket["endpoint"] + path, data=body, method="PUT", headers=headers)  # noqa: S310 http(s) by env
    with urlopen(request, timeout=TIMEOUT):  # noqa: S310
        pass


def authorization(bucket: Mapping[str, str], method: str, path: str, headers: Mapping[str, str]) -> str:
    """The header of a request without a query whose headers, in order of their names, are all signed."""
    day, names = headers["x-amz-date"][:8], ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{headers['x-amz-content-sha256']}"
    scope = f"{day}/{bucket['region']}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{bucket['secret']}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={bucket['key']}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
