"""Row-level security and audit of security events, rules, policies and reports."""

from django.db import migrations

from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_security_and_retention"), ("accounts", "0003_locks")]
    operations = [
        TenantTable("SecurityEvent"),
        TenantTable("AlertRule"),
        TenantTable("RetentionPolicy"),
        TenantTable("AuditReport"),
        TenantTable("AuditReportFile"),
        AuditedTable("SecurityEvent", "security_event", label="type"),
        AuditedTable("AlertRule", "alert_rule", ignored=("last_fired",)),
        AuditedTable("RetentionPolicy", "retention_policy", label="resource"),
        AuditedTable("AuditReport", "audit_report", ignored=("content",), label="number"),
    ]
