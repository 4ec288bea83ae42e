"""Versions given by the database.

Before a statement on a synced table the organisation's clock row is locked, so the order of locks is always clock,
then rows. Each changed row takes the next number; after the statement the clock and `sync_record` follow. A reader
that sees number n therefore sees every number below it, whatever order transactions commit in.
"""

from typing import Any

from portal.core.tenancy.operations import TableOperation

# A client cannot write these, so a change of them alone is no new content.
NEVER_CONTENT = ("version", "updated_at", "updated_by_id", "created_by_id", "client_updated_at", "search_text")

FUNCTIONS = """
CREATE FUNCTION marsad_clock(org uuid) RETURNS bigint LANGUAGE plpgsql AS $body$
DECLARE n bigint;
BEGIN
    SELECT seq INTO n FROM sync_clock WHERE organization_id = org FOR NO KEY UPDATE;
    IF n IS NULL THEN
        RAISE EXCEPTION 'organisation % has no clock or is not in scope', org;
    END IF;
    RETURN n;
END $body$;

CREATE FUNCTION marsad_clock_new() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO sync_clock (organization_id, epoch, seq, ts, floor)
    VALUES (NEW.id, gen_random_uuid(), 0, clock_timestamp(), 0);
    RETURN NULL;
END $body$;
CREATE TRIGGER clock_new AFTER INSERT ON tenancy_organization FOR EACH ROW EXECUTE FUNCTION marsad_clock_new();

CREATE FUNCTION marsad_version_lock() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE org uuid := nullif(current_setting('marsad.organization', true), '')::uuid;
BEGIN
    IF org IS NOT NULL THEN
        PERFORM marsad_clock(org);
    END IF;
    RETURN NULL;
END $body$;

CREATE FUNCTION marsad_version() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    name text := 'marsad.seq_' || replace(NEW.organization_id::text, '-', '');
    last text := current_setting(name, true);
    n bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.version := OLD.version;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    n := 1 + CASE WHEN coalesce(last, '') = '' THEN marsad_clock(NEW.organization_id) ELSE last::bigint END;
    PERFORM set_config(name, n::text, true);
    NEW.version := n;
    RETURN NEW;
END $body$;

CREATE FUNCTION marsad_version_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF coalesce(current_setting('marsad.purge', true), '') <> 'on' THEN
        RAISE EXCEPTION 'a synced record is deleted by setting deleted_at: devices must see its tombstone'
            USING ERRCODE = 'restrict_violation';
    END IF;
    DELETE FROM sync_record WHERE organization_id = OLD.organization_id AND entity = TG_ARGV[0] AND record_id = OLD.id;
    RETURN OLD;
END $body$;

CREATE FUNCTION marsad_feed() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    who jsonb := coalesce(nullif(current_setting('marsad.actor', true), ''), '{}')::jsonb;
    hidden text[] := TG_ARGV[1]::text[];
    -- `engine.restate` writes computed columns alone: nothing to compare
    computed boolean := coalesce(current_setting('marsad.computed', true), '') = 'on';
    org uuid;
    moment timestamptz;
    name text;
BEGIN
    FOR org IN SELECT DISTINCT organization_id FROM new_rows LOOP
        name := 'marsad.seq_' || replace(org::text, '-', '');
        IF coalesce(current_setting(name, true), '') <> '' THEN
            UPDATE sync_clock SET seq = current_setting(name)::bigint,
                                  ts = greatest(clock_timestamp(), ts + interval '1 microsecond')
            WHERE organization_id = org RETURNING ts INTO moment;
            PERFORM set_config(name, '', true);
            IF TG_OP = 'INSERT' THEN
                INSERT INTO sync_record (organization_id, entity, record_id, seq, content_seq, content_device, first_seq,
                                         ts, client_ts, deleted_at, deleted_by_id)
                SELECT n.organization_id, TG_ARGV[0], n.id, n.version, n.version, coalesce(who->>'device_row', ''), n.version,
                       moment, least(coalesce(n.client_updated_at, moment), moment), n.deleted_at, n.deleted_by_id
                FROM new_rows n WHERE n.organization_id = org;
            ELSE
                -- a record that comes back after its tombstone was purged
                INSERT INTO sync_record (organization_id, entity, record_id, seq, content_seq, content_device, first_seq,
                                         ts, client_ts, deleted_at, deleted_by_id)
                SELECT n.organization_id, TG_ARGV[0], n.id, -n.version, 0, '', n.version, moment, moment, NULL, NULL
                FROM new_rows n JOIN old_rows o USING (id)
                WHERE n.organization_id = org AND n.version <> o.version AND o.deleted_at IS NOT NULL
                ON CONFLICT (organization_id, entity, record_id) DO NOTHING;
                UPDATE sync_record s SET
                    seq = c.version, ts = moment, deleted_at = c.deleted_at, deleted_by_id = c.deleted_by_id,
                    content_seq = CASE WHEN c.content THEN c.version ELSE s.content_seq END,
                    content_device = CASE WHEN c.content THEN coalesce(who->>'device_row', '') ELSE s.content_device END,
                    client_ts = CASE WHEN c.content THEN least(coalesce(c.stamp, moment), moment) ELSE s.client_ts END
                FROM (
                    SELECT n.id, n.version, n.deleted_at, n.deleted_by_id,
                           -- SQL that knows nothing of devices leaves both as they were
                           CASE WHEN n.updated_at IS DISTINCT FROM o.updated_at THEN n.client_updated_at END AS stamp,
                           NOT computed AND to_jsonb(n) - hidden IS DISTINCT FROM to_jsonb(o) - hidden AS content
                    FROM new_rows n JOIN old_rows o USING (id)
                    WHERE n.organization_id = org AND n.version <> o.version
                ) c
                WHERE s.organization_id = org AND s.entity = TG_ARGV[0] AND s.record_id = c.id;
            END IF;
        END IF;
    END LOOP;
    RETURN NULL;
END $body$;
"""

# Which of these ids belong to another organisation: they must not be told apart from unknown ones. The scope is
# widened for this one look and given back; after an error the rollback does that, because the setting is local.
# (`SET "marsad.scope"` in the function's head would need a superuser as the schema's owner.)
IDS_ELSEWHERE = """
CREATE FUNCTION marsad_ids_elsewhere(name text, org uuid, ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $body$
DECLARE kept text := coalesce(current_setting('marsad.scope', true), '');
BEGIN
    PERFORM set_config('marsad.scope', 'platform', true);
    RETURN QUERY EXECUTE format('SELECT id FROM %I WHERE id = ANY($1) AND organization_id <> $2', name) USING ids, org;
    PERFORM set_config('marsad.scope', kept, true);
END $body$;
"""

DROP_FUNCTIONS = """
DROP TRIGGER clock_new ON tenancy_organization;
DROP FUNCTION marsad_feed();
DROP FUNCTION marsad_version_refuse();
DROP FUNCTION marsad_version();
DROP FUNCTION marsad_version_lock();
DROP FUNCTION marsad_clock_new();
DROP FUNCTION marsad_clock(uuid);
"""


class SyncedTable(TableOperation):
    """Give a table's rows versions and a place in the feed. `derived`: columns that the server computes."""

    def __init__(self, model_name: str, entity: str, derived: tuple[str, ...] = ()) -> None:
        super().__init__(model_name)
        self.entity, self.derived = entity, derived

    def statements(self, table: str, model: Any) -> list[str]:
        hidden = "{" + ",".join(NEVER_CONTENT + self.derived) + "}"
        feed = f"FOR EACH STATEMENT EXECUTE FUNCTION marsad_feed('{self.entity}', '{hidden}')"
        rows = {"INSERT": "NEW TABLE AS new_rows", "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows"}
        writes = f'BEFORE INSERT OR UPDATE ON "{table}"'
        made = {
            "sync_0_lock": f"{writes} FOR EACH STATEMENT EXECUTE FUNCTION marsad_version_lock()",
            "sync_1_version": f"{writes} FOR EACH ROW EXECUTE FUNCTION marsad_version()",
            "sync_2_feed_insert": f'AFTER INSERT ON "{table}" REFERENCING {rows["INSERT"]} {feed}',
            "sync_2_feed_update": f'AFTER UPDATE ON "{table}" REFERENCING {rows["UPDATE"]} {feed}',
            "sync_3_delete": f'BEFORE DELETE ON "{table}" FOR EACH ROW'
            f" EXECUTE FUNCTION marsad_version_refuse('{self.entity}')",
        }
        return [
            statement
            for name, body in made.items()
            for statement in (f"CREATE TRIGGER {name} {body}", f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER {name}')
        ]

    def undo_statements(self, table: str, model: Any) -> list[str]:
        names = ("sync_0_lock", "sync_1_version", "sync_2_feed_insert", "sync_2_feed_update", "sync_3_delete")
        return [f'DROP TRIGGER {name} ON "{table}"' for name in names]
