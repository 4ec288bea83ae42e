"""Addresses of the pages of contracts."""

from django.urls import path

from portal.crm.contracts.pages import templates, views

_TYPES = "crm/settings/contract-types"

urlpatterns = [
    path("contracts", views.contract_list, name="contract_list"),
    path("contracts/export/<slug:kind>", views.contract_export, name="contract_export"),
    path("contracts/bulk", views.contract_bulk, name="contract_bulk"),
    path("contracts/expiring", views.contract_expiring, name="contract_expiring"),
    path("contracts/renewals", views.contract_renewals, name="contract_renewals"),
    path("contracts/new", views.contract_create, name="contract_create"),
    path("contracts/templates", templates.template_list, name="template_list"),
    path("contracts/templates/new", templates.template_create, name="template_create"),
    path("contracts/templates/try", templates.template_try, name="template_try"),
    path("contracts/templates/<uuid:contract_template_id>", templates.template_detail, name="template_detail"),
    path("contracts/templates/<uuid:contract_template_id>/edit", templates.template_edit, name="template_edit"),
    path("contracts/templates/<uuid:contract_template_id>/delete", templates.template_delete, name="template_delete"),
    path("contracts/new/<uuid:contract_template_id>", templates.contract_from_template, name="contract_from_template"),
    path("contracts/new/<uuid:contract_template_id>/preview", templates.contract_preview, name="contract_preview"),
    path("contracts/<uuid:contract_id>", views.contract_detail, name="contract_detail"),
    path("contracts/<uuid:contract_id>/edit", views.contract_edit, name="contract_edit"),
    path("contracts/<uuid:contract_id>/status", views.contract_status, name="contract_status"),
    path("contracts/<uuid:contract_id>/delete", views.contract_delete, name="contract_delete"),
    path("contracts/<uuid:contract_id>/amend", views.contract_amend, name="contract_amend"),
    path("contracts/<uuid:contract_id>/renew", views.contract_renew, name="contract_renew"),
    path("contracts/<uuid:contract_id>/terminate", views.contract_terminate, name="contract_terminate"),
    path("contracts/<uuid:contract_id>/revoke", views.termination_revoke, name="termination_revoke"),
    path("contracts/<uuid:contract_id>/documents", views.document_create, name="contract_document_create"),
    path("contracts/<uuid:contract_id>/pdf", views.contract_pdf, name="contract_pdf"),
    path("contracts/<uuid:contract_id>/amendments/<int:amendment>/pdf", views.contract_pdf, name="amendment_pdf"),
    path("customers/<uuid:customer_id>/contracts", templates.customer_contracts, name="customer_contracts"),
    path(_TYPES, templates.type_list, name="contract_type_list"),
    path(f"{_TYPES}/rules", templates.rules_save, name="contract_rules"),
    path(f"{_TYPES}/new", templates.type_create, name="contract_type_create"),
    path(f"{_TYPES}/<uuid:contract_type_id>", templates.type_edit, name="contract_type_edit"),
    path(f"{_TYPES}/<uuid:contract_type_id>/delete", templates.type_delete, name="contract_type_delete"),
]
