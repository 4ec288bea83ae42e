"""Addresses of the pages of areas, applications and survey sessions."""

from django.urls import URLPattern, URLResolver, include, path

from portal.survey.areas.urls import urlpatterns as areas

app_name = "survey"
urlpatterns: list[URLPattern | URLResolver] = [*areas, path("", include("portal.survey.pages.urls"))]
