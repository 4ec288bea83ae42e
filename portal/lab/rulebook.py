"""The parameters and limits that an organisation works with, held in memory until one of them changes."""

import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from threading import Lock
from typing import Any
from uuid import UUID

from django.db import connection

from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab import models
from portal.lab.points.models import ParameterRange
from portal.lab.science import verdicts
from portal.lab.science.names import normalise_name
from portal.lab.science.verdicts import DecisionRule

# What an organisation decides, as JSON: `standards` ([{key, role}] in the order of reports, role "": not used),
# `decisionRule`, `warningShare` (the part of a maximum from which a result is near it, as text), `censoredMembers`.
Proposal = Mapping[str, Any]
RULES: Proposal = {"decisionRule": "simple_acceptance", "warningShare": "0.9", "censoredMembers": "zero"}


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a standard with the role that this organisation gives it."""

    key: str
    edition: str
    role: str
    position: int
    since: date
    until: date | None


@dataclass(slots=True)
class Rulebook:
    """Look-ups for one organisation. Limits come per parameter, matrix and date, one per standard in use."""

    zone: str
    rule: DecisionRule
    warning_share: Decimal
    censored: str  # what a censored member of a sum counts: zero, half, full
    stamp: str
    parameters: dict[UUID, models.Parameter]
    by_name: dict[str, models.Parameter]
    editions: dict[str, list[Edition]]  # by standard key, oldest first
    limits: dict[tuple[str, str, UUID], list[models.Limit]]  # standard key, edition, parameter
    boundaries: list[date]
    confirmed: frozenset[UUID]
    codes: dict[str, UUID]
    made: dict[tuple[UUID, str | None, int], list[verdicts.Limit]] = field(default_factory=dict)

    def find(self, name: str) -> models.Parameter | None:
        """By code, or name in any language, or alias."""
        return self.by_name.get(normalise_name(name))

    def members(self, parameter: UUID) -> list[UUID]:
        """The parameters that a sum adds up; empty for one that is no sum."""
        held = self.parameters.get(parameter)
        return [self.codes[code] for code in held.members if code in self.codes] if held and held.members else []

    def limits_for(self, parameter: UUID, matrix: str | None, on: date) -> list[verdicts.Limit]:
        """One limit per standard in use, in the standards' order: the edition in force on `on`, before the first one
        the first. A standard that says nothing gives a limit without bounds (NO_LIMIT)."""
        key = (parameter, matrix, bisect.bisect_right(self.boundaries, on))
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = [self._limit(edition, parameter, matrix, on) for edition in self._in_force(on)]
        return found

    @property
    def order(self) -> list[str]:
        """The keys of the standards in the order in which the organisation wants them on reports."""
        return sorted(self.editions, key=lambda key: self.editions[key][-1].position)

    def _in_force(self, on: date) -> list[Edition]:
        chosen = []
        for editions in self.editions.values():
            current = [edition for edition in editions if edition.since <= on]
            last = current[-1] if current else editions[0]
            if last.until is None or on < last.until:
                chosen.append(last)
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
            provisional=row.provisional and row.pk not in self.confirmed,
            strict=row.strict,
            warning_share=self.warning_share,
        )


_held: dict[UUID, Rulebook] = {}
_lock = Lock()


def _stamp(organization: UUID) -> str:
    """Moves whenever a rule that this organisation sees changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT concat_ws(' ', (SELECT (max(updated_at), count(*)) FROM lab_parameter),"
            " (SELECT (max(updated_at), count(*)) FROM lab_standard),"
            " (SELECT (max(updated_at), count(*)) FROM lab_limit),"
            " (SELECT (max(updated_at), count(*)) FROM lab_standardchoice WHERE organization_id = %(id)s),"
            " (SELECT (max(updated_at), count(*)) FROM lab_limitconfirmation WHERE organization_id = %(id)s),"
            " (SELECT (max(updated_at), count(*)) FROM lab_parameterrange WHERE organization_id = %(id)s),"
            " (SELECT (time_zone, settings) FROM tenancy_organization WHERE id = %(id)s))",
            {"id": organization},
        )
        return str(cursor.fetchone()[0])


def rulebook() -> Rulebook:
    """For the organisation in force."""
    organization = scope.organization_id()
    stamp = _stamp(organization)
    held = _held.get(organization)
    if held is None or held.stamp != stamp:
        with _lock:
            held = _held[organization] = _load(organization, stamp)
    return held


def proposed(proposal: Proposal) -> Rulebook:
    """The rules as they would be with `proposal`; what it does not say stays as it is."""
    if not proposal:
        return rulebook()
    organization = scope.organization_id()
    return _load(organization, _stamp(organization), proposal)


def limits_in_force(rows: Iterable[models.Limit]) -> list[models.Limit]:
    """The rows without those that an organisation's own row stands in for."""
    held: dict[tuple[Any, ...], models.Limit] = {}
    for row in sorted(rows, key=lambda row: row.organization_id is not None):
        held[row.standard_id, row.parameter_id, row.matrix, row.effective_from] = row
    return list(held.values())


def _load(organization: UUID, stamp: str, proposal: Proposal | None = None) -> Rulebook:
    owner = Organization.objects.get(pk=organization)
    own = {None, organization}
    parameters = [p for p in models.Parameter.objects.filter(is_active=True) if p.organization_id in own]
    ranges = {row.parameter_id: row for row in ParameterRange.objects.all()}
    for parameter in parameters:
        if own_range := ranges.get(parameter.pk):
            for name in ("minimum", "maximum", "holding_hours"):
                setattr(parameter, name, getattr(own_range, name))
    by_name: dict[str, models.Parameter] = {}
    for parameter in sorted(parameters, key=lambda p: p.organization_id is None):  # an organisation's own wins
        for name in (parameter.code, parameter.name_en, parameter.name_fr, parameter.name_ar, *parameter.aliases):
            if name:
                by_name.setdefault(normalise_name(name), parameter)
    settings = {name: owner.settings[name] for name in RULES if name in owner.settings}
    decided: dict[str, Any] = {**RULES, **settings, **(proposal or {})}
    choices: dict[str, tuple[str, int | None]]
    if "standards" in decided:
        choices = {entry["key"]: (entry["role"], place) for place, entry in enumerate(decided["standards"])}
    else:
        rows = models.StandardChoice.objects.values_list("key", "role", "position")
        choices = {key: (role, position) for key, role, position in rows}
    editions: dict[str, list[Edition]] = {}
    for row in models.Standard.objects.order_by("effective_from", "edition"):
        role, position = choices.get(row.key, (row.role, None))
        if role and row.organization_id in own:
            place = row.position if position is None else position
            made = Edition(row.key, row.edition, role, place, row.effective_from or date.min, row.effective_to)
            editions.setdefault(row.key, []).append(made)
    limits: dict[tuple[str, str, UUID], list[models.Limit]] = {}
    boundaries = {day for group in editions.values() for row in group for day in (row.since, row.until) if day}
    visible = models.Limit.objects.select_related("standard")
    for limit in sorted(
        limits_in_force(row for row in visible if row.organization_id in own),
        key=lambda row: (row.effective_from or date.min, str(row.pk)),
    ):
        limits.setdefault((limit.standard.key, limit.standard.edition, limit.parameter_id), []).append(limit)
        boundaries |= {day for day in (limit.effective_from, limit.effective_to) if day}
    return Rulebook(
        zone=owner.time_zone,
        rule=decided["decisionRule"],
        warning_share=Decimal(decided["warningShare"]),
        censored=decided["censoredMembers"],
        stamp=stamp,
        parameters={p.pk: p for p in parameters},
        by_name=by_name,
        editions=editions,
        limits=limits,
        boundaries=sorted(boundaries),
        confirmed=frozenset(models.LimitConfirmation.objects.values_list("limit_id", flat=True)),
        codes={p.code: p.pk for p in sorted(parameters, key=lambda p: p.organization_id is not None)},
    )
