"""Addresses of the pages of customers, sales, tickets and contracts."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "crm"
urlpatterns: list[URLPattern | URLResolver] = [path("", include("portal.crm.contracts.urls"))]
