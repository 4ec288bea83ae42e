"""Addresses of the pages of areas, applications and survey sessions."""

from django.urls import URLPattern, URLResolver

from portal.survey.areas.urls import urlpatterns as areas
from portal.survey.pages.urls import urlpatterns as pages

app_name = "survey"
urlpatterns: list[URLPattern | URLResolver] = [*areas, *pages]
