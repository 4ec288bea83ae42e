"""Organisation-level rules: order of standards, confirmations of limits, re-evaluations, remarks on results."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("lab", "0003_imports"),
        ("tenancy", "0002_locks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LimitConfirmation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("clause", models.CharField(max_length=120, verbose_name="clause")),
                ("note", models.TextField(blank=True, verbose_name="note")),
            ],
            options={
                "verbose_name": "confirmation of a limit",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Reevaluation",
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
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("counting", "Counting"),
                            ("ready", "Waiting for your decision"),
                            ("running", "Re-evaluating"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="counting",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("proposal", models.JSONField(default=dict, verbose_name="proposed rules")),
                ("stamp", models.TextField(default="", editable=False)),
                ("expected", models.JSONField(default=dict, editable=False)),
                ("figures", models.JSONField(default=dict, editable=False)),
                ("total", models.IntegerField(default=0, editable=False)),
                ("position", models.UUIDField(editable=False, null=True)),
                ("job", models.UUIDField(editable=False, null=True)),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
            ],
            options={
                "verbose_name": "re-evaluation",
                "verbose_name_plural": "re-evaluations",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="limit",
            name="clause",
            field=models.CharField(blank=True, max_length=120, verbose_name="clause"),
        ),
        migrations.AddField(
            model_name="parameter",
            name="holding_hours",
            field=models.SmallIntegerField(blank=True, null=True, verbose_name="holding time (h)"),
        ),
        migrations.AddField(
            model_name="parameter",
            name="members",
            field=models.JSONField(blank=True, default=list, verbose_name="members of the sum"),
        ),
        migrations.AddField(
            model_name="result",
            name="flags",
            field=models.JSONField(default=list, editable=False, verbose_name="remarks"),
        ),
        migrations.AddField(
            model_name="standard",
            name="effective_to",
            field=models.DateField(blank=True, null=True, verbose_name="in force until"),
        ),
        migrations.AddField(
            model_name="standardchoice",
            name="position",
            field=models.SmallIntegerField(blank=True, null=True, verbose_name="place on reports"),
        ),
        migrations.AlterField(
            model_name="limit",
            name="matrix",
            field=models.CharField(
                choices=[
                    ("drinking", "drinking water"),
                    ("bottled", "bottled water"),
                    ("bathing", "bathing water"),
                    ("pool", "pool water"),
                    ("waste_water", "waste water"),
                    ("irrigation", "irrigation water"),
                ],
                default="drinking",
                max_length=20,
                verbose_name="kind of water",
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="strict",
            field=models.BooleanField(default=False, verbose_name="strict"),
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_to__isnull", True),
                    ("effective_from__isnull", True),
                    ("effective_from__lt", models.F("effective_to")),
                    _connector="OR",
                ),
                name="limit_period_ordered",
            ),
        ),
        migrations.AddConstraint(
            model_name="standard",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_to__isnull", True), ("effective_from__lt", models.F("effective_to")), _connector="OR"
                ),
                name="standard_period_ordered",
            ),
        ),
        migrations.AddField(
            model_name="limitconfirmation",
            name="confirmed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="confirmed by",
            ),
        ),
        migrations.AddField(
            model_name="limitconfirmation",
            name="limit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="confirmations",
                to="lab.limit",
                verbose_name="limit",
            ),
        ),
        migrations.AddField(
            model_name="limitconfirmation",
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
            model_name="reevaluation",
            name="created_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reevaluation",
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
        migrations.AddConstraint(
            model_name="limitconfirmation",
            constraint=models.UniqueConstraint(fields=("organization", "limit"), name="limit_confirmed_once"),
        ),
        migrations.AddConstraint(
            model_name="reevaluation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("organization",), name="reevaluation_one_at_a_time"
            ),
        ),
        TenantTable("LimitConfirmation"),
        TenantTable("Reevaluation"),
        AuditedTable("LimitConfirmation", "standard", label="clause"),
        AuditedTable(
            "Reevaluation",
            "reevaluation",
            label="reason",
            ignored=("stamp", "expected", "figures", "total", "position", "job"),
        ),
    ]
