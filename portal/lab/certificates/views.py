"""Pages of certificates of analysis."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, Invalid
from portal.core.common.sheets import TYPES, sheet
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import pending
from portal.lab import jobs
from portal.lab import selectors as samples
from portal.lab.certificates import selectors, services
from portal.lab.certificates.forms import AmendmentForm, CertificateFilter, CertificateForm, CertificateTable
from portal.lab.certificates.models import Certificate, CertificateFile
from portal.lab.certificates.wording import CertificateWording, certificate_json
from portal.lab.reports.filters import LANGUAGES
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person

RETRY_SECONDS = 2
EXPORTED = ("number", "sample", "customer", "issuedAt", "issuedBy", "amendedBy", "reason", "snapshotHash")


@require_GET
@policy("certificates.view")
def certificate_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.certificate_list(),
        table=CertificateTable,
        filterset=CertificateFilter,
        template="lab/certificates/list.html",
        list_id="certificates",
        caption=_("Certificates of analysis"),
        empty=Empty(
            title=_("No certificate yet"),
            text=_("A certificate is issued on the page of a sample, as soon as its results may be certified."),
            icon="rubber-stamp",
            action_label=_("Samples"),
            action_url=reverse("lab:sample_list"),
        ),
        exports=[
            Export(label="CSV", url=reverse("lab:certificate_csv"), icon="file-text"),
            Export(label="XLSX", url=reverse("lab:certificate_xlsx"), icon="file-spreadsheet"),
        ]
        if may(request, "certificates.export")
        else (),
        live=["certificate.issued"],
    )


@require_GET
@policy("certificates.export")
def certificate_export(request: HttpRequest, extension: str) -> HttpResponseBase:
    """The list with the same filters as a file, row by row."""
    filters = CertificateFilter(request.GET, queryset=selectors.certificate_list(), request=request)
    rows = filters.qs.values_list(
        "number", "sample__code", "customer", "generated_at", "generated_by__name", "newer", "reason", "snapshot_hash"
    )
    file, _count, _digest = sheet(
        extension,
        EXPORTED,
        (
            (*row[:3], timezone.localtime(row[3]).strftime("%Y-%m-%d %H:%M"), *(value or "" for value in row[4:]))
            for row in rows.iterator(chunk_size=2000)
        ),
    )
    services.list_exported(format=extension)
    name = f"certificates.{extension}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=TYPES[extension])


@require_http_methods(["GET", "POST"])
@policy("certificates.issue")
def certificate_create(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    """Issue over a sample; what was stated on the newest certificate of the same place is offered again."""
    sample = samples.sample_get(id=sample_id)
    form = CertificateForm(request.POST or None, initial=services.usual_statements(sample=sample))
    if form.is_valid():
        try:
            made = services.certificate_issue(
                sample=sample, stated=form.stated(), language=form.cleaned_data["language"], by=person(request)
            )
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            return redirect("lab:certificate_detail", made.pk)
    context = {
        "form": form,
        "sample": sample,
        "ready": services.may_be_issued(sample),
        "held": selectors.certificate_list(sample=sample_id),
        "action": reverse("lab:certificate_create", args=[sample_id]),
        "back": reverse("lab:sample_detail", args=[sample_id]),
    }
    return render(request, "lab/certificates/form.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("certificates.issue")
def certificate_amend(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    old = selectors.certificate_get(id=certificate_id)
    form = AmendmentForm(request.POST or None, initial=old.content["stated"] | {"language": old.language})
    if form.is_valid():
        try:
            made = services.certificate_amend(
                certificate=old,
                reason=form.cleaned_data["reason"],
                stated=form.stated(),
                language=form.cleaned_data["language"],
                by=person(request),
            )
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            return redirect("lab:certificate_detail", made.pk)
    context = {
        "form": form,
        "sample": old.sample,
        "old": old,
        "ready": services.may_be_issued(old.sample),
        "action": reverse("lab:certificate_amend", args=[certificate_id]),
        "back": reverse("lab:certificate_detail", args=[certificate_id]),
    }
    return render(request, "lab/certificates/form.html", context, status=_status(form))


@require_GET
@policy("certificates.view")
def certificate_detail(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    certificate = selectors.certificate_get(id=certificate_id)
    words = CertificateWording(certificate, translation.get_language() or "en")
    context = _files(request, certificate) | {
        "words": words,
        "may_amend": may(request, "certificates.issue") and not certificate.newer,  # type: ignore[attr-defined]
        "replacement": Certificate.objects.filter(amends=certificate).first(),
        "replaced": certificate.amends,
        "genuine": services.certificate_check(certificate),
    }
    return render(request, "lab/certificates/detail.html", context)


@require_GET
@policy("certificates.view")
def certificate_files(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """The buttons of the PDFs, or how far the worker is, as a fragment."""
    certificate = selectors.certificate_get(id=certificate_id)
    return render(request, "lab/certificates/detail.html#files", _files(request, certificate))


@require_GET
@policy("certificates.export")
def certificate_pdf(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """The PDF in `?language=`; while a worker makes it, a page that asks again by itself."""
    certificate = selectors.certificate_get(id=certificate_id)
    language = request.GET.get("language") or translation.get_language() or certificate.language
    try:
        file = services.certificate_file(certificate=certificate, language=language)
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=HTTPStatus.BAD_REQUEST, content_type="text/plain; charset=utf-8")
    if file is None:
        context = {
            "report": certificate,
            "job": pending(jobs.certificate_pdfs, certificate=str(certificate.pk)),
            "back": reverse("lab:certificate_detail", args=[certificate_id]),
        }
        response = render(request, "lab/reports/waiting.html", context, status=HTTPStatus.ACCEPTED)
        response.headers["Retry-After"] = response.headers["Refresh"] = str(RETRY_SECONDS)
        return response
    services.export_noted(certificate=certificate, format=f"pdf-{language}")
    return _download(bytes(file.content), "application/pdf", f"{certificate.number}-{language}.pdf")


@require_GET
@policy("certificates.export")
def certificate_data(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """The certificate as JSON, in the language of the page."""
    certificate = selectors.certificate_get(id=certificate_id)
    services.export_noted(certificate=certificate, format="json")
    content = certificate_json(certificate, language=translation.get_language())
    response = JsonResponse(content, json_dumps_params={"ensure_ascii": False})
    response.headers["Content-Disposition"] = f'attachment; filename="{certificate.number}.json"'
    return response


def _files(request: HttpRequest, certificate: Certificate) -> dict[str, Any]:
    made = set(CertificateFile.objects.filter(certificate=certificate).values_list("language", flat=True))
    job: Job | None = None
    if len(made) < len(LANGUAGES):
        job = pending(jobs.certificate_pdfs, certificate=str(certificate.pk))
    return {"certificate": certificate, "job": job, "may_export": may(request, "certificates.export")}


def _refuse(form: CertificateForm, refusal: DomainError) -> None:
    if not refusal.errors:
        form.add_error(None, str(refusal.message))
    for error in refusal.errors:
        form.add_error(error.field if error.field in form.fields else None, error.message)


def _status(form: CertificateForm) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK


def _download(content: bytes, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type=kind, headers=headers)
