"""Row-level security, audit and versions of the laboratory."""

from django.db import migrations

from portal.core.audit.triggers import AuditedTable
from portal.core.sync.triggers import SyncedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [("lab", "0001_initial"), ("sync", "0002_clock")]
    operations = [
        TenantTable("Parameter", shared=True),
        TenantTable("Standard", shared=True),
        TenantTable("Limit", shared=True),
        TenantTable("StandardChoice"),
        TenantTable("SamplingPoint"),
        TenantTable("Sample"),
        TenantTable("Result"),
        TenantTable("ComplianceReport"),
        TenantTable("ReportFile"),
        AuditedTable("Parameter", "parameter", label="code"),
        AuditedTable("Standard", "standard", label="reference"),
        AuditedTable("Limit", "standard", label="kind"),
        AuditedTable("StandardChoice", "standard", label="key"),
        AuditedTable("SamplingPoint", "sampling_point"),
        AuditedTable("Sample", "sample", label="code"),
        AuditedTable("Result", "result", label="value_text"),
        AuditedTable("ComplianceReport", "report", label="number", ignored=("content",)),
        SyncedTable("Sample", "sample", derived=("compliance_status", "verdicts", "result_count")),
        SyncedTable(
            "Result",
            "result",
            derived=("compliance_status", "verdicts", "flags", "normalized_value", "normalized_unit"),
        ),
    ]
