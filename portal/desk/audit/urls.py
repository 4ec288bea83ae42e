"""Addresses of the audit log."""

from django.urls import path

from portal.desk.audit import views

app_name = "audit"
urlpatterns = [
    path("audit", views.entry_list, name="entry_list"),
    path("audit/<int:entry_id>", views.entry_detail, name="entry_detail"),
    *(path(f"audit.{name}", views.entry_export, {"extension": name}, name=name) for name in ("csv", "json")),
]
