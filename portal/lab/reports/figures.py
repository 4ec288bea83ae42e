"""The figures of a compliance report: one pass over the results, inside the database.

A verdict counts once per result and standard. A result that was rejected, or that a retest replaced, counts nowhere
and is listed under `excluded` with its reason.
"""

import hashlib
import json
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection
from django.db.models.functions import Coalesce

from portal.core.common.clock import wire
from portal.core.tenancy import scope
from portal.lab.points.selectors import planned_by_location
from portal.lab.reports.filters import Filters, matching_samples
from portal.lab.rulebook import rulebook

# Sites and parameters of concern that are drawn over time, and the newest measurements of each.
TRENDS = 12
POINTS = 60
_CENSORED = "('<', '>', 'not_detected', 'too_numerous')"
_COUNTS = ", ".join(
    f"coalesce(sum(n) FILTER (WHERE {chosen}), 0)::bigint AS {name}"
    for name, chosen in {
        "evaluated": "verdict <> 'NOT_EVALUATED'",
        "pass": "verdict = 'PASS'",
        "warning": "verdict = 'WARNING'",
        "fail": "verdict = 'FAIL'",
        "indeterminate": "verdict = 'INDETERMINATE'",
        "investigate": "verdict = 'INVESTIGATE'",
        '"notEvaluated"': "verdict = 'NOT_EVALUATED'",
        "censored": "verdict <> 'NOT_EVALUATED' AND censored",
        "provisional": "verdict <> 'NOT_EVALUATED' AND provisional",
    }.items()
)
_SQL = """
WITH s AS MATERIALIZED ({samples}),
r AS MATERIALIZED (
    SELECT r.id, r.sample_id, r.parameter_id, r.value_text, r.unit, r.verdicts, r.qualifier IN {censored} AS censored,
           s.location, s.code, s.collection_date,
           CASE WHEN r.verdicts @> '[{{"reason": "REJECTED"}}]' THEN 'REJECTED'
                WHEN r.id IN (SELECT n.replaces_id FROM lab_result n WHERE n.organization_id = %(organization)s
                              AND n.replaces_id IS NOT NULL AND n.deleted_at IS NULL) THEN 'REPLACED' END AS excluded
    FROM lab_result r JOIN s ON s.id = r.sample_id
    WHERE r.organization_id = %(organization)s AND r.deleted_at IS NULL
),
e AS MATERIALIZED (
    SELECT r.id, r.sample_id, r.parameter_id, r.value_text, r.unit, r.censored, r.location, r.code,
           r.collection_date, v.standard, v.edition, v.role, coalesce(v.provisional, false) AS provisional, v.verdict,
           v.reason, v.unit AS limit_unit, v."comparedValue" AS compared, v."decisionRule" AS rule,
           v.lower, v.upper,
           CASE WHEN v.reason = 'BELOW_MINIMUM' THEN v.lower ELSE coalesce(v.upper, v.lower) END AS edge,
           CASE v.role WHEN 'legal' THEN 0 WHEN 'guideline' THEN 1 ELSE 2 END AS place
    FROM r CROSS JOIN LATERAL jsonb_to_recordset(r.verdicts) AS v(
        standard text, edition text, role text, provisional boolean, verdict text, reason text, lower numeric,
        upper numeric, "comparedValue" numeric, unit text, "decisionRule" text)
    WHERE r.excluded IS NULL AND (%(standards)s::text[] IS NULL OR v.standard = ANY(%(standards)s))
),
g AS MATERIALIZED (
    SELECT location, parameter_id, place, standard, edition, role, verdict, censored, provisional, rule,
           count(*) AS n, count(compared) AS points
    FROM e GROUP BY location, parameter_id, place, standard, edition, role, verdict, censored, provisional, rule
),
per_location AS (
    SELECT location, count(*) AS taken, count(*) FILTER (WHERE compliance_status = 'pass') AS pass,
           count(*) FILTER (WHERE compliance_status = 'warning') AS warning,
           count(*) FILTER (WHERE compliance_status = 'fail') AS fail,
           round(avg(lat)::numeric, 5) AS latitude, round(avg(lon)::numeric, 5) AS longitude
    FROM s GROUP BY location
),
per_result AS (
    SELECT id, location, censored, bool_or(verdict = 'INDETERMINATE') AS indeterminate,
           count(*) FILTER (WHERE verdict = 'FAIL') AS exceedances
    FROM e WHERE verdict <> 'NOT_EVALUATED' GROUP BY id, location, censored
),
per_site AS (
    SELECT location, count(*) AS evaluated, count(*) FILTER (WHERE censored) AS censored,
           count(*) FILTER (WHERE indeterminate) AS indeterminate, sum(exceedances)::bigint AS exceedances
    FROM per_result GROUP BY location
),
worst AS (
    SELECT DISTINCT ON (location) location, parameter_id, value_text, unit, collection_date, standard, verdict
    FROM e WHERE verdict IN ('FAIL', 'INDETERMINATE', 'INVESTIGATE', 'WARNING')
    ORDER BY location, array_position(ARRAY['FAIL', 'INDETERMINATE', 'INVESTIGATE', 'WARNING'], verdict), place,
             CASE WHEN reason = 'BELOW_MINIMUM' THEN edge / nullif(compared, 0) ELSE compared / nullif(edge, 0) END
                 DESC NULLS FIRST, compared DESC NULLS LAST, collection_date DESC, id
),
concern AS (
    SELECT location, parameter_id, standard, fails, row_number() OVER (
        ORDER BY fails DESC, troubled DESC, location COLLATE "C", parameter_id) AS rank
    FROM (SELECT DISTINCT ON (location, parameter_id) * FROM (
        SELECT location, parameter_id, standard, place, coalesce(sum(n) FILTER (WHERE verdict = 'FAIL'), 0) AS fails,
               sum(n) FILTER (WHERE verdict IN ('FAIL', 'INDETERMINATE', 'INVESTIGATE')) AS troubled,
               sum(points) AS points
        FROM g WHERE verdict <> 'NOT_EVALUATED' GROUP BY location, parameter_id, standard, place) x
        WHERE troubled > 0 AND points > 1 ORDER BY location, parameter_id, fails DESC, place, standard) y
    ORDER BY rank LIMIT {trends}
),
point AS (
    SELECT c.rank, e.*, row_number() OVER (PARTITION BY c.rank ORDER BY e.collection_date DESC, e.id DESC) AS age
    FROM concern c JOIN e USING (location, parameter_id, standard) WHERE e.compared IS NOT NULL
)
SELECT json_build_object(
    'summary', (SELECT json_build_object(
        'samples', count(*), 'results', (SELECT count(*) FROM r WHERE excluded IS NULL),
        'pass', count(*) FILTER (WHERE compliance_status = 'pass'),
        'warning', count(*) FILTER (WHERE compliance_status = 'warning'),
        'fail', count(*) FILTER (WHERE compliance_status = 'fail'),
        'pending', count(*) FILTER (WHERE compliance_status = 'pending')) FROM s),
    'standards', (SELECT coalesce(json_agg(
            x ORDER BY array_position(%(order)s::text[], standard), place, standard, edition), '[]') FROM (
        SELECT place, standard, edition, role, {counts}
        FROM g GROUP BY place, standard, edition, role) x),
    'sites', (SELECT coalesce(json_agg(x ORDER BY location COLLATE "C"), '[]') FROM (
        SELECT l.location, l.taken, coalesce(p.evaluated, 0) AS evaluated, coalesce(p.censored, 0) AS censored,
               coalesce(p.indeterminate, 0) AS indeterminate, coalesce(p.exceedances, 0) AS exceedances,
               l.pass, l.warning, l.fail, l.latitude, l.longitude,
               CASE WHEN w.location IS NOT NULL THEN json_build_object(
                   'parameterCode', c.code, 'valueText', w.value_text, 'unit', w.unit,
                   'collectionDate', w.collection_date, 'standard', w.standard, 'verdict', w.verdict) END AS worst
        FROM per_location l LEFT JOIN per_site p USING (location) LEFT JOIN worst w USING (location)
             LEFT JOIN lab_parameter c ON c.id = w.parameter_id) x),
    'exceedances', (SELECT coalesce(json_agg(x), '[]') FROM (
        SELECT w.id AS "resultId", w.sample_id AS "sampleId", w.code AS "sampleCode", w.location,
               w.collection_date AS "collectionDate", c.code AS "parameterCode", w.value_text AS "valueText", w.unit,
               w.standard, w.edition, w.role, w.edge AS "limit", w.limit_unit AS "limitUnit",
               w.compared AS "comparedValue", w.verdict, w.reason, w.provisional
        FROM e w JOIN lab_parameter c ON c.id = w.parameter_id WHERE w.verdict = 'FAIL'
        ORDER BY w.collection_date, w.code COLLATE "C", w.sample_id, c.code, w.id, w.place, w.standard) x),
    'excluded', (SELECT coalesce(json_agg(x), '[]') FROM (
        SELECT w.id AS "resultId", w.code AS "sampleCode", c.code AS "parameterCode", w.value_text AS "valueText",
               w.unit, w.excluded AS reason
        FROM r w JOIN lab_parameter c ON c.id = w.parameter_id WHERE w.excluded IS NOT NULL
        ORDER BY w.collection_date, w.code COLLATE "C", w.id) x),
    'trends', (SELECT coalesce(json_agg(x), '[]') FROM (
        SELECT p.location, c.code AS "parameterCode", p.standard, min(p.limit_unit) AS unit,
               (array_agg(p.lower ORDER BY p.age))[1] AS lower, (array_agg(p.upper ORDER BY p.age))[1] AS upper,
               json_agg(json_build_object('at', p.collection_date, 'value', p.compared, 'censored', p.censored,
                   'verdict', p.verdict) ORDER BY p.age DESC) AS points
        FROM point p JOIN lab_parameter c ON c.id = p.parameter_id WHERE p.age <= {points}
        GROUP BY p.rank, p.location, c.code, p.standard ORDER BY p.rank) x),
    'months', (SELECT coalesce(json_agg(x ORDER BY month), '[]') FROM (
        SELECT to_char(collection_date AT TIME ZONE %(zone)s, 'YYYY-MM') AS month, count(*) AS samples,
               count(*) FILTER (WHERE compliance_status = 'pass') AS pass,
               count(*) FILTER (WHERE compliance_status = 'warning') AS warning,
               count(*) FILTER (WHERE compliance_status = 'fail') AS fail,
               count(*) FILTER (WHERE compliance_status = 'pending') AS pending
        FROM s GROUP BY 1) x),
    'period', (SELECT json_build_object('first', min(collection_date), 'last', max(collection_date)) FROM s),
    'decisionRules', (SELECT coalesce(json_agg(DISTINCT rule), '[]') FROM g WHERE verdict <> 'NOT_EVALUATED')
)::text
"""


def compute(filters: Filters, *, time_zone: str) -> dict[str, Any]:
    """The figures of the organisation in force under wire names, free of any language.

    `summary` and `sites[].percentConforming` follow the samples' compliance status, which `filters.standards` does
    not change; `standards`, `exceedances`, `worst` and the counts of results cover the chosen standards only.
    `evaluated` counts results with a verdict, `censored`, `indeterminate` and `provisional` are shares of it;
    `exceedances` are FAIL verdicts. `worst` is the gravest verdict below PASS (legal standards first, then the
    greatest excess over the limit), or null. A site stands at the mean of its samples' coordinates. `trends` are the
    compared values over time of the sites and parameters with the most breaches. `months` are those of the
    organisation's time zone, `period` the first and last sample. `planned`: what the programme planned there in the
    period, null without one.
    """
    # A sample without coordinates of its own stands where its sampling point is.
    matching = matching_samples(filters).order_by()
    samples = matching.values(
        "id", "code", "location", "collection_date", "compliance_status",
        lat=Coalesce("latitude", "sampling_point__latitude"), lon=Coalesce("longitude", "sampling_point__longitude"),
    )  # fmt: skip
    sql, values = samples.query.sql_with_params()
    named = {f"p{number}": value for number, value in enumerate(values)}
    query = _SQL.format(
        samples=sql % tuple(f"%({name})s" for name in named),
        censored=_CENSORED,
        counts=_COUNTS,
        trends=TRENDS,
        points=POINTS,
    )
    values_by_name = named | {
        "organization": scope.organization_id(),
        "standards": list(filters.standards) or None,
        "order": rulebook().order,
        "zone": time_zone,
    }
    with connection.cursor() as cursor:
        # 40,000 results in memory, not in files; and no nested loops, which the planner takes (40 s instead of 1) where
        # its statistics do not know the organisation yet.
        cursor.execute("SELECT set_config('work_mem', '128MB', true), set_config('enable_nestloop', 'off', true)")
        cursor.execute(query, values_by_name)
        figures: dict[str, Any] = json.loads(cursor.fetchone()[0])
        cursor.execute("SELECT set_config('enable_nestloop', 'on', true)")
    figures["summary"]["percentConforming"] = percent_conforming(figures["summary"])
    for row in figures["standards"]:
        del row["place"]
    for row in [*figures["exceedances"], *(site["worst"] for site in figures["sites"] if site["worst"])]:
        row["collectionDate"] = _wire(row["collectionDate"])
    for row in (point for trend in figures["trends"] for point in trend["points"]):
        row["at"] = _wire(row["at"])
    period = figures["period"]
    figures["period"] = {name: _wire(value) for name, value in period.items()}
    planned = planned_by_location(
        matching, first=filters.since or _moment(period["first"]), last=filters.until or _moment(period["last"])
    )
    figures["sites"] = [
        {
            "location": row["location"],
            "planned": planned.get(row["location"]),
            **{name: row[name] for name in ("taken", "evaluated", "censored", "indeterminate", "exceedances")},
            "percentConforming": percent_conforming(row),
            "worst": row["worst"],
            **{name: row[name] for name in ("pass", "warning", "fail", "latitude", "longitude")},
        }
        for row in figures["sites"]
    ]
    return figures


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _wire(text: str | None) -> str | None:
    return wire(_moment(text))


def percent_conforming(counts: dict[str, int]) -> float | None:
    """100 (pass + warning) / (pass + warning + fail), two decimals, half up; None where nothing was decided."""
    good = counts["pass"] + counts["warning"]
    decided = good + counts["fail"]
    if not decided:
        return None
    return float((Decimal(100 * good) / decided).quantize(Decimal("0.01"), ROUND_HALF_UP))


def snapshot_hash(content: dict[str, Any]) -> str:
    """`sha256:` and the digest of the canonical JSON of a frozen `content`.

    Canonical: keys sorted by code point, no white space, UTF-8 without escapes beyond those that JSON demands,
    whole numbers without a point, others in the shortest text that reads back to the same double.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
