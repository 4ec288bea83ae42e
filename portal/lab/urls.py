"""Addresses of the laboratory's pages."""

from django.urls import include, path

from portal.lab.pages import catalogue, results, samples

app_name = "lab"
urlpatterns = [
    path("samples", samples.sample_list, name="sample_list"),
    path("samples.csv", samples.sample_csv, name="sample_csv"),
    path("samples.xlsx", samples.sample_xlsx, name="sample_xlsx"),
    path("samples.wqx.csv", samples.sample_wqx, name="sample_wqx"),
    path("samples/new", samples.sample_create, name="sample_create"),
    path("samples/<uuid:sample_id>", samples.sample_detail, name="sample_detail"),
    path("samples/<uuid:sample_id>/live", samples.sample_live, name="sample_live"),
    path("samples/<uuid:sample_id>/edit", samples.sample_edit, name="sample_edit"),
    path("samples/<uuid:sample_id>/delete", samples.sample_delete, name="sample_delete"),
    path("samples/<uuid:sample_id>/history", samples.sample_history, name="sample_history"),
    path("samples/<uuid:sample_id>/entry", results.result_entry, name="result_entry"),
    path("samples/<uuid:sample_id>/results", results.result_create, name="result_create"),
    path("results/<uuid:result_id>", results.result_row, name="result_row"),
    path("results/<uuid:result_id>/edit", results.result_edit, name="result_edit"),
    path("results/<uuid:result_id>/units", results.result_units, name="result_units"),
    path("results/<uuid:result_id>/delete", results.result_delete, name="result_delete"),
    path("parameters", catalogue.parameter_list, name="parameter_list"),
    path("parameters/<uuid:parameter_id>", catalogue.parameter_detail, name="parameter_detail"),
    path("standards", catalogue.standard_list, name="standard_list"),
    path("standards/<uuid:standard_id>", catalogue.standard_detail, name="standard_detail"),
    path("", include("portal.lab.imports.urls")),
]
