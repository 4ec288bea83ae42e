"""Addresses of compliance reports; `urlpatterns` is included at the root."""

from django.urls import path

from portal.lab.reports import views

app_name = "reports"
urlpatterns = [
    path("reports/compliance", views.report_list, name="list"),
    path("reports/compliance.csv", views.report_list_file, {"extension": "csv"}, name="list_csv"),
    path("reports/compliance.xlsx", views.report_list_file, {"extension": "xlsx"}, name="list_xlsx"),
    path("reports/compliance/new", views.report_create, name="create"),
    path("reports/compliance/new/count", views.report_count, name="count"),
    path("reports/compliance/<uuid:report_id>", views.report_detail, name="detail"),
    path("reports/compliance/<uuid:report_id>/amend", views.report_amend, name="amend"),
    path("reports/compliance/<uuid:report_id>.pdf", views.report_pdf, name="pdf"),
    *(
        path(
            f"reports/compliance/<uuid:report_id>.{extension}",
            views.report_data,
            {"extension": extension},
            name=extension,
        )
        for extension in ("csv", "xlsx", "json")
    ),
]
