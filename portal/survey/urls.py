"""Addresses of the pages of areas, applications and survey sessions."""

from django.urls import URLPattern, URLResolver

app_name = "survey"
urlpatterns: list[URLPattern | URLResolver] = []
