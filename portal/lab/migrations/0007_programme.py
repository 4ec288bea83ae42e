"""Programme of sampling points, ranges of parameters, and the indexes of both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable
from portal.core.tenancy.words import WordSearch


class Migration(migrations.Migration):
    dependencies = [
        ("lab", "0006_quality"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ParameterRange",
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
                    "minimum",
                    models.DecimalField(
                        blank=True, decimal_places=12, max_digits=30, null=True, verbose_name="lowest plausible value"
                    ),
                ),
                (
                    "maximum",
                    models.DecimalField(
                        blank=True, decimal_places=12, max_digits=30, null=True, verbose_name="highest plausible value"
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("holding_hours", models.SmallIntegerField(blank=True, null=True, verbose_name="holding time (h)")),
            ],
            options={
                "verbose_name": "range of a parameter",
            },
        ),
        migrations.CreateModel(
            name="ProgrammeItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("group", models.CharField(blank=True, max_length=40, verbose_name="group of parameters")),
                ("codes", models.JSONField(blank=True, default=list, verbose_name="parameters")),
                (
                    "frequency",
                    models.CharField(
                        choices=[
                            ("daily", "Daily"),
                            ("weekly", "Weekly"),
                            ("monthly", "Monthly"),
                            ("quarterly", "Quarterly"),
                            ("yearly", "Yearly"),
                            ("times_per_year", "Several times a year"),
                        ],
                        default="monthly",
                        max_length=16,
                        verbose_name="how often",
                    ),
                ),
                ("times", models.SmallIntegerField(default=1, verbose_name="times a year")),
                ("months", models.JSONField(blank=True, default=list, verbose_name="months")),
                ("starts_on", models.DateField(verbose_name="from")),
                ("ends_on", models.DateField(blank=True, null=True, verbose_name="until")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
            ],
            options={
                "verbose_name": "planned sampling",
                "verbose_name_plural": "programme",
                "ordering": ["point__name", "starts_on", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("times__gte", 1), ("times__lte", 365)), name="programme_times_in_a_year"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True), ("starts_on__lte", models.F("ends_on")), _connector="OR"
                        ),
                        name="programme_period_ordered",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="samplingpoint",
            name="notes",
            field=models.TextField(blank=True, verbose_name="notes"),
        ),
        migrations.AddField(
            model_name="samplingpoint",
            name="search_text",
            field=models.TextField(default="", editable=False),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "sampling_point", "-collection_date"],
                name="sample_by_point",
            ),
        ),
        migrations.AddIndex(
            model_name="samplingpoint",
            index=models.Index(fields=["organization", "longitude", "latitude"], name="sampling_point_by_place"),
        ),
        migrations.AddConstraint(
            model_name="samplingpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("latitude__isnull", True), ("longitude__isnull", True)),
                    models.Q(
                        ("latitude__gte", -90), ("latitude__lte", 90), ("longitude__gte", -180), ("longitude__lte", 180)
                    ),
                    _connector="OR",
                ),
                name="sampling_point_on_earth",
            ),
        ),
        migrations.AddField(
            model_name="parameterrange",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.organization",
                verbose_name="organisation",
            ),
        ),
        migrations.AddField(
            model_name="parameterrange",
            name="parameter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="ranges",
                to="lab.parameter",
                verbose_name="parameter",
            ),
        ),
        migrations.AddField(
            model_name="programmeitem",
            name="assignee",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by whom",
            ),
        ),
        migrations.AddField(
            model_name="programmeitem",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.organization",
                verbose_name="organisation",
            ),
        ),
        migrations.AddField(
            model_name="programmeitem",
            name="point",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="programme",
                to="lab.samplingpoint",
                verbose_name="sampling point",
            ),
        ),
        migrations.AddConstraint(
            model_name="parameterrange",
            constraint=models.UniqueConstraint(fields=("organization", "parameter"), name="parameter_range_once"),
        ),
        migrations.AddConstraint(
            model_name="parameterrange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("minimum__isnull", True),
                    ("maximum__isnull", True),
                    ("minimum__lt", models.F("maximum")),
                    _connector="OR",
                ),
                name="parameter_range_ordered",
            ),
        ),
        migrations.AddIndex(
            model_name="programmeitem",
            index=models.Index(fields=["organization", "point"], name="programme_by_point"),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "type", "-collection_date", "-id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_type",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "status", "-collection_date", "-id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_status",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "location", "id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_location",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "created_at", "id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_creation",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "updated_at", "id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_change",
            ),
        ),
        TenantTable("ProgrammeItem"),
        TenantTable("ParameterRange"),
        AuditedTable("ProgrammeItem", "programme", label="frequency"),
        AuditedTable("ParameterRange", "parameter", label="note"),
        # The id, the second line of the search text, is left out: nobody types the middle of one.
        WordSearch(
            "Sample",
            text="concat_ws(' ', split_part(given, E'\n', 1), split_part(given, E'\n', 3), split_part(given, E'\n', 4))",
            finder="marsad_samples_with",
        ),
    ]
