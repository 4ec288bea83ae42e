"""Addresses of the own account."""

from django.urls import path

from portal.desk.me import security, views

app_name = "me"
urlpatterns = [
    path("me", views.profile, name="profile"),
    path("me/portrait", views.portrait, name="portrait"),
    path("me/portrait/remove", views.portrait_remove, name="portrait_remove"),
    path("me/preferences", views.preferences, name="preferences"),
    path("me/security", security.overview, name="security"),
    path("me/security/two-step", security.setup, name="setup"),
    path("me/security/two-step/off", security.switch_off, name="switch_off"),
    path("me/security/passkeys/new", security.passkey_add, name="passkey_add"),
    path("me/security/passkeys/<int:passkey_id>/remove", security.passkey_remove, name="passkey_remove"),
    path("me/security/recovery-codes", security.renew, name="renew"),
    path("me/security/sessions/end", security.sessions_end, name="sessions_end"),
    path("me/security/sessions/<uuid:session_id>/end", security.session_end, name="session_end"),
    path("me/devices", views.devices, name="devices"),
    path("me/devices/<uuid:device_id>/revoke", views.device_revoke, name="device_revoke"),
]
