"""Quality control and worksheets."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("lab", "0005_life"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ControlMaterial",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("name", models.CharField(max_length=150, verbose_name="name")),
                ("lot", models.CharField(max_length=60, verbose_name="lot")),
                ("supplier", models.CharField(blank=True, max_length=150, verbose_name="supplier")),
                ("expires_on", models.DateField(blank=True, null=True, verbose_name="expires")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
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
                "verbose_name": "control material",
                "verbose_name_plural": "control materials",
                "ordering": ["name", "lot", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "name", "lot"), name="control_material_lot_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ControlTarget",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("unit", models.CharField(max_length=30, verbose_name="unit")),
                ("assigned", models.DecimalField(decimal_places=20, max_digits=40, verbose_name="assigned value")),
                (
                    "uncertainty",
                    models.DecimalField(
                        blank=True,
                        decimal_places=20,
                        max_digits=40,
                        null=True,
                        verbose_name="expanded uncertainty (k = 2)",
                    ),
                ),
                (
                    "sd",
                    models.DecimalField(
                        blank=True, decimal_places=20, max_digits=40, null=True, verbose_name="standard deviation"
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("fixed", "Assigned value and standard deviation"),
                            ("period", "Computed from a period"),
                        ],
                        default="fixed",
                        max_length=6,
                        verbose_name="mean and SD",
                    ),
                ),
                ("period_from", models.DateField(blank=True, null=True, verbose_name="period from")),
                ("period_to", models.DateField(blank=True, null=True, verbose_name="period until")),
                (
                    "material",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="targets",
                        to="lab.controlmaterial",
                        verbose_name="material",
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
                    "parameter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lab.parameter",
                        verbose_name="parameter",
                    ),
                ),
            ],
            options={
                "verbose_name": "assigned value",
                "verbose_name_plural": "assigned values",
                "ordering": ["parameter__code", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("material", "parameter"), name="control_target_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("period_from__isnull", True), ("period_to__gte", models.F("period_from")), _connector="OR"
                        ),
                        name="control_target_period_ordered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sd__isnull", True), ("sd__gt", 0), _connector="OR"),
                        name="control_target_sd_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Worksheet",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("number", models.CharField(max_length=30, verbose_name="number")),
                ("method", models.CharField(max_length=150, verbose_name="method")),
                ("edition", models.CharField(blank=True, max_length=40, verbose_name="edition of the method")),
                ("instrument", models.CharField(blank=True, max_length=150, verbose_name="instrument")),
                ("analysed_at", models.DateTimeField(blank=True, null=True, verbose_name="analysed")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("completed", "Completed"), ("verified", "Verified")],
                        default="open",
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                (
                    "control",
                    models.CharField(
                        choices=[
                            ("none", "No QC result"),
                            ("in_control", "In control"),
                            ("warning", "In control with a warning"),
                            ("out_of_control", "Out of control"),
                        ],
                        default="none",
                        max_length=14,
                        verbose_name="quality control",
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[("accept", "Accepted nevertheless"), ("repeat", "Measured again")],
                        max_length=6,
                        verbose_name="decision",
                    ),
                ),
                (
                    "decision_reason",
                    models.CharField(blank=True, max_length=500, verbose_name="reason of the decision"),
                ),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                ("completed_at", models.DateTimeField(null=True, verbose_name="completed")),
                ("verified_at", models.DateTimeField(null=True, verbose_name="verified")),
                ("version", models.IntegerField(default=1, editable=False)),
                (
                    "analyst",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="analyst",
                    ),
                ),
                (
                    "completed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="completed by",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
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
                    "verified_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="verified by",
                    ),
                ),
            ],
            options={
                "verbose_name": "worksheet",
                "verbose_name_plural": "worksheets",
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["organization", "status", "-created_at"], name="worksheet_by_status")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "number"), name="worksheet_number_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="WorksheetColumn",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("unit", models.CharField(max_length=30, verbose_name="unit")),
                ("position", models.SmallIntegerField(verbose_name="position")),
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
                    "parameter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lab.parameter",
                        verbose_name="parameter",
                    ),
                ),
                (
                    "worksheet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="columns", to="lab.worksheet"
                    ),
                ),
            ],
            options={
                "verbose_name": "parameter of a worksheet",
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("worksheet", "parameter"), name="worksheet_column_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="WorksheetItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("position", models.SmallIntegerField(verbose_name="position")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("blank", "Blank"),
                            ("duplicate", "Duplicate"),
                            ("spike", "Spike"),
                            ("control", "Control"),
                            ("sample", "Sample"),
                        ],
                        max_length=9,
                        verbose_name="kind",
                    ),
                ),
                ("added", models.JSONField(default=dict, verbose_name="added amounts")),
                (
                    "material",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lab.controlmaterial",
                        verbose_name="material",
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
                    "sample",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lab.sample",
                        verbose_name="sample",
                    ),
                ),
                (
                    "worksheet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="lab.worksheet"
                    ),
                ),
            ],
            options={
                "verbose_name": "position of a worksheet",
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "sample")),
                        fields=("worksheet", "sample"),
                        name="worksheet_sample_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind__in", ["sample", "duplicate", "spike"]), _negated=True),
                            ("sample__isnull", False),
                            _connector="OR",
                        ),
                        name="worksheet_item_has_sample",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "control"), _negated=True), ("material__isnull", False), _connector="OR"
                        ),
                        name="worksheet_item_has_material",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WorksheetEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("again", models.BooleanField(default=False)),
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
                    "parameter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lab.parameter"
                    ),
                ),
                (
                    "result",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lab.result"),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="lab.worksheetitem"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("item", "parameter"), name="worksheet_entry_once")],
            },
        ),
        migrations.CreateModel(
            name="QcResult",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("blank", "Blank"),
                            ("duplicate", "Duplicate"),
                            ("spike", "Spike"),
                            ("control", "Control"),
                        ],
                        max_length=9,
                        verbose_name="kind",
                    ),
                ),
                ("measured_at", models.DateTimeField(verbose_name="analysed")),
                ("analyst_name", models.CharField(blank=True, max_length=150, verbose_name="analyst")),
                ("method", models.CharField(blank=True, max_length=200, verbose_name="method")),
                ("instrument", models.CharField(blank=True, max_length=150, verbose_name="instrument")),
                ("value_text", models.CharField(max_length=64, verbose_name="value")),
                ("qualifier", models.CharField(default="=", max_length=14, verbose_name="qualifier")),
                (
                    "value",
                    models.DecimalField(
                        blank=True,
                        decimal_places=20,
                        editable=False,
                        max_digits=40,
                        null=True,
                        verbose_name="value as a number",
                    ),
                ),
                (
                    "censoring_limit",
                    models.DecimalField(
                        blank=True,
                        decimal_places=20,
                        editable=False,
                        max_digits=40,
                        null=True,
                        verbose_name="censoring limit",
                    ),
                ),
                ("unit", models.CharField(max_length=30, verbose_name="unit")),
                (
                    "chart_value",
                    models.DecimalField(
                        blank=True,
                        decimal_places=20,
                        editable=False,
                        max_digits=40,
                        null=True,
                        verbose_name="value on the chart",
                    ),
                ),
                (
                    "added",
                    models.DecimalField(
                        blank=True, decimal_places=20, max_digits=40, null=True, verbose_name="added amount"
                    ),
                ),
                ("compared", models.CharField(blank=True, max_length=64, verbose_name="compared with")),
                (
                    "figure",
                    models.DecimalField(
                        blank=True, decimal_places=20, editable=False, max_digits=40, null=True, verbose_name="figure"
                    ),
                ),
                (
                    "figure_to",
                    models.DecimalField(
                        blank=True,
                        decimal_places=20,
                        editable=False,
                        max_digits=40,
                        null=True,
                        verbose_name="figure up to",
                    ),
                ),
                (
                    "score",
                    models.DecimalField(
                        blank=True, decimal_places=20, editable=False, max_digits=40, null=True, verbose_name="z-score"
                    ),
                ),
                ("rules", models.JSONField(default=list, editable=False, verbose_name="rules broken")),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("PASS", "Pass"),
                            ("WARNING", "Warning"),
                            ("FAIL", "Fail"),
                            ("INDETERMINATE", "Indeterminate"),
                            ("NOT_EVALUATED", "Not evaluated"),
                        ],
                        default="NOT_EVALUATED",
                        max_length=13,
                        verbose_name="verdict",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("WITHIN", "Within the criterion"),
                            ("OUTSIDE", "Outside the criterion"),
                            ("NOT_DETECTED", "Not detected"),
                            ("CENSORED", "A censored value does not decide"),
                            ("BOTH_CENSORED", "Both values are censored"),
                            ("WESTGARD", "A Westgard rule is broken"),
                            ("NO_CRITERION", "No acceptance criterion"),
                            ("NO_STATISTICS", "The chart has no mean and standard deviation yet"),
                            ("NO_ORIGINAL", "The sample has no value to compare with"),
                            ("NO_ADDED", "The added amount is missing"),
                        ],
                        default="NO_CRITERION",
                        max_length=13,
                        verbose_name="reason",
                    ),
                ),
                ("repeated", models.BooleanField(default=False, verbose_name="repeated")),
                ("version", models.IntegerField(default=1, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="entered by",
                    ),
                ),
                (
                    "material",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="results",
                        to="lab.controlmaterial",
                        verbose_name="material",
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
                    "parameter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lab.parameter",
                        verbose_name="parameter",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="qc_results",
                        to="lab.worksheetitem",
                    ),
                ),
            ],
            options={
                "verbose_name": "QC result",
                "verbose_name_plural": "QC results",
                "ordering": ["-measured_at", "-id"],
                "indexes": [
                    models.Index(fields=["organization", "-measured_at", "-id"], name="qc_result_recent"),
                    models.Index(fields=["material", "parameter", "measured_at"], name="qc_result_chart"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("repeated", False)),
                        fields=("item", "parameter"),
                        name="qc_result_once_per_cell",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AcceptanceCriterion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("method", models.CharField(blank=True, max_length=200, verbose_name="method")),
                (
                    "blank_limit",
                    models.DecimalField(
                        blank=True, decimal_places=20, max_digits=40, null=True, verbose_name="highest blank"
                    ),
                ),
                ("unit", models.CharField(blank=True, max_length=30, verbose_name="unit of the blank")),
                (
                    "max_rpd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=9,
                        null=True,
                        verbose_name="highest relative difference (%)",
                    ),
                ),
                (
                    "spike_low",
                    models.DecimalField(
                        blank=True, decimal_places=3, max_digits=9, null=True, verbose_name="lowest spike recovery (%)"
                    ),
                ),
                (
                    "spike_high",
                    models.DecimalField(
                        blank=True, decimal_places=3, max_digits=9, null=True, verbose_name="highest spike recovery (%)"
                    ),
                ),
                (
                    "control_low",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=9,
                        null=True,
                        verbose_name="lowest control recovery (%)",
                    ),
                ),
                (
                    "control_high",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=9,
                        null=True,
                        verbose_name="highest control recovery (%)",
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
                    "parameter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lab.parameter",
                        verbose_name="parameter",
                    ),
                ),
            ],
            options={
                "verbose_name": "acceptance criterion",
                "verbose_name_plural": "acceptance criteria",
                "ordering": ["parameter__code", "method", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "parameter", "method"), name="acceptance_criterion_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("spike_low__isnull", True),
                                ("spike_high__isnull", True),
                                ("spike_low__lte", models.F("spike_high")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("control_low__isnull", True),
                                ("control_high__isnull", True),
                                ("control_low__lte", models.F("control_high")),
                                _connector="OR",
                            ),
                        ),
                        name="acceptance_criterion_ordered",
                    ),
                ],
            },
        ),
        TenantTable("ControlMaterial"),
        TenantTable("ControlTarget"),
        TenantTable("AcceptanceCriterion"),
        TenantTable("Worksheet"),
        TenantTable("WorksheetColumn"),
        TenantTable("WorksheetItem"),
        TenantTable("WorksheetEntry"),
        TenantTable("QcResult"),
        AuditedTable("ControlMaterial", "control_material"),
        AuditedTable("ControlTarget", "control_target", label="unit"),
        AuditedTable("AcceptanceCriterion", "acceptance_criterion", label="method"),
        AuditedTable("Worksheet", "worksheet", label="number"),
        AuditedTable("WorksheetColumn", "worksheet_column", label="unit"),
        AuditedTable("WorksheetItem", "worksheet_item", label="kind"),
        AuditedTable("QcResult", "qc_result", label="value_text"),
    ]
