"""Assigned areas and refusals because of them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.clock
import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("audit", "0004_locks"),
        ("geo", "0001_units"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GeoAssignment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="deleted")),
                ("code", models.CharField(editable=False, max_length=40, verbose_name="code")),
                ("valid_from", models.DateTimeField(default=portal.core.common.clock.now, verbose_name="from")),
                ("valid_to", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="assigned by",
                    ),
                ),
                (
                    "deleted_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="deleted by",
                    ),
                ),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="geo.geounit",
                        verbose_name="district",
                    ),
                ),
                (
                    "governorate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="geo.geounit",
                        verbose_name="governorate",
                    ),
                ),
                (
                    "neighborhood",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="geo.geounit",
                        verbose_name="neighbourhood",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "sub_district",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="geo.geounit",
                        verbose_name="sub-district",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="geographic_assignments",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "assigned area",
                "verbose_name_plural": "assigned areas",
                "ordering": ["user__name", "code", "id"],
                "indexes": [models.Index(fields=["organization", "user"], name="geoassignment_by_user")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_from__lt", models.F("valid_to")), _connector="OR"
                        ),
                        name="geoassignment_period_ordered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sub_district__isnull", True), ("district__isnull", False), _connector="OR"),
                            models.Q(("neighborhood__isnull", True), ("sub_district__isnull", False), _connector="OR"),
                        ),
                        name="geoassignment_levels_nested",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None), ("valid_to", None)),
                        fields=("organization", "user", "code"),
                        name="geoassignment_open_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GeoDecision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("device", models.CharField(blank=True, max_length=200, verbose_name="device")),
                ("session_id", models.UUIDField(null=True)),
                ("application_id", models.UUIDField(null=True)),
                ("rule", models.CharField(max_length=30, verbose_name="rule")),
                ("latitude", models.FloatField(null=True, verbose_name="latitude")),
                ("longitude", models.FloatField(null=True, verbose_name="longitude")),
                ("accuracy", models.FloatField(null=True, verbose_name="accuracy (m)")),
                ("margin", models.FloatField(default=0, verbose_name="margin (m)")),
                ("distance_outside_m", models.FloatField(null=True, verbose_name="outside by (m)")),
                ("allowed", models.JSONField(default=list)),
                ("dataset_id", models.UUIDField(null=True)),
                ("dataset_version", models.CharField(blank=True, max_length=60, verbose_name="boundaries")),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                ("captured_at", models.DateTimeField(null=True, verbose_name="captured")),
                (
                    "nearest_unit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="geo.geounit",
                        verbose_name="nearest area",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "refusal because of the area",
                "verbose_name_plural": "refusals because of the area",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["organization", "-created_at"], name="geodecision_recent"),
                    models.Index(fields=["organization", "user", "-created_at"], name="geodecision_by_user"),
                ],
            },
        ),
        TenantTable("GeoAssignment"),
        TenantTable("GeoDecision"),
        AuditedTable("GeoAssignment", "geo_assignment", label="code"),
    ]
