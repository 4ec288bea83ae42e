"""Addresses for people who are not signed in yet."""

from django.urls import path

from portal.desk.entry import views

urlpatterns = [
    path("password/forgot", views.forgot, name="password_forgot"),
    path("password/reset/<str:token>", views.reset, name="password_reset"),
    path("invite/<str:token>", views.invite, name="invite"),
    path("login/passkey", views.passkey, name="passkey"),
    path("login/mfa", views.second_step, name="mfa_authenticate"),  # allauth sends people to this name
]
