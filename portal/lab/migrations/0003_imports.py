"""Imports of files: sources, runs with their rows, and what they wrote."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
        ("lab", "0002_locks"),
        ("tenancy", "0002_locks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportSource",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "layout",
                    models.CharField(
                        choices=[
                            ("long", "One result in each row"),
                            ("wide", "One sample in each row, a column for each parameter"),
                            ("wqx", "WQX (Water Quality Portal)"),
                            ("instrument", "Instrument: results of samples that are registered"),
                        ],
                        max_length=12,
                        verbose_name="layout",
                    ),
                ),
                ("mapping", models.JSONField(default=dict, verbose_name="mapping")),
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
            ],
            options={
                "verbose_name": "import source",
                "verbose_name_plural": "import sources",
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "name"), name="import_source_name_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRun",
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
                    "layout",
                    models.CharField(
                        choices=[
                            ("long", "One result in each row"),
                            ("wide", "One sample in each row, a column for each parameter"),
                            ("wqx", "WQX (Water Quality Portal)"),
                            ("instrument", "Instrument: results of samples that are registered"),
                        ],
                        max_length=12,
                        verbose_name="layout",
                    ),
                ),
                ("mapping", models.JSONField(default=dict, verbose_name="mapping")),
                ("headings", models.JSONField(default=list)),
                ("filename", models.CharField(max_length=200, verbose_name="file")),
                ("size", models.BigIntegerField(verbose_name="size")),
                ("sha256", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("uploaded", "Uploaded"),
                            ("checking", "Being checked"),
                            ("checked", "Checked"),
                            ("importing", "Being imported"),
                            ("imported", "Imported"),
                            ("reverting", "Being reverted"),
                            ("reverted", "Reverted"),
                        ],
                        default="uploaded",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("rows", models.IntegerField(default=0, verbose_name="rows")),
                ("samples", models.IntegerField(default=0, verbose_name="samples")),
                ("position", models.IntegerField(default=0)),
                ("checked", models.JSONField(default=dict)),
                ("counts", models.JSONField(default=dict)),
                ("left", models.JSONField(default=list)),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="imported by",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="jobs.job"
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
                    "source",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="lab.importsource",
                        verbose_name="import source",
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["organization", "-created_at"], name="import_run_recent")],
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("line", models.IntegerField(verbose_name="row")),
                ("sample_no", models.IntegerField()),
                ("label", models.CharField(blank=True, max_length=200, verbose_name="sample")),
                ("cells", models.JSONField(default=list)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not looked at yet"),
                            ("created", "New"),
                            ("updated", "Changed"),
                            ("unchanged", "Unchanged"),
                            ("conflict", "Kept as it is"),
                            ("refused", "Refused"),
                            ("partly", "Partly refused"),
                            ("skipped", "Left out"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("reasons", models.JSONField(default=list)),
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
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="lab.importrun"
                    ),
                ),
            ],
            options={
                "ordering": ["line", "id"],
                "indexes": [
                    models.Index(fields=["run", "sample_no", "line"], name="import_row_by_sample"),
                    models.Index(fields=["run", "outcome", "line"], name="import_row_by_outcome"),
                ],
                "constraints": [models.UniqueConstraint(fields=("run", "line"), name="import_row_once")],
            },
        ),
        migrations.CreateModel(
            name="ImportRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("entity", models.CharField(max_length=10)),
                ("record_id", models.UUIDField()),
                ("version", models.BigIntegerField()),
                ("created", models.BooleanField()),
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
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="records", to="lab.importrun"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "record_id", "-version"], name="import_record_newest")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "entity", "record_id"), name="import_record_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportPart",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("number", models.IntegerField()),
                ("content", models.BinaryField()),
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
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="lab.importrun"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("run", "number"), name="import_part_once")],
            },
        ),
        TenantTable("ImportSource"),
        TenantTable("ImportRun"),
        TenantTable("ImportPart"),
        TenantTable("ImportRow"),
        TenantTable("ImportRecord"),
        AuditedTable("ImportSource", "import_source"),
        AuditedTable(
            "ImportRun",
            "import_run",
            label="filename",
            ignored=("position", "job_id", "headings", "checked", "counts", "left"),
        ),
    ]
