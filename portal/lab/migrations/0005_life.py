"""The life of a sample: its steps, chain of custody, retests, requested analyses."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable

# What happened to a sample is added to, never rewritten: not by the application, not by the owner of the table.
APPEND_ONLY = """
CREATE FUNCTION lab_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON lab_custodyentry
    FOR EACH ROW EXECUTE FUNCTION lab_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON lab_samplestep
    FOR EACH ROW EXECUTE FUNCTION lab_append_only();
"""
UNDO = """
DROP TRIGGER append_only ON lab_samplestep;
DROP TRIGGER append_only ON lab_custodyentry;
DROP FUNCTION lab_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lab", "0004_rules"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CustodyEntry",
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
                            ("handed_over", "Handed over"),
                            ("received", "Received by the laboratory"),
                            ("stored", "Stored"),
                            ("disposed", "Disposed of"),
                            ("note", "Remark or correction"),
                        ],
                        max_length=12,
                        verbose_name="what happened",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="when")),
                ("given_by", models.CharField(blank=True, max_length=150, verbose_name="handed over by")),
                ("taken_by", models.CharField(blank=True, max_length=150, verbose_name="taken over by")),
                ("place", models.CharField(blank=True, max_length=200, verbose_name="place")),
                (
                    "condition",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("intact", "Intact"),
                            ("leaking", "Leaking"),
                            ("broken", "Broken"),
                            ("too_warm", "Too warm"),
                            ("insufficient", "Too little"),
                            ("unlabelled", "Without a label"),
                            ("other", "Other"),
                        ],
                        max_length=12,
                        verbose_name="condition",
                    ),
                ),
                (
                    "temperature",
                    models.DecimalField(
                        blank=True,
                        decimal_places=1,
                        max_digits=4,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-100),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="temperature (°C)",
                    ),
                ),
                ("container", models.CharField(blank=True, max_length=150, verbose_name="container")),
                ("note", models.TextField(blank=True, verbose_name="remark")),
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
                    "recorded_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recorded by",
                    ),
                ),
                (
                    "sample",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="custody",
                        to="lab.sample",
                        verbose_name="sample",
                    ),
                ),
            ],
            options={
                "verbose_name": "entry of the chain of custody",
                "verbose_name_plural": "chain of custody",
                "ordering": ["at", "created_at", "id"],
                "indexes": [models.Index(fields=["sample", "at"], name="custody_by_sample")],
            },
        ),
        migrations.CreateModel(
            name="RequestedAnalysis",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="begun")),
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
                    "sample",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requests",
                        to="lab.sample",
                        verbose_name="sample",
                    ),
                ),
            ],
            options={
                "verbose_name": "requested analysis",
                "verbose_name_plural": "requested analyses",
                "ordering": ["sample", "parameter", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("sample", "parameter"), name="requested_analysis_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Retest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn")),
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
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
                (
                    "result",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="retests",
                        to="lab.result",
                        verbose_name="result",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
            ],
            options={
                "verbose_name": "retest",
                "verbose_name_plural": "retests",
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)), fields=("result",), name="retest_open_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SampleStep",
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
                    "source",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("registered", "Registered"),
                            ("received", "Received"),
                            ("in_progress", "In progress"),
                            ("completed", "Completed"),
                            ("validated", "Validated"),
                            ("approved", "Approved"),
                            ("reported", "Reported"),
                            ("amended", "Amended"),
                            ("rejected", "Rejected"),
                            ("disposed", "Disposed"),
                        ],
                        max_length=12,
                        verbose_name="from",
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        choices=[
                            ("registered", "Registered"),
                            ("received", "Received"),
                            ("in_progress", "In progress"),
                            ("completed", "Completed"),
                            ("validated", "Validated"),
                            ("approved", "Approved"),
                            ("reported", "Reported"),
                            ("amended", "Amended"),
                            ("rejected", "Rejected"),
                            ("disposed", "Disposed"),
                        ],
                        max_length=12,
                        verbose_name="to",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="when")),
                ("reason", models.CharField(blank=True, max_length=1000, verbose_name="reason")),
                ("device", models.CharField(blank=True, max_length=200, verbose_name="device")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="lab.sample",
                        verbose_name="sample",
                    ),
                ),
            ],
            options={
                "verbose_name": "step of a sample",
                "ordering": ["at", "id"],
                "indexes": [models.Index(fields=["sample", "at"], name="sample_step_by_sample")],
            },
        ),
        TenantTable("SampleStep"),
        TenantTable("CustodyEntry"),
        TenantTable("Retest"),
        TenantTable("RequestedAnalysis"),
        AuditedTable("CustodyEntry", "custody", label="kind"),
        AuditedTable("Retest", "retest", label="reason"),
        AuditedTable("RequestedAnalysis", "requested_analysis", label="parameter_id"),
        migrations.RunSQL(APPEND_ONLY, UNDO),
    ]
