"""Limits of several standards beside each other."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from portal.core.common import clock
from portal.lab import selectors
from portal.lab.choices import LimitKind
from portal.lab.models import Limit
from portal.lab.rulebook import rulebook
from portal.lab.science.units import UnitError, convert


@dataclass(slots=True)
class Compared:
    """What each standard says of a parameter. `strictest`: keys with the lowest upper limit, where not all agree."""

    parameter: UUID
    limits: dict[str, Limit] = field(default_factory=dict)
    strictest: frozenset[str] = frozenset()
    differs: bool = False


def compare(*, keys: Collection[str], matrix: str, on: date | None = None) -> dict[UUID, Compared]:
    """By parameter; the edition and the row in force `on` that day (today), before the first one the first."""
    day = on or clock.now().astimezone(clock.zone(rulebook().zone)).date()
    current: dict[str, UUID] = {}
    for row in sorted(selectors.standard_list(), key=lambda row: row.effective_from or date.min):
        started = (row.effective_from or date.min) <= day
        if row.key in keys and (started or row.key not in current):
            if row.effective_to is not None and row.effective_to <= day:
                current.pop(row.key, None)
            else:
                current[row.key] = row.pk
    held: dict[tuple[UUID, str], list[Limit]] = defaultdict(list)
    rows = selectors.limit_list().filter(standard__in=current.values(), matrix=matrix)
    for limit in sorted(rows, key=lambda limit: limit.effective_from or date.min):
        held[limit.parameter_id, limit.standard.key].append(limit)
    compared: dict[UUID, Compared] = {}
    for (parameter, key), limits in held.items():
        started_ones = [limit for limit in limits if (limit.effective_from or date.min) <= day]
        limit = started_ones[-1] if started_ones else limits[0]
        if limit.effective_to is None or limit.effective_to > day:
            compared.setdefault(parameter, Compared(parameter)).limits[key] = limit
    for entry in compared.values():
        _rank(entry)
    return compared


def _rank(entry: Compared) -> None:
    first = next(iter(entry.limits.values()))
    bounds: dict[str, tuple[Decimal | None, ...]] = {}
    for key, limit in entry.limits.items():
        if limit.kind == LimitKind.PERCENTAGE:
            continue  # a share of samples is not compared with an amount
        try:
            bounds[key] = tuple(
                None if edge is None else convert(edge, limit.unit, first.unit, species=first.parameter.species or None)
                for edge in (limit.lower, limit.upper)
            )
        except UnitError:
            continue
    entry.differs = len(set(bounds.values())) > 1
    uppers = {key: upper for key, (_lower, upper) in bounds.items() if upper is not None}
    if len(set(uppers.values())) > 1:
        entry.strictest = frozenset(key for key, upper in uppers.items() if upper == min(uppers.values()))
