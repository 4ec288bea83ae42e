"""Certificates of analysis (ISO/IEC 17025:2017, 7.8.2 and 7.8.8)."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Query
from pydantic import ConfigDict, Field

from api.kit import Declared, In, Listing, Out, Page, Reply, Router, paginate
from api.v1.lab.reports import PDF, RETRY_SECONDS, InLanguage, file_answer
from portal.core.accounts.middleware import browser_language
from portal.core.accounts.models import User
from portal.core.common.clock import day_start
from portal.core.common.errors import Invalid
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab import selectors as samples
from portal.lab.certificates import selectors, services
from portal.lab.certificates.models import Certificate
from portal.lab.certificates.wording import certificate_head, certificate_json
from portal.lab.choices import SampleType, StandardRole
from portal.lab.reports.filters import LANGUAGES
from portal.lab.science.verdicts import Verdict

router = Router(tags=["certificates of analysis"])


class CertificateIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "customer": "Commune d'Anfa\n1, place des Nations\nhygiene@anfa.example",
                "samplingMethod": "ISO 5667-5:2006, plan P-03",
                "condition": "Sterile bottle, 4.2 °C, seal intact",
                "language": "fr",
            }
        }
    )

    customer: str | None = Field(None, max_length=500, description="Name and how to reach them, as lines")
    place: str | None = Field(None, max_length=300, description="Of the analyses; else the laboratory's address")
    condition: str | None = Field(None, max_length=500, description="Of the item on receipt")
    sampling_method: str | None = Field(None, max_length=300, description="Plan and method with its edition")
    sampled_by_customer: bool | None = Field(None, description="Then the results apply to the sample as received")
    deviations: str | None = Field(None, max_length=1000, description="From the method, as lines")
    external: str | None = Field(None, max_length=500, description="Which results come from other providers")
    language: Literal["ar", "fr", "en"] | None = Field(None, description="Of the certificate; else of the request")


class AmendmentIn(CertificateIn):
    model_config = ConfigDict(json_schema_extra={"example": {"reason": "The nitrate result was copied wrongly."}})

    reason: str = Field(max_length=500, description="Printed on the new certificate")


class CertificateHead(Out):
    id: UUID
    number: str = Field(examples=["CA-2026-000017"])
    sample_id: UUID
    sample_code: str
    customer: str
    language: str
    issued_at: datetime
    issued_by: UUID | None
    status: Literal["current", "superseded"]
    amends: UUID | None = Field(description="The certificate that this one replaces")
    amended_by: str | None = Field(description="The number of the certificate that replaces this one")
    reason: str
    snapshot_hash: str = Field(description="sha256 of the frozen content", examples=["sha256:5b1c…"])
    verify_url: str = Field(description="Public page that confirms number and hash")


class Stated(Out):
    customer: str
    place: str
    condition: str
    sampling_method: str
    sampled_by_customer: bool
    deviations: str
    external: str


class Item(Out):
    sample_id: UUID
    code: str
    type: SampleType
    location: str
    sampling_point: str
    coordinates: str


class CertifiedResult(Out):
    result_id: UUID
    parameter_code: str
    parameter_name: str
    value_text: str
    unit: str
    uncertainty: str = Field(description="Expanded, k = 2, in the unit; empty where not known")
    detection_limit: str
    quantification_limit: str
    dilution_factor: str
    method: str
    instrument: str
    analyst: str
    test_date: datetime | None
    notes: str
    flags: list[str]
    verdicts: list[dict[str, Any]]


class Conformity(Out):
    standard: str
    edition: str
    reference: str
    name: str
    role: StandardRole
    verdict: Verdict
    evaluated: int
    provisional: int = Field(description="Results compared with a limit that nobody has confirmed yet")
    parameters: dict[str, list[str]] = Field(description="Codes of the parameters that do not simply pass, by verdict")
    statements: list[str]


class Change(Out):
    what: str
    parameter_code: str
    from_: str = Field(alias="from")
    to: str


class Amendment(Out):
    number: str
    issued_at: datetime
    reason: str
    changes: list[Change]


class CertificateOut(CertificateHead):
    time_zone: str
    laboratory: dict[str, str]
    stated: Stated
    item: Item
    sampling: dict[str, Any]
    received_at: datetime | None
    analysed: dict[str, datetime | None]
    results: list[CertifiedResult]
    standards: list[Conformity]
    decision_rules: list[str]
    authorised_by: dict[str, str]
    amendment: Amendment | None


class CertificateQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"issuedAt": "generated_at", "number": "number"}

    sort: str | None = Field(None, description="issuedAt (default, newest first) or number")
    search: str = Field("", max_length=200, description="Contained in number, sample code or customer")
    sample_id: UUID | None = None
    status: Literal["current", "superseded"] | None = None
    date_from: date | None = Field(None, description="First day of issue, in the organisation's zone")
    date_to: date | None = Field(None, description="Last day of issue")


@router.post(
    "/samples/{id:sample_id}/certificates",
    policy="certificates.issue",
    response=CertificateOut,
    status=201,
    summary="Issue a certificate of analysis",
)
def certificate_issue(
    request: HttpRequest, sample_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(CertificateIn)]]
) -> Reply:
    """Freezes results, methods, limits and verdicts of the sample under the next number; you authorise it. Rejected and
    repeated results are not on it. 409 `NOT_READY` where the sample may not be certified yet, 409
    `CERTIFICATE_IN_FORCE` where it has a certificate: a correction is an amendment. A worker draws the PDFs."""
    sample = samples.sample_get(id=sample_id)
    made = services.certificate_issue(
        sample=sample, stated=payload, language=payload.get("language"), by=_user(request)
    )
    return Reply(certificate_json(made), status=201)


@router.get(
    "/certificates", policy="certificates.view", response=list[CertificateHead], summary="Certificates of analysis"
)
def certificate_list(request: HttpRequest, query: Query[CertificateQuery]) -> Page:
    """What was issued, newest first, without the results."""
    rows = selectors.certificate_list(sample=query.sample_id)
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())
    if query.search:
        rows = selectors.certificate_search(rows, query.search)
    if query.status:
        rows = rows.filter(amended_by__isnull=query.status == "current")
    try:
        if query.date_from:
            rows = rows.filter(generated_at__gte=day_start(query.date_from, zone))
        if query.date_to:
            rows = rows.filter(generated_at__lte=datetime.combine(query.date_to, time.max, ZoneInfo(zone)))
    except OverflowError:
        raise Invalid.field("dateFrom", _("A date such as 2026-11-20 is expected."), "date") from None
    return paginate(rows, query, certificate_head)


@router.get(
    "/certificates/{id:certificate_id}",
    policy="certificates.view",
    response=CertificateOut,
    summary="One certificate of analysis",
)
def certificate_detail(request: HttpRequest, certificate_id: UUID, query: Query[InLanguage]) -> dict[str, Any]:
    """The frozen content; names and statements in the language asked for."""
    certificate = selectors.certificate_get(id=certificate_id)
    return certificate_json(certificate, language=_language(request, query, certificate))


@router.get(
    "/certificates/{id:certificate_id}/pdf",
    also=(202,),
    policy="certificates.export",
    response=None,
    summary="Certificate as PDF",
    openapi_extra=file_answer(PDF, later=True),
)
def certificate_pdf(request: HttpRequest, certificate_id: UUID, query: Query[InLanguage]) -> Reply | HttpResponse:
    """202 with `Retry-After` while a worker makes it; ask again then. Figures, number and hash are the same in every
    language."""
    certificate = selectors.certificate_get(id=certificate_id)
    language = _language(request, query, certificate)
    file = services.certificate_file(certificate=certificate, language=language)
    if file is None:
        path = f"/api/v1/certificates/{certificate.pk}/pdf?language={language}"
        headers = {"Retry-After": str(RETRY_SECONDS), "Location": path}
        return Reply(certificate_head(certificate), message=_("The PDF is being made."), status=202, headers=headers)
    services.export_noted(certificate=certificate, format=f"pdf-{language}")
    disposition = f'attachment; filename="{certificate.number}-{language}.pdf"'
    return HttpResponse(bytes(file.content), content_type=PDF, headers={"Content-Disposition": disposition})


@router.post(
    "/certificates/{id:certificate_id}/amendments",
    policy="certificates.issue",
    response=CertificateOut,
    status=201,
    summary="Amend a certificate of analysis",
)
def certificate_amend(
    request: HttpRequest, certificate_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(AmendmentIn)]]
) -> Reply:
    """A new number over the sample as it is now; it names the old one, the reason and every change. The old one is kept
    and superseded. What you do not state again stays as it was. 409 `ALREADY_AMENDED` for one that is superseded."""
    certificate = selectors.certificate_get(id=certificate_id)
    made = services.certificate_amend(
        certificate=certificate,
        reason=payload.get("reason"),
        stated=payload,
        language=payload.get("language"),
        by=_user(request),
    )
    return Reply(certificate_json(made), status=201)


def _user(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]


def _language(request: HttpRequest, query: InLanguage, certificate: Certificate) -> str:
    if query.language and query.language not in LANGUAGES:
        raise Invalid.field("language", _("The language is ar, fr or en."), "unknown")
    return query.language or browser_language(request.headers.get("Accept-Language", "")) or certificate.language
