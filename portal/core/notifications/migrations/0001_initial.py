"""The table, and its row-level security."""

import django.db.models.deletion
from django.db import migrations, models

import portal.core.common.ids
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenancy", "0002_locks"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("type", models.CharField(max_length=60)),
                ("permission", models.CharField(blank=True, max_length=60)),
                ("groups", models.JSONField(default=list)),
                ("text", models.TextField()),
                ("at", models.DateTimeField(db_index=True)),
                ("xid", models.BigIntegerField()),
                ("seen", models.TextField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "indexes": [models.Index(fields=["organization", "at"], name="event_recent")],
            },
        ),
        TenantTable("Event"),
    ]
