"""Addresses of the portal's own pages."""

from django.urls import path

from portal.desk import views

urlpatterns = [
    path("", views.home, name="home"),
]
