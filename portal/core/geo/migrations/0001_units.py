"""Boundary datasets and administrative units: everybody reads them, a platform scope writes them."""

import django.db.models.deletion
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable

_PLATFORM = "(SELECT current_setting('marsad.scope', true) = 'platform')"


def _lock(table: str) -> migrations.RunSQL:
    """Row-level security of a table without organisations; `TenantTable` is for those with one."""
    return migrations.RunSQL(
        f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY all_read ON {table} FOR SELECT USING (true);
CREATE POLICY platform_insert ON {table} FOR INSERT WITH CHECK ({_PLATFORM});
CREATE POLICY platform_update ON {table} FOR UPDATE USING ({_PLATFORM}) WITH CHECK ({_PLATFORM});
CREATE POLICY platform_delete ON {table} FOR DELETE USING ({_PLATFORM});
""",
        f"""
DROP POLICY platform_delete ON {table};
DROP POLICY platform_update ON {table};
DROP POLICY platform_insert ON {table};
DROP POLICY all_read ON {table};
ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
""",
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [("audit", "0004_locks")]

    operations = [
        migrations.CreateModel(
            name="GeoDataset",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("version", models.CharField(db_column="edition", max_length=60, verbose_name="edition")),
                ("active", models.BooleanField(default=False, verbose_name="in force")),
                (
                    "status",
                    models.CharField(
                        choices=[("loading", "Being loaded"), ("ready", "Ready"), ("failed", "Failed")],
                        default="loading",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("credit", models.CharField(blank=True, max_length=300, verbose_name="source and licence")),
                ("progress", models.SmallIntegerField(default=0, verbose_name="progress (%)")),
                ("counts", models.JSONField(default=dict, verbose_name="units")),
                ("faults", models.JSONField(default=list, verbose_name="errors")),
            ],
            options={
                "verbose_name": "boundary dataset",
                "verbose_name_plural": "boundary datasets",
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("name", "version"), name="geodataset_edition_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("active", True)), fields=("active",), name="geodataset_one_in_force"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GeoUnit",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("governorate", "Governorate"),
                            ("district", "District"),
                            ("sub_district", "Sub-district"),
                            ("neighborhood", "Neighbourhood"),
                        ],
                        max_length=12,
                        verbose_name="level",
                    ),
                ),
                ("code", models.CharField(max_length=40, verbose_name="code")),
                ("name_en", models.CharField(max_length=200, verbose_name="English name")),
                ("name_ar", models.CharField(blank=True, max_length=200, verbose_name="Arabic name")),
                ("search_text", models.TextField(editable=False)),
                ("iso_code", models.CharField(blank=True, max_length=6, verbose_name="ISO 3166-2 code")),
                ("boundary", models.BinaryField(null=True)),
                ("has_boundary", models.BooleanField(default=False, verbose_name="has a boundary")),
                ("west", models.FloatField(null=True)),
                ("south", models.FloatField(null=True)),
                ("east", models.FloatField(null=True)),
                ("north", models.FloatField(null=True)),
                (
                    "dataset",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="units",
                        to="geo.geodataset",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="geo.geounit",
                        verbose_name="part of",
                    ),
                ),
            ],
            options={
                "verbose_name": "administrative unit",
                "verbose_name_plural": "administrative units",
                "ordering": ["code", "id"],
                "indexes": [
                    models.Index(fields=["dataset", "level", "name_en"], name="geounit_by_level"),
                    models.Index(fields=["code"], name="geounit_by_code"),
                ],
                "constraints": [models.UniqueConstraint(fields=("dataset", "code"), name="geounit_code_once")],
            },
        ),
        _lock("geo_geodataset"),
        _lock("geo_geounit"),
        AuditedTable("GeoDataset", "geo_dataset", ignored=("progress", "counts", "faults", "status")),
    ]
