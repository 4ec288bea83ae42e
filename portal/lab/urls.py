"""Addresses of the laboratory's pages."""

from django.urls import include, path

from portal.lab.pages import catalogue, limits, parameters, results, rules, samples

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
    path("parameters/new", parameters.parameter_create, name="parameter_create"),
    path("parameters/<uuid:parameter_id>/edit", parameters.parameter_edit, name="parameter_edit"),
    path("parameters/<uuid:parameter_id>/use", parameters.parameter_use, name="parameter_use"),
    path("parameters/<uuid:parameter_id>/range", parameters.parameter_range, name="parameter_range"),
    path("samples/<uuid:sample_id>/sums", results.result_sum, name="result_sum"),
    path("parameters/<uuid:parameter_id>", catalogue.parameter_detail, name="parameter_detail"),
    path("standards", catalogue.standard_list, name="standard_list"),
    path("standards/new", limits.standard_create, name="standard_create"),
    path("standards/choice", rules.standard_choice, name="standard_choice"),
    path("standards/compare", rules.standard_compare, name="standard_compare"),
    path("standards/re-evaluations", rules.reevaluation_list, name="reevaluation_list"),
    path("standards/re-evaluations/<uuid:reevaluation_id>", rules.reevaluation_detail, name="reevaluation_detail"),
    path("standards/re-evaluations/<uuid:reevaluation_id>/live", rules.reevaluation_live, name="reevaluation_live"),
    path(
        "standards/re-evaluations/<uuid:reevaluation_id>/confirm",
        rules.reevaluation_confirm,
        name="reevaluation_confirm",
    ),
    path(
        "standards/re-evaluations/<uuid:reevaluation_id>/cancel", rules.reevaluation_cancel, name="reevaluation_cancel"
    ),
    path(
        "standards/re-evaluations/<uuid:reevaluation_id>/resume", rules.reevaluation_resume, name="reevaluation_resume"
    ),
    path("standards/re-evaluations/<uuid:reevaluation_id>/again", rules.reevaluation_again, name="reevaluation_again"),
    path("standards/<uuid:standard_id>", catalogue.standard_detail, name="standard_detail"),
    path("standards/<uuid:standard_id>/edit", limits.standard_edit, name="standard_edit"),
    path("standards/<uuid:standard_id>/edition", limits.edition_create, name="edition_create"),
    path("standards/<uuid:standard_id>/delete", limits.standard_delete, name="standard_delete"),
    path("standards/<uuid:standard_id>/limits", limits.limit_grid, name="limit_grid"),
    path("standards/<uuid:standard_id>/limits/new", limits.limit_create, name="limit_create"),
    path("limits/<uuid:limit_id>", limits.limit_detail, name="limit_detail"),
    path("limits/<uuid:limit_id>/row", limits.limit_row, name="limit_row"),
    path("limits/<uuid:limit_id>/edit", limits.limit_edit, name="limit_edit"),
    path("limits/<uuid:limit_id>/delete", limits.limit_delete, name="limit_delete"),
    path("limits/<uuid:limit_id>/confirm", limits.limit_confirm, name="limit_confirm"),
    path("limits/<uuid:limit_id>/withdraw", limits.limit_withdraw, name="limit_withdraw"),
    path("", include("portal.lab.certificates.urls")),
    path("", include("portal.lab.imports.urls")),
    path("", include("portal.lab.lifecycle.urls")),
    path("", include("portal.lab.worksheets.urls")),
    path("", include("portal.lab.quality.urls")),
    path("", include("portal.lab.points.urls")),
]
