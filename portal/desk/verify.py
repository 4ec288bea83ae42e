"""The public page that says whether a printed report is genuine: reports of the laboratory and of the audit log."""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import public
from portal.core.audit.models import AuditReport
from portal.core.audit.reports import report_check
from portal.core.tenancy.scope import platform
from portal.lab.models import ComplianceReport
from portal.ui.throttle import throttled

PER_MINUTE: Final = 20
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_REASON: Final = "whoever holds a printed report may check that it is genuine; nothing is shown that the paper lacks"


@dataclass(frozen=True, slots=True)
class Answer:
    """`genuine`: number and hash (or the hash alone) belong to a report. `known`: the number alone was asked for, and
    a report bears it; whose, is not said, since numbers can be counted through."""

    report: AuditReport | ComplianceReport | None = None
    organization: str = ""
    known: bool = False
    holds: dict[str, bool] | None = None

    @property
    def is_audit(self) -> bool:
        return isinstance(self.report, AuditReport)


def look_up(*, number: str, digest: str) -> Answer:
    """Ask for a number (as printed), a SHA-256 (64 hexadecimal digits), or both."""
    if not digest:
        with platform():
            found = any(kind.objects.filter(number=number).exists() for kind in (AuditReport, ComplianceReport))
        return Answer(known=found)
    wanted = {"snapshot_hash": f"sha256:{digest}"} | ({"number": number} if number else {})
    with platform():
        kinds: tuple[Any, ...] = (AuditReport, ComplianceReport)
        for kind in kinds:
            report = kind.objects.select_related("organization").filter(**wanted).first()
            if report is not None:
                holds = report_check(report) if kind is AuditReport else None
                return Answer(report, report.organization.name, known=True, holds=holds)
    return Answer()


@require_GET
@public(_REASON)
@throttled(bucket="verify", per_minute=PER_MINUTE)
def verify(request: HttpRequest, number: str = "") -> HttpResponse:
    number = (number or request.GET.get("number", "")).strip().upper()[:71]
    typed = request.GET.get("h", "").strip().lower()
    match = _DIGEST.fullmatch(typed)
    if match is None and _DIGEST.fullmatch(number.lower()):  # the hash, typed into the first field
        match, number, typed = _DIGEST.fullmatch(number.lower()), "", number.lower()
    malformed = bool(typed) and match is None
    asked = bool(number or typed) and not malformed
    answer = look_up(number=number, digest=match.group(1) if match else "") if asked else None
    context = {"number": number, "typed": typed, "malformed": malformed, "answer": answer}
    response = render(request, "desk/verify.html", context)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


urlpatterns = [
    path("verify", verify, name="verify"),
    path("verify/audit/<str:number>", verify, name="verify_audit"),
]
