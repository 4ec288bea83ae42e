"""Addresses of the pages of forms, part of the room's."""

from django.urls import path

from portal.collect.forms.pages import builder, filling, views

urlpatterns = [
    path("forms", views.form_list, name="form_list"),
    path("forms/new", views.form_create, name="form_create"),
    path("forms/<uuid:form_id>", views.form_detail, name="form_detail"),
    path("forms/<uuid:form_id>/edit", views.form_edit, name="form_edit"),
    path("forms/<uuid:form_id>/active", views.form_active, name="form_active"),
    path("forms/<uuid:form_id>/copy", views.form_copy, name="form_copy"),
    path("forms/<uuid:form_id>/delete", views.form_delete, name="form_delete"),
    path("forms/<uuid:form_id>/publish", views.form_publish, name="form_publish"),
    path("forms/<uuid:form_id>/versions", views.form_versions, name="form_versions"),
    path("forms/<uuid:form_id>/form.xlsx", views.form_xlsform, name="form_xlsform"),
    path("forms/<uuid:form_id>/fill", filling.form_fill, name="form_fill"),
    path("forms/<uuid:form_id>/try", filling.form_try, name="form_try"),
    path("forms/<uuid:form_id>/builder", builder.form_builder, name="form_builder"),
    path("forms/<uuid:form_id>/builder/add", builder.builder_add, name="builder_add"),
    path("forms/<uuid:form_id>/builder/undo", builder.builder_undo, name="builder_undo"),
    path("forms/<uuid:form_id>/builder/discard", builder.builder_discard, name="builder_discard"),
    path("forms/<uuid:form_id>/builder/workbook", builder.builder_workbook, name="builder_workbook"),
    path("forms/<uuid:form_id>/builder/<slug:field>/panel", builder.builder_panel, name="builder_panel"),
    path("forms/<uuid:form_id>/builder/<slug:field>/change", builder.builder_field, name="builder_field"),
    path("forms/<uuid:form_id>/builder/<slug:field>/move", builder.builder_move, name="builder_move"),
    path("forms/<uuid:form_id>/builder/<slug:field>/remove", builder.builder_remove, name="builder_remove"),
    path("forms/<uuid:form_id>/builder/<slug:field>/duplicate", builder.builder_duplicate, name="builder_duplicate"),
    path("projects/<uuid:project_id>/forms", views.project_forms, name="project_forms"),
]
