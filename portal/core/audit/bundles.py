"""An export that proves itself: entries with their hashes and Merkle paths, and a signed manifest, in one zip file.

`docs/verify/verify_audit.py` checks it with nothing but Python and the public key. Unsealed entries are left out.
"""

import base64
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import orjson
from django.db import connection
from django.db.models import QuerySet

from portal.core.audit import canon, exports, keys, sealing
from portal.core.audit.models import AuditEntry, AuditLeaf, Checkpoint
from portal.core.common import clock

CHUNK: Final = 2_000
SPOOLED: Final = 8 * 1024 * 1024
_GROUPS: Final = (("payload", canon.PAYLOAD), ("actor", canon.ACTOR), ("meta", canon.META))
_EVIDENCE: Final = (
    "SELECT l.seq, l.leaf, l.previous, l.salt, l.actor_salt, l.payload_hash, l.actor_hash, "  # noqa: S608 our constants
    + ", ".join(f"ARRAY[{', '.join(group.values())}]".replace("{e}", "e") for _name, group in _GROUPS)
    + " FROM audit_auditleaf l JOIN audit_auditentry e ON e.id = l.entry_id WHERE l.entry_id = ANY(%s) ORDER BY l.seq"
)


@dataclass(slots=True)
class Bundle:
    """A finished zip file and the manifest in it."""

    file: IO[bytes]
    size: int
    manifest: dict[str, Any]

    @property
    def header(self) -> str:
        """The manifest for `X-Audit-Manifest`: JSON in base64url."""
        return header(self.manifest)

    def chunks(self) -> Iterator[bytes]:
        """The file in pieces; it is closed, and gone, behind the last one."""
        with self.file:
            yield from iter(lambda: self.file.read(1 << 16), b"")

    def keep(self, path: Path) -> str:
        """Write it to `path`; the SHA-256 of the file."""
        with path.open("wb") as target:
            target.writelines(self.chunks())
        with path.open("rb") as written:
            return hashlib.file_digest(written, "sha256").hexdigest()


def header(manifest: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(manifest)).rstrip(b"=").decode()


def bundle(rows: QuerySet[AuditEntry], *, filters: Mapping[str, Any], format: str = "jsonl") -> Bundle:  # noqa: A002
    """Pack the sealed ones of `rows`, oldest first, after signing a checkpoint over everything sealed.

    `entries.jsonl` holds what was hashed, to the byte; with `format="csv"` a readable table lies beside it.
    """
    sealed, newest = _sealed(rows)
    sealed = sealed.order_by("seal__seq")
    ids = list(sealed.values_list("pk", flat=True))
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115 handed to the answer
    names: dict[str, str] = {}
    summary = _Summary(rows)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
        names["entries.jsonl"] = _add(archive, "entries.jsonl", summary.watch(_evidence(ids)))
        if format == "csv":
            names["entries.csv"] = _add(archive, "entries.csv", exports.entries_csv(sealed))
        needed = _checkpoints(summary.first, newest)
        chain = "".join(json.dumps(sealing.as_wire(row)) + "\n" for row in needed).encode()
        names["checkpoints.jsonl"] = _add(archive, "checkpoints.jsonl", iter([chain]))
        manifest = _manifest(summary, filters, newest, names)
        archive.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    size = file.tell()
    file.seek(0)
    return Bundle(file, size, manifest)


def manifest_of(
    rows: QuerySet[AuditEntry], *, filters: Mapping[str, Any]
) -> tuple[dict[str, Any], QuerySet[AuditEntry]]:
    """The signed manifest of an export without bundle: range, count and Merkle root; and the entries that it covers."""
    sealed, newest = _sealed(rows)
    summary = _Summary(rows)
    leaves = sealed.order_by("seal__seq").values_list("pk", "seal__seq", "seal__leaf")
    for pk, seq, leaf in leaves.iterator(chunk_size=10_000):
        summary.take(pk, seq, bytes(leaf))
    return _manifest(summary, filters, newest, {}), sealed


def _sealed(rows: QuerySet[AuditEntry]) -> tuple[QuerySet[AuditEntry], Checkpoint | None]:
    """Those of `rows` under the newest checkpoint, which is made now: no more can come to them."""
    sealing.seal()
    newest = sealing.checkpoint(cause=Checkpoint.Cause.EXPORT)
    return rows.filter(seal__seq__lte=newest.count if newest else 0), newest


class _Summary:
    """What passes by on its way into the file."""

    def __init__(self, rows: QuerySet[AuditEntry]) -> None:
        self.unsealed = rows.order_by().filter(seal=None).count()
        self.leaves: list[bytes] = []
        self.first = self.last = self.first_id = self.last_id = 0

    def take(self, pk: int, seq: int, leaf: bytes) -> None:
        if not self.leaves:
            self.first, self.first_id = seq, pk
        self.last, self.last_id = seq, pk
        self.leaves.append(leaf)

    def watch(self, lines: Iterator[dict[str, Any]]) -> Iterator[bytes]:
        for line in lines:
            self.take(int(line["meta"]["id"]), line["seq"], bytes.fromhex(line["leaf"]))
            yield orjson.dumps(line) + b"\n"


def _add(archive: zipfile.ZipFile, name: str, chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as entry:
        buffer = io.BufferedWriter(entry, 1 << 18)
        for chunk in chunks:
            digest.update(chunk)
            buffer.write(chunk)
        buffer.flush()
        buffer.detach()
    return digest.hexdigest()


def _evidence(ids: list[int]) -> Iterator[dict[str, Any]]:
    segment: Checkpoint | None = None
    levels: list[list[bytes]] = []
    for at in range(0, len(ids), CHUNK):
        with connection.cursor() as cursor:
            cursor.execute(_EVIDENCE, [ids[at : at + CHUNK]])
            rows = cursor.fetchall()
        for seq, leaf, previous, salt, actor_salt, payload_hash, actor_hash, *groups in rows:
            if segment is None or seq > segment.count:
                segment = Checkpoint.objects.filter(
                    organization_id=sealing.chain_in_force(), first__lte=seq, count__gte=seq
                ).get()
                levels = canon.merkle_levels(_leaves(segment))
            line: dict[str, Any] = {
                "seq": seq,
                "leaf": leaf.hex(),
                "previous": previous.hex(),
                "checkpoint": segment.count,
                "path": canon.merkle_path(levels, seq - segment.first),
                "salt": salt and salt.hex(),
                "actorSalt": actor_salt and actor_salt.hex(),
                "payloadHash": payload_hash.hex(),
                "actorHash": actor_hash.hex(),
            }
            for (name, group), values in zip(_GROUPS, groups, strict=True):
                erased = (name == "payload" and salt is None) or (name == "actor" and actor_salt is None)
                line[name] = None if erased else dict(zip(group, values, strict=True))
            yield line


def _leaves(segment: Checkpoint) -> list[bytes]:
    found = AuditLeaf.objects.filter(
        organization_id=segment.organization_id, seq__gte=segment.first, seq__lte=segment.count
    )
    return [bytes(leaf) for leaf in found.order_by("seq").values_list("leaf", flat=True)]


def _checkpoints(first: int, newest: Checkpoint | None) -> list[Checkpoint]:
    """From the one that covers the first entry to the newest, each holding the signature of the one before."""
    if newest is None:
        return []
    found = Checkpoint.objects.filter(organization_id=newest.organization_id, count__lte=newest.count)
    return list(found.filter(count__gte=first or newest.count).order_by("count"))


def _manifest(
    summary: _Summary, filters: Mapping[str, Any], newest: Checkpoint | None, files: Mapping[str, str]
) -> dict[str, Any]:
    count = len(summary.leaves)
    manifest: dict[str, Any] = {
        "format": "marsad-audit-1",
        "organizationId": str(sealing.chain_in_force()),
        "generatedAt": canon.moment(clock.now()),
        "filters": json.loads(json.dumps(filters, default=str)),
        "range": {"firstId": summary.first_id, "lastId": summary.last_id, "first": summary.first, "last": summary.last},
        "count": count,
        "unsealed": summary.unsealed,  # left out: their order is not final yet
        "complete": bool(count) and summary.last - summary.first + 1 == count,
        "merkleRoot": canon.merkle_root(summary.leaves).hex() if count else None,
        "checkpoint": sealing.as_wire(newest) if newest else None,
        "files": dict(files),
    }
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    manifest["keyId"], signature = keys.sign(text)
    return manifest | {"signature": signature.hex()}
