"""Addresses of people, roles and invitations."""

from django.urls import path

from portal.desk.people import invitations, roles, views

app_name = "people"
urlpatterns = [
    path("users", views.person_list, name="list"),
    path("users/new", views.person_create, name="create"),
    path("users/bulk", views.person_bulk, name="bulk"),
    path("users.<str:kind>", views.person_export, name="export"),
    path("users/roles", roles.role_list, name="role_list"),
    path("users/roles/new", roles.role_create, name="role_create"),
    path("users/roles/<uuid:role_id>", roles.role_detail, name="role_detail"),
    path("users/roles/<uuid:role_id>/delete", roles.role_delete, name="role_delete"),
    path("users/invitations", invitations.invitation_list, name="invitation_list"),
    path("users/invitations/new", invitations.invite, name="invite"),
    path("users/invitations/<uuid:invitation_id>", invitations.invitation_detail, name="invitation_detail"),
    path("users/invitations/<uuid:invitation_id>/resend", invitations.resend, name="invitation_resend"),
    path("users/invitations/<uuid:invitation_id>/cancel", invitations.cancel, name="invitation_cancel"),
    path("users/<uuid:user_id>", views.person_detail, name="detail"),
    path("users/<uuid:user_id>/edit", views.person_edit, name="edit"),
    path("users/<uuid:user_id>/rights", views.person_rights, name="rights"),
    path("users/<uuid:user_id>/sessions", views.person_sessions, name="sessions"),
    path("users/<uuid:user_id>/activity", views.person_activity, name="activity"),
    path("users/<uuid:user_id>/portrait", views.person_portrait, name="portrait"),
    path("users/<uuid:user_id>/status", views.person_status, name="status"),
    path("users/<uuid:user_id>/password", views.person_password, name="password"),
    path("users/<uuid:user_id>/two-step", views.person_mfa, name="mfa"),
    path("users/<uuid:user_id>/sign-out", views.person_sign_out, name="sign_out"),
    path("users/<uuid:user_id>/sessions/<uuid:session_id>/end", views.person_session_end, name="session_end"),
    path("users/<uuid:user_id>/devices/<uuid:device_id>/revoke", views.person_device_revoke, name="device_revoke"),
    path("users/<uuid:user_id>/delete", views.person_delete, name="delete"),
]
