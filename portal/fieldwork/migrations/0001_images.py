"""Images of projects and tasks, with their row-level security and audit."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("files", "0001_initial"),
        ("jobs", "0001_initial"),
        ("projects", "0001_initial"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Image",
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
                ("sha256", models.CharField(max_length=64)),
                (
                    "local_sync_id",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, verbose_name="id on the device"
                    ),
                ),
                ("gps_latitude", models.FloatField(blank=True, null=True, verbose_name="latitude")),
                ("gps_longitude", models.FloatField(blank=True, null=True, verbose_name="longitude")),
                ("gps_accuracy", models.FloatField(blank=True, null=True, verbose_name="accuracy (m)")),
                ("captured_at", models.DateTimeField(blank=True, null=True, verbose_name="taken (as stated)")),
                ("exif", models.JSONField(blank=True, default=dict, verbose_name="metadata as sent")),
                ("camera", models.JSONField(default=dict, editable=False, verbose_name="metadata in the file")),
                ("latitude", models.FloatField(editable=False, null=True)),
                ("longitude", models.FloatField(editable=False, null=True)),
                ("taken_at", models.DateTimeField(editable=False, null=True, verbose_name="taken")),
                ("flags", models.JSONField(default=list, editable=False, verbose_name="differences")),
                ("apart", models.FloatField(editable=False, null=True, verbose_name="distance (m)")),
                ("width", models.IntegerField(editable=False, null=True, verbose_name="width")),
                ("height", models.IntegerField(editable=False, null=True, verbose_name="height")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("processing", "Being prepared"),
                            ("available", "Available"),
                            ("failed", "Cannot be shown"),
                        ],
                        default="processing",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "failure",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("TOO_MANY_PIXELS", "The picture has more than 100 megapixels."),
                            ("DAMAGED", "The picture is damaged and cannot be shown."),
                            ("NOT_A_PICTURE", "The file is not a picture of an accepted type."),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("version", models.BigIntegerField(default=1, editable=False)),
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
                        related_name="images",
                        to="files.storedfile",
                        verbose_name="file",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="jobs.job",
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
                    "original",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="files.blob",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="images",
                        to="projects.project",
                        verbose_name="project",
                    ),
                ),
                (
                    "rendition",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="files.blob",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="images",
                        to="projects.task",
                        verbose_name="task",
                    ),
                ),
                (
                    "thumbnail",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="files.blob",
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
                "verbose_name": "image",
                "verbose_name_plural": "images",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="image_newest",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["project", "-created_at", "-id"],
                        name="image_of_project",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["task", "-created_at", "-id"],
                        name="image_of_task",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "local_sync_id"), name="image_local_id_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("project", "task", "sha256"),
                        name="image_once",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)), fields=("file",), name="image_of_file_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("gps_latitude", None), ("gps_longitude", None)),
                            models.Q(("gps_latitude__range", (-90, 90)), ("gps_longitude__range", (-180, 180))),
                            _connector="OR",
                        ),
                        name="image_place",
                    ),
                ],
            },
        ),
        TenantTable("Image"),
        AuditedTable("Image", "image", label="sha256", ignored=("job_id",)),
    ]
