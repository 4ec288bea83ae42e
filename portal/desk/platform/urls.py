"""Addresses of the platform's pages and of an organisation's settings."""

from django.urls import path

from portal.desk.platform import figures, jobs, metrics, views

app_name = "platform"
urlpatterns = [
    path("platform/organizations", views.organizations, name="organizations"),
    path("platform/organizations/new", views.create, name="organization_create"),
    path("platform/organizations/<uuid:organization_id>", views.detail, name="organization"),
    path("platform/organizations/<uuid:organization_id>/edit", views.edit, name="organization_edit"),
    path("platform/organizations/<uuid:organization_id>/status", views.status, name="organization_status"),
    path("platform/organizations/<uuid:organization_id>/delete", views.delete, name="organization_delete"),
    path("platform/organizations/<uuid:organization_id>/invite", views.invite_admin, name="invite_admin"),
    path("platform/stats", figures.stats, name="stats"),
    path("platform/health", figures.system_health, name="health"),
    path("platform/metrics", metrics.metrics, name="metrics"),
    path("platform/jobs", jobs.jobs, name="jobs"),
    path("platform/jobs/<uuid:job_id>/retry", jobs.retry, name="job_retry"),
    path("platform/jobs/broken/<int:number>/retry", jobs.broken_retry, name="job_broken_retry"),
    path("platform/support", views.support, name="support"),
    path("platform/support/leave", views.support_leave, name="support_leave"),
    path("settings/jobs", jobs.own_jobs, name="own_jobs"),
    path("settings/jobs/<uuid:job_id>/retry", jobs.own_retry, name="own_job_retry"),
    path("settings/organization", views.own_settings, name="own_settings"),
]
