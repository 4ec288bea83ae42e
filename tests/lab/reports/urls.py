"""The report pages with the frame they extend."""

from django.urls import include, path

urlpatterns = [path("", include("portal.lab.reports.urls")), path("", include("portal.ui.urls"))]
