"""SQL of the audit log: hashing on insert, guards against change, and the triggers of audited tables."""

from typing import Any, Final

from portal.core.audit import canon
from portal.core.tenancy.operations import SEES, TableOperation

TABLE = "audit_auditentry"
PLATFORM: Final = "00000000-0000-0000-0000-000000000000"
# Columns that no audit row repeats: they change with every write and mean nothing to a reader.
ALWAYS_IGNORED = ("id", "organization_id", "created_at", "updated_at", "version", "search_text")

LEAVES, WORDS, SEALER, CHECKPOINTS = "audit_auditleaf", "audit_auditwords", "audit_sealer", "audit_checkpoint"
VERIFICATIONS: Final = "audit_verification"

HASH_FUNCTION = f"""
CREATE FUNCTION marsad_audit_hash() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.salt := uuid_send(gen_random_uuid());
    NEW.actor_salt := uuid_send(gen_random_uuid());
    NEW.erased_by := NULL;
    NEW.actor_erased_by := NULL;
    NEW.xid := pg_current_xact_id();
    NEW.payload_hash := {canon.sql_hash(canon.PAYLOAD, "NEW", "salt")};
    NEW.actor_hash := {canon.sql_hash(canon.ACTOR, "NEW", "actor_salt")};
    NEW.leaf_hash := {canon.sql_leaf("NEW")};
    RETURN NEW;
END $body$;
CREATE TRIGGER audit_hash BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION marsad_audit_hash();
ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER audit_hash;
"""
DROP_HASH_FUNCTION = f"""
DROP TRIGGER audit_hash ON {TABLE};
DROP FUNCTION marsad_audit_hash();
"""

# The owner's own functions erase: as this role, and only what erasure may remove. Nobody can log in as it.
GUARDS = f"""
CREATE FUNCTION marsad_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'UPDATE' AND current_user = 'marsad_audit' AND TG_TABLE_NAME = '{TABLE}' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only (% refused)', TG_OP USING ERRCODE = 'insufficient_privilege';
END $body$;
""" + "".join(
    f"""
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION marsad_audit_refuse();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION marsad_audit_refuse();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_no_change;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_no_truncate;
"""
    for table in (TABLE, LEAVES, CHECKPOINTS, VERIFICATIONS)
)
DROP_GUARDS = (
    "".join(
        f"DROP TRIGGER audit_no_truncate ON {table}; DROP TRIGGER audit_no_change ON {table};"
        for table in (TABLE, LEAVES, CHECKPOINTS, VERIFICATIONS)
    )
    + "DROP FUNCTION marsad_audit_refuse();"
)

# One spelling for search, as `common.text.normalise` makes it, in words of letters and digits only.
NORMALISE = r"""
CREATE FUNCTION marsad_words(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
SELECT regexp_replace(regexp_replace(normalize(lower(translate(
    regexp_replace(given, '[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]', '', 'g'),
    U&'\0623\0625\0622\0671\0629\0649\0624\0626\06a9\06cc\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669'
    || U&'\06f0\06f1\06f2\06f3\06f4\06f5\06f6\06f7\06f8\06f9',
    U&'\0627\0627\0627\0627\0647\064a\0648\064a\0643\064a' || '01234567890123456789')), NFKD),
    '[\u0300-\u036f]', '', 'g'), '[^[:alnum:]]+', ' ', 'g')
$body$;
"""
DROP_NORMALISE = "DROP FUNCTION marsad_words(text)"


def search_text(row: str) -> str:
    """SQL of all that one finds an entry by: names, reason, ids, and the values of the change but for their ids."""
    values = f"regexp_replace(left({row}.changes::text, 20000), '\"[a-z_]+\":|[0-9a-f]{{8}}-[0-9a-f-]{{27}}', ' ', 'g')"
    names = ("object_repr", "actor_name", "actor_email", "reason", "object_pk", "cid")
    return f"marsad_words(concat_ws(' ', {', '.join(f'{row}.{name}' for name in names)}, {values}))"


# Entries of transactions below the oldest running one: nothing can still come before them, so their order is final.
# A cluster that was restored from a dump begins to count transactions anew: then everything without a leaf is taken.
SEAL = f"""
CREATE FUNCTION marsad_audit_link(state bytea, leaf bytea, head bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$body$ SELECT sha256('\\x01'::bytea || coalesce(state, head) || leaf) $body$;
CREATE AGGREGATE marsad_audit_chain(leaf bytea, head bytea) (SFUNC = marsad_audit_link, STYPE = bytea);
INSERT INTO {SEALER} (sealed_below) VALUES ('0');
CREATE INDEX audit_words_found ON {WORDS} USING gin (words);
CREATE FUNCTION marsad_audit_seal(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE
    below xid8;
    running xid8 := pg_snapshot_xmin(pg_current_snapshot());
    restored boolean;
    last xid8;
    sealed integer;
BEGIN
    SELECT sealed_below INTO below FROM {SEALER} FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    restored := below > pg_snapshot_xmax(pg_current_snapshot());
    WITH fresh AS MATERIALIZED (
        SELECT e.id, coalesce(e.organization_id, '{PLATFORM}') AS organization_id, e.leaf_hash AS leaf, e.xid
        FROM {TABLE} e
        WHERE (restored OR (e.xid >= below AND e.xid < running))
          AND NOT EXISTS (SELECT FROM {LEAVES} l WHERE l.entry_id = e.id)
        ORDER BY e.xid, e.id LIMIT most
    ), heads AS MATERIALIZED (
        SELECT c.organization_id, coalesce(t.seq, 0) AS seq,
               coalesce(t.chain, sha256(convert_to(c.organization_id::text, 'UTF8'))) AS head
        FROM (SELECT DISTINCT organization_id FROM fresh) c
        LEFT JOIN LATERAL (SELECT l.seq, l.chain FROM {LEAVES} l WHERE l.organization_id = c.organization_id
                           ORDER BY l.seq DESC LIMIT 1) t ON true
    ), chained AS MATERIALIZED (
        SELECT f.id, organization_id, f.leaf, h.head, h.seq + row_number() OVER w AS seq,
               marsad_audit_chain(f.leaf, h.head) OVER w AS chain
        FROM fresh f JOIN heads h USING (organization_id)
        WINDOW w AS (PARTITION BY organization_id ORDER BY f.id ROWS UNBOUNDED PRECEDING)
    ), leaves AS (
        INSERT INTO {LEAVES} (entry_id, organization_id, seq, leaf, previous, chain)
        SELECT id, organization_id, seq, leaf,
               coalesce(lag(chain) OVER (PARTITION BY organization_id ORDER BY seq), head), chain
        FROM chained
    ), words AS (
        INSERT INTO {WORDS} (entry_id, organization_id, words)
        SELECT e.id, c.organization_id, to_tsvector('simple', {search_text("e")})
        FROM chained c JOIN {TABLE} e USING (id)
    )
    SELECT count(*), max(xid) INTO sealed, last FROM fresh;
    IF sealed < most OR NOT restored THEN
        UPDATE {SEALER} SET sealed_below = CASE WHEN sealed < most THEN running ELSE last END
        WHERE sealed_below IS DISTINCT FROM CASE WHEN sealed < most THEN running ELSE last END;
    END IF;
    RETURN sealed;
END $body$;
"""
# The erasure tells of itself in an entry of its own, whose digest names what it took away.
BLANKS = {
    "payload": "changes = NULL, object_repr = '', reason = '', salt = NULL, erased_by = made",
    "actor": (
        "actor_id = NULL, actor_name = '', actor_email = NULL, remote_addr = NULL, device = '', agent = '',"
        " impersonator_id = NULL, latitude = NULL, longitude = NULL, actor_salt = NULL, actor_erased_by = made"
    ),
}
ERASE = f"""
CREATE FUNCTION marsad_audit_erase(
    chain uuid, entries bigint[], part text, kind integer, subject text, detail jsonb, why text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE
    who jsonb := coalesce(nullif(current_setting('marsad.actor', true), ''), '{{{{}}}}')::jsonb;
    taken bigint[];
    made bigint;
BEGIN
    IF current_setting('marsad.scope', true) <> 'platform' AND current_setting('marsad.organization', true) <> chain::text
       OR part NOT IN ('payload', 'actor') OR kind NOT IN (14, 15) THEN
        RAISE EXCEPTION 'this may not be erased' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT coalesce(array_agg(e.id ORDER BY e.id), '{{{{}}}}') INTO taken FROM {TABLE} e
    WHERE e.id = ANY(entries) AND coalesce(e.organization_id, '{PLATFORM}') = chain AND e.action NOT IN (14, 15)
      AND CASE part WHEN 'payload' THEN e.salt IS NOT NULL ELSE e.actor_salt IS NOT NULL END;
    INSERT INTO {TABLE} (organization_id, entity, object_pk, object_repr, action, changes, changes_text, actor_id,
        actor_email, actor_name, actor_role, impersonator_id, device, agent, via, reason, outcome, cid, remote_addr,
        timestamp)
    VALUES (nullif(chain, '{PLATFORM}'), split_part(subject, ' ', 1), split_part(subject, ' ', 2), '', kind,
        detail || jsonb_build_object('part', part, 'entries', cardinality(taken), 'digest',
            encode(sha256(convert_to(array_to_string(taken, ','), 'UTF8')), 'hex')),
        '', (who->>'user')::uuid, who->>'email', coalesce(who->>'name', ''), coalesce(who->>'role', ''),
        (who->>'impersonator')::uuid, coalesce(who->>'device', ''), coalesce(who->>'agent', ''),
        coalesce(who->>'via', 'sql'), why, 'success', coalesce(who->>'request', ''),
        nullif(who->>'ip', '')::inet, clock_timestamp())
    RETURNING id INTO made;
    IF part = 'payload' THEN
        UPDATE {TABLE} SET {BLANKS["payload"]} WHERE id = ANY(taken);
    ELSE
        UPDATE {TABLE} SET {BLANKS["actor"]} WHERE id = ANY(taken);
    END IF;
    UPDATE {WORDS} w SET words = to_tsvector('simple', {search_text("e")})
    FROM {TABLE} e WHERE e.id = w.entry_id AND e.id = ANY(taken);
    RETURN made;
END $body$;
""".replace("{{}}", "{}")
DROP_ERASE = "DROP FUNCTION marsad_audit_erase(uuid, bigint[], text, integer, text, jsonb, text);"

DROP_SEAL = """
DROP INDEX audit_words_found;
DELETE FROM audit_sealer;
DROP FUNCTION marsad_audit_seal(integer);
DROP AGGREGATE marsad_audit_chain(bytea, bytea);
DROP FUNCTION marsad_audit_link(bytea, bytea, bytea);
"""

OWNERSHIP = (
    """
GRANT CREATE, USAGE ON SCHEMA public TO marsad_audit;
ALTER FUNCTION marsad_audit_seal(integer) OWNER TO marsad_audit;
ALTER FUNCTION marsad_audit_erase(uuid, bigint[], text, integer, text, jsonb, text) OWNER TO marsad_audit;
"""
    + "".join(
        f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_read ON {table} FOR SELECT USING {SEES.format(column=column)};
CREATE POLICY owner_all ON {table} TO marsad_audit USING (true) WITH CHECK (true);
REVOKE ALL ON {table} FROM PUBLIC, marsad_app;
GRANT {rights} ON {table} TO marsad_app;
{f"CREATE POLICY tenant_insert ON {table} FOR INSERT WITH CHECK ({check});" if check else ""}
ALTER TABLE {table} OWNER TO marsad_audit;
"""
        for table, column, rights, check in (
            (TABLE, "organization_id", "SELECT, INSERT", "true"),
            (LEAVES, "organization_id", "SELECT", ""),
            (WORDS, "organization_id", "SELECT", ""),
            (CHECKPOINTS, "organization_id", "SELECT, INSERT", SEES.format(column="organization_id")),
            (VERIFICATIONS, "organization_id", "SELECT, INSERT", SEES.format(column="organization_id")),
        )
    )
    + f"""
REVOKE ALL ON {SEALER} FROM PUBLIC, marsad_app;
GRANT SELECT ON {SEALER} TO marsad_app;
ALTER TABLE {SEALER} OWNER TO marsad_audit;
"""
)
DROP_OWNERSHIP = (
    "".join(
        f"ALTER TABLE {table} OWNER TO CURRENT_USER; DROP POLICY owner_all ON {table}; DROP POLICY tenant_read ON {table};"
        for table in (TABLE, LEAVES, WORDS, CHECKPOINTS, VERIFICATIONS)
    )
    + f"ALTER TABLE {SEALER} OWNER TO CURRENT_USER;"
    + "".join(f"DROP POLICY tenant_insert ON {table};" for table in (TABLE, CHECKPOINTS, VERIFICATIONS))
)


# `OFFSET 0` keeps PostgreSQL from writing the sub-query into the outer one, where it would make each row's JSON several
# times: 108 against 60 ms for 1,000 results.
def audit_function() -> str:
    """Arguments: entity, ignored columns, naming column, organisation's column, app label, model name."""
    columns = (
        "organization_id, entity, content_type_id, object_pk, object_repr, action, changes, changes_text, actor_id,"
        " actor_email, actor_name, actor_role, impersonator_id, device, agent, via, reason, outcome, cid, remote_addr,"
        " timestamp"
    )
    values = (
        "(r.row->>TG_ARGV[3])::uuid, TG_ARGV[0], kind, r.row->>'id', left(coalesce(r.row->>TG_ARGV[2], ''), 300), {action},"
        " {changes}, '', (who->>'user')::uuid, who->>'email', coalesce(who->>'name', ''), coalesce(who->>'role', ''),"
        " (who->>'impersonator')::uuid, coalesce(who->>'device', ''), coalesce(who->>'agent', ''),"
        " coalesce(who->>'via', 'sql'), coalesce(reasons->>(r.row->>'id'), who->>'reason', ''), 'success', coalesce(who->>'request', ''),"
        " nullif(who->>'ip', '')::inet, clock_timestamp()"
    )
    insert = f"INSERT INTO {TABLE} ({columns}) SELECT {values}"
    return f"""
CREATE FUNCTION marsad_audit() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    ignored text[] := TG_ARGV[1]::text[];
    who jsonb := coalesce(nullif(current_setting('marsad.actor', true), ''), '{{}}')::jsonb;
    reasons jsonb := coalesce(nullif(current_setting('marsad.reasons', true), ''), '{{}}')::jsonb;
    kind integer := (SELECT id FROM django_content_type WHERE app_label = TG_ARGV[4] AND model = TG_ARGV[5]);
BEGIN
    IF TG_OP = 'INSERT' THEN
        {insert.format(action="0", changes="jsonb_strip_nulls(r.row - ignored)")}
        FROM (SELECT to_jsonb(n) AS row FROM new_rows n OFFSET 0) r ORDER BY (r.row->>'version')::bigint NULLS FIRST;
    ELSIF TG_OP = 'DELETE' THEN
        {insert.format(action="2", changes="jsonb_strip_nulls(r.row - ignored)")}
        FROM (SELECT to_jsonb(o) AS row FROM old_rows o OFFSET 0) r;
    ELSE
        {
        insert.format(
            action="CASE WHEN r.died THEN 2 WHEN r.rose THEN 4 ELSE 1 END",
            changes="CASE WHEN r.died THEN jsonb_strip_nulls(r.old - ignored)"
            " WHEN r.rose THEN jsonb_strip_nulls(r.row - ignored) ELSE d.changes END",
        )
    }
        FROM (
            SELECT b.old, b.row,
                   b.old->>'deleted_at' IS NULL AND b.row->>'deleted_at' IS NOT NULL AS died,
                   b.old->>'deleted_at' IS NOT NULL AND b.row->>'deleted_at' IS NULL AS rose
            FROM (SELECT to_jsonb(o) AS old, to_jsonb(n) AS row FROM new_rows n JOIN old_rows o USING (id) OFFSET 0) b
        ) r
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(e.key, jsonb_build_array(r.old->e.key, e.value)) AS changes
            FROM jsonb_each(r.row - ignored) e WHERE r.old->e.key IS DISTINCT FROM e.value
        ) d
        WHERE d.changes IS NOT NULL;
    END IF;
    RETURN NULL;
END $body$;
"""


class AuditedTable(TableOperation):
    """Statement triggers that write the audit rows of a model, whatever door the change came through.

    The model says `audit_entity`, and where it differs `audit_ignored` (secrets, values computed from others),
    `audit_label` (the column that names a record) and `audit_organization_column`.
    """

    def __init__(
        self,
        model_name: str,
        entity: str,
        *,
        ignored: tuple[str, ...] = (),
        label: str = "name",
        organization_column: str = "organization_id",
    ) -> None:
        super().__init__(model_name)
        self.entity, self.ignored, self.label, self.organization_column = entity, ignored, label, organization_column

    def statements(self, table: str, model: Any) -> list[str]:
        ignored = "{" + ",".join(ALWAYS_IGNORED + self.ignored) + "}"
        arguments = ", ".join(
            f"'{value}'"
            for value in (
                self.entity,
                ignored,
                self.label,
                self.organization_column,
                model._meta.app_label,
                model._meta.model_name,
            )
        )
        tables = {
            "INSERT": "NEW TABLE AS new_rows",
            "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
            "DELETE": "OLD TABLE AS old_rows",
        }
        made = []
        for event, referencing in tables.items():
            name = f"audit_{event.lower()}"
            made.append(
                f'CREATE TRIGGER {name} AFTER {event} ON "{table}" REFERENCING {referencing}'
                f" FOR EACH STATEMENT EXECUTE FUNCTION marsad_audit({arguments})"
            )
            made.append(f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER {name}')
        return made

    def undo_statements(self, table: str, model: Any) -> list[str]:
        return [f'DROP TRIGGER audit_{event} ON "{table}"' for event in ("insert", "update", "delete")]
