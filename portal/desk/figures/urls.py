"""Addresses of the dashboard and of the choice of the home page's blocks."""

from django.urls import path

from portal.desk.figures import pages
from portal.desk.home import views

app_name = "desk"
urlpatterns = [
    path("dashboard", pages.dashboard, name="dashboard"),
    path("dashboard/export/<slug:kind>", pages.dashboard_export, name="dashboard_export"),
    path("home/layout", views.layout, name="home_layout"),
]
