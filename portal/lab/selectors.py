"""Reads of samples, results, parameters and standards, for pages, API and reports alike.

The models' own columns come as querysets; what goes onto the wire comes as plain dictionaries made from plain rows, a
page at a time.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from django.core.cache import cache
from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    Func,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from portal.core.audit.models import AuditEntry
from portal.core.common import clock
from portal.core.common.errors import Invalid, NotFound
from portal.core.common.text import normalise
from portal.core.sync.models import Clock
from portal.core.tenancy import scope, words
from portal.core.tenancy.models import Organization
from portal.lab import wire
from portal.lab.models import (
    Limit,
    LimitConfirmation,
    Parameter,
    Reevaluation,
    Result,
    Sample,
    Standard,
    StandardChoice,
)
from portal.lab.rulebook import rulebook

_DAY = timedelta(days=1)
RARE: Final = 2000  # hits of a search up to which they are fetched one by one
COUNTED: Final = 2000  # rows up to which a count costs no more than asking for one that was kept
_NOBODY = UUID(int=0)
_WORD = re.compile(r"[^\W_]+")
_HEX = re.compile(r"[0-9a-f-]+")
_ID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){0,3}(-?[0-9a-f]{12})?")


def sample_list(
    *,
    date_from: date | datetime | None = None,
    date_to: date | datetime | None = None,
    types: Collection[str] = (),
    location: str = "",
    compliance: Collection[str] = (),
    statuses: Collection[str] = (),
    standard: str = "",
    verdict: str = "",
    search: str = "",
    project: UUID | None = None,
) -> QuerySet[Sample]:
    """The living samples of the organisation in force, newest first (FR-010, FR-015, FR-016).

    `date_from` and `date_to` bound the collection date, both inclusive: a date is the whole day in the organisation's
    time zone. `location` and `search` (code, id, location, collector) are contained in one spelling: case, accents and
    Arabic letter variants do not matter. `standard` and `verdict` together: the sample's verdict under that standard;
    one of them alone: any verdict of that standard, or that verdict under any.
    """
    rows: QuerySet[Sample] = Sample.objects.filter(deleted_at=None)
    if date_from is not None and (first := _since(date_from)):
        rows = rows.filter(collection_date__gte=first)
    if isinstance(date_to, datetime):
        rows = rows.filter(collection_date__lte=date_to)
    elif date_to is not None and date_to < date.max and (after := _since(date_to + _DAY)):
        rows = rows.filter(collection_date__lt=after)
    if types:
        rows = rows.filter(type__in=types)
    if compliance:
        rows = rows.filter(compliance_status__in=compliance)
    if statuses:
        rows = rows.filter(status__in=statuses)
    if standard or verdict:
        wanted = {name: value for name, value in (("standard", standard), ("verdict", verdict)) if value}
        rows = rows.filter(verdicts__contains=[wanted])
    if text := normalise(location):
        rows = _narrowed(rows, text)
        # The third line of the search text; the first test spares the cut for most rows.
        place = Func("search_text", Value("\n"), Value(3), function="split_part", output_field=CharField())
        rows = rows.filter(search_text__contains=text).alias(place=place).filter(place__contains=text)
    if text := normalise(search):
        rows = _narrowed(rows, text, ids=True).filter(search_text__contains=text)
    return rows if project is None else rows.filter(project=project)


def sample_after(rows: QuerySet[Sample], *, ordering: Sequence[str], id: UUID) -> QuerySet[Sample]:
    """The rows that follow a sample in an order of one column and the id, both in one direction. Raises Invalid."""
    column, compare = ordering[0].lstrip("-"), "lt" if ordering[0].startswith("-") else "gt"
    held = Sample.objects.filter(pk=id).values_list(column, flat=True).first()
    if held is None:
        raise Invalid.field("after", _("There is no such sample."))
    later = Q(**{f"{column}__{compare}": held}) | Q(**{f"pk__{compare}": id})
    return rows.filter(later, **{f"{column}__{compare}e": held})


def searched_often(text: str) -> bool:
    """Whether more than `RARE` samples have this word; False for several words, which need not stand together."""
    return _WORD.fullmatch(text := normalise(text)) is not None and _found(text) == "often"


def _narrowed(rows: QuerySet[Sample], text: str, *, ids: bool = False) -> QuerySet[Sample]:
    """Only the samples that have the words of the text, where those are few: of many the list is read in its order,
    which is quicker. What it leaves is still to be compared with the whole text. `ids`: an id, its first eight digits,
    or a part of one where no word has it, counts too."""
    found = _found(text)
    if found is None or found == "often":
        return rows
    if ids and _ID.fullmatch(text):
        first = text.replace("-", "")
        low, high = (UUID(first.ljust(32, digit)) for digit in "0f")
        return rows.filter(Q(pk__in=found) | Q(pk__gte=low, pk__lte=high))
    if ids and not found and _HEX.fullmatch(text):
        return rows
    return rows.filter(pk__in=found or [_NOBODY])  # an empty list would leave no SQL that a report could build on


def _found(text: str) -> list[UUID] | Literal["often"] | None:
    return words.found("marsad_samples_with", text, RARE)


def _since(day: date | datetime) -> datetime | None:
    """The moment at which a bound begins; None for a day before all UTC time."""
    if isinstance(day, datetime):
        return day
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())
    try:
        return clock.day_start(day, zone)
    except OverflowError:
        return None


def sample_get(*, id: UUID) -> Sample:
    """Raises NotFound for an unknown, deleted or foreign one."""
    return _get(Sample.objects.filter(deleted_at=None), id)


def result_list(*, sample: UUID) -> QuerySet[Result]:
    """The living results of a sample, by parameter, the oldest first; retests stand beside what they replace."""
    rows: QuerySet[Result] = Result.objects.filter(sample=sample, deleted_at=None).select_related("parameter")
    return rows.order_by("parameter__code", "created_at", "id")


def result_get(*, id: UUID) -> Result:
    """Raises NotFound for an unknown, deleted or foreign one."""
    return _get(Result.objects.filter(deleted_at=None).select_related("parameter", "sample"), id)


def sample_history(*, sample: UUID) -> QuerySet[AuditEntry]:
    """Everything that happened to a sample and its results, deleted ones too, newest first (FR-080)."""
    results = [str(id) for id in Result.objects.filter(sample=sample).values_list("pk", flat=True)]
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        Q(entity="sample", object_pk=str(sample)) | Q(entity="result", object_pk__in=results)
    )
    return rows.order_by("-timestamp", "-id")


def parameter_list(
    *, search: str = "", group: str = "", own: bool | None = None, active: bool = True
) -> QuerySet[Parameter]:
    """The parameters in use, the shared ones and the organisation's own; `search` is contained in the code, a name in
    any language or the CAS number. `active=False`: those that were taken out of use."""
    rows = _held(Parameter.objects.filter(is_active=active))
    if own is not None:
        rows = rows.filter(organization__isnull=not own)
    if group:
        rows = rows.filter(group=group)
    for word in search.split():
        named = Q(code__icontains=word) | Q(cas=word)
        for language in ("en", "fr", "ar"):
            named |= Q(**{f"name_{language}__icontains": word})
        rows = rows.filter(named)
    return rows


def sum_list(results: Iterable[Result]) -> list[Parameter]:
    """The sums of which at least one part is among these results of a sample."""
    rules = rulebook()
    measured = {rules.parameters[row.parameter_id].code for row in results if row.parameter_id in rules.parameters}
    return sorted(
        (row for row in rules.parameters.values() if measured.intersection(row.members)), key=lambda row: row.name
    )


def parameter_get(*, id: UUID) -> Parameter:
    """One taken out of use too: old results name it. Raises NotFound."""
    return _get(_held(Parameter.objects.all()), id)


def standard_list() -> QuerySet[Standard]:
    """Every edition of every standard in the order of reports. `role_here` is the role that the organisation gives it
    (legal, guideline, information; empty: not used), `limit_count` the number of its limits."""
    choice = StandardChoice.objects.filter(key=OuterRef("key"))
    rows = _held(Standard.objects.all()).annotate(
        chosen=Subquery(choice.values("role")[:1]),
        place=Coalesce(Subquery(choice.values("position")[:1]), F("position")),
        limit_count=Count("limits"),
    )
    role = Case(When(chosen=None, then=F("role")), default=F("chosen"), output_field=CharField())
    # said here, since Django leaves out the model's own order where it groups
    return rows.annotate(role_here=role).order_by("place", "key", "effective_from", "edition", "id")


def standard_get(*, id: UUID) -> Standard:
    """Raises NotFound."""
    return _get(standard_list(), id)


def limit_list(*, standard: UUID | None = None, parameter: UUID | None = None) -> QuerySet[Limit]:
    """The limits of a standard, or on a parameter: of two with the same period the organisation's own. `confirmed_on`,
    `confirmed_name` and `confirmed_clause` tell of the organisation's confirmation, `open` whether one is missing."""
    own = Limit.objects.filter(organization=scope.organization_id())
    same = {name: OuterRef(name) for name in ("standard", "parameter", "matrix")}
    ever = Value(date.min)
    stands_in = own.filter(Exact(Coalesce("effective_from", ever), Coalesce(OuterRef("effective_from"), ever)), **same)
    confirmed = LimitConfirmation.objects.filter(limit=OuterRef("pk"))
    rows = _held(Limit.objects.select_related("standard", "parameter")).exclude(
        Q(organization=None) & Exists(stands_in)
    )
    rows = rows.annotate(
        confirmed_on=Subquery(confirmed.values("created_at")[:1]),
        confirmed_name=Subquery(confirmed.values("confirmed_by__name")[:1]),
        confirmed_clause=Subquery(confirmed.values("clause")[:1]),
    ).annotate(open=Case(When(provisional=True, confirmed_on=None, then=True), default=False))
    if standard is not None:
        rows = rows.filter(standard=standard)
    if parameter is not None:
        rows = rows.filter(parameter=parameter)
    return rows.order_by("parameter__code", "standard__position", "matrix", "effective_from", "id")


def limit_get(*, id: UUID) -> Limit:
    """With the organisation's confirmation. Raises NotFound."""
    return _get(limit_list(), id)


def reevaluation_list() -> QuerySet[Reevaluation]:
    """Newest first."""
    rows: QuerySet[Reevaluation] = Reevaluation.objects.select_related("created_by")
    return rows.order_by("-created_at", "-id")


def plain(rows: QuerySet[Any]) -> QuerySet[Any, dict[str, Any]]:
    """Rows as dictionaries of their own columns, as `portal.lab.wire` takes them."""
    return rows.values(*(f.attname for f in rows.model._meta.concrete_fields if f.attname != "search_text"))


def sample_card(*, id: UUID) -> dict[str, Any]:
    """A sample on the wire (`contract-lab-sync.md` section 4). Raises NotFound."""
    return wire.samples([_get(plain(Sample.objects.filter(deleted_at=None)), id)])[0]


def result_card(*, id: UUID) -> dict[str, Any]:
    """A result on the wire. Raises NotFound."""
    return wire.results([_get(plain(Result.objects.filter(deleted_at=None)), id)])[0]


def total(rows: QuerySet[Any], *, exact: int | None = None) -> tuple[int, bool]:
    """How many there are, and whether they were counted: beyond `exact` rows the planner estimates. More than `COUNTED`
    are counted once for each state of the organisation's data: whoever pages on is told at once."""
    rows = rows.order_by()
    counted = rows[: COUNTED + 1].count()
    if counted <= COUNTED:
        return counted, True
    # the state is read before the rows: a change in between is taken in, and counted again
    state = Clock.objects.values_list("organization", "epoch", "seq").first()
    asked = hashlib.sha256(repr((state, exact, rows.query.sql_with_params())).encode()).hexdigest()
    found: tuple[int, bool] | None = cache.get(f"lab.count:{asked}")
    if found is None:
        counted = (rows if exact is None else rows[: exact + 1]).count()
        found = (counted, True)
        if exact is not None and counted > exact:
            found = (max(counted, json.loads(rows.explain(format="json"))[0]["Plan"]["Plan Rows"]), False)
        cache.set(f"lab.count:{asked}", found, _DAY.total_seconds())
    return found


def parameter_cards(rows: Iterable[Parameter]) -> list[dict[str, Any]]:
    """Parameters on the wire, with today's limits for drinking water under the standards in use."""
    organization = Organization.objects.get(pk=scope.organization_id())
    return wire.parameters(rows, on=clock.now().astimezone(clock.zone(organization.time_zone)).date())


def _held[M: Model](rows: QuerySet[M]) -> QuerySet[M]:
    """Shared rows and the organisation's own, as row-level security has it."""
    return rows.filter(Q(organization=None) | Q(organization=scope.organization_id()))


def _get[T](rows: QuerySet[Any, T], id: UUID) -> T:
    found = rows.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found
