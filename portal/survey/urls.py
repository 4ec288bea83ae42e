"""Addresses of the pages of areas, applications and survey sessions."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "survey"
urlpatterns: list[URLPattern | URLResolver] = [path("", include("portal.survey.pages.urls"))]
