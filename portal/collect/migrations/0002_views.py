"""Chart views, dashboards, and the tally of changes that their figures are kept by."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable

# A row for each form and connection (nearly): no writer waits for another one, and the sum moves with every commit.
_COUNT = """
CREATE FUNCTION marsad_submission_tally() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO collect_submissiontally AS t (id, created_at, updated_at, organization_id, form_id, shard, changes)
    SELECT gen_random_uuid(), now(), now(), organization_id, form_id, pg_backend_pid() % 256, count(*)
    FROM changed GROUP BY organization_id, form_id ORDER BY organization_id, form_id
    ON CONFLICT (organization_id, form_id, shard)
    DO UPDATE SET changes = t.changes + excluded.changes, updated_at = now();
    RETURN NULL;
END $body$;
ALTER TABLE collect_submissiontally SET (fillfactor = 50);
"""
TALLY = _COUNT + "".join(
    f"""
CREATE TRIGGER tally_{event.lower()} AFTER {event} ON collect_submission REFERENCING {rows} TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION marsad_submission_tally();
ALTER TABLE collect_submission ENABLE ALWAYS TRIGGER tally_{event.lower()};
"""
    for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)
NO_TALLY = (
    "".join(f"DROP TRIGGER tally_{event} ON collect_submission;" for event in ("insert", "update", "delete"))
    + "DROP FUNCTION marsad_submission_tally();"
)


class Migration(migrations.Migration):
    dependencies = [
        ("collect", "0001_forms"),
        ("projects", "0001_initial"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dashboard",
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
                ("metadata", models.TextField(blank=True, null=True, verbose_name="further details")),
                ("version", models.BigIntegerField(default=1, editable=False)),
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
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dashboards",
                        to="projects.project",
                        verbose_name="project",
                    ),
                ),
            ],
            options={
                "verbose_name": "dashboard",
                "verbose_name_plural": "dashboards",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="dashboard_newest",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SubmissionTally",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("shard", models.SmallIntegerField()),
                ("changes", models.BigIntegerField()),
                (
                    "form",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="collect.form"
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
                    models.UniqueConstraint(fields=("organization", "form", "shard"), name="submission_tally_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="View",
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
                (
                    "chart_type",
                    models.CharField(
                        choices=[
                            ("number", "Number"),
                            ("pie", "Pie chart"),
                            ("donut", "Ring chart"),
                            ("line", "Line chart"),
                            ("bar", "Bar chart"),
                            ("stackedBar", "Stacked bars"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("config", models.JSONField(verbose_name="definition")),
                ("metadata", models.TextField(blank=True, null=True, verbose_name="further details")),
                ("version", models.BigIntegerField(default=1, editable=False)),
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
                    "form",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="views",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="views",
                        to="projects.project",
                        verbose_name="project",
                    ),
                ),
            ],
            options={
                "verbose_name": "view",
                "verbose_name_plural": "views",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "project", "-created_at", "-id"],
                        name="view_of_project",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="view_newest",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)), fields=["organization", "form"], name="view_of_form"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DashboardWidget",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("x", models.SmallIntegerField(default=0, verbose_name="column")),
                ("y", models.SmallIntegerField(default=0, verbose_name="row")),
                ("w", models.SmallIntegerField(default=6, verbose_name="width")),
                ("h", models.SmallIntegerField(default=4, verbose_name="height")),
                ("metadata", models.TextField(blank=True, null=True, verbose_name="further details")),
                (
                    "dashboard",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="widgets",
                        to="collect.dashboard",
                        verbose_name="dashboard",
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
                    "view",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="widgets",
                        to="collect.view",
                        verbose_name="view",
                    ),
                ),
            ],
            options={
                "verbose_name": "widget",
                "verbose_name_plural": "widgets",
                "ordering": ["y", "x", "id"],
                "indexes": [
                    models.Index(fields=["organization", "dashboard", "y", "x"], name="dashboard_widget_order")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("w__gte", 1),
                            ("x__gte", 0),
                            (
                                "x__lte",
                                django.db.models.expressions.CombinedExpression(models.Value(12), "-", models.F("w")),
                            ),
                        ),
                        name="dashboard_widget_in_columns",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("h__gte", 1), ("h__lte", 12), ("y__gte", 0), ("y__lte", 500)),
                        name="dashboard_widget_in_rows",
                    ),
                ],
            },
        ),
        *(TenantTable(name) for name in ("View", "SubmissionTally", "Dashboard", "DashboardWidget")),
        AuditedTable("View", "view"),
        AuditedTable("Dashboard", "dashboard"),
        AuditedTable("DashboardWidget", "dashboard_widget", label="view_id"),
        migrations.RunSQL(TALLY, NO_TALLY),
    ]
