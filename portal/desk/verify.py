"""The public page that says whether a printed report is genuine: reports of the laboratory and of the audit log,
certificates of analysis, contracts."""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import public
from portal.core.audit.models import AuditReport
from portal.core.audit.reports import report_check
from portal.core.tenancy.scope import platform
from portal.crm.contracts.models import ContractPaper
from portal.crm.contracts.papers import kind_words, newer_number, paper_check
from portal.lab.certificates.models import Certificate
from portal.lab.certificates.services import certificate_check
from portal.lab.models import ComplianceReport
from portal.lab.reports.services import report_check as laboratory_check
from portal.ui.throttle import throttled

PER_MINUTE: Final = 20
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_REASON: Final = "whoever holds a printed report may check that it is genuine; nothing is shown that the paper lacks"


Document = AuditReport | ComplianceReport | Certificate | ContractPaper
# Everything that leaves the house under a number and a hash, and what people call it.
KINDS: Final[dict[type[Document], Any]] = {
    AuditReport: _("Compliance report of the audit log"),
    ComplianceReport: _("Compliance report of the laboratory"),
    Certificate: _("Certificate of analysis"),
    ContractPaper: _("Contract"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`report`: number and hash (or the hash alone) belong to it. `known`: the number alone was asked for, and a report
    bears it; whose, is not said, since numbers can be counted through. `genuine`: what is stored is still what was
    issued. `holds` is the audit log's say on its own report, `newer` the number of the one that replaces this one."""

    report: Document | None = None
    organization: str = ""
    kind: str = ""
    known: bool = False
    genuine: bool = False
    newer: str = ""
    holds: dict[str, bool] | None = None


def look_up(*, number: str, digest: str) -> Answer:
    """Ask for a number (as printed), a SHA-256 (64 hexadecimal digits), or both."""
    with platform():
        if not digest:
            return Answer(known=any(kind._default_manager.filter(number=number).exists() for kind in KINDS))
        wanted = {"snapshot_hash": f"sha256:{digest}"} | ({"number": number} if number else {})
        for kind, name in KINDS.items():
            report = kind._default_manager.select_related("organization").filter(**wanted).first()
            if report is not None:
                return _answer(report, str(name))
    return Answer()


def _answer(report: Document, kind: str) -> Answer:
    holds, newer = None, ""
    if isinstance(report, AuditReport):
        holds = report_check(report)
        genuine = holds["report"]
    elif isinstance(report, ContractPaper):
        genuine, kind, newer = paper_check(report), kind_words(report), newer_number(report)
    else:
        genuine = certificate_check(report) if isinstance(report, Certificate) else laboratory_check(report)
        amended_by = type(report)._default_manager.filter(amends=report.pk)
        newer = amended_by.values_list("number", flat=True).first() or ""
    return Answer(report, report.organization.name, kind, known=True, genuine=genuine, newer=newer, holds=holds)


@require_GET
@public(_REASON)
@throttled(bucket="verify", per_minute=PER_MINUTE, modes=("on", "mobile"))
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
    path("verify/<str:number>", verify, name="verify_number"),
    path("verify/audit/<str:number>", verify, name="verify_audit"),
]
