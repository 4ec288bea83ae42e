"""Pages of contracts: lists, one contract, its form, amendment, renewal, termination, papers."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.sheets import TYPES
from portal.core.jobs.models import Job
from portal.crm.contracts import access, documents, exports, papers, renewals, selectors, services, terms, wire
from portal.crm.contracts.choices import IN_FORCE, Status
from portal.crm.contracts.jobs import calendar
from portal.crm.contracts.models import Amendment, Contract
from portal.crm.contracts.pages.forms import (
    AmendmentForm,
    ContractForm,
    DocumentForm,
    RenewForm,
    TerminateForm,
    TermsForm,
    line_formset,
    lines_of,
    told,
)
from portal.crm.contracts.pages.lists import (
    ContractFilter,
    ContractTable,
    ExpiringFilter,
    ExpiringTable,
    RenewalFilter,
    RenewalTable,
    people,
)
from portal.crm.money import base_currency
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

COUNT_LIMIT = 10_000
EVENTS = 60
LIVE = ["contract.changed"]


def form_status(form: Any) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK


def _exports(request: HttpRequest) -> list[Export]:
    if not may(request, "contracts.export"):
        return []
    kinds = (("csv", "file-text"), ("xlsx", "file-spreadsheet"), ("json", "file-description"))
    return [
        Export(label=kind.upper(), url=reverse("crm:contract_export", args=[kind]), icon=icon) for kind, icon in kinds
    ]


@require_GET
@policy("contracts.view")
def contract_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "contracts.edit")
    empty = Empty(
        title=gettext_lazy("No contracts yet"),
        text=gettext_lazy("A contract holds what was agreed with a customer, from when to when, and at which price."),
        icon="file-text",
        action_label=gettext_lazy("New contract") if may_edit else "",
        action_url=reverse("crm:contract_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.contract_list(user=person(request)),
        table=ContractTable,
        table_kwargs={"bulk": may_edit},
        filterset=ContractFilter,
        template="crm/contracts/list.html",
        list_id="contracts",
        deleted="contract",
        caption=gettext_lazy("Contracts"),
        empty=empty,
        exports=_exports(request),
        live=LIVE,
        count_limit=COUNT_LIMIT,
        context={"tab": "list", "may_edit": may_edit, "owners": people(request) if may_edit else None},
    )


@require_GET
@policy("contracts.export")
def contract_export(request: HttpRequest, kind: str) -> FileResponse:
    """The contracts of the list with the same query string."""
    filters = ContractFilter(request.GET, queryset=Contract.objects.none(), request=request)
    if kind not in TYPES or not filters.form.is_valid():
        raise NotFound(_("There is no such format."))
    file = exports.contracts_export(user=person(request), kind=kind, filters=filters.chosen())
    return FileResponse(file, as_attachment=True, filename=f"contracts.{kind}", content_type=TYPES[kind])


@require_POST
@policy("contracts.edit")
def contract_bulk(request: HttpRequest) -> HttpResponse:
    """Another person in charge of the ticked contracts."""
    done, refusals = 0, []
    results = services.contracts_update(
        ids=request.POST.getlist("ids"), changes={"owner_id": request.POST.get("owner") or None}, by=person(request)
    )
    for _id, refusal in results:
        done += refusal is None
        refusals += [told(refusal)] if refusal else []
    if done:
        said = ngettext("%(number)s contract changed.", "%(number)s contracts changed.", done) % {"number": done}
        messages.success(request, said)
    for text in dict.fromkeys(refusals):
        messages.error(request, text)
    return redirect("crm:contract_list")


@require_GET
@policy("contracts.view")
def contract_expiring(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.expiring(user=person(request)),
        table=ExpiringTable,
        filterset=ExpiringFilter,
        template="crm/contracts/expiring.html",
        list_id="expiring",
        caption=gettext_lazy("Expiring contracts"),
        empty=Empty(title=gettext_lazy("Nothing expires in this time"), icon="calendar"),
        live=LIVE,
        context={"tab": "expiring"},
    )


@require_GET
@policy("contracts.view")
def contract_renewals(request: HttpRequest) -> HttpResponse:
    """What to renew, above it how renewals went in the last twelve months."""
    figures = selectors.analytics(user=person(request))
    return list_page(
        request,
        queryset=selectors.renewals(user=person(request)),
        table=RenewalTable,
        table_kwargs={"may_edit": may(request, "contracts.edit")},
        filterset=RenewalFilter,
        template="crm/contracts/renewals.html",
        list_id="renewals",
        caption=gettext_lazy("Renewals"),
        empty=Empty(title=gettext_lazy("Nothing to renew"), icon="refresh"),
        live=LIVE,
        context={
            "tab": "renewals",
            "figures": figures,
            "currency": base_currency(),
            "job": Job.objects.filter(kind=calendar.name).order_by("-created_at", "-id").first(),
        },
    )


@require_GET
@policy("contracts.view")
def contract_detail(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    return render(request, "crm/contracts/detail.html", _detail(request, contract_id))


def _detail(request: HttpRequest, contract_id: UUID, form: DocumentForm | None = None) -> dict[str, Any]:
    user = person(request)
    contract = access.contract_for(user, contract_id)
    may_edit = access.contracts_seen(user, "contracts.edit").filter(pk=contract_id).exists()
    ways = [way for way in services.steps(contract, user) if way != Status.TERMINATED] if may_edit else []
    in_force = contract.status in IN_FORCE
    chain = selectors.chain(contract, user)
    successor = wire.successors([contract.pk]).get(contract.pk)
    return {
        "contract": contract,
        "today": access.today(),
        "deadline": terms.notice_deadline(contract.end_date, contract.notice_days),
        "lines": [(row, wire.line_total(row)) for row in contract.lines.all()],
        "amendments": [
            (row, papers.change_rows(row.changes, contract.currency))
            for row in Amendment.objects.filter(contract=contract).select_related("created_by").order_by("-number")
        ],
        "documents": documents.documents(contract),
        "chain": chain if len(chain) > 1 else [],
        "events": selectors.history_of(contract)[:EVENTS],
        "ways": ways,
        "may_edit": may_edit,
        "may_delete": may(request, "contracts.delete"),
        "may_amend": may_edit and in_force,
        "may_terminate": may_edit and in_force and contract.termination_date is None,
        "may_revoke": may_edit and in_force and contract.termination_date is not None,
        "may_renew": may_edit
        and contract.status in (Status.ACTIVE, Status.EXPIRED)
        and contract.end_date is not None
        and contract.termination_date is None
        and successor is None,
        "form": form or DocumentForm(),
    }


@require_http_methods(["GET", "POST"])
@policy("contracts.edit")
def contract_create(request: HttpRequest) -> HttpResponse:
    """Without a template; the page offers the templates first."""
    form = ContractForm(
        request.POST or None,
        user=person(request),
        request=request,
        initial={"customer": request.GET.get("customer"), "owner": person(request).pk, "term_months": 12,
                 "notice_days": 30, "currency": base_currency(), "billing": "yearly",
                 "start_date": access.today()},
    )  # fmt: skip
    lines = line_formset(request.POST or None, None)
    if form.is_valid() and lines.is_valid():
        data = form.service_data() | {"lines": lines_of(lines)}
        if data["lines"]:
            data.pop("value")
        try:
            made = services.contract_create(data=data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:contract_detail", made.pk)
    context = {
        "form": form,
        "lines": lines,
        "contract": None,
        "templates": selectors.template_list(),
        "back": reverse("crm:contract_list"),
    }
    return render(request, "crm/contracts/form.html", context, status=form_status(form))


@require_http_methods(["GET", "POST"])
@policy("contracts.edit")
def contract_edit(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    contract = access.contract_for(person(request), contract_id, "contracts.edit")
    form = ContractForm(request.POST or None, user=person(request), request=request, contract=contract)
    lines = None if form.locked else line_formset(request.POST or None, contract)
    if form.is_valid() and (lines is None or lines.is_valid()):
        data = form.service_data()
        if lines is not None:
            data["lines"] = lines_of(lines)
            if data["lines"]:
                data.pop("value")
        version = form.cleaned_data["version"]
        try:
            services.contract_update(id=contract_id, changes=data, by=person(request), version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:contract_detail", contract_id)
    back = reverse("crm:contract_detail", args=[contract_id])
    context = {"form": form, "lines": lines, "contract": contract, "back": back}
    return render(request, "crm/contracts/form.html", context, status=form_status(form))


@require_POST
@policy("contracts.edit")
def contract_status(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    """One step, with a note."""
    try:
        services.contract_status(
            id=contract_id,
            status=request.POST.get("status", ""),
            note=request.POST.get("note", "").strip()[:2000],
            by=person(request),
        )
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, told(refusal))
    else:
        messages.success(request, _("The status has been changed."))
    return redirect("crm:contract_detail", contract_id)


@require_http_methods(["GET", "POST"])
@policy("contracts.delete")
def contract_delete(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    contract = access.contract_for(person(request), contract_id)
    if request.method == "POST":
        services.contract_delete(id=contract_id, by=person(request))
        undo_deletion(request, _("The contract has been deleted."), "contract", contract_id)
        return redirect("crm:contract_list")
    return render(request, "crm/contracts/delete.html", {"contract": contract})


@require_http_methods(["GET", "POST"])
@policy("contracts.edit")
def contract_amend(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    contract = access.contract_for(person(request), contract_id, "contracts.edit")
    form = AmendmentForm(request.POST or None, initial=TermsForm.start(contract))
    lines = line_formset(request.POST or None, contract)
    if form.is_valid() and lines.is_valid():
        data = form.terms_data() | {"lines": lines_of(lines)}
        if data["lines"]:
            data.pop("value")
        try:
            services.contract_amend(
                id=contract_id, changes=data, reason=form.cleaned_data["reason"], by=person(request)
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The amendment has been written."))
            return redirect("crm:contract_detail", contract_id)
    context = {
        "form": form,
        "lines": lines,
        "contract": contract,
        "amending": True,
        "back": reverse("crm:contract_detail", args=[contract_id]),
    }
    return render(request, "crm/contracts/form.html", context, status=form_status(form))


@require_http_methods(["GET", "POST"])
@policy("contracts.edit")
def contract_renew(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    contract = access.contract_for(person(request), contract_id, "contracts.edit")
    uplift = contract.type.uplift
    initial = {"term_months": contract.term_months, "change": "percent" if uplift else "", "by": uplift or None}
    form = RenewForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            made = renewals.contract_renew(id=contract_id, data=form.service_data(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:contract_detail", made.pk)
    context = {
        "form": form,
        "contract": contract,
        "start": terms.next_start(contract.end_date) if contract.end_date else None,
    }
    return render(request, "crm/contracts/renew.html", context, status=form_status(form))


@require_http_methods(["GET", "POST"])
@policy("contracts.edit")
def contract_terminate(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    contract = access.contract_for(person(request), contract_id, "contracts.edit")
    form = TerminateForm(request.POST or None, initial={"effective_date": access.today()})
    if form.is_valid():
        try:
            made = renewals.contract_terminate(id=contract_id, data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The termination has been noted."))
            if made.notice_late:
                messages.warning(request, _("Notice was given later than the contract asks for."))
            return redirect("crm:contract_detail", contract_id)
    context = {
        "form": form,
        "contract": contract,
        "deadline": terms.notice_deadline(contract.end_date, contract.notice_days),
    }
    return render(request, "crm/contracts/terminate.html", context, status=form_status(form))


@require_POST
@policy("contracts.edit")
def termination_revoke(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    try:
        renewals.termination_revoke(id=contract_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, told(refusal))
    else:
        messages.success(request, _("The termination has been revoked."))
    return redirect("crm:contract_detail", contract_id)


@require_POST
@policy("contracts.edit")
def document_create(request: HttpRequest, contract_id: UUID) -> HttpResponse:
    form = DocumentForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            documents.document_add(
                id=contract_id,
                stream=file.file,
                filename=file.name,
                content_type=file.content_type or "",
                kind=form.cleaned_data["kind"],
                by=person(request),
            )
        except NotFound:
            raise
        except DomainError as refusal:
            form.add_error("file", told(refusal))
        else:
            messages.success(request, _("The document has been added."))
            return redirect("crm:contract_detail", contract_id)
    context = _detail(request, contract_id, form)
    return render(request, "crm/contracts/detail.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_GET
@policy("contracts.view")
def contract_pdf(request: HttpRequest, contract_id: UUID, amendment: int | None = None) -> HttpResponse:
    """The contract, or one of its amendments, in `?language=`."""
    contract = access.contract_for(person(request), contract_id)
    language = request.GET.get("language") or translation.get_language() or "en"
    try:
        file = papers.contract_pdf(contract=contract, language=language, by=person(request), amendment=amendment)
    except NotFound:
        raise
    except DomainError as refusal:
        return HttpResponse(told(refusal), status=HTTPStatus.BAD_REQUEST, content_type="text/plain; charset=utf-8")
    name = f"{file.paper.number}-{language}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(bytes(file.content), content_type="application/pdf", headers=headers)
