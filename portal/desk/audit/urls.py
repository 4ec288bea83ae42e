"""Addresses of the audit log."""

from django.urls import path

from portal.desk.audit import alerts, compliance, integrity, retention, security, views

app_name = "audit"
urlpatterns = [
    path("audit", views.entry_list, name="entry_list"),
    path("audit/<int:entry_id>", views.entry_detail, name="entry_detail"),
    *(path(f"audit.{name}", views.entry_export, {"extension": name}, name=name) for name in ("csv", "json", "jsonl")),
    path("audit.zip", views.entry_export, {"extension": "zip"}, name="bundle"),
    path("audit/resource/<slug:entity>/<str:record_id>", views.record_trail, name="record_trail"),
    path("audit/user/<uuid:user_id>", views.user_trail, name="user_trail"),
    path("audit/integrity", integrity.integrity, name="integrity"),
    path("audit/integrity/verify", integrity.verify, name="verify"),
    path("audit/integrity/progress", integrity.verify_progress, name="verify_progress"),
    path("audit/integrity/checkpoints.jsonl", integrity.checkpoints, name="checkpoints"),
    path("audit/integrity/checkpoints/<int:count>.json", integrity.checkpoint, name="checkpoint"),
    path("audit/integrity/verify_audit.py", integrity.verifier, name="verifier"),
    path("audit/integrity/<slug:name>.pub", integrity.public_key, name="public_key"),
    path("audit/security", security.event_list, name="event_list"),
    path("audit/security/<uuid:event_id>", security.event_detail, name="event_detail"),
    path("audit/security/<uuid:event_id>/acknowledge", security.event_acknowledge, name="event_acknowledge"),
    path("audit/security/<uuid:event_id>/resolve", security.event_resolve, name="event_resolve"),
    path("audit/security/<uuid:event_id>/reopen", security.event_reopen, name="event_reopen"),
    path("audit/alerts", alerts.rule_list, name="rule_list"),
    path("audit/alerts/new", alerts.rule_create, name="rule_create"),
    path("audit/alerts/<uuid:rule_id>", alerts.rule_detail, name="rule_detail"),
    path("audit/alerts/<uuid:rule_id>/edit", alerts.rule_edit, name="rule_edit"),
    path("audit/alerts/<uuid:rule_id>/delete", alerts.rule_delete, name="rule_delete"),
    path("audit/retention", retention.policy_list, name="policy_list"),
    path("audit/retention/new", retention.policy_create, name="policy_create"),
    path("audit/retention/progress", retention.policy_progress, name="policy_progress"),
    path("audit/retention/<uuid:policy_id>", retention.policy_detail, name="policy_detail"),
    path("audit/retention/<uuid:policy_id>/edit", retention.policy_edit, name="policy_edit"),
    path("audit/retention/<uuid:policy_id>/delete", retention.policy_delete, name="policy_delete"),
    path("audit/retention/<uuid:policy_id>/apply", retention.policy_apply, name="policy_apply"),
    path("audit/erasure", retention.erasure, name="erasure"),
    path("audit/compliance", compliance.report_list, name="report_list"),
    path("audit/compliance/new", compliance.report_create, name="report_create"),
    path("audit/compliance/progress", compliance.report_progress, name="report_progress"),
    path("audit/compliance/<uuid:report_id>", compliance.report_detail, name="report_detail"),
    path("audit/compliance/<uuid:report_id>.pdf", compliance.report_pdf, name="report_pdf"),
    path("audit/compliance/<uuid:report_id>.json", compliance.report_json, name="report_json"),
]
