"""Addresses of the own account."""

from django.urls import path

from portal.desk.me import views

app_name = "me"
urlpatterns = [
    path("me", views.profile, name="profile"),
    path("me/security", views.password, name="password"),
    path("me/devices", views.devices, name="devices"),
    path("me/devices/sign-out", views.sign_out_apps, name="sign_out_apps"),
]
