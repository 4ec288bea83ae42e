"""Addresses of the pages of quality control, part of the laboratory's."""

from django.urls import path

from portal.lab.quality import views

urlpatterns = [
    path("qc", views.material_list, name="qc_materials"),
    path("qc/materials/new", views.material_create, name="qc_material_create"),
    path("qc/materials/<uuid:control_material_id>", views.material_detail, name="qc_material"),
    path("qc/materials/<uuid:control_material_id>/edit", views.material_edit, name="qc_material_edit"),
    path("qc/materials/<uuid:control_material_id>/values/new", views.target_create, name="qc_target_create"),
    path("qc/values/<uuid:control_target_id>", views.target_edit, name="qc_target_edit"),
    path("qc/values/<uuid:control_target_id>/delete", views.target_delete, name="qc_target_delete"),
    path("qc/materials/<uuid:control_material_id>/charts/<uuid:parameter_id>", views.chart, name="qc_chart"),
    path(
        "qc/materials/<uuid:control_material_id>/charts/<uuid:parameter_id>/pdf", views.chart_pdf, name="qc_chart_pdf"
    ),
    path("qc/results", views.result_list, name="qc_results"),
    path("qc/criteria", views.criterion_list, name="qc_criteria"),
    path("qc/criteria/new", views.criterion_create, name="qc_criterion_create"),
    path("qc/criteria/<uuid:acceptance_criterion_id>", views.criterion_edit, name="qc_criterion_edit"),
    path("qc/criteria/<uuid:acceptance_criterion_id>/delete", views.criterion_delete, name="qc_criterion_delete"),
]
