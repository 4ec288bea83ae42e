"""Row-level security and audit of organisations."""

from django.db import migrations

from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0001_initial"), ("audit", "0002_append_only")]
    operations = [
        TenantTable("Organization", column="id"),
        TenantTable("Counter"),
        AuditedTable("Organization", "organization", organization_column="id"),
    ]
