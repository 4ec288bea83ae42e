"""Pages of contract templates and types."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.services import organization_update
from portal.crm.contracts import access, markup, selectors, templates, templating, types
from portal.crm.contracts.models import ContractTemplate
from portal.crm.contracts.pages.forms import (
    FromTemplateForm,
    TemplateForm,
    TypeForm,
    ValueFormSet,
    told,
    values_of,
)
from portal.crm.contracts.pages.lists import TemplateFilter, TemplateTable, TypeTable
from portal.crm.contracts.pages.views import form_status
from portal.crm.customers.frame import customer_frame
from portal.crm.settings import settings_frame
from portal.ui import answers
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

PREVIEW = "crm/contracts/preview.html"
SHOWN = 200  # contracts on the page of a customer


@require_GET
@policy("contracts.view")
def template_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "contracts.settings")
    return list_page(
        request,
        queryset=selectors.template_list(),
        table=TemplateTable,
        filterset=TemplateFilter,
        template="crm/contracts/templates.html",
        list_id="templates",
        caption=gettext_lazy("Contract templates"),
        empty=Empty(
            title=gettext_lazy("No templates yet"),
            text=gettext_lazy("A template is a text with fields that are filled when a contract is made from it."),
            icon="template",
            action_label=gettext_lazy("New template") if may_edit else "",
            action_url=reverse("crm:template_create") if may_edit else "",
        ),
        context={"tab": "templates", "may_edit_templates": may_edit},
    )


@require_http_methods(["GET", "POST"])
@policy("contracts.settings")
def template_create(request: HttpRequest) -> HttpResponse:
    return _template_form(request, None)


@require_http_methods(["GET", "POST"])
@policy("contracts.settings")
def template_edit(request: HttpRequest, contract_template_id: UUID) -> HttpResponse:
    return _template_form(request, access.template_for(contract_template_id))


def _template_form(request: HttpRequest, row: ContractTemplate | None) -> HttpResponse:
    held = templates.newest(row) if row else None
    initial = (
        {"name": row.name, "type": row.type_id, "language": row.language, "body": held.body, "version": row.version}
        if row and held
        else {}
    )
    form = TemplateForm(request.POST or None, initial=initial)
    values = ValueFormSet(request.POST or None, initial=held.values if held else [], prefix="values")
    if form.is_valid() and values.is_valid():
        said = form.cleaned_data
        data = {name: said[name] for name in ("name", "language", "body")}
        data |= {"type": str(said["type"].pk), "values": values_of(values)}
        try:
            made = templates.template_save(
                id=row.pk if row else None, data=data, by=person(request), version=said["version"] if row else None
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The template has been saved."))
            return redirect("crm:template_detail", made.pk)
    context = {
        "form": form,
        "values": values,
        "template": row,
        "catalogue": templating.CATALOGUE,
        "line_fields": templating.LINE,
        "back": reverse("crm:template_detail", args=[row.pk]) if row else reverse("crm:template_list"),
    }
    return render(request, "crm/contracts/template_form.html", context, status=form_status(form))


@require_POST
@policy("contracts.settings")
def template_try(request: HttpRequest) -> HttpResponse:
    """The text of the editor as it would print, with made-up values."""
    form, values = TemplateForm(request.POST), ValueFormSet(request.POST, prefix="values")
    kinds, chosen = selectors.type_list(), parse_uuid(request.POST.get("type"))
    kind = next((row for row in kinds if row.pk == chosen), kinds.first())
    if kind is None:
        return render(request, PREVIEW, {"refusal": _("Define a contract type first.")})
    form.is_valid()
    values.is_valid()
    row = ContractTemplate(organization_id=scope.organization_id(), type=kind, language="en")
    language = request.POST.get("preview") or request.POST.get("language") or "en"
    try:
        html = templates.preview(
            template=row,
            data={},
            by=person(request),
            language=language,
            body=request.POST.get("body", ""),
            values=values_of(values),
        )
    except DomainError as refusal:
        return render(request, PREVIEW, {"refusal": told(refusal)})
    return render(request, PREVIEW, {"html": markup.show(html), "language": language})


@require_GET
@policy("contracts.view")
def template_detail(request: HttpRequest, contract_template_id: UUID) -> HttpResponse:
    """The text in each language of dates and words, its versions, and a way to make a contract."""
    row = access.template_for(contract_template_id)
    language = request.GET.get("language") or row.language
    language = language if language in ("ar", "fr", "en") else row.language
    html = templates.preview(template=row, data={}, by=person(request), language=language)
    context = {
        "template": row,
        "newest": templates.newest(row),
        "versions": row.versions.select_related("created_by"),
        "html": markup.show(html),
        "language": language,
        "may_edit_templates": may(request, "contracts.settings"),
        "may_edit": may(request, "contracts.edit"),
    }
    return render(request, "crm/contracts/template.html", context)


@require_http_methods(["GET", "POST"])
@policy("contracts.settings")
def template_delete(request: HttpRequest, contract_template_id: UUID) -> HttpResponse:
    row = access.template_for(contract_template_id)
    if request.method == "POST":
        templates.template_delete(id=contract_template_id, by=person(request))
        messages.success(request, _("The template has been deleted."))
        return redirect("crm:template_list")
    return render(request, "crm/contracts/template_delete.html", {"template": row})


def _from_template(request: HttpRequest, contract_template_id: UUID) -> tuple[ContractTemplate, FromTemplateForm]:
    row = access.template_for(contract_template_id)
    form = FromTemplateForm(
        request.POST or None,
        user=person(request),
        template=row,
        values=templates.newest(row).values,
        today=access.today(),
        initial={"customer": request.GET.get("customer")},
    )
    return row, form


@require_http_methods(["GET", "POST"])
@policy("contracts.edit")
def contract_from_template(request: HttpRequest, contract_template_id: UUID) -> HttpResponse:
    row, form = _from_template(request, contract_template_id)
    if form.is_valid():
        try:
            made = templates.template_create(id=contract_template_id, data=form.service_data(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:contract_detail", made.pk)
    context = {"form": form, "template": row, "html": markup.show(_shown(request, row, form)), "language": row.language}
    return render(request, "crm/contracts/from_template.html", context, status=form_status(form))


def _shown(request: HttpRequest, row: ContractTemplate, form: FromTemplateForm) -> str:
    data = form.service_data() if form.is_bound else {}
    try:
        return templates.preview(template=row, data=data, by=person(request))
    except DomainError as refusal:
        return told(refusal)


@require_POST
@policy("contracts.edit")
def contract_preview(request: HttpRequest, contract_template_id: UUID) -> HttpResponse:
    """The text of the contract to be, with what is filled in so far; nothing is stored."""
    row, form = _from_template(request, contract_template_id)
    form.is_valid()
    context = {"html": markup.show(_shown(request, row, form)), "language": row.language}
    return render(request, PREVIEW, context)


# --- types ------------------------------------------------------------------------------------------
@require_GET
@policy("contracts.view")
def type_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "contracts.settings")
    return list_page(
        request,
        queryset=selectors.type_list(every=True),
        table=TypeTable,
        table_kwargs={"may_edit": may_edit},
        template="crm/contracts/types.html",
        list_id="types",
        caption=gettext_lazy("Contract types"),
        context=settings_frame(request, "contract_types")
        | {"may_edit": may_edit, "open_deals": _settings().get("contractsOpenDeals", False)},
    )


def _settings() -> dict[str, Any]:
    return dict(Organization.objects.values_list("settings", flat=True).get(pk=scope.organization_id()))


@require_POST
@policy("contracts.settings")
def rules_save(request: HttpRequest) -> HttpResponse:
    row = Organization.objects.get(pk=scope.organization_id())
    said = {"contractsOpenDeals": "open_deals" in request.POST}
    refused = answers.refused(lambda: organization_update(organization=row, changes={"settings": said}))
    return answers.back(request, refused, _("The changes have been saved."), "crm:contract_type_list")


@require_http_methods(["GET", "POST"])
@policy("contracts.settings")
def type_create(request: HttpRequest) -> HttpResponse:
    return _type_form(request, None)


@require_http_methods(["GET", "POST"])
@policy("contracts.settings")
def type_edit(request: HttpRequest, contract_type_id: UUID) -> HttpResponse:
    return _type_form(request, contract_type_id)


def _type_form(request: HttpRequest, contract_type_id: UUID | None) -> HttpResponse:
    row = access.type_for(contract_type_id) if contract_type_id else None
    form = TypeForm(request.POST or None, row=row)
    if form.is_valid():
        try:
            types.type_save(id=contract_type_id, data=form.service_data(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The type has been saved."))
            return redirect("crm:contract_type_list")
    context = {"form": form, "type": row, "back": reverse("crm:contract_type_list")}
    return render(request, "crm/contracts/type_form.html", context, status=form_status(form))


@require_POST
@policy("contracts.settings")
def type_delete(request: HttpRequest, contract_type_id: UUID) -> HttpResponse:
    try:
        types.type_delete(id=contract_type_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, told(refusal))
    else:
        messages.success(request, _("The type has been deleted."))
    return redirect("crm:contract_type_list")


@require_GET
@policy("contracts.view")
def customer_contracts(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """The tab of a customer's page: the contracts that the person sees."""
    context = customer_frame(request, customer_id, "contracts")
    rows = selectors.contract_list(user=person(request), filters={"customer": customer_id})
    context |= {
        "record": context["customer"],
        "contracts": rows.order_by("-created_at", "-pk")[:SHOWN],
        "total": rows.count(),
        "today": access.today(),
        "may_write": may(request, "contracts.edit"),
    }
    return render(request, "crm/contracts/customer.html", context)
