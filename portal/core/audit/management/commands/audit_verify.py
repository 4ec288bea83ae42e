"""`manage.py audit_verify`: check every chain, or one; the exit code says whether all are intact."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.core.audit import sealing
from portal.core.audit.integrity import integrity_verify
from portal.core.audit.models import Verification
from portal.core.audit.verification import KINDS
from portal.core.tenancy.scope import Actor, platform

BY = Actor(via="command", name="audit_verify")


class Command(BaseCommand):
    help = "Verifies the audit log: every entry, its order, the signatures and the copies outside of the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mode", choices=Verification.Mode.values, default=Verification.Mode.FULL)
        parser.add_argument("--organization", type=UUID, help="id of one organisation; all without it")

    def handle(self, *args: Any, **options: Any) -> None:
        with platform(by=BY):
            sealing.seal()
            chains = [options["organization"]] if options["organization"] else sealing.chains()
        damaged = 0
        for chain in chains:
            with platform(by=BY):
                result = integrity_verify(mode=options["mode"], chain=chain)
            self.stdout.write(
                f"{chain}: {result.status}, {result.checked} entries, {result.erased} erased,"
                f" {result.checkpoints} checkpoints, {result.duration_ms} ms"
            )
            for finding in result.findings:
                self.stdout.write(
                    f"  entry {finding['id'] or '?'} at place {finding['seq'] or '?'}: {KINDS[finding['kind']]}"
                )
            damaged += result.status in (Verification.Status.TAMPERED, Verification.Status.MISSING)
        if damaged:
            raise CommandError(f"{damaged} of {len(chains)} chains are damaged")
