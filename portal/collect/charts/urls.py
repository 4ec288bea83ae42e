"""Addresses of chart views."""

from django.urls import path

from portal.collect.charts import pages

urlpatterns = [
    path("views", pages.view_list, name="view_list"),
    path("views/builder", pages.view_builder, name="view_builder"),
    path("views/builder/preview", pages.view_preview, name="view_preview"),
    path("views/<uuid:view_id>", pages.view_detail, name="view_detail"),
    path("views/<uuid:view_id>/edit", pages.view_edit, name="view_edit"),
    path("views/<uuid:view_id>/delete", pages.view_delete, name="view_delete"),
    *(
        path(f"views/<uuid:view_id>.{kind}", pages.view_file, {"kind": kind}, name=f"view_{kind}")
        for kind in ("csv", "xlsx")
    ),
    path("projects/<uuid:project_id>/views", pages.project_views, name="project_views"),
]
