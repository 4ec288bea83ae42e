"""Shared files, for people without an account (`contract-platform.md` section 4)."""

from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.kit import Policy, Router
from api.v1.files.schemas import PublicShare
from portal.core.accounts.policy import request_actor
from portal.core.files import serving, shares

router = Router(tags=["files"])
_OPEN: Final = Policy(public="whoever has the link may have the file; its token has 256 random bits")


@router.get("/share/{token}", policy=_OPEN, response=PublicShare, summary="What a share link gives")
def share_look(request: HttpRequest, token: str) -> dict[str, Any]:
    """404 for an unknown or withdrawn link, 410 for one that expired or was used up."""
    return shares.share_look(token=token, by=request_actor(request, via="share"))


@router.get(
    "/share/{token}/download",
    policy=_OPEN,
    response=None,
    summary="Download a shared file",
    openapi_extra={
        "parameters": [{"in": "header", "name": "X-Share-Password", "schema": {"type": "string"}}],
        "responses": {200: {"content": {"*/*": {}}}},
    },
)
def share_download(request: HttpRequest, token: str) -> HttpResponseBase:
    """Counts one download, always of the whole file. 403 without the right password in `X-Share-Password`."""
    taken = shares.share_take(
        token=token, password=request.headers.get("X-Share-Password", ""), by=request_actor(request, via="share")
    )
    version = taken.version
    return serving.respond(
        request, blob=version.blob, filename=version.filename, content_type=version.content_type, ranges=False
    )
