"""A sealed chain of an organisation, and a database superuser who damages it."""

import time
from contextlib import closing
from typing import Any

from django.db import connections

from portal.core.audit import sealing
from portal.core.audit.integrity import integrity_verify
from portal.core.audit.models import Action, AuditEntry, AuditLeaf, Verification
from portal.core.audit.services import Event, record
from portal.core.tenancy.management.commands import bootstrap
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast

TABLES = ("audit_auditentry", "audit_auditleaf", "audit_checkpoint", "audit_verification")


def write(cast: Cast, count: int, **values: Any) -> None:
    """Entries in transactions of their own, by alice."""
    for number in range(count):
        with tenant(cast.a.pk, by=cast.alice.actor(via="portal", ip="192.0.2.7", agent="Firefox")):
            event = {"label": f"S-{number}", "changes": {"value": [str(number), "7.20"]}, **values}
            record(Event(Action.UPDATE, "sample", f"id-{number}", **event))


def sealed(cast: Cast, count: int = 12) -> list[AuditLeaf]:
    """A chain that was found intact; its leaves in order."""
    write(cast, count)
    assert verified(cast).status == "ok"
    with tenant(cast.a.pk):
        return list(AuditLeaf.objects.order_by("seq"))


def seal_all() -> None:
    """Seal everything; transactions of the other workers of the test run, in the same cluster, may hold it up."""
    for _attempt in range(12_000):
        with platform():
            sealing.seal()
            if not AuditEntry.objects.filter(seal=None).exists():
                return
        time.sleep(0.05)
    raise AssertionError("a transaction runs for ten minutes")


def verified(cast: Cast, mode: str = "full", **options: Any) -> Verification:
    seal_all()
    with tenant(cast.a.pk):
        return integrity_verify(mode=mode, **options)


def superuser(*statements: str, **values: Any) -> None:
    """Run SQL as nobody of ours can: guards off, row-level security off."""
    with closing(bootstrap.connect(connections.settings["owner"])) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            connection.execute(statement, values)
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
            connection.execute(
                "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
                f" AND tgrelid = '{table}'::regclass LOOP"
                f" EXECUTE format('ALTER TABLE {table} ENABLE ALWAYS TRIGGER %I', t); END LOOP; END $$"
            )
