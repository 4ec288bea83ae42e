"""Whether the sealer keeps up: an entry that waits for its seal is not yet proof against the database's owner."""

from typing import Final

from django.db import connection

from portal.core.common.health import Finding, State

LATE: Final = 60  # seconds that an entry may wait; the sealer comes by every few


def sealer() -> Finding:
    """Entries of the last day without a seal, and the age in seconds of the oldest of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(extract(epoch FROM now() - min(e.timestamp)), 0) FROM audit_auditentry e"
            " WHERE e.timestamp > now() - interval '1 day'"
            " AND NOT EXISTS (SELECT FROM audit_auditleaf l WHERE l.entry_id = e.id)"
        )
        waiting, age = cursor.fetchone()
    facts = {"unsealedEntries": waiting, "lagSeconds": round(float(age), 1)}
    return Finding(State.DEGRADED if age > LATE else State.HEALTHY, facts)
