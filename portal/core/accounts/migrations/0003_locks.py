"""Row-level security and audit of people, roles and devices."""

from django.db import migrations

from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_initial"), ("tenancy", "0002_locks")]
    operations = [
        TenantTable("Role", shared=True),
        TenantTable("User"),
        TenantTable("Device"),
        AuditedTable("Role", "role"),
        AuditedTable("User", "user", ignored=("password", "last_login", "token_epoch", "session_epoch", "mfa_pending")),
        AuditedTable("Device", "device", label="device_name", ignored=("push_token", "last_seen_at")),
    ]
