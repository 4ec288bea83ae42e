"""What people say of calendars and policies, checked and in one form; and which policy a ticket falls under.

Refusals are Invalid with the wire's names of fields.
"""

import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.common import clock as times
from portal.core.common.errors import Errors
from portal.core.common.text import normalise
from portal.crm.sla.clock import DAYS
from portal.crm.sla.models import Kind, SlaPolicy

TARGETS: Final = {
    Kind.FIRST_RESPONSE: "firstResponseSeconds",
    Kind.NEXT_RESPONSE: "nextResponseSeconds",
    Kind.RESOLUTION: "resolutionSeconds",
}
ACTIONS: Final = ("notify", "raise_priority", "reassign", "tag")
AT_RISK: Final = 75  # percent of a target after which a clock is at risk where its policy warns at none
LONGEST: Final = 366 * 86_400
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_INTERVALS: Final = 12
_HOLIDAYS: Final = 1000
_SEASONS: Final = 40

type Contracts = Callable[[UUID], Iterable[tuple[UUID, str]]]
_contracts_of: list[Contracts] = []


def register_contracts(contracts_of: Contracts) -> None:
    """`contracts_of(customer)`: ids and keys of the types of a customer's contracts in force, for policies that hold
    for contracts."""
    _contracts_of.append(contracts_of)


# --- calendars --------------------------------------------------------------------------------------
def check_week(said: Any, field: str, errors: Errors, *, may_be_closed: bool = False) -> dict[str, list[list[str]]]:
    """`{"mon": [["08:00", "12:00"], …]}`: intervals in order, without overlaps; 24:00 ends a day."""
    if not isinstance(said, dict) or not set(said) <= set(DAYS):
        errors.add(field, _("Give opening hours by day: %(days)s.") % {"days": ", ".join(DAYS)})
        return {}
    week: dict[str, list[list[str]]] = {}
    for day in DAYS:
        spans = said.get(day) or []
        if not isinstance(spans, list) or len(spans) > _INTERVALS or not all(_is_span(span) for span in spans):
            errors.add(f"{field}.{day}", _("Give intervals like 08:00 to 12:00; a day ends at 24:00."))
            continue
        spans = sorted([opens, closes] for opens, closes in spans)
        if any(before[1] > after[0] for before, after in pairwise(spans)):
            errors.add(f"{field}.{day}", _("These intervals overlap."))
        elif spans:
            week[day] = spans
    if not week and not may_be_closed and not errors.items:
        errors.add(field, _("A week needs at least one interval."))
    return week


def _is_span(span: Any) -> bool:
    return (
        isinstance(span, list | tuple)
        and len(span) == 2
        and all(isinstance(part, str) and _TIME.fullmatch(part) for part in span)
        and span[0] < span[1]
    )


def check_holidays(said: Any, field: str, errors: Errors) -> list[dict[str, Any]]:
    if not isinstance(said, list) or len(said) > _HOLIDAYS:
        errors.add(field, _("Give a list of at most %(limit)d holidays.") % {"limit": _HOLIDAYS})
        return []
    found: dict[tuple[str, bool], dict[str, Any]] = {}
    for place, entry in enumerate(said):
        day = times.parse_date(entry.get("date")) if isinstance(entry, dict) else None
        if day is None:
            errors.add(f"{field}.{place}.date", _("Enter a date like 2026-11-20."))
            continue
        recurring = entry.get("recurring") is True
        found[day.isoformat(), recurring] = {
            "date": day.isoformat(),
            "name": str(entry.get("name") or "")[:100],
            "recurring": recurring,
            "source": str(entry.get("source") or "manual")[:20],
            "estimated": entry.get("estimated") is True,
        }
    return sorted(found.values(), key=lambda entry: (entry["date"], entry["recurring"]))


def check_seasons(said: Any, field: str, errors: Errors) -> list[dict[str, Any]]:
    if not isinstance(said, list) or len(said) > _SEASONS:
        errors.add(field, _("Give a list of at most %(limit)d seasons.") % {"limit": _SEASONS})
        return []
    found: list[tuple[date, date, dict[str, Any]]] = []
    for place, one in enumerate(said):
        entry = one if isinstance(one, dict) else {}
        first, last = times.parse_date(entry.get("from")), times.parse_date(entry.get("to"))
        if first is None or last is None or first > last:
            errors.add(f"{field}.{place}.from", _("Give the first and the last day, like 2026-02-18 and 2026-03-19."))
            continue
        week = check_week(entry.get("week"), f"{field}.{place}.week", errors, may_be_closed=True)
        about = {"from": first.isoformat(), "to": last.isoformat(), "name": str(entry.get("name") or "")[:100]}
        found.append((first, last, {**about, "week": week}))
    found.sort(key=lambda one: one[0])
    if any(before[1] >= after[0] for before, after in pairwise(found)):
        errors.add(field, _("Two seasons share a day."))
    return [entry for _first, _last, entry in found]


def check_zone(said: Any, field: str, errors: Errors) -> str:
    if not isinstance(said, str) or said not in zoneinfo.available_timezones():
        errors.add(field, _("%(value)s is not a time zone") % {"value": said})
        return "UTC"
    return said


# --- policies ---------------------------------------------------------------------------------------
def check_targets(said: Any, field: str, priorities: Sequence[str], errors: Errors) -> dict[str, dict[str, int]]:
    """By priority; a first reply is due no later than the resolution."""
    if not isinstance(said, dict) or not set(said) <= set(priorities):
        errors.add(field, _("Give targets by priority: %(names)s.") % {"names": ", ".join(priorities)})
        return {}
    found: dict[str, dict[str, int]] = {}
    for priority, targets in said.items():
        kept: dict[str, int] = {}
        for name in TARGETS.values():
            seconds = targets.get(name) if isinstance(targets, dict) else None
            if seconds is None:
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= LONGEST:
                errors.add(f"{field}.{priority}.{name}", _("Enter whole seconds, at most a year."))
                continue
            kept[name] = seconds
        if kept.get("firstResponseSeconds", 0) > kept.get("resolutionSeconds", LONGEST):
            errors.add(f"{field}.{priority}.firstResponseSeconds", _("A reply is due no later than the resolution."))
        found[priority] = kept
    return found


def check_percents(said: Any, field: str, errors: Errors) -> list[int]:
    fine = isinstance(said, list) and len(said) <= 10
    if not fine or any(isinstance(one, bool) or not isinstance(one, int) or not 0 < one < 100 for one in said):
        errors.add(field, _("Give whole numbers from 1 to 99."))
        return []
    return sorted(set(said))


def check_steps(said: Any, field: str, errors: Errors) -> list[dict[str, Any]]:
    """`[{percent: 1 to 100, afterMinutes?, action: notify|raise_priority|reassign|tag, to}]`. 100 is the breach, and
    only there `afterMinutes` counts. `to`: `assignee`, `managers`, a role's key or a person's id; a person's id to
    reassign; the tag; nothing to raise the priority."""
    if not isinstance(said, list) or len(said) > 20:
        errors.add(field, _("Give a list of at most %(limit)d steps.") % {"limit": 20})
        return []
    found = []
    for place, one in enumerate(said):
        entry = one if isinstance(one, dict) else {}
        percent, after = entry.get("percent", 100), entry.get("afterMinutes") or 0
        action, to = entry.get("action"), str(entry.get("to") or "")[:50]
        if isinstance(percent, bool) or not isinstance(percent, int) or not 0 < percent <= 100:
            errors.add(f"{field}.{place}.percent", _("Enter a whole number from 1 to 100."))
        elif isinstance(after, bool) or not isinstance(after, int) or not 0 <= after <= 100_000:
            errors.add(f"{field}.{place}.afterMinutes", _("Enter whole minutes."))
        elif action not in ACTIONS:
            errors.add(f"{field}.{place}.action", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(ACTIONS)})
        elif not to and action != "raise_priority":
            errors.add(f"{field}.{place}.to", _("This field is required."))
        else:
            found.append(
                {"percent": percent, "afterMinutes": after if percent == 100 else 0, "action": action, "to": to}
            )
    return found


def steps_of(policy: SlaPolicy) -> list[dict[str, Any]]:
    """What a clock keeps of its policy: warnings and escalations, each with the key that makes it happen once."""
    warnings = [
        {"percent": share, "afterMinutes": 0, "action": "notify", "to": "assignee"} for share in policy.warn_percent
    ]
    steps = []
    for kind, entries in (("warn", warnings), ("step", policy.escalations)):
        for entry in entries:
            key = f"{kind}:{entry['percent']}+{entry['afterMinutes']}:{entry['action']}:{entry['to']}"
            steps.append({"key": key, **entry})
    return steps


# --- which policy -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Facts:
    """What of a ticket decides on its policy. `categories`: its own and those above it; `tags`: of the customer;
    `contracts` and `contract_types`: those that the customer has in force."""

    priority: str
    channel: str
    categories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()
    contract_types: frozenset[str] = frozenset()


def applies(match: Mapping[str, Sequence[str]], facts: Facts) -> bool:
    """Every condition that is given holds; each holds when one of its values does."""
    held = {
        "priorities": {facts.priority},
        "channels": {facts.channel},
        "categories": facts.categories,
        "customerTags": facts.tags,
        "contractIds": facts.contracts,
        "contractTypes": facts.contract_types,
    }
    return all(not wanted or held[name] & set(wanted) for name, wanted in match.items())


def choose(policies: Iterable[SlaPolicy], facts: Facts) -> SlaPolicy | None:
    """The first in order that applies, else the default; `policies` are in their order, the default last."""
    return next((policy for policy in policies if policy.is_default or applies(policy.match, facts)), None)


def contracts_of(customer: UUID | None) -> tuple[frozenset[str], frozenset[str]]:
    """Ids and types."""
    found = [pair for find in _contracts_of for pair in find(customer)] if customer else []
    return frozenset(str(id) for id, _key in found), frozenset(key for _id, key in found)


def tag_key(name: str) -> str:
    return normalise(name)
