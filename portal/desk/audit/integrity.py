"""The state of the chain, its signed checkpoints, and verification on demand (`pages.md`: /audit/integrity)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from portal.core.accounts.policy import policy, request_actor
from portal.core.audit import jobs, keys, overview, sealing, verification
from portal.core.audit.models import Verification
from portal.core.common.errors import NotFound
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.core.tenancy.scope import tenant
from portal.desk.audit.lists import CheckpointTable
from portal.desk.audit.progress import is_running, newest_job, progress, worth_showing
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

HISTORY: Final = 8
VERIFIER: Final = Path("docs") / "verify" / "verify_audit.py"


@require_GET
@policy("audit.view")
def integrity(request: HttpRequest) -> HttpResponse:
    sealing.seal()
    rows = overview.checkpoint_list()
    chain = overview.chain_state()
    history = list(overview.verification_list()[:HISTORY])
    context = {
        "tab": "integrity",
        "chain": chain,
        "finding": finding(chain.standing),
        "history": [(one, finding(one), f"{one.duration_ms / 1000:.1f}") for one in history],
        "may_verify": may(request, "audit.verify"),
        "job": worth_showing(newest_job(jobs.verify_chain.name), since=history[0].at if history else None),
        "job_url": reverse("audit:verify_progress"),
        "key": keys.ensure(),
    }
    return list_page(
        request,
        queryset=rows,
        table=CheckpointTable,
        template="audit/integrity.html",
        list_id="checkpoints",
        caption=gettext_lazy("Signed checkpoints"),
        empty=Empty(
            title=gettext_lazy("No checkpoint yet"),
            text=gettext_lazy("The chain is signed every hour, and at every export, report and verification."),
            icon="rubber-stamp",
        ),
        table_kwargs={"copies": overview.copied(rows)},
        context=context,
    )


def finding(done: Verification | None) -> dict[str, Any] | None:
    """The first bad entry of a verification in plain words; None where nothing is wrong."""
    if done is None or not done.findings:
        return None
    first = done.findings[0]
    return {**first, "word": verification.KINDS[first["kind"]], "more": len(done.findings) - 1}


@require_POST
@policy("audit.verify")
def verify(request: HttpRequest) -> HttpResponse:
    """Start a verification; one at a time for an organisation."""
    mode = request.POST.get("mode", "")
    if mode not in Verification.Mode.values:
        messages.error(request, _("Choose how to verify."))
    elif (job := newest_job(jobs.verify_chain.name)) and is_running(job):
        messages.info(request, _("A verification is running already."))
    else:
        defer(jobs.verify_chain, mode=mode, since=None, until=None)
    return redirect("audit:integrity")


@require_GET
@policy("audit.view")
def verify_progress(request: HttpRequest) -> HttpResponse:
    return progress(request, newest_job(jobs.verify_chain.name), url_name="audit:verify_progress")


@require_GET
@policy("audit.view")
def checkpoint(request: HttpRequest, count: int) -> HttpResponse:
    """One checkpoint as it was signed."""
    found = overview.checkpoint_list().filter(count=count).first()
    if found is None:
        raise NotFound(_("There is no such checkpoint."))
    response = JsonResponse(sealing.as_wire(found), json_dumps_params={"indent": 2})
    response.headers["Content-Disposition"] = f'attachment; filename="checkpoint-{count}.json"'
    return response


@require_GET
@policy("audit.view")
def checkpoints(request: HttpRequest) -> HttpResponseBase:
    """All checkpoints, oldest first, one JSON object a line: what an auditor keeps elsewhere."""
    organization, actor = scope.organization_id(), request_actor(request, user=person(request))

    def lines() -> Iterator[bytes]:
        with tenant(organization, by=actor):
            for row in overview.checkpoint_list().order_by("count").iterator():
                yield json.dumps(sealing.as_wire(row)).encode() + b"\n"

    headers = {"Content-Disposition": 'attachment; filename="checkpoints.jsonl"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=headers)


@require_GET
@policy("audit.view")
def public_key(request: HttpRequest, name: str) -> HttpResponse:
    """The public key in PEM under its id."""
    if not (keys.folder() / f"{name}.pub").exists():
        raise NotFound(_("There is no such key."))
    headers = {"Content-Disposition": f'attachment; filename="{name}.pub"'}
    return HttpResponse(keys.public_pem(name), content_type="application/x-pem-file", headers=headers)


@require_GET
@policy("audit.view")
def verifier(request: HttpRequest) -> HttpResponse:
    """The stand-alone verifier, as it lies under `docs/`."""
    path = settings.BASE_DIR / VERIFIER
    if not path.exists():  # an installation without its documentation
        raise NotFound(_("The verifier is not installed here."))
    headers = {"Content-Disposition": f'attachment; filename="{path.name}"'}
    return HttpResponse(path.read_bytes(), content_type="text/x-python; charset=utf-8", headers=headers)
