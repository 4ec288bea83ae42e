"""Addresses of the pages of submissions and webhooks."""

from django.urls import path

from portal.collect.submissions.pages import hooks, views

urlpatterns = [
    path("submissions", views.submission_list, name="submission_list"),
    path("submissions/map", views.submission_map, name="submission_map"),
    path("submissions/review", views.submission_review_many, name="submission_review_many"),
    path("submissions/export.<slug:kind>", views.submission_export, name="submission_export"),
    path("submissions/exports/<uuid:job_id>", views.export_wait, name="export_wait"),
    path("submissions/<uuid:submission_id>", views.submission_detail, name="submission_detail"),
    path("submissions/<uuid:submission_id>/review", views.submission_review, name="submission_review"),
    path("submissions/<uuid:submission_id>/comments", views.comment_add, name="submission_comment"),
    path("submissions/<uuid:submission_id>/delete", views.submission_delete, name="submission_delete"),
    path("projects/<uuid:project_id>/submissions", views.submission_list, name="project_submissions"),
    path("projects/<uuid:project_id>/submissions/map", views.submission_map, name="project_submission_map"),
    path("forms/<uuid:form_id>/webhooks", hooks.webhook_list, name="webhook_list"),
    path("forms/<uuid:form_id>/webhooks/<uuid:webhook_id>/switch", hooks.webhook_switch, name="webhook_switch"),
    path("forms/<uuid:form_id>/webhooks/<uuid:webhook_id>/delete", hooks.webhook_delete, name="webhook_delete"),
    path(
        "forms/<uuid:form_id>/webhooks/<uuid:webhook_id>/deliveries/<uuid:webhook_delivery_id>/retry",
        hooks.delivery_retry,
        name="delivery_retry",
    ),
]
