"""The audit log as CSV and JSON, streamed; values stand under the names of the API."""

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from portal.core.audit.models import AuditEntry
from portal.core.audit.selectors import entry_card
from portal.core.common import clock
from portal.core.common.text import harmless
from portal.core.tenancy.scope import Actor, tenant

CHUNK = 1000
CSV_COLUMNS = (
    "id", "timestamp", "userId", "userName", "userEmail", "userRole", "action", "entityType", "entityId", "label",
    "oldValues", "newValues", "reason", "outcome", "ipAddress", "userAgent", "deviceId", "via", "requestId",
)  # fmt: skip


class _Echo:
    def write(self, line: str) -> str:
        return line


def entries_csv(rows: QuerySet[AuditEntry], *, by: Actor, organization: UUID) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, commas, CRLF; old and new values as JSON. In a scope of its own, since the answer
    is sent after the page's has ended."""
    writer = csv.writer(_Echo())
    yield b"\xef\xbb\xbf" + writer.writerow(CSV_COLUMNS).encode()
    for cards in _cards(rows, by=by, organization=organization):
        yield "".join(writer.writerow([_cell(card[name]) for name in CSV_COLUMNS]) for card in cards).encode()


def entries_json(rows: QuerySet[AuditEntry], *, by: Actor, organization: UUID) -> Iterator[bytes]:
    """One JSON array, an entry a line."""
    before = b"[\n"
    for cards in _cards(rows, by=by, organization=organization):
        yield before + b",\n".join(orjson.dumps(card) for card in cards)
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def _cards(rows: QuerySet[AuditEntry], *, by: Actor, organization: UUID) -> Iterator[list[dict[str, Any]]]:
    with tenant(organization, by=by):
        cards: list[dict[str, Any]] = []
        for entry in rows.iterator(chunk_size=CHUNK):
            cards.append(entry_card(entry))
            if len(cards) == CHUNK:
                yield cards
                cards = []
        if cards:
            yield cards


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return clock.wire(value) if isinstance(value, datetime) else harmless(value)
