"""The sealer looks each entry's leaf up, whatever the planner believes of a table that grows under it."""

from django.db import migrations

from portal.core.audit import triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_rare_entries")]

    operations = [migrations.RunSQL(triggers.SEAL_FUNCTION, migrations.RunSQL.noop)]
