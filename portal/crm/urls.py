"""Addresses of the pages of customers, sales, tickets and contracts."""

from django.urls import URLPattern, URLResolver, include, path

from portal.crm.customers.urls import urlpatterns as customers

app_name = "crm"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("portal.crm.tickets.urls")),
    *customers,
]
