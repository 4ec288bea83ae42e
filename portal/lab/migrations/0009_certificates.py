"""Certificates of analysis with their PDFs; amendments of compliance reports."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("lab", "0008_project"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="compliancereport",
            name="amends",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="amended_by",
                to="lab.compliancereport",
                verbose_name="amends",
            ),
        ),
        migrations.AddField(
            model_name="compliancereport",
            name="reason",
            field=models.CharField(blank=True, max_length=500, verbose_name="reason"),
        ),
        migrations.CreateModel(
            name="Certificate",
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
                ("customer", models.CharField(blank=True, max_length=500, verbose_name="customer")),
                (
                    "language",
                    models.CharField(
                        choices=[("ar", "Arabic"), ("fr", "French"), ("en", "English")],
                        max_length=2,
                        verbose_name="language",
                    ),
                ),
                ("content", models.JSONField()),
                ("snapshot_hash", models.CharField(max_length=71)),
                ("generated_at", models.DateTimeField(verbose_name="issued")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "amends",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="amended_by",
                        to="lab.certificate",
                        verbose_name="amends",
                    ),
                ),
                (
                    "generated_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="certificates",
                        to="lab.sample",
                        verbose_name="sample",
                    ),
                ),
            ],
            options={
                "verbose_name": "certificate of analysis",
                "verbose_name_plural": "certificates of analysis",
                "ordering": ["-generated_at", "-id"],
                "indexes": [
                    models.Index(fields=["organization", "-generated_at", "-id"], name="certificate_by_date"),
                    models.Index(fields=["organization", "sample"], name="certificate_by_sample"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "number"), name="certificate_number_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="CertificateFile",
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
                ("content", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "certificate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="lab.certificate"
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
                "constraints": [
                    models.UniqueConstraint(fields=("certificate", "language"), name="certificate_file_once")
                ],
            },
        ),
        TenantTable("Certificate"),
        TenantTable("CertificateFile"),
        AuditedTable("Certificate", "certificate", label="number", ignored=("content",)),
    ]
