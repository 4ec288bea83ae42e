"""Files, their versions, links, shares, scans, uploads."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("audit", "0004_locks"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Blob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("key", models.CharField(max_length=200)),
                ("references", models.IntegerField(default=0)),
                (
                    "scan_status",
                    models.CharField(
                        choices=[
                            ("not_scanned", "Not scanned"),
                            ("pending", "Waiting for the scan"),
                            ("clean", "Clean"),
                            ("infected", "Infected"),
                            ("failed", "Scan failed"),
                            ("unscannable", "Cannot be scanned"),
                        ],
                        default="not_scanned",
                        max_length=11,
                        verbose_name="virus scan",
                    ),
                ),
                ("scan_engine", models.CharField(blank=True, max_length=200)),
                ("threat", models.CharField(blank=True, max_length=200)),
                ("scanned_at", models.DateTimeField(null=True)),
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
                "ordering": ["id"],
                "indexes": [
                    models.Index(condition=models.Q(("references", 0)), fields=["updated_at"], name="blob_unused"),
                    models.Index(fields=["organization", "scan_status"], name="blob_by_scan"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "sha256"), name="blob_once"),
                    models.CheckConstraint(condition=models.Q(("size__gte", 0)), name="blob_size"),
                    models.CheckConstraint(condition=models.Q(("references__gte", 0)), name="blob_references"),
                ],
            },
        ),
        migrations.CreateModel(
            name="FileCategory",
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
                ("max_bytes", models.BigIntegerField(blank=True, null=True, verbose_name="largest file (bytes)")),
                ("extensions", models.JSONField(blank=True, default=list, verbose_name="kinds of files")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
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
                "verbose_name": "file category",
                "verbose_name_plural": "file categories",
                "ordering": ["key", "id"],
                "constraints": [models.UniqueConstraint(fields=("organization", "key"), name="filecategory_once")],
            },
        ),
        migrations.CreateModel(
            name="FileScan",
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
                    "status",
                    models.CharField(
                        choices=[
                            ("not_scanned", "Not scanned"),
                            ("pending", "Waiting for the scan"),
                            ("clean", "Clean"),
                            ("infected", "Infected"),
                            ("failed", "Scan failed"),
                            ("unscannable", "Cannot be scanned"),
                        ],
                        default="pending",
                        max_length=11,
                        verbose_name="outcome",
                    ),
                ),
                ("engine", models.CharField(blank=True, max_length=200, verbose_name="scanner")),
                ("threat", models.CharField(blank=True, max_length=200, verbose_name="threat")),
                ("attempts", models.IntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scans", to="files.blob"
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
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "virus scan",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="FileVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("number", models.IntegerField(verbose_name="version")),
                ("filename", models.CharField(max_length=200, verbose_name="name")),
                ("content_type", models.CharField(max_length=100, verbose_name="type")),
                ("size", models.BigIntegerField(verbose_name="size")),
                ("comment", models.CharField(blank=True, max_length=500, verbose_name="comment")),
                ("restored_from", models.IntegerField(editable=False, null=True)),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="files.blob"
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
                    "uploaded_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "version",
                "verbose_name_plural": "versions",
                "ordering": ["-number", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ShareLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("password", models.CharField(blank=True, editable=False, max_length=128)),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("max_downloads", models.IntegerField(null=True, verbose_name="most downloads")),
                ("downloads", models.IntegerField(default=0, editable=False, verbose_name="downloads")),
                ("failures", models.IntegerField(default=0, editable=False)),
                ("locked_until", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked")),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="shared by",
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
                    "pinned",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shares",
                        to="files.fileversion",
                        verbose_name="version",
                    ),
                ),
            ],
            options={
                "verbose_name": "share link",
                "verbose_name_plural": "share links",
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("max_downloads", None), ("downloads__lte", models.F("max_downloads")), _connector="OR"
                        ),
                        name="sharelink_never_more",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareAccess",
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
                    "outcome",
                    models.CharField(
                        choices=[
                            ("viewed", "Looked at"),
                            ("downloaded", "Downloaded"),
                            ("wrong_password", "Wrong password"),
                            ("locked", "Locked"),
                            ("expired", "Expired"),
                            ("used_up", "Used up"),
                            ("revoked", "Revoked"),
                            ("blocked", "Held back by the virus scan"),
                        ],
                        max_length=14,
                        verbose_name="outcome",
                    ),
                ),
                ("version_number", models.IntegerField(null=True, verbose_name="version")),
                ("ip", models.CharField(blank=True, max_length=45, verbose_name="address")),
                ("agent", models.CharField(blank=True, max_length=300, verbose_name="program")),
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
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="accesses", to="files.sharelink"
                    ),
                ),
            ],
            options={
                "verbose_name": "use of a share link",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="StoredFile",
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
                ("filename", models.CharField(max_length=200, verbose_name="name")),
                ("content_type", models.CharField(max_length=100, verbose_name="type")),
                ("kind", models.CharField(max_length=10, verbose_name="kind")),
                ("size", models.BigIntegerField(verbose_name="size")),
                ("category", models.CharField(default="other", max_length=40, verbose_name="category")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("tags", models.JSONField(blank=True, default=list, verbose_name="tags")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="more details")),
                ("purged_at", models.DateTimeField(editable=False, null=True)),
                ("search_text", models.TextField(default="", editable=False)),
                ("version", models.BigIntegerField(default=1, editable=False)),
                (
                    "current",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="files.fileversion",
                        verbose_name="newest version",
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
                    "uploaded_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "file",
                "verbose_name_plural": "files",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["organization", "-created_at", "-id"], name="file_recent"),
                    models.Index(fields=["organization", "uploaded_by"], name="file_by_person"),
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", False)), fields=["deleted_at"], name="file_in_trash"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="sharelink",
            name="file",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="shares",
                to="files.storedfile",
                verbose_name="file",
            ),
        ),
        migrations.AddField(
            model_name="fileversion",
            name="file",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="versions",
                to="files.storedfile",
                verbose_name="file",
            ),
        ),
        migrations.CreateModel(
            name="FileLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("kind", models.CharField(max_length=40, verbose_name="kind of record")),
                ("record_id", models.UUIDField(verbose_name="record")),
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
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="files.storedfile",
                        verbose_name="file",
                    ),
                ),
            ],
            options={
                "verbose_name": "linked record",
                "ordering": ["kind", "id"],
                "indexes": [models.Index(fields=["organization", "kind", "record_id"], name="filelink_of_record")],
                "constraints": [models.UniqueConstraint(fields=("file", "kind", "record_id"), name="filelink_once")],
            },
        ),
        migrations.CreateModel(
            name="Upload",
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
                    "mode",
                    models.CharField(choices=[("parts", "in parts"), ("direct", "by signed address")], max_length=6),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Under way"), ("done", "Done"), ("failed", "Failed")],
                        default="open",
                        max_length=6,
                    ),
                ),
                ("filename", models.CharField(max_length=200)),
                ("content_type", models.CharField(max_length=100)),
                ("size", models.BigIntegerField()),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("part_size", models.BigIntegerField(default=0)),
                ("details", models.JSONField(default=dict)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="files.storedfile"
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
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="files.storedfile"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="UploadPart",
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
                ("size", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
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
                    "upload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="files.upload"
                    ),
                ),
            ],
            options={
                "ordering": ["number", "id"],
                "constraints": [models.UniqueConstraint(fields=("upload", "number"), name="uploadpart_once")],
            },
        ),
        migrations.AddConstraint(
            model_name="fileversion",
            constraint=models.UniqueConstraint(fields=("file", "number"), name="fileversion_once"),
        ),
        TenantTable("Blob"),
        TenantTable("FileCategory"),
        TenantTable("StoredFile"),
        TenantTable("FileVersion"),
        TenantTable("FileLink"),
        TenantTable("ShareLink"),
        TenantTable("ShareAccess"),
        TenantTable("FileScan"),
        TenantTable("Upload"),
        TenantTable("UploadPart"),
        AuditedTable("FileCategory", "file_category"),
        AuditedTable("StoredFile", "file", label="filename"),
        AuditedTable("FileVersion", "file_version", label="filename"),
        AuditedTable("FileLink", "file_link", label="kind"),
        AuditedTable(
            "ShareLink",
            "share_link",
            label="note",
            ignored=("token_hash", "password", "downloads", "failures", "locked_until"),
        ),
    ]
