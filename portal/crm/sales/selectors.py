"""Reading deals: everything starts from the set that the person may see."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Avg, Count, DecimalField, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.tenancy.words import containing
from portal.crm.access import seen
from portal.crm.counting import MOST
from portal.crm.money import half_up
from portal.crm.sales.choices import Kind
from portal.crm.sales.models import Deal, Product, SalesActivity, Stage

CARDS: Final = 50  # of one column of the board
MONEY: Final = DecimalField(max_digits=30, decimal_places=6)


def deals_seen(user: User, right: str = "sales.view") -> QuerySet[Deal]:
    """Living deals that the person holds `right` for."""
    return seen(user, right, Deal.objects.filter(deleted_at=None))


def deal_for(user: User, id: UUID, right: str = "sales.view", *, lock: bool = False) -> Deal:
    """Raises NotFound for an unknown, deleted, foreign or unseen one, Denied where it may be seen without `right`."""
    rows = deals_seen(user, right)
    found = (rows.select_for_update(no_key=True) if lock else with_names(rows)).filter(pk=id).first()
    if found is not None:
        return found
    if right != "sales.view" and deals_seen(user).filter(pk=id).exists():
        raise Denied(_("You do not have the right to change this deal."), meta={"permission": right})
    raise NotFound(_("There is no such deal."))


def with_names(rows: QuerySet[Deal]) -> QuerySet[Deal]:
    return rows.select_related("stage", "customer", "assigned_to", "owner_at_close")


def stages() -> list[Stage]:
    """Those in use, in their order."""
    return list(Stage.objects.filter(deleted_at=None).order_by("position", "id"))


def stage_named(value: object, *, field: str = "stage", among: Sequence[Stage] | None = None) -> Stage:
    """By key, id or name in any language. Raises Invalid naming `field`."""
    known = stages() if among is None else among
    text = str(value or "").strip().casefold()
    names = ("key", "pk", "name", "name_fr", "name_ar")
    found = next((s for name in names for s in known if text and str(getattr(s, name)).casefold() == text), None)
    if found is None:
        allowed = ", ".join(stage.key for stage in known)
        raise Invalid.field(field, _("Choose one of: %(allowed)s.") % {"allowed": allowed}, "choice")
    return found


def product_list(*, search: str = "", active: bool | None = None) -> QuerySet[Product]:
    rows = Product.objects.filter(deleted_at=None)
    if active is not None:
        rows = rows.filter(is_active=active)
    for word in search.split():
        rows = rows.filter(Q(name__icontains=word) | Q(sku__icontains=word))
    return rows


def product_for(id: UUID) -> Product:
    found = product_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such product."))
    return found


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of deals is narrowed to; moments are half-open spans, dates inclusive."""

    search: str = ""
    stages: Collection[str] = ()
    statuses: Collection[str] = ()
    categories: Collection[str] = ()
    customer: UUID | None = None
    assignee: UUID | None = None
    unassigned: bool = False
    team: str = ""
    title: str = ""
    currency: str = ""
    lost_reason: str = ""
    value: Decimal | None = None
    value_min: Decimal | None = None
    value_max: Decimal | None = None
    probability: int | None = None
    product: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    closed_since: datetime | None = None
    closed_until: datetime | None = None
    expected_from: date | None = None
    expected_to: date | None = None
    slipped: bool | None = None

    def said(self) -> dict[str, Any]:
        """As JSON, for a job and for the audit log; what is not set is left out."""
        held = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        return {
            name: list(v) if isinstance(v, list | tuple) else _TEXT.get(type(v), _same)(v) for name, v in held.items()
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Filters":
        """From what `said` gave."""
        return cls(**{name: _READ.get(name, _same)(value) for name, value in said.items()})

    def apply(self, rows: QuerySet[Deal], *, today: date) -> QuerySet[Deal]:
        if self.search:
            rows = containing(rows, normalise(self.search), most=MOST)
        if self.stages:
            ids = [parsed for text in self.stages if (parsed := parse_uuid(text))]
            rows = rows.filter(stage__in=Stage.objects.filter(Q(key__in=self.stages) | Q(pk__in=ids)))
        if self.slipped is not None:
            late = Q(status=Kind.OPEN, expected_close_date__lt=today)
            rows = rows.filter(late if self.slipped else ~late)
        wanted: dict[str, Any] = {
            "status__in": list(self.statuses) or None,
            "category__in": list(self.categories) or None,
            "customer": self.customer,
            "assigned_to": self.assignee,
            "assigned_to__isnull": self.unassigned or None,
            "assigned_to__department": self.team or None,
            "title__iexact": self.title or None,
            "currency": self.currency.upper() or None,
            "lost_reason": self.lost_reason or None,
            "value": self.value,
            "value__gte": self.value_min,
            "value__lte": self.value_max,
            "lines__product": self.product,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
            "closed_at__gte": self.closed_since,
            "closed_at__lt": self.closed_until,
            "expected_close_date__gte": self.expected_from,
            "expected_close_date__lte": self.expected_to,
        }
        rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
        if self.probability is not None:
            stage_says = Q(probability=None) | ~Q(status=Kind.OPEN)
            rows = rows.filter(
                Q(stage_says, stage__probability=self.probability) | Q(status=Kind.OPEN, probability=self.probability)
            )
        return rows.distinct() if self.product else rows


_TEXT: Final[dict[type, Callable[[Any], Any]]] = {UUID: str, Decimal: str, date: str, datetime: clock.wire, tuple: list}
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("customer", "assignee", "product"), UUID),
    **dict.fromkeys(("value", "value_min", "value_max"), Decimal),
    **dict.fromkeys(("since", "until", "closed_since", "closed_until"), clock.parse_moment),
    **dict.fromkeys(("expected_from", "expected_to"), date.fromisoformat),
}
NO_FILTERS: Final = Filters()


def deal_list(*, user: User, today: date, filters: Filters = NO_FILTERS) -> QuerySet[Deal]:
    return filters.apply(deals_seen(user), today=today)


def weighted_sum(**limits: Any) -> Sum:
    """Of open deals: their value times the effective probability, in percent units (divide by 100)."""
    chance = ExpressionWrapper(F("base_value") * F("probability"), output_field=MONEY)
    return Sum(chance, filter=Q(**limits) if limits else None)


@dataclass(slots=True)
class Column:
    """An open stage with the figures of its deals, in base currency, and the first of its cards."""

    stage: Stage
    count: int = 0
    value: Decimal = Decimal(0)
    weighted: Decimal = Decimal(0)
    age_days: Decimal | None = None
    rotting: int = 0
    deals: Sequence[Deal] = ()


def pipeline(rows: QuerySet[Deal], *, cards: int = CARDS) -> list[Column]:
    """The open stages with their deals of `rows`: one statement for the figures, one for the cards of each stage."""
    now, rotten = clock.now(), Q(stage=None)
    columns = {stage.pk: Column(stage) for stage in stages() if stage.kind == Kind.OPEN}
    for column in columns.values():
        if column.stage.rotting_days is not None:
            rotten |= Q(stage=column.stage, stage_since__lt=now - timedelta(days=column.stage.rotting_days))
    figures = rows.filter(status=Kind.OPEN).order_by().values("stage").annotate(
        count=Count(Value(1)),  # no column that the index lacks
        total=Sum("base_value"),
        said=weighted_sum(),
        silent=Sum("base_value", filter=Q(probability=None)),
        age=Avg(ExpressionWrapper(Now() - F("created_at"), output_field=DurationField())),
        rotting=Count(Value(1), filter=rotten),
    )  # fmt: skip
    for row in figures:
        column = columns[row["stage"]]
        share = (row["said"] or 0) + (row["silent"] or 0) * column.stage.probability
        column.count, column.value, column.rotting = row["count"], row["total"], row["rotting"]
        column.weighted = half_up(Decimal(share) / 100)
        column.age_days = half_up(Decimal(row["age"].total_seconds()) / 86_400)
    for column in columns.values():
        if cards and column.count:
            found = rows.filter(stage=column.stage).select_related("customer", "assigned_to")
            column.deals = list(found.order_by("position", "id")[:cards])
            for deal in column.deals:
                deal.stage = column.stage
    return list(columns.values())


def activity_list(*, deal: UUID) -> QuerySet[SalesActivity]:
    return SalesActivity.objects.filter(deal=deal).select_related("user")
