"""Addresses of the pages of forms, submissions, views and dashboards."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "collect"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("portal.collect.forms.pages.urls")),
    path("", include("portal.collect.charts.urls")),
    path("", include("portal.collect.dashboards.urls")),
    path("", include("portal.collect.submissions.urls")),
]
