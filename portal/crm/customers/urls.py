"""Addresses of the pages of customers."""

from django.urls import path

from portal.crm.customers.imports import views as imports
from portal.crm.customers.pages import customers, merging, settings
from portal.crm.settings import settings_index

_ONE = "customers/<uuid:customer_id>"
_IMPORT = "customers/imports/<uuid:import_id>"
urlpatterns = [
    path("customers", customers.customer_list, name="customer_list"),
    path("customers/export.<slug:kind>", customers.customer_export, name="customer_export"),
    path("customers/new", customers.customer_create, name="customer_create"),
    path("customers/bulk", customers.customer_bulk, name="customer_bulk"),
    path("customers/merge", merging.customer_merge, name="customer_merge"),
    path("customers/imports", imports.import_list, name="import_list"),
    path("customers/imports/new", imports.import_upload, name="import_upload"),
    path(_IMPORT, imports.import_detail, name="import_detail"),
    path(f"{_IMPORT}/columns", imports.import_mapping, name="import_mapping"),
    path(f"{_IMPORT}/act", imports.import_act, name="import_act"),
    path(f"{_IMPORT}/errors.csv", imports.import_errors, name="import_errors"),
    path(_ONE, customers.customer_detail, name="customer_detail"),
    path(f"{_ONE}/edit", customers.customer_edit, name="customer_edit"),
    path(f"{_ONE}/status", customers.customer_status, name="customer_status"),
    path(f"{_ONE}/delete", customers.customer_delete, name="customer_delete"),
    path(f"{_ONE}/timeline", customers.customer_timeline, name="customer_timeline"),
    path(f"{_ONE}/notes", customers.customer_notes, name="customer_notes"),
    path(f"{_ONE}/notes/<uuid:note_id>", customers.note_edit, name="note_edit"),
    path(f"{_ONE}/notes/<uuid:note_id>/act", customers.note_act, name="note_act"),
    path(f"{_ONE}/files", customers.customer_files, name="customer_files"),
    path(f"{_ONE}/history", customers.customer_history, name="customer_history"),
    path(f"{_ONE}/merges/<uuid:merge_id>/split", merging.merge_split, name="merge_split"),
    path("crm/settings", settings_index, name="settings"),
    path("crm/settings/tags", settings.tag_list, name="settings_tags"),
    path("crm/settings/tags/<uuid:tag_id>", settings.tag_edit, name="settings_tag"),
    path("crm/settings/tags/<uuid:tag_id>/act", settings.tag_act, name="settings_tag_act"),
    path("crm/settings/fields", settings.field_list, name="settings_fields"),
    path("crm/settings/fields/<uuid:custom_field_id>", settings.field_edit, name="settings_field"),
    path("crm/settings/fields/<uuid:custom_field_id>/delete", settings.field_delete, name="settings_field_delete"),
]
