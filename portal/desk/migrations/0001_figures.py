"""The tally of changes that figures of the office are kept by."""

import django.db.models.deletion
from django.db import migrations, models

import portal.core.common.ids
from portal.core.tenancy.operations import TenantTable

TABLES = {
    "customers": ("crm_customer", "crm_statuschange", "crm_customertag"),
    "sales": ("crm_deal", "crm_transition", "crm_salesactivity", "crm_stage", "crm_quota"),
    "tickets": ("crm_ticket", "crm_slaclock", "crm_slapause", "crm_ticketcategory"),
    "contracts": ("crm_contract", "crm_contracttype"),
}
# A row for each connection (nearly): no writer waits for another one, and the sum moves with every commit.
_COUNT = """
CREATE FUNCTION marsad_figure_tally() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO desk_figuretally AS t (id, created_at, updated_at, organization_id, subject, shard, changes)
    SELECT gen_random_uuid(), now(), now(), organization_id, TG_ARGV[0], pg_backend_pid() % 256, count(*)
    FROM changed GROUP BY organization_id ORDER BY organization_id
    ON CONFLICT (organization_id, subject, shard)
    DO UPDATE SET changes = t.changes + excluded.changes, updated_at = now();
    RETURN NULL;
END $body$;
ALTER TABLE desk_figuretally SET (fillfactor = 50);
"""
TALLY = _COUNT + "".join(
    f"""
CREATE TRIGGER figures_{event.lower()} AFTER {event} ON {table} REFERENCING {rows} TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION marsad_figure_tally('{subject}');
ALTER TABLE {table} ENABLE ALWAYS TRIGGER figures_{event.lower()};
"""
    for subject, tables in TABLES.items()
    for table in tables
    for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)
NO_TALLY = (
    "".join(
        f"DROP TRIGGER figures_{event} ON {table};"
        for tables in TABLES.values()
        for table in tables
        for event in ("insert", "update", "delete")
    )
    + "DROP FUNCTION marsad_figure_tally();"
)


class Migration(migrations.Migration):
    initial = True
    dependencies = [("crm", "0004_contracts"), ("tenancy", "0003_organization_version")]

    operations = [
        migrations.CreateModel(
            name="FigureTally",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.core.common.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("subject", models.CharField(max_length=12)),
                ("shard", models.SmallIntegerField()),
                ("changes", models.BigIntegerField()),
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
                    models.UniqueConstraint(fields=("organization", "subject", "shard"), name="figure_tally_once")
                ]
            },
        ),
        TenantTable("FigureTally"),
        migrations.RunSQL(TALLY, NO_TALLY),
    ]
