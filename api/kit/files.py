"""Answers that are files."""

from typing import IO

from django.http import FileResponse

from portal.core.common.sheets import TYPES


def download(file: IO[bytes], name: str, kind: str) -> FileResponse:
    """Send an open file of `kind` (csv, json, xlsx) in pieces, as an attachment; closes it."""
    return FileResponse(file, as_attachment=True, filename=f"{name}.{kind}", content_type=TYPES[kind])


def described(*kinds: str) -> dict[str, object]:
    """`openapi_extra` of an operation that answers such a file."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {TYPES[kind]: {"schema": {"type": "array"}} if kind == "json" else binary for kind in kinds}
    return {"responses": {200: {"description": "The file", "content": content}}}
