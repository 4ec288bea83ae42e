"""Addresses of dashboards."""

from django.urls import path

from portal.collect.dashboards import pages

_ONE = "dashboards/<uuid:dashboard_id>"
urlpatterns = [
    path("dashboards", pages.dashboard_list, name="dashboard_list"),
    path("dashboards/new", pages.dashboard_create, name="dashboard_create"),
    path(_ONE, pages.dashboard_detail, name="dashboard_detail"),
    path(f"{_ONE}/edit", pages.dashboard_edit, name="dashboard_edit"),
    path(f"{_ONE}/delete", pages.dashboard_delete, name="dashboard_delete"),
    path(f"{_ONE}/layout", pages.layout_save, name="dashboard_layout"),
    path(f"{_ONE}/pdf", pages.pdf_order, name="dashboard_pdf_order"),
    path(f"{_ONE}/pdf/<uuid:job_id>", pages.pdf_wait, name="dashboard_pdf"),
    path(f"{_ONE}/widgets/new", pages.widget_add, name="widget_add"),
    path(f"{_ONE}/widgets/<uuid:widget_id>", pages.widget_edit, name="widget_edit"),
    path(f"{_ONE}/widgets/<uuid:widget_id>/remove", pages.widget_remove, name="widget_remove"),
]
