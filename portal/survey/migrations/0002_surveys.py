"""Applications, survey sessions with what they hold, reviews; with their row-level security, audit and versions."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.sync.triggers import SyncedTable
from portal.core.tenancy.operations import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("files", "0001_initial"),
        ("jobs", "0001_initial"),
        ("projects", "0001_initial"),
        ("survey", "0001_areas"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Application",
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
                ("governorate_id", models.UUIDField(editable=False, null=True, verbose_name="governorate")),
                ("district_id", models.UUIDField(editable=False, null=True, verbose_name="district")),
                ("sub_district_id", models.UUIDField(editable=False, null=True, verbose_name="sub-district")),
                ("neighborhood_id", models.UUIDField(editable=False, null=True, verbose_name="neighbourhood")),
                ("application_number", models.CharField(max_length=60, verbose_name="number")),
                ("applicant_name", models.CharField(max_length=200, verbose_name="applicant")),
                ("applicant_phone", models.CharField(blank=True, max_length=50, verbose_name="telephone")),
                (
                    "service_type",
                    models.CharField(
                        choices=[("building_permit", "Building permit"), ("surveying_decision", "Surveying decision")],
                        max_length=20,
                        verbose_name="service",
                    ),
                ),
                ("plot_number", models.CharField(blank=True, max_length=60, verbose_name="plot")),
                ("latitude", models.FloatField(verbose_name="latitude")),
                ("longitude", models.FloatField(verbose_name="longitude")),
                ("accuracy", models.FloatField(blank=True, null=True, verbose_name="accuracy (m)")),
                ("requirements", models.JSONField(blank=True, default=list, verbose_name="requirements")),
                ("instructions", models.TextField(blank=True, verbose_name="instructions")),
                ("search_text", models.TextField(default="", editable=False)),
                ("version", models.BigIntegerField(default=1, editable=False)),
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
            ],
            options={
                "verbose_name": "application",
                "verbose_name_plural": "applications",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="application_newest",
                    ),
                    models.Index(fields=["organization", "governorate_id", "id"], name="application_in_governorate"),
                    models.Index(fields=["organization", "district_id", "id"], name="application_in_district"),
                    models.Index(fields=["organization", "sub_district_id", "id"], name="application_in_sub_district"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "application_number"), name="application_number_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("latitude__range", (-90, 90)), ("longitude__range", (-180, 180))),
                        name="application_place",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispatch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("governorate_id", models.UUIDField(editable=False, null=True, verbose_name="governorate")),
                ("district_id", models.UUIDField(editable=False, null=True, verbose_name="district")),
                ("sub_district_id", models.UUIDField(editable=False, null=True, verbose_name="sub-district")),
                ("neighborhood_id", models.UUIDField(editable=False, null=True, verbose_name="neighbourhood")),
                (
                    "status_detail",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "—"),
                            ("under_review", "Under review"),
                            ("approved", "Approved"),
                            ("returned", "Returned"),
                            ("rejected", "Rejected"),
                        ],
                        default="",
                        max_length=12,
                        verbose_name="review",
                    ),
                ),
                ("remarks", models.JSONField(blank=True, default=list, verbose_name="remarks")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dispatches",
                        to="survey.application",
                        verbose_name="application",
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
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dispatch",
                        to="projects.task",
                        verbose_name="task",
                    ),
                ),
            ],
            options={
                "verbose_name": "survey task",
                "verbose_name_plural": "survey tasks",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["organization", "application"], name="dispatch_of_application"),
                    models.Index(fields=["organization", "governorate_id", "id"], name="dispatch_in_governorate"),
                    models.Index(fields=["organization", "district_id", "id"], name="dispatch_in_district"),
                    models.Index(fields=["organization", "sub_district_id", "id"], name="dispatch_in_sub_district"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurveySession",
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
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "client_updated_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="edited on the device"),
                ),
                (
                    "local_sync_id",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, verbose_name="id on the device"
                    ),
                ),
                ("governorate_id", models.UUIDField(editable=False, null=True, verbose_name="governorate")),
                ("district_id", models.UUIDField(editable=False, null=True, verbose_name="district")),
                ("sub_district_id", models.UUIDField(editable=False, null=True, verbose_name="sub-district")),
                ("neighborhood_id", models.UUIDField(editable=False, null=True, verbose_name="neighbourhood")),
                ("session_number", models.CharField(editable=False, max_length=40, verbose_name="number")),
                (
                    "survey_type",
                    models.CharField(
                        choices=[
                            ("building_permit", "Building permit"),
                            ("surveying_decision", "Surveying decision"),
                            ("cadastral_survey", "Cadastral survey"),
                        ],
                        max_length=20,
                        verbose_name="kind of survey",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Being surveyed"),
                            ("submitted", "Submitted"),
                            ("under_review", "Under review"),
                            ("approved", "Approved"),
                            ("returned", "Returned"),
                            ("rejected", "Rejected"),
                            ("abandoned", "Abandoned"),
                            ("superseded", "Superseded"),
                        ],
                        default="draft",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("revision", models.IntegerField(default=0, verbose_name="revision")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("start_latitude", models.FloatField(verbose_name="latitude of the start")),
                ("start_longitude", models.FloatField(verbose_name="longitude of the start")),
                ("start_accuracy", models.FloatField(blank=True, null=True, verbose_name="accuracy of the start (m)")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                ("end_latitude", models.FloatField(blank=True, null=True, verbose_name="latitude of the end")),
                ("end_longitude", models.FloatField(blank=True, null=True, verbose_name="longitude of the end")),
                ("end_accuracy", models.FloatField(blank=True, null=True, verbose_name="accuracy of the end (m)")),
                ("weather_conditions", models.CharField(blank=True, max_length=200, verbose_name="weather")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                ("client_metadata", models.JSONField(blank=True, default=dict, verbose_name="device")),
                ("client_quality_score", models.FloatField(blank=True, null=True, verbose_name="quality (device)")),
                ("declared_counts", models.JSONField(blank=True, default=dict, verbose_name="declared")),
                ("quality_score", models.FloatField(editable=False, null=True, verbose_name="quality")),
                ("quality_breakdown", models.JSONField(default=dict, editable=False, verbose_name="quality in parts")),
                ("flags", models.JSONField(default=list, editable=False, verbose_name="flags")),
                ("findings", models.JSONField(default=list, editable=False)),
                (
                    "content_hash",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="content hash"),
                ),
                ("submitted_at", models.DateTimeField(editable=False, null=True, verbose_name="submitted")),
                ("review_started_at", models.DateTimeField(editable=False, null=True, verbose_name="review begun")),
                ("reviewed_at", models.DateTimeField(editable=False, null=True, verbose_name="decided")),
                ("review_reason", models.TextField(blank=True, editable=False, verbose_name="reason")),
                ("search_text", models.TextField(default="", editable=False)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sessions",
                        to="survey.application",
                        verbose_name="application",
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
                    "reviewer",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reviewer",
                    ),
                ),
                (
                    "surveyor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="surveyor",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="projects.task",
                        verbose_name="task",
                    ),
                ),
                (
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="updated by",
                    ),
                ),
            ],
            options={
                "verbose_name": "survey session",
                "verbose_name_plural": "survey sessions",
                "ordering": ["-started_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-started_at", "-id"],
                        name="session_newest",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "status", "-started_at", "-id"],
                        name="session_by_status",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "surveyor", "-started_at", "-id"],
                        name="session_of_surveyor",
                    ),
                    models.Index(fields=["organization", "governorate_id", "id"], name="session_in_governorate"),
                    models.Index(fields=["organization", "district_id", "id"], name="session_in_district"),
                    models.Index(fields=["organization", "sub_district_id", "id"], name="session_in_sub_district"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "session_number"), name="session_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None), ("status__in", ("draft", "active", "returned"))),
                        fields=("organization", "application", "surveyor"),
                        name="session_open_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurveyPoint",
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
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "client_updated_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="edited on the device"),
                ),
                (
                    "local_sync_id",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, verbose_name="id on the device"
                    ),
                ),
                ("governorate_id", models.UUIDField(editable=False, null=True, verbose_name="governorate")),
                ("district_id", models.UUIDField(editable=False, null=True, verbose_name="district")),
                ("sub_district_id", models.UUIDField(editable=False, null=True, verbose_name="sub-district")),
                ("neighborhood_id", models.UUIDField(editable=False, null=True, verbose_name="neighbourhood")),
                ("item_key", models.CharField(blank=True, editable=False, max_length=200)),
                ("former_keys", models.JSONField(default=list, editable=False)),
                ("flags", models.JSONField(default=list, editable=False, verbose_name="flags")),
                ("findings", models.JSONField(default=list, editable=False)),
                ("number", models.IntegerField(verbose_name="number")),
                ("latitude", models.FloatField(verbose_name="latitude")),
                ("longitude", models.FloatField(verbose_name="longitude")),
                ("raw", models.CharField(blank=True, editable=False, max_length=100)),
                ("elevation", models.FloatField(blank=True, null=True, verbose_name="height (m)")),
                ("height_reference", models.CharField(blank=True, max_length=40, verbose_name="height reference")),
                (
                    "horizontal_accuracy",
                    models.FloatField(blank=True, null=True, verbose_name="horizontal accuracy (m)"),
                ),
                ("vertical_accuracy", models.FloatField(blank=True, null=True, verbose_name="vertical accuracy (m)")),
                (
                    "gps_source",
                    models.CharField(
                        choices=[
                            ("device", "Phone or tablet"),
                            ("external_receiver", "External receiver"),
                            ("manual", "Entered by hand"),
                        ],
                        max_length=20,
                        verbose_name="source",
                    ),
                ),
                (
                    "point_type",
                    models.CharField(
                        choices=[
                            ("corner", "Corner"),
                            ("boundary", "Boundary"),
                            ("reference", "Reference"),
                            ("building", "Building"),
                            ("utility", "Utility"),
                        ],
                        max_length=10,
                        verbose_name="kind of point",
                    ),
                ),
                ("feature_code", models.CharField(blank=True, max_length=60, verbose_name="feature code")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("captured_at", models.DateTimeField(verbose_name="measured")),
                ("quality_flags", models.JSONField(blank=True, default=list, verbose_name="flags (device)")),
                ("is_verified", models.BooleanField(default=False, verbose_name="verified (device)")),
                ("receiver", models.JSONField(blank=True, default=dict, verbose_name="receiver")),
                ("quality", models.FloatField(editable=False, null=True, verbose_name="quality")),
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
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="updated by",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="points",
                        to="survey.surveysession",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "survey point",
                "verbose_name_plural": "survey points",
                "ordering": ["session", "number", "id"],
                "indexes": [
                    models.Index(fields=["organization", "governorate_id", "id"], name="point_in_governorate"),
                    models.Index(fields=["organization", "district_id", "id"], name="point_in_district"),
                    models.Index(fields=["organization", "sub_district_id", "id"], name="point_in_sub_district"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("organization", "session", "number"),
                        name="point_number_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("item_key", ""), _negated=True),
                        fields=("organization", "session", "item_key"),
                        name="point_key_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurveyGeometry",
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
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "client_updated_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="edited on the device"),
                ),
                (
                    "local_sync_id",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, verbose_name="id on the device"
                    ),
                ),
                ("governorate_id", models.UUIDField(editable=False, null=True, verbose_name="governorate")),
                ("district_id", models.UUIDField(editable=False, null=True, verbose_name="district")),
                ("sub_district_id", models.UUIDField(editable=False, null=True, verbose_name="sub-district")),
                ("neighborhood_id", models.UUIDField(editable=False, null=True, verbose_name="neighbourhood")),
                ("item_key", models.CharField(blank=True, editable=False, max_length=200)),
                ("former_keys", models.JSONField(default=list, editable=False)),
                ("flags", models.JSONField(default=list, editable=False, verbose_name="flags")),
                ("findings", models.JSONField(default=list, editable=False)),
                ("number", models.IntegerField(verbose_name="number")),
                (
                    "geometry_type",
                    models.CharField(
                        choices=[
                            ("Point", "Point"),
                            ("LineString", "Line"),
                            ("Polygon", "Polygon"),
                            ("MultiPolygon", "Several polygons"),
                        ],
                        max_length=12,
                        verbose_name="kind of shape",
                    ),
                ),
                ("coordinates", models.JSONField(verbose_name="coordinates")),
                ("properties", models.JSONField(blank=True, default=dict, verbose_name="properties")),
                (
                    "feature_type",
                    models.CharField(
                        choices=[
                            ("building", "Building"),
                            ("boundary", "Boundary (parcel)"),
                            ("road", "Road"),
                            ("utility", "Utility"),
                            ("structure", "Structure"),
                        ],
                        max_length=10,
                        verbose_name="kind of feature",
                    ),
                ),
                ("feature_code", models.CharField(blank=True, max_length=60, verbose_name="feature code")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("client_area", models.FloatField(blank=True, null=True, verbose_name="area (device, m²)")),
                ("client_perimeter", models.FloatField(blank=True, null=True, verbose_name="perimeter (device, m)")),
                ("client_length", models.FloatField(blank=True, null=True, verbose_name="length (device, m)")),
                ("accuracy", models.FloatField(blank=True, null=True, verbose_name="accuracy of the corners (m)")),
                ("is_complete", models.BooleanField(default=True, verbose_name="complete")),
                ("is_closed", models.BooleanField(default=False, verbose_name="closed")),
                ("client_quality_score", models.FloatField(blank=True, null=True, verbose_name="quality (device)")),
                ("validation_flags", models.JSONField(blank=True, default=list, verbose_name="flags (device)")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="begun")),
                ("completed_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("area", models.FloatField(editable=False, null=True, verbose_name="area (m²)")),
                ("perimeter", models.FloatField(editable=False, null=True, verbose_name="perimeter (m)")),
                ("length", models.FloatField(editable=False, null=True, verbose_name="length (m)")),
                (
                    "area_uncertainty",
                    models.FloatField(editable=False, null=True, verbose_name="area uncertainty (m²)"),
                ),
                ("west", models.FloatField(editable=False, null=True)),
                ("south", models.FloatField(editable=False, null=True)),
                ("east", models.FloatField(editable=False, null=True)),
                ("north", models.FloatField(editable=False, null=True)),
                ("cell", models.BigIntegerField(editable=False, null=True)),
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
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="updated by",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="geometries",
                        to="survey.surveysession",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "survey geometry",
                "verbose_name_plural": "survey geometries",
                "ordering": ["session", "number", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "cell"],
                        name="geometry_by_cell",
                    ),
                    models.Index(fields=["organization", "governorate_id", "id"], name="geometry_in_governorate"),
                    models.Index(fields=["organization", "district_id", "id"], name="geometry_in_district"),
                    models.Index(fields=["organization", "sub_district_id", "id"], name="geometry_in_sub_district"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("organization", "session", "number"),
                        name="geometry_number_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("item_key", ""), _negated=True),
                        fields=("organization", "session", "item_key"),
                        name="geometry_key_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurveyAttachment",
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
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "client_updated_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="edited on the device"),
                ),
                (
                    "local_sync_id",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, verbose_name="id on the device"
                    ),
                ),
                ("governorate_id", models.UUIDField(editable=False, null=True, verbose_name="governorate")),
                ("district_id", models.UUIDField(editable=False, null=True, verbose_name="district")),
                ("sub_district_id", models.UUIDField(editable=False, null=True, verbose_name="sub-district")),
                ("neighborhood_id", models.UUIDField(editable=False, null=True, verbose_name="neighbourhood")),
                ("item_key", models.CharField(blank=True, editable=False, max_length=200)),
                ("former_keys", models.JSONField(default=list, editable=False)),
                ("flags", models.JSONField(default=list, editable=False, verbose_name="flags")),
                ("findings", models.JSONField(default=list, editable=False)),
                (
                    "attachment_type",
                    models.CharField(
                        choices=[
                            ("photo", "Photo"),
                            ("video", "Video"),
                            ("document", "Document"),
                            ("signature", "Signature"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("filename", models.CharField(max_length=200, verbose_name="name")),
                ("file_type", models.CharField(max_length=100, verbose_name="type")),
                ("file_size", models.BigIntegerField(verbose_name="size (bytes)")),
                ("capture_latitude", models.FloatField(blank=True, null=True, verbose_name="latitude")),
                ("capture_longitude", models.FloatField(blank=True, null=True, verbose_name="longitude")),
                ("capture_accuracy", models.FloatField(blank=True, null=True, verbose_name="accuracy (m)")),
                ("captured_at", models.DateTimeField(blank=True, null=True, verbose_name="taken")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="further details")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for the file"),
                            ("uploaded", "Uploaded"),
                            ("processing", "Being prepared"),
                            ("available", "Available"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        editable=False,
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("failure", models.CharField(blank=True, editable=False, max_length=300, verbose_name="reason")),
                ("sha256", models.CharField(blank=True, editable=False, max_length=64)),
                ("confirmed_at", models.DateTimeField(editable=False, null=True, verbose_name="confirmed")),
                ("camera", models.JSONField(default=dict, editable=False, verbose_name="metadata in the file")),
                ("apart", models.FloatField(editable=False, null=True, verbose_name="distance (m)")),
                ("width", models.IntegerField(editable=False, null=True, verbose_name="width")),
                ("height", models.IntegerField(editable=False, null=True, verbose_name="height")),
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
                    "file",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="files.storedfile",
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
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="updated by",
                    ),
                ),
                (
                    "upload",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="files.upload",
                    ),
                ),
                (
                    "related_geometry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="survey.surveygeometry",
                        verbose_name="geometry",
                    ),
                ),
                (
                    "related_point",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="survey.surveypoint",
                        verbose_name="point",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="survey.surveysession",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "attachment",
                "verbose_name_plural": "attachments",
                "ordering": ["session", "created_at", "id"],
                "indexes": [
                    models.Index(fields=["organization", "session", "created_at", "id"], name="attachment_of_session"),
                    models.Index(
                        condition=models.Q(("sha256", ""), _negated=True),
                        fields=["organization", "sha256"],
                        name="attachment_by_hash",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("status", "pending")),
                        fields=["created_at"],
                        name="attachment_unconfirmed",
                    ),
                    models.Index(fields=["organization", "governorate_id", "id"], name="attachment_in_governorate"),
                    models.Index(fields=["organization", "district_id", "id"], name="attachment_in_district"),
                    models.Index(fields=["organization", "sub_district_id", "id"], name="attachment_in_sub_district"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("item_key", ""), _negated=True),
                        fields=("organization", "session", "item_key"),
                        name="attachment_key_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReviewRemark",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("revision", models.IntegerField(verbose_name="revision")),
                ("entity", models.CharField(max_length=10, verbose_name="kind")),
                ("entity_id", models.UUIDField(verbose_name="item")),
                (
                    "decision",
                    models.CharField(
                        choices=[("accept", "Accepted"), ("return", "Returned")], max_length=6, verbose_name="decision"
                    ),
                ),
                ("remark", models.TextField(blank=True, verbose_name="remark")),
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
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reviewer",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="remarks",
                        to="survey.surveysession",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "remark of a review",
                "verbose_name_plural": "remarks of a review",
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "session", "revision", "entity", "entity_id"), name="review_remark_once"
                    )
                ],
            },
        ),
        TenantTable("Application"),
        TenantTable("Dispatch"),
        TenantTable("ReviewRemark"),
        TenantTable("SurveySession"),
        TenantTable("SurveyPoint"),
        TenantTable("SurveyGeometry"),
        TenantTable("SurveyAttachment"),
        AuditedTable("Application", "application", label="application_number"),
        AuditedTable("Dispatch", "dispatch", label="status_detail"),
        AuditedTable("ReviewRemark", "review_remark", label="decision"),
        AuditedTable("SurveySession", "session", label="session_number"),
        AuditedTable("SurveyPoint", "point", label="number"),
        AuditedTable("SurveyGeometry", "geometry", label="number"),
        AuditedTable("SurveyAttachment", "attachment", ignored=("job_id", "upload_id"), label="filename"),
        SyncedTable(
            "SurveySession",
            "session",
            derived=(
                "session_number",
                "task_id",
                "surveyor_id",
                "status",
                "revision",
                "declared_counts",
                "quality_score",
                "quality_breakdown",
                "flags",
                "findings",
                "content_hash",
                "submitted_at",
                "reviewer_id",
                "review_started_at",
                "reviewed_at",
                "review_reason",
                "governorate_id",
                "district_id",
                "sub_district_id",
                "neighborhood_id",
            ),
        ),
        SyncedTable(
            "SurveyPoint",
            "point",
            derived=(
                "session_id",
                "item_key",
                "former_keys",
                "flags",
                "findings",
                "raw",
                "quality",
                "governorate_id",
                "district_id",
                "sub_district_id",
                "neighborhood_id",
            ),
        ),
        SyncedTable(
            "SurveyGeometry",
            "geometry",
            derived=(
                "session_id",
                "item_key",
                "former_keys",
                "flags",
                "findings",
                "area",
                "perimeter",
                "length",
                "area_uncertainty",
                "west",
                "south",
                "east",
                "north",
                "cell",
                "governorate_id",
                "district_id",
                "sub_district_id",
                "neighborhood_id",
            ),
        ),
        SyncedTable(
            "SurveyAttachment",
            "attachment",
            derived=(
                "session_id",
                "item_key",
                "former_keys",
                "flags",
                "findings",
                "filename",
                "file_type",
                "file_size",
                "status",
                "failure",
                "sha256",
                "confirmed_at",
                "upload_id",
                "file_id",
                "original_id",
                "rendition_id",
                "thumbnail_id",
                "camera",
                "apart",
                "width",
                "height",
                "job_id",
                "governorate_id",
                "district_id",
                "sub_district_id",
                "neighborhood_id",
            ),
        ),
    ]
