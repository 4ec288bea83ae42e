"""Versions given by the database, and row-level security."""

from django.db import migrations

from portal.core.audit.triggers import AuditedTable
from portal.core.sync import triggers
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [("sync", "0001_initial"), ("accounts", "0003_locks")]
    operations = [
        migrations.RunSQL(triggers.FUNCTIONS, triggers.DROP_FUNCTIONS),
        migrations.RunSQL(triggers.IDS_ELSEWHERE, "DROP FUNCTION marsad_ids_elsewhere(text, uuid, uuid[])"),
        TenantTable("Clock"),
        TenantTable("FeedRecord"),
        TenantTable("IdempotencyKey"),
        TenantTable("ItemKey"),
        TenantTable("DeviceState"),
        TenantTable("Upload"),
        TenantTable("Conflict"),
        AuditedTable("Conflict", "conflict", label="entity", ignored=("client_data", "server_data", "lost_data")),
        migrations.RunSQL("ALTER TABLE sync_clock SET (fillfactor = 10)", migrations.RunSQL.noop),
    ]
