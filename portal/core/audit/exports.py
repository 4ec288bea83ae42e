"""The audit log as CSV and JSON, streamed; values stand under the names of the API."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import QuerySet

from portal.core.audit.models import AuditEntry
from portal.core.audit.selectors import entry_card
from portal.core.common import clock
from portal.core.common.text import harmless
from portal.core.tenancy.scope import Actor, platform, tenant

CHUNK: Final = 1000
CSV_COLUMNS: Final = (
    "id", "timestamp", "userId", "userName", "userEmail", "userRole", "action", "entityType", "entityId", "label",
    "oldValues", "newValues", "reason", "outcome", "ipAddress", "userAgent", "deviceId", "via", "requestId", "hash",
    "previousHash",
)  # fmt: skip


class _Echo:
    def write(self, line: str) -> str:
        return line


def entries_csv(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, commas, CRLF; old and new values as JSON."""
    writer = csv.writer(_Echo())
    yield b"\xef\xbb\xbf" + writer.writerow(CSV_COLUMNS).encode()
    for cards in _cards(rows):
        yield "".join(writer.writerow([_cell(card[name]) for name in CSV_COLUMNS]) for card in cards).encode()


def entries_jsonl(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """One JSON object a line."""
    for cards in _cards(rows):
        yield b"".join(orjson.dumps(card, option=orjson.OPT_APPEND_NEWLINE) for card in cards)


def entries_json(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """One JSON array, an entry a line."""
    before = b"[\n"
    for cards in _cards(rows):
        yield before + b",\n".join(orjson.dumps(card) for card in cards)
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def later(chunks: Iterator[bytes], *, by: Actor, organization: UUID | None) -> Iterator[bytes]:
    """`chunks` in a scope of their own, since an answer is sent after the request's has ended."""
    with _scope(by, organization):
        yield from chunks


@contextmanager
def _scope(by: Actor, organization: UUID | None) -> Iterator[None]:
    with tenant(organization, by=by) if organization else platform(by=by):
        yield


def _cards(rows: QuerySet[AuditEntry]) -> Iterator[list[dict[str, Any]]]:
    cards: list[dict[str, Any]] = []
    for entry in rows.select_related("seal").iterator(chunk_size=CHUNK):
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
