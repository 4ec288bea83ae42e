"""Addresses of the import pages, part of the laboratory's."""

from django.urls import path

from portal.lab.imports import views

urlpatterns = [
    path("imports", views.run_list, name="import_list"),
    path("imports/sources", views.source_list, name="import_sources"),
    path("imports/sources/<uuid:import_source_id>/delete", views.source_delete, name="import_source_delete"),
    path("imports/new", views.run_upload, name="import_upload"),
    path("imports/<uuid:run_id>", views.run_detail, name="import_detail"),
    path("imports/<uuid:run_id>/mapping", views.run_mapping, name="import_mapping"),
    path("imports/<uuid:run_id>/state", views.run_state, name="import_state"),
    path("imports/<uuid:run_id>/import", views.run_import, name="import_start"),
    path("imports/<uuid:run_id>/revert", views.run_revert, name="import_revert"),
    path("imports/<uuid:run_id>/forget", views.run_forget, name="import_forget"),
    path("imports/<uuid:run_id>/errors.csv", views.run_errors, name="import_errors"),
]
