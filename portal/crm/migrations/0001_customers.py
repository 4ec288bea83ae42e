"""Customers, their tags, notes, links, history, imports and merges, and the timeline of the office."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.clock
import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable
from portal.core.tenancy.words import WordSearch


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("jobs", "0001_initial"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Customer",
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
                ("company_name", models.CharField(blank=True, max_length=200, verbose_name="company")),
                ("contact_name", models.CharField(blank=True, max_length=200, verbose_name="contact person")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("phone", models.CharField(blank=True, max_length=30, verbose_name="phone")),
                ("address", models.CharField(blank=True, max_length=300, verbose_name="address")),
                ("city", models.CharField(blank=True, max_length=100, verbose_name="city")),
                ("country", models.CharField(blank=True, max_length=2, verbose_name="country")),
                ("industry", models.CharField(blank=True, max_length=100, verbose_name="industry")),
                (
                    "size",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("individual", "Individual"),
                            ("startup", "Start-up"),
                            ("small", "Small"),
                            ("medium", "Medium"),
                            ("large", "Large"),
                            ("enterprise", "Very large"),
                        ],
                        max_length=10,
                        verbose_name="size",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("lead", "Lead"),
                            ("prospect", "Prospect"),
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                            ("churned", "Lost customer"),
                        ],
                        default="lead",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("status_reason", models.CharField(blank=True, max_length=300, verbose_name="reason of the status")),
                (
                    "status_changed_at",
                    models.DateTimeField(
                        default=portal.core.common.clock.now, editable=False, verbose_name="status since"
                    ),
                ),
                ("notes", models.TextField(blank=True, verbose_name="summary")),
                ("external_id", models.CharField(blank=True, max_length=100, verbose_name="number in another system")),
                ("tax_number", models.CharField(blank=True, max_length=40, verbose_name="tax number")),
                ("custom_fields", models.JSONField(blank=True, default=dict, verbose_name="further fields")),
                (
                    "last_activity_at",
                    models.DateTimeField(
                        default=portal.core.common.clock.now, editable=False, verbose_name="last activity"
                    ),
                ),
                ("version", models.BigIntegerField(default=1, editable=False)),
                ("name", models.CharField(editable=False, max_length=200, verbose_name="name")),
                ("name_key", models.CharField(default="", editable=False, max_length=200)),
                ("tax_key", models.CharField(default="", editable=False, max_length=40)),
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
                    "merged_into",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.customer",
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
            ],
            options={
                "verbose_name": "customer",
                "verbose_name_plural": "customers",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="customer_newest",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "name", "id"],
                        name="customer_by_name",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "status", "-created_at", "-id"],
                        name="customer_by_status",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "assigned_to", "-created_at", "-id"],
                        name="customer_by_owner",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "country", "-created_at", "-id"],
                        name="customer_by_country",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "industry", "-created_at", "-id"],
                        name="customer_by_industry",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-last_activity_at", "-id"],
                        name="customer_by_activity",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), models.Q(("email", ""), _negated=True)),
                        fields=["organization", "email"],
                        name="customer_by_email",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), models.Q(("phone", ""), _negated=True)),
                        fields=["organization", "phone"],
                        name="customer_by_phone",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), models.Q(("tax_key", ""), _negated=True)),
                        fields=["organization", "tax_key"],
                        name="customer_by_tax",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), models.Q(("name_key", ""), _negated=True)),
                        fields=["organization", "name_key"],
                        name="customer_by_key",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("company_name", ""), ("contact_name", ""), _negated=True),
                        name="customer_has_a_name",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None), models.Q(("external_id", ""), _negated=True)),
                        fields=("organization", "external_id"),
                        name="customer_external_id_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerImport",
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
                ("size", models.BigIntegerField(verbose_name="size")),
                ("sha256", models.CharField(max_length=64)),
                ("options", models.JSONField(default=dict, verbose_name="options")),
                ("headings", models.JSONField(default=list)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("uploaded", "Uploaded"),
                            ("mapped", "Mapped"),
                            ("validating", "Being checked"),
                            ("validated", "Checked"),
                            ("running", "Being imported"),
                            ("done", "Imported"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("reverting", "Being reverted"),
                            ("reverted", "Reverted"),
                        ],
                        default="uploaded",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("total", models.IntegerField(default=0, verbose_name="rows")),
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
            ],
            options={
                "verbose_name": "import of customers",
                "verbose_name_plural": "imports of customers",
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["organization", "-created_at"], name="customer_import_recent")],
            },
        ),
        migrations.CreateModel(
            name="CustomerImportFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
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
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="file", to="crm.customerimport"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CustomerImportRow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("row_no", models.IntegerField(verbose_name="row")),
                ("cells", models.JSONField(default=list)),
                ("dup_of", models.IntegerField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not looked at yet"),
                            ("created", "New"),
                            ("updated", "Changed"),
                            ("unchanged", "Unchanged"),
                            ("skipped", "Left out"),
                            ("failed", "Refused"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("errors", models.JSONField(default=list)),
                ("customer_id", models.UUIDField(null=True)),
                ("before", models.JSONField(null=True)),
                ("version", models.BigIntegerField(null=True)),
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="crm.customerimport",
                    ),
                ),
            ],
            options={
                "ordering": ["row_no"],
                "indexes": [models.Index(fields=["run", "outcome", "row_no"], name="customer_import_row_outcome")],
                "constraints": [models.UniqueConstraint(fields=("run", "row_no"), name="customer_import_row_once")],
            },
        ),
        migrations.CreateModel(
            name="CustomerLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("target_id", models.UUIDField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="crm.customer",
                        verbose_name="customer",
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
                "verbose_name": "link of a customer",
                "verbose_name_plural": "links of customers",
                "ordering": ["kind", "created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "kind", "target_id"), name="customer_link_target_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerNote",
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
                ("content", models.TextField(verbose_name="note")),
                ("is_pinned", models.BooleanField(default=False, verbose_name="pinned")),
                ("is_private", models.BooleanField(default=False, verbose_name="private")),
                ("edited_at", models.DateTimeField(editable=False, null=True, verbose_name="edited")),
                ("mentions", models.JSONField(blank=True, default=list, verbose_name="mentioned people")),
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="note_rows",
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
            ],
            options={
                "verbose_name": "note",
                "verbose_name_plural": "notes",
                "ordering": ["-is_pinned", "-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="CustomField",
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
                ("label", models.CharField(max_length=100, verbose_name="label")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("date", "Date"),
                            ("boolean", "Yes or no"),
                            ("choice", "Choice"),
                        ],
                        default="text",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("options", models.JSONField(blank=True, default=list, verbose_name="options")),
                ("order", models.SmallIntegerField(default=0, verbose_name="order")),
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
                "verbose_name": "field of customers",
                "verbose_name_plural": "fields of customers",
                "ordering": ["order", "label", "id"],
                "constraints": [models.UniqueConstraint(fields=("organization", "key"), name="custom_field_key_once")],
            },
        ),
        migrations.CreateModel(
            name="MergeLog",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("sources", models.JSONField(default=list, verbose_name="merged customers")),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("tags_added", models.JSONField(default=list)),
                ("moved", models.JSONField(default=dict)),
                ("split_at", models.DateTimeField(null=True, verbose_name="split")),
                (
                    "merged_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="merged by",
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
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "merge",
                "verbose_name_plural": "merges",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="NoteRevision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("content", models.TextField(verbose_name="note")),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="crm.customernote",
                        verbose_name="note",
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
                    "replaced_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "earlier version of a note",
                "verbose_name_plural": "earlier versions of notes",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="StatusChange",
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
                    "from_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("lead", "Lead"),
                            ("prospect", "Prospect"),
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                            ("churned", "Lost customer"),
                        ],
                        max_length=10,
                        verbose_name="from",
                    ),
                ),
                (
                    "to_status",
                    models.CharField(
                        choices=[
                            ("lead", "Lead"),
                            ("prospect", "Prospect"),
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                            ("churned", "Lost customer"),
                        ],
                        max_length=10,
                        verbose_name="to",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("changed_at", models.DateTimeField(default=portal.core.common.clock.now, verbose_name="changed")),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="status_changes",
                        to="crm.customer",
                        verbose_name="customer",
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
                "verbose_name": "change of status",
                "verbose_name_plural": "changes of status",
                "ordering": ["changed_at", "id"],
                "indexes": [
                    models.Index(fields=["organization", "to_status", "changed_at"], name="customer_status_change_at")
                ],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("scope", models.CharField(default="customer", editable=False, max_length=20)),
                ("name", models.CharField(max_length=50, verbose_name="name")),
                ("name_key", models.CharField(editable=False, max_length=50)),
                (
                    "color",
                    models.CharField(
                        default="#6b7280",
                        max_length=7,
                        validators=[django.core.validators.RegexValidator("^#[0-9a-f]{6}$")],
                        verbose_name="colour",
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
                "verbose_name": "tag",
                "verbose_name_plural": "tags",
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "scope", "name_key"), name="tag_name_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerTag",
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.customer",
                        verbose_name="customer",
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
                    "tag",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.tag",
                        verbose_name="tag",
                    ),
                ),
            ],
            options={
                "verbose_name": "tag of a customer",
                "verbose_name_plural": "tags of customers",
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("tag", "customer"), name="customer_tag_once")],
            },
        ),
        migrations.AddField(
            model_name="customer",
            name="tags",
            field=models.ManyToManyField(
                related_name="customers", through="crm.CustomerTag", to="crm.tag", verbose_name="tags"
            ),
        ),
        migrations.CreateModel(
            name="ActivityEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("kind", models.CharField(max_length=30, verbose_name="source")),
                ("type", models.CharField(max_length=60, verbose_name="type")),
                ("subject_id", models.UUIDField(null=True)),
                ("data", models.JSONField(default=dict, verbose_name="details")),
                ("occurred_at", models.DateTimeField(default=portal.core.common.clock.now, verbose_name="happened")),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "activity",
                "verbose_name_plural": "activities",
                "ordering": ["-occurred_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["organization", "customer", "-occurred_at", "-id"], name="activity_of_customer"
                    ),
                    models.Index(fields=["organization", "-occurred_at", "-id"], name="activity_newest"),
                    models.Index(fields=["customer"], name="activity_customer"),
                    models.Index(fields=["organization", "subject_id"], name="activity_of_subject"),
                    models.Index(fields=["user"], name="activity_of_person"),
                ],
            },
        ),
        *(
            TenantTable(name)
            for name in (
                "ActivityEvent",
                "CustomField",
                "Customer",
                "CustomerImport",
                "CustomerImportFile",
                "CustomerImportRow",
                "CustomerLink",
                "CustomerNote",
                "CustomerTag",
                "MergeLog",
                "NoteRevision",
                "StatusChange",
                "Tag",
            )
        ),
        AuditedTable("Customer", "customer", ignored=("name", "last_activity_at", "name_key", "tax_key")),
        AuditedTable("Tag", "tag", ignored=("name_key",)),
        AuditedTable("CustomerTag", "customer_tag", label="tag_id"),
        AuditedTable("CustomerNote", "customer_note", label="content"),
        AuditedTable("CustomField", "customer_field", label="label"),
        AuditedTable("CustomerLink", "customer_link", label="kind"),
        AuditedTable(
            "MergeLog", "customer_merge", label="target_id", ignored=("before", "after", "moved", "tags_added")
        ),
        AuditedTable(
            "CustomerImport",
            "customer_import",
            label="filename",
            ignored=("position", "job_id", "headings", "checked", "counts", "left"),
        ),
        WordSearch("Customer"),
    ]
