"""Addresses of the pages of customers, sales, tickets and contracts."""

from django.urls import URLPattern, URLResolver

app_name = "crm"
urlpatterns: list[URLPattern | URLResolver] = []
