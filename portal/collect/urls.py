"""Addresses of the pages of forms, submissions, views and dashboards."""

from django.urls import include, path

app_name = "collect"
urlpatterns = [
    path("", include("portal.collect.forms.pages.urls")),
]
