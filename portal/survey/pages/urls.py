"""Addresses of applications, survey sessions and the giving out of tasks."""

from django.urls import URLPattern, URLResolver, path

from portal.survey.pages import applications, review, sessions

urlpatterns: list[URLPattern | URLResolver] = [
    path("applications", applications.application_list, name="application_list"),
    path("applications/new", applications.application_create, name="application_create"),
    path("applications/<uuid:application_id>", applications.application_detail, name="application_detail"),
    path("applications/<uuid:application_id>/edit", applications.application_edit, name="application_edit"),
    path("applications/<uuid:application_id>/delete", applications.application_delete, name="application_delete"),
    path("applications/<uuid:application_id>/dispatch", applications.application_dispatch, name="application_dispatch"),
    path("survey/dispatch", applications.dispatch, name="dispatch"),
    path("survey/sessions", sessions.session_list, name="session_list"),
    path("survey/sessions/export/<str:kind>", sessions.session_list_export, name="session_list_export"),
    path("survey/sessions/<uuid:session_id>", sessions.session_detail, name="session_detail"),
    path("survey/sessions/<uuid:session_id>/features", sessions.session_features, name="session_features"),
    path("survey/sessions/<uuid:session_id>/points", sessions.session_points, name="session_points"),
    path("survey/sessions/<uuid:session_id>/media", sessions.session_media, name="session_media"),
    path(
        "survey/sessions/<uuid:session_id>/media/<uuid:attachment_id>/original",
        sessions.attachment_original,
        name="attachment_original",
    ),
    path(
        "survey/sessions/<uuid:session_id>/media/<uuid:attachment_id>/<str:size>",
        sessions.attachment_copy,
        name="attachment_copy",
    ),
    path("survey/sessions/<uuid:session_id>/review", review.session_review, name="session_review"),
    path("survey/sessions/<uuid:session_id>/history", sessions.session_history, name="session_history"),
    path("survey/sessions/<uuid:session_id>/export/<str:kind>", sessions.session_export, name="session_export"),
    path("survey/sessions/<uuid:session_id>/report.pdf", sessions.session_report, name="session_report"),
]
