"""SQL of the audit log: hashing on insert, guards against change, and the triggers of audited tables."""

import functools
import string
from typing import Any, Final

from portal.core.audit import canon
from portal.core.tenancy.operations import SEES, TableOperation

TABLE = "audit_auditentry"
PLATFORM: Final = "00000000-0000-0000-0000-000000000000"
# Columns that no audit row repeats: they change with every write and mean nothing to a reader.
ALWAYS_IGNORED = ("id", "organization_id", "created_at", "updated_at", "version", "search_text")

LEAVES, WORDS, SEALER, CHECKPOINTS = "audit_auditleaf", "audit_auditwords", "audit_sealer", "audit_checkpoint"
VERIFICATIONS: Final = "audit_verification"
# Not `TO marsad_audit`, which would mean its members too: whoever makes the tables is one.
OWNER: Final = "(SELECT current_user = 'marsad_audit')"

# What only the log's own functions may say of an entry. Triggers of audited tables say it themselves, so it costs nothing.
NEW_ENTRY = f"""
CREATE FUNCTION marsad_audit_new() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.xid := pg_current_xact_id();
    NEW.erased_by := NULL;
    NEW.actor_erased_by := NULL;
    RETURN NEW;
END $body$;
CREATE TRIGGER audit_new BEFORE INSERT ON {TABLE} FOR EACH ROW
WHEN (NEW.xid IS DISTINCT FROM pg_current_xact_id() OR NEW.erased_by IS NOT NULL OR NEW.actor_erased_by IS NOT NULL)
EXECUTE FUNCTION marsad_audit_new();
ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER audit_new;
"""
DROP_NEW_ENTRY = f"""
DROP TRIGGER audit_new ON {TABLE};
DROP FUNCTION marsad_audit_new();
"""

# The owner's own functions erase: as this role, and only what erasure may remove. Nobody can log in as it.
GUARDS = f"""
CREATE FUNCTION marsad_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'UPDATE' AND current_user = 'marsad_audit' AND TG_TABLE_NAME IN ('{TABLE}', '{LEAVES}') THEN
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

# One spelling for search, as `common.text.normalise` makes it, in words of letters and digits only. Most text is ASCII:
# there 35 calls of `replace` take 5 µs, where one `translate` would take 30 and a regular expression 40.
_SPACED: Final = functools.reduce(
    lambda text, sign: f"replace({text}, chr({ord(sign)}), ' ')", f"{string.punctuation}\n\r\t", "lower(given)"
)
WORDS_FUNCTION = (
    r"""
CREATE FUNCTION marsad_words(given text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
BEGIN
    IF octet_length(given) = length(given) THEN
        given := """
    + _SPACED
    + r""";
    ELSE
        given := regexp_replace(regexp_replace(normalize(lower(translate(
            regexp_replace(given, '[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]', '', 'g'),
            U&'\0623\0625\0622\0671\0629\0649\0624\0626\06a9\06cc\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669'
            || U&'\06f0\06f1\06f2\06f3\06f4\06f5\06f6\06f7\06f8\06f9',
            U&'\0627\0627\0627\0627\0647\064a\0648\064a\0643\064a' || '01234567890123456789')), NFKD),
            '[\u0300-\u036f]', '', 'g'), '[^[:alnum:]]+', ' ', 'g');
    END IF;
    RETURN array_to_tsvector(ARRAY(SELECT DISTINCT left(word, 200) FROM unnest(string_to_array(given, ' ')) word
                                   WHERE word <> ''));
END $body$;
"""
)
DROP_WORDS_FUNCTION = "DROP FUNCTION marsad_words(text)"


def search_words(row: str) -> str:
    """SQL of the words that one finds an entry by: names, reason, request, and the values of the change but for ids."""
    names = ("object_repr", "actor_name", "actor_email", "reason")
    return f"""marsad_words(left(concat_ws(' ', {", ".join(f"{row}.{name}" for name in names)}, replace({row}.cid, '-', ''),
        CASE WHEN jsonb_typeof({row}.changes) = 'object' THEN (
            SELECT string_agg(value #>> '{{}}', ' ') FROM jsonb_each({row}.changes) WHERE right(key, 3) <> '_id')
        END), 20000))"""


SEAL = f"""
CREATE FUNCTION marsad_audit_link(state bytea, leaf bytea, head bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$body$ SELECT sha256('\\x01'::bytea || coalesce(state, head) || leaf) $body$;
CREATE AGGREGATE marsad_audit_chain(leaf bytea, head bytea) (SFUNC = marsad_audit_link, STYPE = bytea);
INSERT INTO {SEALER} (sealed_below, sealed_after) VALUES ('0', 0);
CREATE INDEX audit_words_found ON {WORDS} USING gin (words);
"""
# Entries of transactions below the oldest running one: nothing can still come before them, so their order is final.
# A cluster that was restored from a dump begins to count transactions anew: then everything without a leaf is taken.
# Leaves are looked up one by one (`OFFSET 0`, no scans): their table grows by millions inside of one session, and a plan
# that was made while it was small compared each entry with all of it.
SEAL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION marsad_audit_seal(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $body$
DECLARE
    below xid8;
    after bigint;
    running xid8;
    restored boolean;
    sealed integer;
BEGIN
    SELECT sealed_below, sealed_after INTO below, after FROM {SEALER} FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    running := pg_snapshot_xmin(pg_current_snapshot());
    restored := below > pg_snapshot_xmax(pg_current_snapshot());
    IF restored THEN
        below := '0';
        after := 0;
        running := '18446744073709551615';
    END IF;
    WITH fresh AS MATERIALIZED (
        SELECT e.id, coalesce(e.organization_id, '{PLATFORM}') AS organization_id, e.xid,
               CASE WHEN e.erased_by IS NULL THEN e.salt END AS salt,
               CASE WHEN e.actor_erased_by IS NULL THEN e.actor_salt END AS actor_salt,
               {canon.sql_hash(canon.PAYLOAD, "e", "e.salt")} AS payload_hash,
               {canon.sql_hash(canon.ACTOR, "e", "e.actor_salt")} AS actor_hash,
               {canon.sql_meta("e")} AS meta, {search_words("e")} AS words
        FROM (
            SELECT e.*, uuid_send(gen_random_uuid()) AS salt, uuid_send(gen_random_uuid()) AS actor_salt FROM {TABLE} e
            WHERE (e.xid, e.id) > (below, after) AND e.xid < running
              AND NOT EXISTS (SELECT FROM {LEAVES} l WHERE l.entry_id = e.id OFFSET 0)
            ORDER BY e.xid, e.id LIMIT most
        ) e
    ), hashed AS (
        SELECT *, {canon.sql_leaf("f", "f.meta")} AS leaf FROM fresh f
    ), heads AS MATERIALIZED (
        SELECT c.organization_id, coalesce(t.seq, 0) AS seq,
               coalesce(t.chain, sha256(convert_to(c.organization_id::text, 'UTF8'))) AS head
        FROM (SELECT DISTINCT organization_id FROM fresh) c
        LEFT JOIN LATERAL (SELECT l.seq, l.chain FROM {LEAVES} l WHERE l.organization_id = c.organization_id
                           ORDER BY l.seq DESC LIMIT 1) t ON true
    ), chained AS MATERIALIZED (
        SELECT f.*, h.head, h.seq + row_number() OVER w AS seq, marsad_audit_chain(f.leaf, h.head) OVER w AS chain
        FROM hashed f JOIN heads h USING (organization_id)
        WINDOW w AS (PARTITION BY organization_id ORDER BY f.id ROWS UNBOUNDED PRECEDING)
    ), leaves AS (
        INSERT INTO {LEAVES} (entry_id, organization_id, seq, salt, payload_hash, actor_salt, actor_hash, leaf, previous,
                              chain)
        SELECT id, organization_id, seq, salt, payload_hash, actor_salt, actor_hash, leaf,
               coalesce(lag(chain) OVER (PARTITION BY organization_id ORDER BY seq), head), chain
        FROM chained
    ), words AS (
        INSERT INTO {WORDS} (entry_id, organization_id, words) SELECT id, organization_id, words FROM fresh
    )
    SELECT count(*) OVER (), xid, id INTO sealed, below, after FROM fresh ORDER BY xid DESC, id DESC LIMIT 1;
    sealed := coalesce(sealed, 0);
    IF sealed < most THEN
        below := CASE WHEN restored THEN pg_snapshot_xmin(pg_current_snapshot()) ELSE running END;
        after := 0;
    END IF;
    IF sealed < most OR NOT restored THEN
        UPDATE {SEALER} SET sealed_below = below, sealed_after = after
        WHERE (sealed_below, sealed_after) IS DISTINCT FROM (below, after);
    END IF;
    RETURN sealed;
END $body$;
"""
# The erasure tells of itself in an entry of its own, whose digest names what it took away.
BLANKS = {
    "payload": ("salt", "changes = NULL, object_repr = '', reason = '', erased_by = made"),
    "actor": (
        "actor_salt",
        """actor_id = NULL, actor_name = '', actor_email = NULL, remote_addr = NULL, device = '', agent = '',
           impersonator_id = NULL, latitude = NULL, longitude = NULL, actor_erased_by = made""",
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
    PERFORM FROM {SEALER} FOR UPDATE; -- no sealer hashes meanwhile what is about to go
    SELECT coalesce(array_agg(e.id ORDER BY e.id), '{{{{}}}}') INTO taken FROM {TABLE} e
    WHERE e.id = ANY(entries) AND coalesce(e.organization_id, '{PLATFORM}') = chain AND e.action NOT IN (14, 15)
      AND CASE part WHEN 'payload' THEN e.erased_by ELSE e.actor_erased_by END IS NULL;
    INSERT INTO {TABLE} (organization_id, entity, object_pk, object_repr, action, changes, changes_text, actor_id,
        actor_email, actor_name, actor_role, impersonator_id, device, agent, via, reason, outcome, cid, remote_addr,
        timestamp, xid)
    VALUES (nullif(chain, '{PLATFORM}'), split_part(subject, ' ', 1), split_part(subject, ' ', 2), '', kind,
        detail || jsonb_build_object('part', part, 'entries', cardinality(taken), 'digest',
            encode(sha256(convert_to(array_to_string(taken, ','), 'UTF8')), 'hex')),
        '', (who->>'user')::uuid, who->>'email', coalesce(who->>'name', ''), coalesce(who->>'role', ''),
        (who->>'impersonator')::uuid, coalesce(who->>'device', ''), coalesce(who->>'agent', ''),
        coalesce(who->>'via', 'sql'), why, 'success', coalesce(who->>'request', ''),
        nullif(who->>'ip', '')::inet, clock_timestamp(), pg_current_xact_id())
    RETURNING id INTO made;
    IF part = 'payload' THEN
        UPDATE {TABLE} SET {BLANKS["payload"][1]} WHERE id = ANY(taken);
        UPDATE {LEAVES} SET {BLANKS["payload"][0]} = NULL WHERE entry_id = ANY(taken);
    ELSE
        UPDATE {TABLE} SET {BLANKS["actor"][1]} WHERE id = ANY(taken);
        UPDATE {LEAVES} SET {BLANKS["actor"][0]} = NULL WHERE entry_id = ANY(taken);
    END IF;
    UPDATE {WORDS} w SET words = {search_words("e")}
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
CREATE POLICY owner_all ON {table} USING ({OWNER}) WITH CHECK ({OWNER});
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
# times: 108 against 60 ms for 1,000 results. Who did it is read from its JSON once, not once per row.
def audit_function() -> str:
    """Arguments: entity, ignored columns, naming column, organisation's column, app label, model name."""
    columns = (
        "organization_id, entity, content_type_id, object_pk, object_repr, action, changes, changes_text, actor_id,"
        " actor_email, actor_name, actor_role, impersonator_id, device, agent, via, reason, outcome, cid, remote_addr,"
        " timestamp, xid"
    )
    values = (
        "(r.row->>org)::uuid, entity, kind, r.row->>'id', left(coalesce(r.row->>label, ''), 300), {action}, {changes}, '',"
        " actor, email, actor_name, actor_role, impersonator, device, agent, via, {reason}, 'success', request, address,"
        " clock_timestamp(), xact"
    )
    insert = f"INSERT INTO {TABLE} ({columns}) SELECT {values}"

    def written(source: str, action: str, changes: str) -> str:
        """The entries of `source`, with a reason each where the service named some."""
        one = insert.format(action=action, changes=changes, reason="why") + source
        each = insert.format(action=action, changes=changes, reason="coalesce(reasons->>(r.row->>'id'), why)") + source
        return f"IF reasons IS NULL THEN\n{one};\nELSE\n{each};\nEND IF;"

    return f"""
CREATE FUNCTION marsad_audit() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    entity text := TG_ARGV[0];
    ignored text[] := TG_ARGV[1]::text[];
    label text := TG_ARGV[2];
    org text := TG_ARGV[3];
    kind integer := (SELECT id FROM django_content_type WHERE app_label = TG_ARGV[4] AND model = TG_ARGV[5]);
    who jsonb := coalesce(nullif(current_setting('marsad.actor', true), ''), '{{}}')::jsonb;
    reasons jsonb := nullif(current_setting('marsad.reasons', true), '')::jsonb;
    actor uuid := who->>'user';
    email text := who->>'email';
    actor_name text := coalesce(who->>'name', '');
    actor_role text := coalesce(who->>'role', '');
    impersonator uuid := who->>'impersonator';
    device text := coalesce(who->>'device', '');
    agent text := coalesce(who->>'agent', '');
    via text := coalesce(who->>'via', 'sql');
    why text := coalesce(who->>'reason', '');
    request text := coalesce(who->>'request', '');
    address inet := nullif(who->>'ip', '');
    xact xid8;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM new_rows) THEN RETURN NULL; END IF;
        xact := pg_current_xact_id();
        {
        written(
            " FROM (SELECT to_jsonb(n) AS row FROM new_rows n OFFSET 0) r ORDER BY (r.row->>'version')::bigint NULLS FIRST",
            "0",
            "jsonb_strip_nulls(r.row - ignored)",
        )
    }
    ELSIF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM old_rows) THEN RETURN NULL; END IF;
        xact := pg_current_xact_id();
        {
        written(
            " FROM (SELECT to_jsonb(o) AS row FROM old_rows o OFFSET 0) r", "2", "jsonb_strip_nulls(r.row - ignored)"
        )
    }
    ELSE
        IF NOT EXISTS (SELECT FROM new_rows) THEN RETURN NULL; END IF;
        IF EXISTS (SELECT FROM new_rows n WHERE NOT EXISTS (SELECT FROM old_rows o WHERE o.id = n.id)) THEN
            RAISE EXCEPTION 'the id of a record never changes: the audit log names it' USING ERRCODE = 'restrict_violation';
        END IF;
        xact := pg_current_xact_id();
        {
        written(
            ''' FROM (
            SELECT b.old, b.row,
                   b.old->>'deleted_at' IS NULL AND b.row->>'deleted_at' IS NOT NULL AS died,
                   b.old->>'deleted_at' IS NOT NULL AND b.row->>'deleted_at' IS NULL AS rose
            FROM (SELECT to_jsonb(o) AS old, to_jsonb(n) AS row FROM new_rows n JOIN old_rows o USING (id) OFFSET 0) b
        ) r
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(e.key, jsonb_build_array(r.old->e.key, e.value)) AS changes
            FROM jsonb_each(r.row - ignored) e WHERE r.old->e.key IS DISTINCT FROM e.value
        ) d
        WHERE d.changes IS NOT NULL''',
            "CASE WHEN r.died THEN 2 WHEN r.rose THEN 4 ELSE 1 END",
            "CASE WHEN r.died THEN jsonb_strip_nulls(r.old - ignored)"
            " WHEN r.rose THEN jsonb_strip_nulls(r.row - ignored) ELSE d.changes END",
        )
    }
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
