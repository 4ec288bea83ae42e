"""The SQL of the table of minutes, written out from the bounds of its buckets."""

from typing import Final

from portal.core.monitoring.counters import BOUNDS

_TABLE: Final = "monitoring_minute"
_PLACES: Final = range(1, len(BOUNDS) + 2)
_BOTH: Final = ", ".join(f"m.buckets[{place}] + excluded.buckets[{place}]" for place in _PLACES)
# The sums of the buckets of a group of rows, as one array; of what has no durations, an array of NULLs.
SUMS: Final = f"ARRAY[{', '.join(f'sum(buckets[{place}])' for place in _PLACES)}]"
_MEET: Final = (
    "ON CONFLICT (minute, kind, labels) DO UPDATE SET count = m.count + excluded.count, ms = m.ms + excluded.ms,"
    f" buckets = CASE WHEN m.buckets IS NOT NULL THEN ARRAY[{_BOTH}] END"
)
# One row for each that is given, added to what another process wrote for the same minute.
ADD: Final = (
    f"INSERT INTO {_TABLE} AS m (minute, kind, labels, count, ms, buckets)"
    " SELECT to_timestamp(minute::float8 * 60), kind, labels, count, ms, buckets FROM jsonb_to_recordset(%s::jsonb)"
    " AS given (minute bigint, kind text, labels text[], count bigint, ms float8, buckets bigint[])"
    " ORDER BY minute, kind, labels " + _MEET
)
# Minutes before a moment become one row an hour.
ROLL_UP: Final = (
    f"WITH old AS (DELETE FROM {_TABLE} WHERE minute < %(before)s AND minute <> date_trunc('hour', minute) RETURNING *)"
    f" INSERT INTO {_TABLE} AS m (minute, kind, labels, count, ms, buckets)"
    f" SELECT date_trunc('hour', minute), kind, labels, sum(count), sum(ms),"
    f" CASE WHEN bool_or(buckets IS NOT NULL) THEN {SUMS} END"
    " FROM old GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 " + _MEET
)
# People's surfaces together where none is chosen; NULL for kinds that know no surface.
_SURFACE: Final = "(%(surface)s::text IS NULL OR CASE %(surface)s WHEN '' THEN labels[1] <> 'machine' ELSE labels[1] = %(surface)s END)"
BY_LABELS: Final = (
    f"SELECT labels, sum(count), sum(ms), {SUMS} FROM {_TABLE}"
    f" WHERE minute >= %(since)s AND kind = %(kind)s AND {_SURFACE} GROUP BY labels"
)
_STEP: Final = "to_timestamp(floor(extract(epoch FROM minute) / %(seconds)s) * %(seconds)s)"
# Requests by step: its start, their number, failures (5xx), durations.
BY_TIME: Final = (
    f"SELECT {_STEP}, sum(count), sum(count) FILTER (WHERE labels[4] >= '500'), {SUMS} FROM {_TABLE}"
    f" WHERE minute >= %(since)s AND kind = 'requests' AND {_SURFACE} GROUP BY 1 ORDER BY 1"
)
TREND: Final = (
    f"SELECT {_STEP}, kind, labels, sum(count) FROM {_TABLE}"
    f" WHERE minute >= %(since)s AND kind = ANY(%(kinds)s) AND (kind = 'geo_denials' OR {_SURFACE}) GROUP BY 1, 2, 3"
)
