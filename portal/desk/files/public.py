"""What people without an account reach: the page of a share link, and signed addresses of files."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from portal.core.accounts.policy import public, request_actor
from portal.core.common.errors import DomainError, Invalid
from portal.core.files import serving, shares, uploads
from portal.core.files.models import Upload
from portal.core.files.staging import too_large
from portal.core.tenancy.scope import tenant
from portal.ui.throttle import throttled

_DRAINED: Final = 16 * 1024 * 1024


@require_http_methods(["GET", "HEAD", "POST"])
@public("whoever has the link may have the file; its token has 256 random bits")
@throttled(bucket="share", per_minute=60, modes=("on", "mobile"))
def share_page(request: HttpRequest, token: str) -> HttpResponseBase:
    """What is shared, and a button; the download itself is a POST, so that no preview of a chat program uses it up."""
    by, context, status = request_actor(request, via="share"), dict[str, Any](), 200
    try:
        if request.method == "POST":
            taken = shares.share_take(token=token, password=request.POST.get("password", ""), by=by)
            version = taken.version
            return serving.respond(
                request, blob=version.blob, filename=version.filename, content_type=version.content_type, ranges=False
            )
        context["share"] = shares.share_look(token=token, by=by)
    except DomainError as refusal:
        status, context["refusal"] = refusal.status, refusal
        if refusal.code in ("SHARE_PASSWORD", "SHARE_LOCKED"):
            context["share"] = shares.share_look(token=token, by=by)
    response = render(request, "desk/files/share.html", context, status=status)
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@public("the address is signed and ends after minutes; who made it has checked access")
def signed_get(request: HttpRequest, token: str) -> HttpResponseBase:
    try:
        return serving.by_signature(request, token, by=request_actor(request, via="signed"))
    except DomainError as refusal:
        return _refused(request, refusal)


@csrf_exempt
@require_http_methods(["PUT"])
@public("the address is signed, ends after 15 minutes and takes the one announced file")
def signed_put(request: HttpRequest, token: str) -> HttpResponseBase:
    """The bytes of one direct upload, exactly as many as announced; then the client confirms."""
    try:
        organization, pk = uploads.signed_upload(token)
        with tenant(organization, by=request_actor(request, via="signed")):
            upload = Upload.objects.filter(pk=pk, mode=Upload.Mode.DIRECT).first()
            if upload is None:
                raise DomainError(_("This address is not valid any more."), status=403, code="SIGNATURE_INVALID")
            if request.META.get("CONTENT_LENGTH", "") != str(upload.size):
                length = request.META.get("CONTENT_LENGTH", "")
                if not length:
                    raise DomainError(_("Send Content-Length."), status=411, code="LENGTH_REQUIRED")
                if length.isdigit() and int(length) > upload.size:
                    raise too_large(upload.size)
                raise Invalid(_("The request body is incomplete."))
            part = uploads.part_put(upload=upload, number=1, stream=request)
    except DomainError as refusal:
        return _refused(request, refusal)
    return HttpResponse(status=200, headers={"ETag": f'"{part.sha256}"'})


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    drain(request)
    body: dict[str, Any] = {"success": False, "data": None, "message": str(refusal.message), "meta": {}}
    return JsonResponse(
        body | {"errors": [{"code": refusal.code, "message": str(refusal.message), "field": None}]},
        status=refusal.status,
    )


def drain(request: HttpRequest) -> None:
    """Read what is left of a refused body, within bounds, so that the client gets to read the answer."""
    left = _DRAINED
    try:
        while left > 0 and (piece := request.read(1 << 16)):
            left -= len(piece)
    except OSError:
        return
