"""Addresses of the pages of custom reports; `urlpatterns` is included at the root."""

from django.urls import path

from portal.desk.reports import pages
from portal.desk.reports import sending as send

app_name = "custom_reports"
_ONE = "reports/<uuid:custom_report_id>"
_SCHEDULE = "reports/schedules/<uuid:report_schedule_id>"
_RUN = "reports/runs/<uuid:report_run_id>"

urlpatterns = [
    path("reports", pages.report_list, name="list"),
    path("reports/new", pages.report_create, name="create"),
    path("reports/preview", pages.report_preview, name="preview"),
    path("reports/runs", send.run_list, name="runs"),
    path(_RUN, send.run_detail, name="run"),
    path(f"{_RUN}/live", send.run_live, name="run_live"),
    path(f"{_RUN}/file", send.run_file, name="run_file"),
    path(f"{_RUN}/retry", send.run_retry, name="run_retry"),
    path(f"{_SCHEDULE}", send.schedule_edit, name="schedule_edit"),
    path(f"{_SCHEDULE}/pause", send.schedule_pause, name="schedule_pause"),
    path(f"{_SCHEDULE}/delete", send.schedule_delete, name="schedule_delete"),
    path(_ONE, pages.report_detail, name="detail"),
    path(f"{_ONE}/edit", pages.report_edit, name="edit"),
    path(f"{_ONE}/delete", pages.report_delete, name="delete"),
    path(f"{_ONE}/versions", pages.version_list, name="versions"),
    path(f"{_ONE}/versions/<int:number>/restore", pages.version_restore, name="version_restore"),
    path(f"{_ONE}/runs", send.report_runs, name="report_runs"),
    path(f"{_ONE}/run", send.run_start, name="run_start"),
    path(f"{_ONE}/schedules", send.schedule_list, name="schedules"),
    path(f"{_ONE}/schedules/new", send.schedule_create, name="schedule_create"),
]
