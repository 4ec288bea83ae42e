"""Programme of sampling points, ranges of parameters, and the indexes of both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.core.common.ids
from portal.core.audit.triggers import AuditedTable
from portal.core.tenancy.operations import TenantTable

# What the search box looks through, as words. An index of words cannot serve a table under row-level security (its
# operators are not leakproof), so they stand in a table that the application has no right to read, and a function of the
# owner looks into it, for the organisation in force alone. Every ending of every word from three letters on is there, so
# that "aari" finds "maarif": a search is for text that is contained. The id is left out: nobody types the middle of one.
SEARCH = r"""
CREATE TABLE lab_samplewords (sample_id uuid PRIMARY KEY, organization_id uuid NOT NULL, words tsvector NOT NULL);
REVOKE ALL ON lab_samplewords FROM PUBLIC, marsad_app;
CREATE INDEX sample_words_found ON lab_samplewords USING gin (words);

CREATE FUNCTION marsad_tagged(org uuid, given text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT array_to_tsvector(ARRAY(
        SELECT DISTINCT right(org::text, 6) || substr(word, place, 40)
        FROM unnest(tsvector_to_array(marsad_words(concat_ws(
                 ' ', split_part(given, E'\n', 1), split_part(given, E'\n', 3), split_part(given, E'\n', 4))))) word,
             generate_series(1, length(word) - 2) place))
$body$;

CREATE FUNCTION marsad_sample_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM lab_samplewords w USING old_rows o WHERE w.sample_id = o.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO lab_samplewords (sample_id, organization_id, words)
        SELECT id, organization_id, marsad_tagged(organization_id, search_text) FROM new_rows;
    ELSE
        UPDATE lab_samplewords w SET words = marsad_tagged(n.organization_id, n.search_text)
        FROM new_rows n JOIN old_rows o USING (id) WHERE w.sample_id = n.id AND n.search_text <> o.search_text;
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER words_insert AFTER INSERT ON lab_sample REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION marsad_sample_words();
CREATE TRIGGER words_update AFTER UPDATE ON lab_sample REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION marsad_sample_words();
CREATE TRIGGER words_delete AFTER DELETE ON lab_sample REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION marsad_sample_words();

-- At most so many samples of the organisation in force in whose words each of the parts is contained. NULL where the
-- statistics say that far more have them: the index would read all of those before it gives the first (45 ms of
-- 1,000,000 samples, the estimate 0.3). Words that the statistics do not know count for half of the rarest they do.
-- Volatile, because EXPLAIN is refused in other functions.
CREATE FUNCTION marsad_samples_with(parts text[], most integer) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $body$
DECLARE
    org uuid := current_setting('marsad.organization')::uuid;
    wanted tsquery;
    found uuid[];
    plan json;
BEGIN
    SELECT string_agg(quote_literal(right(org::text, 6) || left(part, 40)) || ':*', ' & ')::tsquery INTO wanted
    FROM unnest(parts) part;
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM lab_samplewords WHERE words @@ %L::tsquery', wanted) INTO plan;
    IF (plan -> 0 -> 'Plan' ->> 'Plan Rows')::real > (
        SELECT greatest(most, 10000, reltuples / 100) FROM pg_class WHERE oid = 'lab_samplewords'::regclass)
    THEN RETURN NULL;
    END IF;
    SELECT array_agg(sample_id) INTO found FROM (
        SELECT sample_id FROM lab_samplewords WHERE words @@ wanted AND organization_id = org LIMIT most) w;
    RETURN coalesce(found, '{}');
END $body$;

SELECT set_config('marsad.scope', 'platform', true);
INSERT INTO lab_samplewords SELECT id, organization_id, marsad_tagged(organization_id, search_text) FROM lab_sample;
"""
NO_SEARCH = """
DROP TRIGGER words_insert ON lab_sample;
DROP TRIGGER words_update ON lab_sample;
DROP TRIGGER words_delete ON lab_sample;
DROP FUNCTION marsad_samples_with(text[], integer);
DROP FUNCTION marsad_sample_words();
DROP FUNCTION marsad_tagged(uuid, text);
DROP TABLE lab_samplewords;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lab", "0006_quality"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ParameterRange",
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
                    "minimum",
                    models.DecimalField(
                        blank=True, decimal_places=12, max_digits=30, null=True, verbose_name="lowest plausible value"
                    ),
                ),
                (
                    "maximum",
                    models.DecimalField(
                        blank=True, decimal_places=12, max_digits=30, null=True, verbose_name="highest plausible value"
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("holding_hours", models.SmallIntegerField(blank=True, null=True, verbose_name="holding time (h)")),
            ],
            options={
                "verbose_name": "range of a parameter",
            },
        ),
        migrations.CreateModel(
            name="ProgrammeItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("group", models.CharField(blank=True, max_length=40, verbose_name="group of parameters")),
                ("codes", models.JSONField(blank=True, default=list, verbose_name="parameters")),
                (
                    "frequency",
                    models.CharField(
                        choices=[
                            ("daily", "Daily"),
                            ("weekly", "Weekly"),
                            ("monthly", "Monthly"),
                            ("quarterly", "Quarterly"),
                            ("yearly", "Yearly"),
                            ("times_per_year", "Several times a year"),
                        ],
                        default="monthly",
                        max_length=16,
                        verbose_name="how often",
                    ),
                ),
                ("times", models.SmallIntegerField(default=1, verbose_name="times a year")),
                ("months", models.JSONField(blank=True, default=list, verbose_name="months")),
                ("starts_on", models.DateField(verbose_name="from")),
                ("ends_on", models.DateField(blank=True, null=True, verbose_name="until")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
            ],
            options={
                "verbose_name": "planned sampling",
                "verbose_name_plural": "programme",
                "ordering": ["point__name", "starts_on", "id"],
            },
        ),
        migrations.AddField(
            model_name="samplingpoint",
            name="notes",
            field=models.TextField(blank=True, verbose_name="notes"),
        ),
        migrations.AddField(
            model_name="samplingpoint",
            name="search_text",
            field=models.TextField(default="", editable=False),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "sampling_point", "-collection_date"],
                name="sample_by_point",
            ),
        ),
        migrations.AddIndex(
            model_name="samplingpoint",
            index=models.Index(fields=["organization", "longitude", "latitude"], name="sampling_point_by_place"),
        ),
        migrations.AddConstraint(
            model_name="samplingpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("latitude__isnull", True), ("longitude__isnull", True)),
                    models.Q(
                        ("latitude__gte", -90), ("latitude__lte", 90), ("longitude__gte", -180), ("longitude__lte", 180)
                    ),
                    _connector="OR",
                ),
                name="sampling_point_on_earth",
            ),
        ),
        migrations.AddField(
            model_name="parameterrange",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.organization",
                verbose_name="organisation",
            ),
        ),
        migrations.AddField(
            model_name="parameterrange",
            name="parameter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="ranges",
                to="lab.parameter",
                verbose_name="parameter",
            ),
        ),
        migrations.AddField(
            model_name="programmeitem",
            name="assignee",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by whom",
            ),
        ),
        migrations.AddField(
            model_name="programmeitem",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.organization",
                verbose_name="organisation",
            ),
        ),
        migrations.AddField(
            model_name="programmeitem",
            name="point",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="programme",
                to="lab.samplingpoint",
                verbose_name="sampling point",
            ),
        ),
        migrations.AddConstraint(
            model_name="parameterrange",
            constraint=models.UniqueConstraint(fields=("organization", "parameter"), name="parameter_range_once"),
        ),
        migrations.AddConstraint(
            model_name="parameterrange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("minimum__isnull", True),
                    ("maximum__isnull", True),
                    ("minimum__lt", models.F("maximum")),
                    _connector="OR",
                ),
                name="parameter_range_ordered",
            ),
        ),
        migrations.AddIndex(
            model_name="programmeitem",
            index=models.Index(fields=["organization", "point"], name="programme_by_point"),
        ),
        migrations.AddConstraint(
            model_name="programmeitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("times__gte", 1), ("times__lte", 365)), name="programme_times_in_a_year"
            ),
        ),
        migrations.AddConstraint(
            model_name="programmeitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__isnull", True), ("starts_on__lte", models.F("ends_on")), _connector="OR"),
                name="programme_period_ordered",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "type", "-collection_date", "-id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_type",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "status", "-collection_date", "-id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_status",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "location", "id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_location",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "created_at", "id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_creation",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "updated_at", "id"],
                condition=models.Q(("deleted_at", None)),
                name="sample_by_change",
            ),
        ),
        TenantTable("ProgrammeItem"),
        TenantTable("ParameterRange"),
        AuditedTable("ProgrammeItem", "programme", label="frequency"),
        AuditedTable("ParameterRange", "parameter", label="note"),
        migrations.RunSQL(SEARCH, NO_SEARCH),
    ]
