"""Forms with their versions, submissions with their history, webhooks with their deliveries."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.clock
import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable

# What the filters on answers look through. Under row-level security an index serves leakproof operators alone, and no
# operator of JSON is one: so every answer stands, as a hash of form, question and value, in a table that the application
# has no right to read, and a function of the owner looks into it, for the organisation in force. What it finds is
# compared with the answers themselves. Entries of repeats and texts of more than 200 characters stay out.
ANSWERS = """
CREATE TABLE collect_answerterms (
    submission_id uuid PRIMARY KEY, organization_id uuid NOT NULL, form_id uuid NOT NULL, terms bigint[] NOT NULL);
REVOKE ALL ON collect_answerterms FROM PUBLIC, marsad_app;
CREATE INDEX answer_terms_found ON collect_answerterms USING gin (terms);

CREATE FUNCTION marsad_answer_term(form uuid, field text, value text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT ('x' || substr(md5(form::text || '/' || field || '=' || value), 1, 16))::bit(64)::bigint
$body$;

CREATE FUNCTION marsad_answer_terms(form uuid, answers jsonb) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT coalesce(array_agg(marsad_answer_term(form, t.key, CASE jsonb_typeof(t.value)
               WHEN 'number' THEN trim_scale((t.value #>> '{}')::numeric)::text ELSE t.value #>> '{}' END)), '{}')
    FROM (
        SELECT a.key, a.value FROM jsonb_each(answers) a WHERE jsonb_typeof(a.value) <> 'array'
        UNION ALL
        SELECT a.key, e.value FROM jsonb_each(answers) a, jsonb_array_elements(a.value) e
        WHERE jsonb_typeof(a.value) = 'array'
    ) t WHERE jsonb_typeof(t.value) IN ('string', 'number', 'boolean') AND length(t.value #>> '{}') <= 200
$body$;

CREATE FUNCTION marsad_answers_keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM collect_answerterms t USING old_rows o WHERE t.submission_id = o.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO collect_answerterms (submission_id, organization_id, form_id, terms)
        SELECT id, organization_id, form_id, marsad_answer_terms(form_id, answers) FROM new_rows
        WHERE deleted_at IS NULL;
    ELSE
        UPDATE collect_answerterms t SET terms = CASE WHEN n.deleted_at IS NULL
                                                      THEN marsad_answer_terms(n.form_id, n.answers) ELSE '{}' END
        FROM new_rows n JOIN old_rows o USING (id)
        WHERE t.submission_id = n.id
          AND (n.answers IS DISTINCT FROM o.answers OR n.deleted_at IS DISTINCT FROM o.deleted_at);
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER answers_insert AFTER INSERT ON collect_submission REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION marsad_answers_keep();
CREATE TRIGGER answers_update AFTER UPDATE ON collect_submission
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION marsad_answers_keep();
CREATE TRIGGER answers_delete AFTER DELETE ON collect_submission REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION marsad_answers_keep();

-- Of `wished`, `{field: [values]}`, each field has one of its values: how many submissions of the organisation in force
-- there are, and which, where they are at most `most`.
CREATE FUNCTION marsad_answers_with(form uuid, wished jsonb, most integer, OUT total bigint, OUT ids uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $body$
DECLARE
    condition text;
    source text;
BEGIN
    SELECT string_agg(format('terms && %L::bigint[]', ARRAY(
               SELECT marsad_answer_term(form, w.key, v) FROM jsonb_array_elements_text(w.value) v)), ' AND ')
    INTO condition FROM jsonb_each(wished) w;
    source := format(' FROM collect_answerterms WHERE organization_id = %L AND form_id = %L AND %s',
                     current_setting('marsad.organization')::uuid, form, condition);
    EXECUTE 'SELECT count(*)' || source INTO total;
    IF total <= most THEN
        EXECUTE 'SELECT array_agg(submission_id)' || source INTO ids;
    END IF;
END $body$;
"""
NO_ANSWERS = """
DROP TRIGGER answers_insert ON collect_submission;
DROP TRIGGER answers_update ON collect_submission;
DROP TRIGGER answers_delete ON collect_submission;
DROP FUNCTION marsad_answers_with(uuid, jsonb, integer);
DROP FUNCTION marsad_answers_keep();
DROP FUNCTION marsad_answer_terms(uuid, jsonb);
DROP FUNCTION marsad_answer_term(uuid, text, text);
DROP TABLE collect_answerterms;
"""


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
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "project", "-created_at", "-id"],
                        name="form_of_project",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="form_newest",
                    ),
                ],
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
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "form", "version"), name="form_version_once")
                ],
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "form", "-created_at", "-id"],
                        name="submission_of_form",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "project", "-created_at", "-id"],
                        name="submission_of_project",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "-created_at", "-id"],
                        name="submission_newest",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "submitted_by", "-created_at", "-id"],
                        name="submission_of_person",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["organization", "form", "review_state", "-created_at"],
                        name="submission_by_review",
                    ),
                    models.Index(fields=["organization", "form", "-updated_at"], name="submission_changed"),
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("latitude__isnull", False)),
                        fields=["organization", "form", "latitude", "longitude"],
                        name="submission_by_place",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "local_sync_id"), name="submission_local_id_once")
                ],
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
                "indexes": [
                    models.Index(fields=["organization", "submission", "-created_at"], name="submission_change_of")
                ],
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
                "indexes": [
                    models.Index(fields=["organization", "submission", "created_at"], name="submission_comment_of")
                ],
            },
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
                "indexes": [models.Index(fields=["organization", "form"], name="webhook_of_form")],
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
                "indexes": [
                    models.Index(fields=["organization", "webhook", "-created_at", "-id"], name="delivery_of_webhook"),
                    models.Index(
                        condition=models.Q(("status", "waiting")), fields=["due_at"], name="webhook_delivery_due"
                    ),
                ],
            },
        ),
        *(
            TenantTable(name)
            for name in (
                "Form",
                "FormVersion",
                "Submission",
                "SubmissionChange",
                "SubmissionComment",
                "Webhook",
                "WebhookDelivery",
            )
        ),
        AuditedTable("Form", "form", ignored=("schema_text", "statistics")),
        AuditedTable("Submission", "submission", label="local_sync_id", ignored=("fingerprint", "flags")),
        AuditedTable("SubmissionComment", "submission_comment", label="content"),
        AuditedTable("Webhook", "webhook", ignored=("secret",)),
        migrations.RunSQL(ANSWERS, NO_ANSWERS),
    ]
