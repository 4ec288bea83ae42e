"""The log belongs to a role of its own; the application may add and read, and have entries sealed."""

from django.db import migrations

from portal.core.audit import triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunSQL(triggers.NEW_ENTRY, triggers.DROP_NEW_ENTRY),
        migrations.RunSQL(triggers.WORDS_FUNCTION, triggers.DROP_WORDS_FUNCTION),
        migrations.RunSQL(triggers.SEAL + triggers.SEAL_FUNCTION, triggers.DROP_SEAL),
        migrations.RunSQL(triggers.ERASE, triggers.DROP_ERASE),
        migrations.RunSQL(triggers.audit_function(), "DROP FUNCTION marsad_audit()"),
        migrations.RunSQL(triggers.GUARDS, triggers.DROP_GUARDS),
        migrations.RunSQL(triggers.OWNERSHIP, triggers.DROP_OWNERSHIP),
    ]
