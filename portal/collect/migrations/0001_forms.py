"""Forms with their versions, submissions with their history, webhooks with their deliveries."""

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
        ("projects", "0001_initial"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Form",
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
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("version", models.IntegerField(default=1, editable=False, verbose_name="version")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("schema", models.JSONField(default=dict, editable=False, verbose_name="schema")),
                ("schema_text", models.TextField(default="", editable=False)),
                ("draft", models.TextField(blank=True, default="", editable=False, verbose_name="draft")),
                ("published_at", models.DateTimeField(editable=False, null=True, verbose_name="published")),
                ("metadata", models.TextField(blank=True, null=True, verbose_name="further details")),
                ("languages", models.JSONField(blank=True, default=list, verbose_name="languages")),
                ("mapping", models.JSONField(blank=True, default=dict, verbose_name="mapping")),
                ("settings", models.JSONField(blank=True, default=dict, verbose_name="settings")),
                ("statistics", models.JSONField(default=dict, editable=False)),
                ("search_text", models.TextField(default="", editable=False)),
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
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="forms",
                        to="projects.project",
                        verbose_name="project",
                    ),
                ),
            ],
            options={
                "verbose_name": "form",
                "verbose_name_plural": "forms",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="FormVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("version", models.IntegerField(verbose_name="version")),
                ("schema", models.JSONField(verbose_name="schema")),
                ("schema_text", models.TextField()),
                ("mapping", models.JSONField(default=dict, verbose_name="mapping")),
                (
                    "form",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="collect.form",
                        verbose_name="form",
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
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="published by",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of a form",
                "verbose_name_plural": "versions of forms",
                "ordering": ["-version", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="deleted")),
                ("form_version", models.IntegerField(verbose_name="version of the form")),
                ("answers", models.JSONField(verbose_name="answers")),
                ("device", models.CharField(blank=True, max_length=200, verbose_name="device")),
                ("created_at", models.DateTimeField(verbose_name="captured")),
                ("started_at", models.DateTimeField(null=True, verbose_name="begun")),
                ("synced_at", models.DateTimeField(default=portal.core.common.clock.now, verbose_name="arrived")),
                ("local_sync_id", models.UUIDField(verbose_name="id on the device")),
                ("fingerprint", models.CharField(max_length=64)),
                ("latitude", models.FloatField(null=True, verbose_name="latitude")),
                ("longitude", models.FloatField(null=True, verbose_name="longitude")),
                ("metadata", models.TextField(null=True, verbose_name="further details")),
                (
                    "review_state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("hasIssues", "Has issues"),
                            ("edited", "Edited"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("onHold", "On hold"),
                        ],
                        default="received",
                        max_length=10,
                        verbose_name="review",
                    ),
                ),
                ("review_note", models.TextField(blank=True, verbose_name="note")),
                ("reviewed_at", models.DateTimeField(null=True, verbose_name="reviewed")),
                ("flags", models.JSONField(default=list, verbose_name="remarks")),
                ("version", models.IntegerField(default=1, verbose_name="version")),
                ("target_kind", models.CharField(blank=True, max_length=20)),
                ("target_id", models.UUIDField(null=True)),
                ("search_text", models.TextField(default="", editable=False)),
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
                    "form",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="collect.form",
                        verbose_name="form",
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
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="projects.project",
                        verbose_name="project",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reviewed by",
                    ),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="submitted by",
                    ),
                ),
            ],
            options={
                "verbose_name": "submission",
                "verbose_name_plural": "submissions",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="SubmissionChange",
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
                        choices=[("answers", "Answers changed"), ("review", "Reviewed")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("version", models.IntegerField(verbose_name="version")),
                ("changes", models.JSONField(default=list, verbose_name="changes")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
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
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="history",
                        to="collect.submission",
                        verbose_name="submission",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a submission",
                "verbose_name_plural": "changes of submissions",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="SubmissionComment",
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
                ("content", models.TextField(verbose_name="comment")),
                (
                    "author",
                    models.ForeignKey(
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
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="collect.submission",
                        verbose_name="submission",
                    ),
                ),
            ],
            options={
                "verbose_name": "comment",
                "verbose_name_plural": "comments",
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="SubmissionExport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("filename", models.CharField(max_length=200, verbose_name="file")),
                ("content_type", models.CharField(max_length=100)),
                ("size", models.BigIntegerField(default=0, verbose_name="size")),
                ("rows", models.IntegerField(default=0, verbose_name="rows")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
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
                "verbose_name": "export of submissions",
                "verbose_name_plural": "exports of submissions",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="SubmissionExportPart",
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
                    "export",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="collect.submissionexport"
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
        ),
        migrations.CreateModel(
            name="Webhook",
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
                ("url", models.URLField(max_length=500, verbose_name="address")),
                ("secret", models.CharField(max_length=100, verbose_name="secret")),
                ("events", models.JSONField(default=list, verbose_name="events")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "form",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhooks",
                        to="collect.form",
                        verbose_name="form",
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
                "verbose_name": "webhook",
                "verbose_name_plural": "webhooks",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("event", models.CharField(max_length=40, verbose_name="event")),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("delivered", "Delivered"), ("failed", "Given up")],
                        default="waiting",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("attempts", models.IntegerField(default=0, verbose_name="attempts")),
                ("due_at", models.DateTimeField(default=portal.core.common.clock.now, verbose_name="next attempt")),
                ("answer_status", models.IntegerField(null=True, verbose_name="answer")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="error")),
                ("delivered_at", models.DateTimeField(null=True, verbose_name="delivered")),
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
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="collect.submission",
                        verbose_name="submission",
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="collect.webhook",
                        verbose_name="webhook",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.AddIndex(
            model_name="form",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "project", "-created_at", "-id"],
                name="form_of_project",
            ),
        ),
        migrations.AddIndex(
            model_name="form",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "-created_at", "-id"],
                name="form_newest",
            ),
        ),
        migrations.AddConstraint(
            model_name="formversion",
            constraint=models.UniqueConstraint(fields=("organization", "form", "version"), name="form_version_once"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "form", "-created_at", "-id"],
                name="submission_of_form",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "project", "-created_at", "-id"],
                name="submission_of_project",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "-created_at", "-id"],
                name="submission_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "submitted_by", "-created_at", "-id"],
                name="submission_of_person",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "form", "review_state", "-created_at"],
                name="submission_by_review",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["organization", "form", "-updated_at"], name="submission_changed"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("latitude__isnull", False)),
                fields=["organization", "form", "latitude", "longitude"],
                name="submission_by_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(
                fields=("organization", "local_sync_id"), name="submission_local_id_once"
            ),
        ),
        migrations.AddIndex(
            model_name="submissionchange",
            index=models.Index(fields=["organization", "submission", "-created_at"], name="submission_change_of"),
        ),
        migrations.AddIndex(
            model_name="submissioncomment",
            index=models.Index(fields=["organization", "submission", "created_at"], name="submission_comment_of"),
        ),
        migrations.AddIndex(
            model_name="submissionexport",
            index=models.Index(fields=["organization", "created_by", "-created_at"], name="submission_export_of"),
        ),
        migrations.AddConstraint(
            model_name="submissionexportpart",
            constraint=models.UniqueConstraint(
                fields=("organization", "export", "number"), name="submission_export_part_once"
            ),
        ),
        migrations.AddIndex(
            model_name="webhook",
            index=models.Index(fields=["organization", "form"], name="webhook_of_form"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["organization", "webhook", "-created_at", "-id"], name="delivery_of_webhook"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(condition=models.Q(("status", "waiting")), fields=["due_at"], name="delivery_due"),
        ),
        *(
            TenantTable(name)
            for name in (
                "Form",
                "FormVersion",
                "Submission",
                "SubmissionChange",
                "SubmissionComment",
                "SubmissionExport",
                "SubmissionExportPart",
                "Webhook",
                "WebhookDelivery",
            )
        ),
        AuditedTable("Form", "form", ignored=("schema_text", "statistics")),
        AuditedTable("Submission", "submission", label="local_sync_id", ignored=("fingerprint", "flags")),
        AuditedTable("SubmissionComment", "submission_comment", label="content"),
        AuditedTable("Webhook", "webhook", ignored=("secret",)),
    ]
