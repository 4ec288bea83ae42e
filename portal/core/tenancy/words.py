"""Search for text inside of the words of a tenant's rows, at any size of the table."""

import re
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Model, Q, QuerySet, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from portal.core.tenancy import scope
from portal.core.tenancy.operations import TableOperation

RARE: Final = 1000  # found rows up to which a search is narrowed to them
_WORD: Final = re.compile(r"[^\W_]+")
_NOBODY: Final = UUID(int=0)


class WordSearch(TableOperation):
    """A table of the words of a model's `search_text` (`text` is SQL over `given`, the whole of it), and a finder.

    An index of words cannot serve a table under row-level security (its operators are not leakproof), so they stand in
    a table that the application has no right to read, and a function of the owner looks into it, for the organisation
    in force alone. Every ending of every word from three letters on is there, so that "aari" finds "maarif": a search
    is for text that is contained. `finder(parts, most)` gives at most so many ids of rows that contain each part; NULL
    where the statistics say that far more have them: the index would read all of those before it gives the first (45 ms
    of 1,000,000 samples, the estimate 0.3). Words that the statistics do not know count for half of the rarest they do.
    The finder is volatile, because EXPLAIN is refused in other functions.
    """

    def __init__(self, model_name: str, *, text: str = "given", finder: str = "") -> None:
        super().__init__(model_name)
        self.text, self.finder = text, finder

    def statements(self, table: str, model: Any) -> list[str]:
        words, tagged, trigger = f"{table}words", f"marsad_tagged_{table}", f"marsad_words_{table}"
        made = [
            f"CREATE TABLE {words} (row_id uuid PRIMARY KEY, organization_id uuid NOT NULL, words tsvector NOT NULL)",
            f"REVOKE ALL ON {words} FROM PUBLIC, marsad_app",
            f"CREATE INDEX {words}_found ON {words} USING gin (words)",
            f"""
CREATE FUNCTION {tagged}(org uuid, given text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT array_to_tsvector(ARRAY(
        SELECT DISTINCT right(org::text, 6) || substr(word, place, 40)
        FROM unnest(tsvector_to_array(marsad_words({self.text}))) word, generate_series(1, length(word) - 2) place))
$body$""",
            f"""
CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM {words} w USING old_rows o WHERE w.row_id = o.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO {words} (row_id, organization_id, words)
        SELECT id, organization_id, {tagged}(organization_id, search_text) FROM new_rows;
    ELSE
        UPDATE {words} w SET words = {tagged}(n.organization_id, n.search_text)
        FROM new_rows n JOIN old_rows o USING (id) WHERE w.row_id = n.id AND n.search_text <> o.search_text;
    END IF;
    RETURN NULL;
END $body$""",
        ]
        for event, rows in (
            ("INSERT", "NEW TABLE AS new_rows"),
            ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
            ("DELETE", "OLD TABLE AS old_rows"),
        ):
            made.append(
                f'CREATE TRIGGER words_{event.lower()} AFTER {event} ON "{table}" REFERENCING {rows}'
                f" FOR EACH STATEMENT EXECUTE FUNCTION {trigger}()"
            )
        return [
            *made,
            f"""
CREATE FUNCTION {self.finder or finder_of(table)}(parts text[], most integer) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $body$
DECLARE
    org uuid := current_setting('marsad.organization')::uuid;
    wanted tsquery;
    found uuid[];
    plan json;
BEGIN
    SELECT string_agg(quote_literal(right(org::text, 6) || left(part, 40)) || ':*', ' & ')::tsquery INTO wanted
    FROM unnest(parts) part;
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM {words} WHERE words @@ %L::tsquery', wanted) INTO plan;
    IF (plan -> 0 -> 'Plan' ->> 'Plan Rows')::real > (
        SELECT greatest(most, 10000, reltuples / 100) FROM pg_class WHERE oid = '{words}'::regclass)
    THEN RETURN NULL;
    END IF;
    SELECT array_agg(row_id) INTO found FROM (
        SELECT row_id FROM {words} WHERE words @@ wanted AND organization_id = org LIMIT most) w;
    RETURN coalesce(found, '{{}}');
END $body$""",
            "SELECT set_config('marsad.scope', 'platform', true)",
            f"INSERT INTO {words} SELECT id, organization_id, {tagged}(organization_id, search_text) FROM {table}",
        ]

    def undo_statements(self, table: str, model: Any) -> list[str]:
        return [
            *(f'DROP TRIGGER words_{event} ON "{table}"' for event in ("insert", "update", "delete")),
            f"DROP FUNCTION {self.finder or finder_of(table)}(text[], integer)",
            f"DROP FUNCTION marsad_words_{table}()",
            f"DROP FUNCTION marsad_tagged_{table}(uuid, text)",
            f"DROP TABLE {table}words",
        ]


def finder_of(table: str) -> str:
    return f"marsad_found_{table}"


def found(finder: str, text: str, most: int = RARE) -> list[UUID] | Literal["often"] | None:
    """Rows whose words contain the two longest words of a normalised text; "often" where more than `most` do; None
    where those words have less than three letters, and so are not looked up."""
    parts = sorted((part for part in _WORD.findall(text) if len(part) > 2), key=len)[-2:]
    if not parts or scope.current().organization is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {finder}(%s, %s)", [parts, most + 1])
        ids = cursor.fetchone()[0]
    return "often" if ids is None or len(ids) > most else list(ids)


def containing[M: Model](rows: QuerySet[M], text: str, *, most: int = RARE) -> QuerySet[M]:
    """Rows whose `search_text` contains every word of a normalised text, in any order; through the words of the table
    where those are in at most `most` rows, else in the order of the list, which is quicker. Of LIKE the planner thinks
    that it leaves next to nothing, and then sorts all; of `strpos` that it leaves a third, and follows the order."""
    ids = found(finder_of(rows.model._meta.db_table), text, most)
    if isinstance(ids, list):
        rows = rows.filter(pk__in=ids or [_NOBODY])
        return rows.filter(*(Q(search_text__contains=word) for word in text.split()))
    return rows.filter(*(GreaterThan(StrIndex("search_text", Value(word)), 0) for word in text.split()))


def common(model: type[Model], text: str, *, most: int) -> bool:
    """Whether more than `most` rows of the organisation have this word, so that nobody has to count them; False for
    several words, which need not stand together."""
    return _WORD.fullmatch(text) is not None and found(finder_of(model._meta.db_table), text, most) == "often"
