"""Addresses of the pages of certificates, part of the laboratory's."""

from django.urls import path

from portal.lab.certificates import views

urlpatterns = [
    path("certificates", views.certificate_list, name="certificate_list"),
    path("certificates.csv", views.certificate_export, {"extension": "csv"}, name="certificate_csv"),
    path("certificates.xlsx", views.certificate_export, {"extension": "xlsx"}, name="certificate_xlsx"),
    path("samples/<uuid:sample_id>/certificates/new", views.certificate_create, name="certificate_create"),
    path("certificates/<uuid:certificate_id>", views.certificate_detail, name="certificate_detail"),
    path("certificates/<uuid:certificate_id>/files", views.certificate_files, name="certificate_files"),
    path("certificates/<uuid:certificate_id>/amend", views.certificate_amend, name="certificate_amend"),
    path("certificates/<uuid:certificate_id>.pdf", views.certificate_pdf, name="certificate_pdf"),
    path("certificates/<uuid:certificate_id>.json", views.certificate_data, name="certificate_json"),
]
