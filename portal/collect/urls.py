"""Addresses of the pages of forms, submissions, views and dashboards."""

from django.urls import URLPattern, URLResolver

app_name = "collect"
urlpatterns: list[URLPattern | URLResolver] = []
