"""Deals, their stages, lines, steps and activities, products, targets and snapshots of the forecast."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
from django.conf import settings
from django.db import migrations, models

import portal.core.common.clock
import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable
from portal.core.tenancy.words import WordSearch


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0001_customers"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Deal",
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
                ("title", models.CharField(max_length=200, verbose_name="title")),
                (
                    "value",
                    models.DecimalField(decimal_places=2, default=Decimal(0), max_digits=16, verbose_name="value"),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "fx_rate",
                    models.DecimalField(
                        decimal_places=8, default=Decimal(1), max_digits=18, verbose_name="exchange rate"
                    ),
                ),
                (
                    "base_value",
                    models.DecimalField(
                        decimal_places=2, default=Decimal(0), max_digits=20, verbose_name="value in base currency"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")],
                        default="open",
                        max_length=4,
                        verbose_name="status",
                    ),
                ),
                ("probability", models.SmallIntegerField(blank=True, null=True, verbose_name="probability")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("pipeline", "Pipeline"),
                            ("best", "Best case"),
                            ("commit", "Commitment"),
                            ("omit", "Left out of the forecast"),
                        ],
                        default="pipeline",
                        max_length=8,
                        verbose_name="category",
                    ),
                ),
                ("expected_close_date", models.DateField(blank=True, null=True, verbose_name="expected close")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("lost_reason", models.CharField(blank=True, max_length=100, verbose_name="lost because of")),
                ("lost_note", models.TextField(blank=True, verbose_name="note on the loss")),
                (
                    "stage_since",
                    models.DateTimeField(
                        default=portal.core.common.clock.now, editable=False, verbose_name="in this stage since"
                    ),
                ),
                ("closed_at", models.DateTimeField(editable=False, null=True, verbose_name="closed")),
                ("next_activity_at", models.DateTimeField(editable=False, null=True, verbose_name="next activity")),
                ("position", models.FloatField(default=0, editable=False, verbose_name="place on the board")),
                ("search_text", models.TextField(default="", editable=False)),
                ("version", models.BigIntegerField(default=1, editable=False)),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="assigned to",
                    ),
                ),
                (
                    "cloned_from",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.deal",
                        verbose_name="copied from",
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deals",
                        to="crm.customer",
                        verbose_name="customer",
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
                    "owner_at_close",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="closed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "deal",
                "verbose_name_plural": "deals",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="deal_newest",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "status", "-created_at", "-id"],
                        name="deal_by_status",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "assigned_to", "-created_at", "-id"],
                        name="deal_by_owner",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("status", "open")),
                        fields=["organization", "expected_close_date", "id"],
                        name="deal_expected",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), models.Q(("status", "open"), _negated=True)),
                        fields=["organization", "closed_at", "id"],
                        name="deal_closed",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-base_value", "-id"],
                        name="deal_by_value",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "title", "id"],
                        name="deal_by_title",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("fx_rate__gt", 0), ("value__gte", 0)), name="deal_money_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "base_value",
                                django.db.models.functions.math.Round(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("value"), "*", models.F("fx_rate")
                                    ),
                                    2,
                                ),
                            )
                        ),
                        name="deal_base_value",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("probability", None), ("probability__range", (0, 100)), _connector="OR"),
                        name="deal_probability",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("status", "open")),
                            models.Q(
                                models.Q(("status", "open"), _negated=True),
                                models.Q(("closed_at", None), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="deal_closed_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "won"), _negated=True), ("value__gt", 0), _connector="OR"
                        ),
                        name="deal_won_has_value",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "lost"), _negated=True),
                            models.Q(("lost_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="deal_lost_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Product",
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
                ("sku", models.CharField(max_length=50, verbose_name="article number")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "unit_price",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal(0),
                        max_digits=16,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="unit price",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
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
                "verbose_name": "product",
                "verbose_name_plural": "products",
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("organization", "sku"),
                        name="product_sku_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("unit_price__gte", 0)), name="product_price_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DealLine",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("quantity", models.DecimalField(decimal_places=3, max_digits=14, verbose_name="quantity")),
                ("unit_price", models.DecimalField(decimal_places=2, max_digits=16, verbose_name="unit price")),
                (
                    "discount",
                    models.DecimalField(
                        decimal_places=2, default=Decimal(0), max_digits=5, verbose_name="discount (%)"
                    ),
                ),
                ("position", models.SmallIntegerField(default=0)),
                (
                    "deal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="crm.deal",
                        verbose_name="deal",
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
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of a deal",
                "verbose_name_plural": "lines of deals",
                "ordering": ["position", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("discount__range", (0, 100)), ("quantity__gt", 0), ("unit_price__gte", 0)),
                        name="dealline_figures",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Quota",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("month", models.DateField(verbose_name="month")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=20, verbose_name="amount")),
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
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "sales target",
                "verbose_name_plural": "sales targets",
                "ordering": ["month", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "month", "owner"), name="quota_once_a_month", nulls_distinct=False
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="quota_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SalesActivity",
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
                    "type",
                    models.CharField(
                        choices=[
                            ("call", "Call"),
                            ("meeting", "Meeting"),
                            ("email", "E-mail"),
                            ("task", "To do"),
                            ("note", "Note"),
                        ],
                        default="note",
                        max_length=7,
                        verbose_name="type",
                    ),
                ),
                ("description", models.TextField(verbose_name="description")),
                ("due_at", models.DateTimeField(blank=True, null=True, verbose_name="due")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done")),
                ("outcome", models.CharField(blank=True, max_length=300, verbose_name="outcome")),
                ("duration", models.PositiveIntegerField(blank=True, null=True, verbose_name="duration (minutes)")),
                (
                    "deal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="crm.deal",
                        verbose_name="deal",
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "activity of a deal",
                "verbose_name_plural": "activities of deals",
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["organization", "done_at", "user"], name="salesactivity_done")],
            },
        ),
        migrations.CreateModel(
            name="Stage",
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
                ("key", models.SlugField(verbose_name="key")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("name_fr", models.CharField(blank=True, max_length=100, verbose_name="name in French")),
                ("name_ar", models.CharField(blank=True, max_length=100, verbose_name="name in Arabic")),
                ("position", models.SmallIntegerField(default=0, verbose_name="order")),
                (
                    "probability",
                    models.SmallIntegerField(
                        default=0,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="probability",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")],
                        default="open",
                        max_length=4,
                        verbose_name="kind",
                    ),
                ),
                (
                    "rotting_days",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="neglected after (days)"),
                ),
                ("required_fields", models.JSONField(blank=True, default=list, verbose_name="required fields")),
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
                "verbose_name": "stage of the pipeline",
                "verbose_name_plural": "stages of the pipeline",
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)), fields=("organization", "key"), name="stage_key_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None), ("kind", "won")),
                        fields=("organization",),
                        name="stage_one_won",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "open"), ("probability__range", (0, 100))),
                            models.Q(("kind", "won"), ("probability", 100)),
                            models.Q(("kind", "lost"), ("probability", 0)),
                            _connector="OR",
                        ),
                        name="stage_probability",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ForecastSnapshot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("taken_on", models.DateField(verbose_name="taken on")),
                ("value", models.DecimalField(decimal_places=2, max_digits=20, verbose_name="value")),
                ("probability", models.SmallIntegerField(verbose_name="probability")),
                ("expected_close_date", models.DateField(null=True, verbose_name="expected close")),
                (
                    "deal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.deal",
                        verbose_name="deal",
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
                    "stage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.stage",
                        verbose_name="stage",
                    ),
                ),
            ],
            options={
                "verbose_name": "snapshot of the forecast",
                "verbose_name_plural": "snapshots of the forecast",
                "ordering": ["-taken_on", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "taken_on", "deal"), name="snapshot_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="deal",
            name="last_open_stage",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="crm.stage",
                verbose_name="last open stage",
            ),
        ),
        migrations.AddField(
            model_name="deal",
            name="stage",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="deals", to="crm.stage", verbose_name="stage"
            ),
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("at", models.DateTimeField(default=portal.core.common.clock.now, verbose_name="at")),
                ("seconds_in_from", models.BigIntegerField(null=True, verbose_name="seconds in the stage before")),
                ("value", models.DecimalField(decimal_places=2, max_digits=20, verbose_name="value")),
                ("probability", models.SmallIntegerField(verbose_name="probability")),
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
                    "deal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transitions",
                        to="crm.deal",
                        verbose_name="deal",
                    ),
                ),
                (
                    "from_stage",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.stage",
                        verbose_name="from",
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
                    "to_stage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="crm.stage", verbose_name="to"
                    ),
                ),
            ],
            options={
                "verbose_name": "step of a deal",
                "verbose_name_plural": "steps of deals",
                "ordering": ["at", "id"],
                "indexes": [models.Index(fields=["organization", "at", "id"], name="transition_at")],
            },
        ),
        migrations.AddIndex(
            model_name="deal",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "stage", "position", "id"],
                name="deal_on_board",
            ),
        ),
        migrations.AddIndex(
            model_name="deal",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("status", "open")),
                fields=["organization", "stage"],
                include=("base_value", "probability", "created_at", "stage_since"),
                name="deal_pipeline_figures",
            ),
        ),
        *map(
            TenantTable,
            ("Stage", "Product", "Deal", "DealLine", "Transition", "SalesActivity", "Quota", "ForecastSnapshot"),
        ),
        AuditedTable("Stage", "pipeline_stage"),
        AuditedTable("Product", "product"),
        AuditedTable("Deal", "sale", label="title", ignored=("position", "search_text", "next_activity_at")),
        AuditedTable("DealLine", "sale_line"),
        AuditedTable("SalesActivity", "sale_activity", label="description"),
        AuditedTable("Quota", "sales_quota", label="month"),
        WordSearch("Deal"),
    ]
