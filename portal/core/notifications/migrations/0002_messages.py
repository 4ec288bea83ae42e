"""Messages to people: templates, copies, deliveries, wishes, browsers that get pushes, addresses that get nothing."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
import portal.core.tenancy.models
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("kind", models.CharField(blank=True, max_length=60, verbose_name="kind")),
                ("category", models.CharField(max_length=30, verbose_name="category")),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("info", "Information"),
                            ("success", "Good news"),
                            ("warning", "Warning"),
                            ("error", "Problem"),
                        ],
                        default="info",
                        max_length=10,
                        verbose_name="type",
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("normal", "Normal"), ("urgent", "Urgent")],
                        default="normal",
                        max_length=10,
                        verbose_name="priority",
                    ),
                ),
                ("title", models.CharField(max_length=300, verbose_name="title")),
                ("message", models.TextField(blank=True, verbose_name="message")),
                ("data", models.JSONField(default=dict, verbose_name="data")),
                ("subject_entity", models.CharField(blank=True, max_length=40)),
                ("subject_id", models.CharField(blank=True, max_length=64)),
                ("link", models.CharField(blank=True, max_length=300)),
                ("channels", models.JSONField(default=list, verbose_name="channels")),
                ("scheduled_at", models.DateTimeField(null=True, verbose_name="scheduled for")),
                ("cancelled_at", models.DateTimeField(null=True, verbose_name="cancelled")),
                ("people", models.IntegerField(default=0, verbose_name="recipients")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
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
                "verbose_name": "message",
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["organization", "-created_at", "-id"], name="notification_recent")],
            },
        ),
        migrations.CreateModel(
            name="Copy",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("language", models.CharField(max_length=2)),
                ("title", models.CharField(max_length=300, verbose_name="title")),
                ("many", models.CharField(blank=True, max_length=300)),
                ("message", models.TextField(blank=True, verbose_name="message")),
                ("lines", models.JSONField(default=list)),
                ("count", models.IntegerField(default=1)),
                ("group_key", models.CharField(blank=True, max_length=150)),
                ("in_app", models.BooleanField(default=True)),
                ("visible_at", models.DateTimeField(verbose_name="time")),
                ("read_at", models.DateTimeField(null=True, verbose_name="read")),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                ("search_text", models.TextField(editable=False)),
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipient",
                    ),
                ),
                (
                    "notification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="copies",
                        to="notifications.notification",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
                "ordering": ["-visible_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("in_app", True)),
                        fields=["organization", "user", "-visible_at", "-id"],
                        name="copy_of_person",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("in_app", True), ("read_at", None)),
                        fields=["organization", "user"],
                        name="copy_unread",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("notification", "user"), name="copy_once_per_person"),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("deleted_at", None), ("read_at", None), models.Q(("group_key", ""), _negated=True)
                        ),
                        fields=("organization", "user", "group_key"),
                        name="copy_one_open_group",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Preference",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("matrix", models.JSONField(default=dict)),
                ("quiet_from", models.TimeField(null=True, verbose_name="quiet from")),
                ("quiet_to", models.TimeField(null=True, verbose_name="until")),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        max_length=64,
                        validators=[portal.core.tenancy.models.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        choices=[
                            ("off", "Each message by itself"),
                            ("hourly", "One e-mail an hour"),
                            ("daily", "One e-mail a day"),
                        ],
                        default="off",
                        max_length=10,
                        verbose_name="e-mails",
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
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PushSubscription",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("platform", models.CharField(default="web", max_length=20)),
                ("endpoint", models.TextField()),
                ("keys", models.JSONField(default=dict)),
                ("agent", models.CharField(blank=True, max_length=300)),
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
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "user"], name="push_of_person")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "endpoint"), name="push_endpoint_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
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
                    "channel",
                    models.CharField(
                        choices=[("in_app", "In Marsad"), ("email", "E-mail"), ("push", "Push"), ("sms", "SMS")],
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                ("address", models.CharField(max_length=254, verbose_name="address")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("bounce", "Bounced"),
                            ("complaint", "Complaint"),
                            ("unsubscribed", "Unsubscribed"),
                            ("manual", "Entered by hand"),
                        ],
                        max_length=15,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
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
                "verbose_name": "suppressed address",
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "channel", "address"), name="suppression_address_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Template",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("key", models.SlugField(max_length=60, verbose_name="key")),
                ("name", models.CharField(max_length=150, verbose_name="name")),
                ("channels", models.JSONField(default=list, verbose_name="channels")),
                ("variables", models.JSONField(default=list, verbose_name="variables")),
                ("texts", models.JSONField(default=dict, verbose_name="texts")),
                ("version", models.IntegerField(default=1)),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
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
                "verbose_name": "message template",
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("organization", "key"),
                        name="template_key_once",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="notification",
            name="template",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="notifications.template",
                verbose_name="template",
            ),
        ),
        migrations.CreateModel(
            name="Delivery",
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
                    "channel",
                    models.CharField(
                        choices=[("in_app", "In Marsad"), ("email", "E-mail"), ("push", "Push"), ("sms", "SMS")],
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("queued", "Waiting"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("digested", "Sent in a digest"),
                            ("failed", "Failed"),
                            ("dead", "Failed for good"),
                            ("cancelled", "Cancelled"),
                            ("skipped", "Left out"),
                        ],
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("attempts", models.SmallIntegerField(default=0, verbose_name="attempts")),
                ("digest", models.BooleanField(default=False)),
                ("claim", models.UUIDField(editable=False, null=True)),
                ("leased_until", models.DateTimeField(editable=False, null=True)),
                ("handed_at", models.DateTimeField(editable=False, null=True)),
                ("sent_at", models.DateTimeField(null=True, verbose_name="sent")),
                ("reason", models.CharField(blank=True, max_length=20, verbose_name="reason")),
                ("error", models.CharField(blank=True, max_length=500, verbose_name="error")),
                ("provider_id", models.CharField(blank=True, max_length=200)),
                (
                    "copy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="notifications.copy"
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipient",
                    ),
                ),
                (
                    "notification",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="notifications.notification",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["scheduled", "queued"])),
                        fields=["due_at", "id"],
                        name="delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("status", "sending")), fields=["handed_at"], name="delivery_under_way"
                    ),
                    models.Index(fields=["organization", "-created_at", "-id"], name="delivery_recent"),
                    models.Index(fields=["organization", "notification"], name="delivery_of_message"),
                ],
                "constraints": [models.UniqueConstraint(fields=("copy", "channel"), name="delivery_once_per_channel")],
            },
        ),
        TenantTable("Template"),
        TenantTable("Notification"),
        TenantTable("Copy"),
        TenantTable("Delivery"),
        TenantTable("Preference"),
        TenantTable("PushSubscription"),
        TenantTable("Suppression"),
        AuditedTable("Template", "notification_template"),
        AuditedTable("Notification", "notification", label="title"),
        AuditedTable("Suppression", "notification_suppression", label="address"),
    ]
