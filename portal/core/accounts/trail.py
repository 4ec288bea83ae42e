"""How this app reports sign-ins and refusals to the audit log, which stands above it in the import order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from portal.core.monitoring.counters import counted
from portal.core.tenancy.scope import actor


@dataclass(frozen=True, slots=True)
class Trace:
    """`action` is a word of `contract-platform.md` section 3; `outcome` is success, denied or failed."""

    action: str
    entity: str = "user"
    object_pk: str = ""
    label: str = ""
    reason: str = ""
    outcome: str = "success"
    organization: UUID | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


_recorder: list[Callable[[Trace], None]] = []


def register(recorder: Callable[[Trace], None]) -> None:
    """Called once by the audit app when it loads."""
    _recorder[:] = [recorder]


def record(trace: Trace) -> None:
    """Write the entry in the transaction in force, with its actor."""
    if trace.action in ("login", "login_failed"):
        outcome = "success" if trace.action == "login" else trace.reason or "refused"
        counted("logins", surface={"api": "v1"}.get(via := actor().via, via), outcome=outcome)
    for recorder in _recorder:
        recorder(trace)
