"""The parameters and limits that an organisation works with, held in memory until one of them changes."""

import bisect
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from uuid import UUID

from django.db import connection

from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab import models
from portal.lab.science import verdicts
from portal.lab.science.names import normalise_name
from portal.lab.science.verdicts import DecisionRule


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a standard with the role that this organisation gives it."""

    key: str
    edition: str
    role: str
    position: int
    since: date


@dataclass(slots=True)
class Rulebook:
    """Look-ups for one organisation. Limits come per parameter, matrix and date, one per standard in use."""

    zone: str
    rule: DecisionRule
    parameters: dict[UUID, models.Parameter]
    by_name: dict[str, models.Parameter]
    editions: dict[str, list[Edition]]  # by standard key, oldest first
    limits: dict[tuple[str, str, UUID], list[models.Limit]]  # standard key, edition, parameter
    boundaries: list[date]
    made: dict[tuple[UUID, str | None, int], list[verdicts.Limit]] = field(default_factory=dict)

    def find(self, name: str) -> models.Parameter | None:
        """By code, or name in any language, or alias."""
        return self.by_name.get(normalise_name(name))

    def limits_for(self, parameter: UUID, matrix: str | None, on: date) -> list[verdicts.Limit]:
        """One limit per standard in use, in the standards' order: the edition in force on `on`, before the first one
        the first. A standard that says nothing gives a limit without bounds (NO_LIMIT)."""
        key = (parameter, matrix, bisect.bisect_right(self.boundaries, on))
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = [self._limit(edition, parameter, matrix, on) for edition in self._in_force(on)]
        return found

    def _in_force(self, on: date) -> list[Edition]:
        chosen = []
        for editions in self.editions.values():
            current = [edition for edition in editions if edition.since <= on]
            chosen.append(current[-1] if current else editions[0])
        return sorted(chosen, key=lambda edition: edition.position)

    def _limit(self, edition: Edition, parameter: UUID, matrix: str | None, on: date) -> verdicts.Limit:
        rows = self.limits.get((edition.key, edition.edition, parameter), [])
        same = [row for row in rows if row.matrix == matrix] or rows
        started = [row for row in same if (row.effective_from or date.min) <= on]
        row = started[-1] if started else same[0] if same else None
        if row is None or (row.effective_to is not None and row.effective_to <= on):
            return verdicts.Limit.none(edition.key, edition.edition, edition.role)
        return verdicts.Limit(
            standard=edition.key,
            edition=edition.edition,
            role=edition.role,
            kind=row.kind,
            lower=row.lower,
            upper=row.upper,
            guidance=row.guidance,
            unit=row.unit,
            matrix=row.matrix,
            provisional=row.provisional,
            strict=row.strict,
        )


_held: dict[UUID, tuple[tuple[object, ...], Rulebook]] = {}
_lock = Lock()


def _stamp(organization: UUID) -> tuple[object, ...]:
    """Moves whenever a rule that this organisation sees changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT (max(updated_at), count(*))::text FROM lab_parameter),"
            " (SELECT (max(updated_at), count(*))::text FROM lab_standard),"
            " (SELECT (max(updated_at), count(*))::text FROM lab_limit),"
            " (SELECT (max(updated_at), count(*))::text FROM lab_standardchoice WHERE organization_id = %s),"
            " (SELECT updated_at FROM tenancy_organization WHERE id = %s)",
            [organization, organization],
        )
        return tuple(cursor.fetchone())


def rulebook() -> Rulebook:
    """For the organisation in force."""
    organization = scope.organization_id()
    stamp = _stamp(organization)
    held = _held.get(organization)
    if held is None or held[0] != stamp:
        with _lock:
            held = _held[organization] = (stamp, _load(organization))
    return held[1]


def _load(organization: UUID) -> Rulebook:
    owner = Organization.objects.get(pk=organization)
    own = {None, organization}
    parameters = [p for p in models.Parameter.objects.filter(is_active=True) if p.organization_id in own]
    by_name: dict[str, models.Parameter] = {}
    for parameter in sorted(parameters, key=lambda p: p.organization_id is None):  # an organisation's own wins
        for name in (parameter.code, parameter.name_en, parameter.name_fr, parameter.name_ar, *parameter.aliases):
            if name:
                by_name.setdefault(normalise_name(name), parameter)
    choices = dict(models.StandardChoice.objects.values_list("key", "role"))
    editions: dict[str, list[Edition]] = {}
    for row in models.Standard.objects.order_by("effective_from", "edition"):
        role = choices.get(row.key, row.role)
        if role and row.organization_id in own:
            made = Edition(row.key, row.edition, role, row.position, row.effective_from or date.min)
            editions.setdefault(row.key, []).append(made)
    limits: dict[tuple[str, str, UUID], list[models.Limit]] = {}
    boundaries = {edition.since for group in editions.values() for edition in group}
    for limit in models.Limit.objects.select_related("standard").order_by("effective_from", "id"):
        if limit.organization_id in own:
            limits.setdefault((limit.standard.key, limit.standard.edition, limit.parameter_id), []).append(limit)
            boundaries |= {day for day in (limit.effective_from, limit.effective_to) if day}
    return Rulebook(
        zone=owner.time_zone,
        rule=owner.settings.get("decisionRule", "simple_acceptance"),
        parameters={p.pk: p for p in parameters},
        by_name=by_name,
        editions=editions,
        limits=limits,
        boundaries=sorted(boundaries),
    )
