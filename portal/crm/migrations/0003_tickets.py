"""Tickets, their comments, files and categories; calendars, policies and clocks of promises."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
import portal.core.tenancy.models
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable
from portal.core.tenancy.words import WordSearch


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0002_sales"),
        ("files", "0001_initial"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SlaCalendar",
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
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "time_zone",
                    models.CharField(
                        max_length=64,
                        validators=[portal.core.tenancy.models.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                ("week", models.JSONField(default=dict, verbose_name="week")),
                ("holidays", models.JSONField(default=list, verbose_name="holidays")),
                ("seasons", models.JSONField(default=list, verbose_name="seasons")),
                ("version", models.IntegerField(default=1, editable=False, verbose_name="edition")),
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
                "verbose_name": "calendar",
                "verbose_name_plural": "calendars",
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("organization", "name"),
                        name="sla_calendar_name_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CalendarEdition",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("number", models.IntegerField(verbose_name="edition")),
                ("content", models.JSONField()),
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
                    "calendar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="editions",
                        to="crm.slacalendar",
                        verbose_name="calendar",
                    ),
                ),
            ],
            options={
                "verbose_name": "edition of a calendar",
                "verbose_name_plural": "editions of calendars",
                "ordering": ["-number", "id"],
                "constraints": [models.UniqueConstraint(fields=("calendar", "number"), name="sla_edition_once")],
            },
        ),
        migrations.CreateModel(
            name="SlaPolicy",
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
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("order", models.SmallIntegerField(default=100, verbose_name="order")),
                ("match", models.JSONField(blank=True, default=dict, verbose_name="applies to")),
                ("targets", models.JSONField(default=dict, verbose_name="targets")),
                ("warn_percent", models.JSONField(default=list, verbose_name="warnings at (%)")),
                ("escalations", models.JSONField(default=list, verbose_name="escalation")),
                ("is_default", models.BooleanField(default=False, verbose_name="default")),
                ("version", models.IntegerField(default=1, editable=False)),
                (
                    "calendar",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="policies",
                        to="crm.slacalendar",
                        verbose_name="calendar",
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
            ],
            options={
                "verbose_name": "SLA policy",
                "verbose_name_plural": "SLA policies",
                "ordering": ["is_default", "order", "name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None), ("is_default", True)),
                        fields=("organization",),
                        name="sla_policy_one_default",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("organization", "name"),
                        name="sla_policy_name_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_default", False), ("deleted_at", None), _connector="OR"),
                        name="sla_policy_default_stays",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SlaClock",
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
                            ("first_response", "First reply"),
                            ("next_response", "Next reply"),
                            ("resolution", "Resolution"),
                        ],
                        max_length=14,
                        verbose_name="kind",
                    ),
                ),
                ("target_seconds", models.IntegerField(verbose_name="target")),
                ("steps", models.JSONField(default=list)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("met", "Met"),
                            ("breached", "Breached"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="running",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("due_at", models.DateTimeField(null=True, verbose_name="due")),
                ("warn_at", models.DateTimeField(null=True)),
                ("check_at", models.DateTimeField(null=True)),
                ("paused_at", models.DateTimeField(null=True, verbose_name="paused at")),
                ("remaining_seconds", models.IntegerField(null=True, verbose_name="left")),
                ("stopped_at", models.DateTimeField(null=True, verbose_name="stopped")),
                ("elapsed_seconds", models.IntegerField(null=True, verbose_name="taken")),
                ("breached_at", models.DateTimeField(null=True, verbose_name="breached at")),
                (
                    "edition",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.calendaredition",
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
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.slapolicy",
                        verbose_name="SLA policy",
                    ),
                ),
            ],
            options={
                "verbose_name": "SLA clock",
                "verbose_name_plural": "SLA clocks",
                "ordering": ["started_at", "kind", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("check_at__isnull", False)), fields=["check_at"], name="sla_clock_to_check"
                    ),
                    models.Index(fields=["organization", "started_at"], name="sla_clock_started"),
                    models.Index(
                        condition=models.Q(("stopped_at", None)),
                        fields=["organization", "due_at"],
                        name="sla_clock_due",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("target_seconds__gt", 0)), name="sla_clock_target")
                ],
            },
        ),
        migrations.CreateModel(
            name="SlaStep",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("key", models.CharField(max_length=120)),
                ("due_at", models.DateTimeField(verbose_name="due")),
                (
                    "clock",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fired",
                        to="crm.slaclock",
                        verbose_name="SLA clock",
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
                "verbose_name": "escalation",
                "verbose_name_plural": "escalations",
                "ordering": ["due_at", "id"],
                "constraints": [models.UniqueConstraint(fields=("clock", "key"), name="sla_step_once")],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
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
                ("number", models.BigIntegerField(editable=False, verbose_name="number")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("requester_name", models.CharField(blank=True, max_length=200, verbose_name="asked by")),
                ("requester_email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail of who asked")),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("portal", "Portal"),
                            ("email", "E-mail"),
                            ("phone", "Telephone"),
                            ("web", "Website"),
                            ("api", "Another program"),
                            ("laboratory", "Laboratory"),
                        ],
                        default="portal",
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent")],
                        default="normal",
                        max_length=6,
                        verbose_name="priority",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("open", "Open"),
                            ("waiting_customer", "Waiting for the customer"),
                            ("on_hold", "On hold"),
                            ("resolved", "Resolved"),
                            ("closed", "Closed"),
                            ("spam", "Spam"),
                        ],
                        default="new",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("hold_reason", models.CharField(blank=True, max_length=500, verbose_name="why it is on hold")),
                ("resolution", models.TextField(blank=True, verbose_name="resolution")),
                ("due_date", models.DateTimeField(blank=True, null=True, verbose_name="due")),
                ("tags", models.JSONField(blank=True, default=list, verbose_name="tags")),
                ("cc", models.JSONField(blank=True, default=list, editable=False, verbose_name="copies to")),
                ("origin", models.CharField(blank=True, editable=False, max_length=60, verbose_name="made from")),
                ("reopen_count", models.SmallIntegerField(default=0, editable=False, verbose_name="times reopened")),
                ("reply_count", models.IntegerField(default=0, editable=False, verbose_name="public replies")),
                (
                    "satisfaction",
                    models.SmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(5),
                        ],
                        verbose_name="satisfaction",
                    ),
                ),
                ("first_response_at", models.DateTimeField(editable=False, null=True, verbose_name="first reply")),
                ("resolved_at", models.DateTimeField(editable=False, null=True, verbose_name="resolved at")),
                ("closed_at", models.DateTimeField(editable=False, null=True, verbose_name="closed at")),
                ("sla_state", models.CharField(blank=True, default="", editable=False, max_length=8)),
                ("sla_due_at", models.DateTimeField(editable=False, null=True, verbose_name="SLA")),
                ("sla_warn_at", models.DateTimeField(editable=False, null=True)),
                ("version", models.BigIntegerField(default=1, editable=False)),
                ("search_text", models.TextField(default="", editable=False)),
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
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tickets",
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
                    "follows",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="followed_by",
                        to="crm.ticket",
                        verbose_name="follows",
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="crm.ticket",
                        verbose_name="merged into",
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
                    "policy",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tickets",
                        to="crm.slapolicy",
                        verbose_name="SLA policy",
                    ),
                ),
            ],
            options={
                "verbose_name": "ticket",
                "verbose_name_plural": "tickets",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="ticket_newest",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "status", "-created_at", "-id"],
                        name="ticket_by_status",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "priority", "-created_at", "-id"],
                        name="ticket_by_priority",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "assigned_to", "-created_at", "-id"],
                        name="ticket_by_assignee",
                    ),
                    models.Index(fields=["organization", "customer", "-created_at"], name="ticket_by_customer"),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "sla_due_at", "id"],
                        name="ticket_by_sla",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("deleted_at", None), ("status__in", ("new", "open", "waiting_customer", "on_hold"))
                        ),
                        fields=["organization", "status", "sla_due_at", "id"],
                        name="ticket_open",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "due_date"],
                        name="ticket_by_due_date",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "resolved_at"],
                        name="ticket_by_resolution",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "number"), name="ticket_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("origin", ""), _negated=True),
                        fields=("organization", "origin"),
                        name="ticket_origin_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("satisfaction", None), ("satisfaction__range", (1, 5)), _connector="OR"),
                        name="ticket_csat",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SlaPause",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(null=True, verbose_name="until")),
                ("cause", models.CharField(max_length=16, verbose_name="cause")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
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
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pauses",
                        to="crm.ticket",
                        verbose_name="ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "pause",
                "verbose_name_plural": "pauses",
                "ordering": ["starts_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ends_at", None)), fields=("ticket",), name="sla_pause_one_open"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="slaclock",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="clocks",
                to="crm.ticket",
                verbose_name="ticket",
            ),
        ),
        migrations.CreateModel(
            name="TicketAttachment",
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
                ("filename", models.CharField(max_length=255, verbose_name="file name")),
                ("is_internal", models.BooleanField(default=False, verbose_name="internal")),
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
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="files.storedfile",
                        verbose_name="file",
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
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="crm.ticket",
                        verbose_name="ticket",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "attachment",
                "verbose_name_plural": "attachments",
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="TicketCategory",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("key", models.SlugField(max_length=40, verbose_name="key")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("name_ar", models.CharField(blank=True, max_length=100, verbose_name="Arabic name")),
                ("name_fr", models.CharField(blank=True, max_length=100, verbose_name="French name")),
                (
                    "color",
                    models.CharField(
                        default="#6b7280",
                        max_length=7,
                        validators=[django.core.validators.RegexValidator("^#[0-9a-fA-F]{6}$")],
                        verbose_name="colour",
                    ),
                ),
                ("order", models.SmallIntegerField(default=0, verbose_name="order")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                (
                    "default_assignee",
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
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="crm.ticketcategory",
                        verbose_name="part of",
                    ),
                ),
            ],
            options={
                "verbose_name": "ticket category",
                "verbose_name_plural": "ticket categories",
                "ordering": ["order", "name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "key"), name="ticket_category_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(("parent", models.F("id")), _negated=True),
                        name="ticket_category_not_its_own_parent",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="ticket",
            name="category",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tickets",
                to="crm.ticketcategory",
                verbose_name="category",
            ),
        ),
        migrations.CreateModel(
            name="TicketComment",
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
                ("author_name", models.CharField(blank=True, max_length=200, verbose_name="name of who wrote")),
                ("content", models.TextField(verbose_name="comment")),
                ("is_internal", models.BooleanField(default=False, verbose_name="internal")),
                ("from_customer", models.BooleanField(default=False, verbose_name="from the customer")),
                ("automatic", models.BooleanField(default=False, verbose_name="automatic")),
                ("mentions", models.JSONField(blank=True, default=list, verbose_name="mentioned people")),
                ("edited_at", models.DateTimeField(editable=False, null=True, verbose_name="edited")),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
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
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="crm.ticket",
                        verbose_name="ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "comment",
                "verbose_name_plural": "comments",
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["ticket", "created_at", "id"], name="ticket_comment_of")],
            },
        ),
        migrations.CreateModel(
            name="CommentRevision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("content", models.TextField(verbose_name="comment")),
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
                    "replaced_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="crm.ticketcomment",
                        verbose_name="comment",
                    ),
                ),
            ],
            options={
                "verbose_name": "earlier version of a comment",
                "verbose_name_plural": "earlier versions of comments",
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stopped_at", None), models.Q(("state", "cancelled"), _negated=True)),
                fields=("ticket", "kind"),
                name="sla_clock_one_running",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "category", "-created_at", "-id"],
                name="ticket_by_category",
            ),
        ),
        *(
            TenantTable(name)
            for name in (
                "CalendarEdition",
                "CommentRevision",
                "SlaCalendar",
                "SlaClock",
                "SlaPause",
                "SlaPolicy",
                "SlaStep",
                "Ticket",
                "TicketAttachment",
                "TicketCategory",
                "TicketComment",
            )
        ),
        AuditedTable("SlaCalendar", "sla_calendar"),
        AuditedTable("SlaPolicy", "sla_policy"),
        AuditedTable(
            "Ticket",
            "ticket",
            label="title",
            ignored=("sla_state", "sla_due_at", "sla_warn_at", "reply_count"),
        ),
        AuditedTable("TicketAttachment", "ticket_attachment", label="filename"),
        AuditedTable("TicketCategory", "ticket_category"),
        AuditedTable("TicketComment", "ticket_comment", label="content"),
        WordSearch("Ticket"),
    ]
