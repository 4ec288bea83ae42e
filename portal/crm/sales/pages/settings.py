"""Stages, products and targets, under the settings of the office."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.crm.money import base_currency
from portal.crm.sales import forecast, selectors, services
from portal.crm.sales.models import Product, Quota, Stage
from portal.crm.sales.pages.deals import frame
from portal.crm.sales.pages.forms import ProductForm, QuotaForm, StageDeleteForm, StageForm
from portal.crm.sales.pages.lists import ProductFilter, ProductTable
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person
from portal.ui.tables import TextColumn

QUOTAS = 240  # targets shown, newest months first


def _status(form: Any) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK


@require_GET
@policy("sales.view")
def stage_list(request: HttpRequest) -> HttpResponse:
    rows = Stage.objects.filter(deleted_at=None).annotate(used=Count("deals", filter=Q(deals__deleted_at=None)))
    return render(
        request, "crm/sales/stages.html", frame(request, "stages") | {"stages": rows.order_by("position", "id")}
    )


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def stage_form(request: HttpRequest, stage_id: UUID | None = None) -> HttpResponse:
    stage = services.stage_for(stage_id) if stage_id else None
    form = StageForm(request.POST or None, stage=stage)
    if form.is_valid():
        try:
            if stage is None:
                services.stage_create(data=form.values(), by=person(request))
            else:
                services.stage_update(id=stage.pk, data=form.values(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:stage_list")
    context = frame(request, "stages") | {"form": form, "stage": stage}
    return render(request, "crm/sales/stage_form.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def stage_delete(request: HttpRequest, stage_id: UUID) -> HttpResponse:
    stage = services.stage_for(stage_id)
    others = [row for row in selectors.stages() if row.kind == stage.kind and row.pk != stage.pk]
    used = stage.deals.filter(deleted_at=None).count()
    form = StageDeleteForm(request.POST if request.method == "POST" else None, others=others)
    if form.is_valid():
        try:
            services.stage_delete(id=stage.pk, by=person(request), move_to=form.cleaned_data["move_to"])
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The stage has been deleted."))
            return redirect("crm:stage_list")
    context = frame(request, "stages") | {"form": form, "stage": stage, "used": used}
    return render(request, "crm/sales/stage_delete.html", context, status=_status(form))


@require_GET
@policy("sales.view")
def product_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "crm.settings")
    table = ProductTable if may_edit else _ReadOnly
    return list_page(
        request,
        queryset=selectors.product_list(),
        table=table,
        table_kwargs={"currency": base_currency()},
        filterset=ProductFilter,
        template="crm/sales/products.html",
        list_id="products",
        caption=gettext_lazy("Products"),
        empty=Empty(
            title=gettext_lazy("No products yet"),
            text=gettext_lazy("What is sold, with its price: the lines of deals take it from here."),
            icon="tag",
            action_label=gettext_lazy("New product") if may_edit else "",
            action_url=reverse("crm:product_create") if may_edit else "",
        ),
        context=frame(request, "products"),
    )


class _ReadOnly(ProductTable):
    """For whoever may not change products."""

    name = TextColumn()


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def product_form(request: HttpRequest, product_id: UUID | None = None) -> HttpResponse:
    product = selectors.product_for(product_id) if product_id else None
    initial = {name: getattr(product, name) for name in ProductForm.base_fields} if product else None
    form = ProductForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            services.product_save(data=form.cleaned_data, by=person(request), id=product_id)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:product_list")
    context = frame(request, "products") | {"form": form, "product": product}
    return render(request, "crm/sales/product_form.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def product_delete(request: HttpRequest, product_id: UUID) -> HttpResponse:
    product: Product = selectors.product_for(product_id)
    if request.method == "POST":
        services.product_delete(id=product_id, by=person(request))
        messages.success(request, _("The product has been deleted."))
        return redirect("crm:product_list")
    return render(request, "crm/sales/product_delete.html", frame(request, "products") | {"product": product})


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def quota_list(request: HttpRequest) -> HttpResponse:
    form = QuotaForm(request.POST or None)
    if form.is_valid():
        said = form.cleaned_data
        owner = said["owner"].pk if said["owner"] else None
        try:
            forecast.quota_set(owner=owner, month=said["month"], amount=said["amount"])
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The target has been saved."))
            return redirect("crm:quota_list")
    rows = Quota.objects.select_related("owner").order_by("-month", "owner__name", "id")[:QUOTAS]
    context = frame(request, "quotas") | {"form": form, "quotas": rows}
    return render(request, "crm/sales/quotas.html", context, status=_status(form))
