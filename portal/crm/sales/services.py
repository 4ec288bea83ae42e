"""Writing deals, stages, products and activities. `data` is under the names of the columns; absent fields stay."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Min
from django.utils.text import slugify
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import (
    Conflict,
    Denied,
    DomainError,
    FieldError,
    IllegalTransition,
    Invalid,
    NotFound,
    TooLarge,
)
from portal.core.common.ids import parse_uuid
from portal.core.common.text import grouped, normalise
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.sync.records import to_restore
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.crm import activity
from portal.crm.access import seen
from portal.crm.customers.access import customer_living
from portal.crm.customers.models import Customer
from portal.crm.money import half_up, resolve
from portal.crm.sales.choices import OTHER, REQUIRABLE, Category, Kind
from portal.crm.sales.models import Deal, DealLine, Product, SalesActivity, Stage, Transition
from portal.crm.sales.selectors import deal_for, deals_seen, product_for, stage_named, stages

BULK: Final = 200
LINES: Final = 200
LARGEST: Final = Decimal("999999999999.99")
_PLAIN: Final = ("title", "description", "expected_close_date", "probability", "category")


# --- deals --------------------------------------------------------------------------------------------
def deal_create(*, data: Mapping[str, Any], by: User) -> Deal:
    """A new deal in the first open stage or in the given one. Without `assigned_to` it is the creator's.

    `data`: title, customer_id, value or products, currency, fx_rate, stage, status, probability, category,
    expected_close_date, description, assigned_to, lost_reason, lost_note, close_date. With lines the value follows from
    them. Raises Invalid, NotFound for the customer, ILLEGAL_TRANSITION (422) where the stage asks for more.
    """
    known = stages()
    now = clock.now()
    first = next(stage for stage in known if stage.kind == Kind.OPEN)
    deal = Deal(
        organization_id=scope.organization_id(),
        stage=first,
        stage_since=now,
        created_by=by,
        position=-now.timestamp(),
    )
    _fill(deal, {"assigned_to": by.pk, "currency": None, **data}, by)
    lines = _lines(deal, data.get("products") or [])
    _price(deal, data, lines)
    target = _target(data, known) or first
    if target.kind != Kind.OPEN:
        _check_entry(deal, target, data, known, lines)
        _close(deal, target, data, by)
        deal.last_open_stage = first
    elif target != first:
        _check_entry(deal, target, data, known, lines)
    deal.stage, deal.status = target, target.kind
    _index(deal)
    deal.save(force_insert=True)
    _keep_lines(deal, lines)
    _step_of(deal, None, deal.closed_at or now, by).save()
    activity.record(customer_id=deal.customer_id, type="sale.created", subject_id=deal.pk, actor=by, data=_told(deal))
    publish("sale.changed", entity="sale", id=deal.pk)
    _tell_owner(deal, None, by)
    return deal


def deal_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Deal:
    """Merge the given fields; `stage` and `status` follow the rules of `deal_move`.

    Raises Invalid, Denied, NotFound, VERSION_CONFLICT, ILLEGAL_TRANSITION (422), DEAL_CLOSED (422).
    """
    deal = _locked(id, by, version)
    known = stages()
    before, owner = (deal.customer_id, deal.value), deal.assigned_to_id
    if deal.status != Kind.OPEN and any(
        name in data and data[name] is not None and data[name] != getattr(deal, name)
        for name in ("currency", "fx_rate")
    ):
        raise IllegalTransition(_("Currency and rate of a closed deal are settled."), code="DEAL_CLOSED")
    _fill(deal, data, by)
    lines = _lines(deal, data["products"] or []) if "products" in data else None
    _price(deal, data, lines)
    if deal.status == Kind.WON and deal.value <= 0:
        raise IllegalTransition(_("A deal that was won has a value above 0."), code="DEAL_CLOSED")
    if deal.status == Kind.LOST and "lost_reason" in data:
        _lost_because(deal, data)
    target = _target(data, known, deal)
    if target is not None and target.pk != deal.stage_id:
        _move(deal, target, data, by, known, lines)
    _index(deal)
    _save(deal)
    if lines is not None:
        deal.lines.all().delete()
        _keep_lines(deal, lines)
    if (deal.customer_id, deal.value) != before:
        activity.record(
            customer_id=deal.customer_id, type="sale.changed", subject_id=deal.pk, actor=by, data=_told(deal)
        )
    publish("sale.changed", entity="sale", id=deal.pk)
    _tell_owner(deal, owner, by)
    return deal


def _tell_owner(deal: Deal, before: UUID | None, by: User) -> None:
    if deal.assigned_to_id not in (before, by.pk):
        said = {"title": deal.title}
        notify("sale.assigned", recipients=[deal.assigned_to_id], data=said, subject=("sale", deal.pk))


def deal_move(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Deal:
    """Move a deal to `stage` (key, id or name); in its own stage only `position` (its index in the column) and
    `probability` take effect.

    A stage's required fields must be filled. Won needs a value above 0, lost a `lost_reason`, and for `other` a
    `lost_note`. From won or lost a deal goes back to an open stage only, by holders of `sales.reopen`. Raises Invalid,
    Denied, NotFound, VERSION_CONFLICT, ILLEGAL_TRANSITION (422) with `meta.allowed`.
    """
    deal = _locked(id, by, version)
    known = stages()
    target = _target(data, known, deal)
    if target is None:
        raise Invalid.field("stage", _("This field is required."))
    if data.get("probability") is not None:
        deal.probability = _percent(data["probability"])
    if target.pk != deal.stage_id:
        _move(deal, target, data, by, known)
    if data.get("position") is not None:
        deal.position = _place(deal, target, data["position"])
    _save(deal)
    return deal


def deal_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft: it stays in the audit log."""
    deal = _locked(id, by, version, right="sales.delete")
    deal.deleted_at, deal.deleted_by = clock.now(), by
    _save(deal)
    activity.record(customer_id=deal.customer_id, type="sale.deleted", subject_id=deal.pk, actor=by, data=_told(deal))
    publish("sale.changed", entity="sale", id=deal.pk)


@transaction.atomic
def deal_restore(*, id: UUID, by: User) -> Deal:
    """Bring a deleted deal back; where its stage is gone, into the first one of that kind. Raises Denied, NotFound, and
    Conflict while its customer is deleted."""
    deal: Deal = to_restore(seen(by, "sales.delete", Deal.objects.all()), id=id, by=by, right="sales.delete")
    if deal.deleted_at is None:
        return deal
    customer_living(deal.customer_id)
    if deal.stage.deleted_at is not None:
        before, now = deal.stage, clock.now()
        deal.stage = next(stage for stage in stages() if stage.kind == before.kind)
        _step_of(deal, before, now, by, seconds=max(int((now - deal.stage_since).total_seconds()), 0)).save()
        deal.stage_since = now
    deal.deleted_at = deal.deleted_by = None
    _save(deal)
    activity.record(customer_id=deal.customer_id, type="sale.restored", subject_id=deal.pk, actor=by, data=_told(deal))
    publish("sale.changed", entity="sale", id=deal.pk)
    return deal


def deal_clone(*, id: UUID, by: User) -> Deal:
    """A copy in the first open stage with the lines; chances, steps and activities begin anew, and the expected close
    is as far from today as it was from the original's creation."""
    source = deal_for(by, id)
    if not deals_seen(by, "sales.edit").filter(pk=id).exists():
        raise Denied(_("You do not have the right to change this deal."), meta={"permission": "sales.edit"})
    expected, zone = None, _zone()
    if source.expected_close_date is not None:
        span = source.expected_close_date - source.created_at.astimezone(zone).date()
        expected = clock.now().astimezone(zone).date() + max(span, timedelta(0))
    lines = [
        {"product_id": line.product_id, **{name: getattr(line, name) for name in _LINE}} for line in source.lines.all()
    ]
    title = _("%(title)s (copy)") % {"title": source.title}
    deal = deal_create(
        data={
            "title": title[:200],
            "customer_id": source.customer_id,
            "value": source.value,
            "currency": source.currency,
            "fx_rate": source.fx_rate,
            "description": source.description,
            "category": source.category,
            "assigned_to": source.assigned_to_id,
            "expected_close_date": expected,
            "products": lines,
        },
        by=by,
    )
    deal.cloned_from = source
    deal.save(update_fields=["cloned_from"])
    return deal


@dataclass(frozen=True, slots=True)
class BulkResult:
    id: str
    error: DomainError | None = None


def deals_change(*, ids: Sequence[str], data: Mapping[str, Any], by: User) -> list[BulkResult]:
    """The same changes for each of at most 200 deals; one that is refused does not stop the others."""
    if len(ids) > BULK:
        raise TooLarge(_("At most %(count)d at once.") % {"count": BULK}, meta={"limit": BULK})

    def one(text: str) -> DomainError | None:
        try:
            id = parse_uuid(text)
            if id is None:
                raise NotFound(_("There is no such deal."))
            with transaction.atomic():
                deal_update(id=id, data=data, by=by)
        except DomainError as refusal:
            return refusal
        return None

    return [BulkResult(text, one(text)) for text in dict.fromkeys(ids)]


def allowed(deal: Deal, by: User, known: Sequence[Stage] | None = None) -> list[Stage]:
    """The stages that a deal can go to from its own, whatever they ask for."""
    if deal.status != Kind.OPEN and not by.has_permission("sales.reopen"):
        return []
    found = stages() if known is None else known
    return [s for s in found if s.pk != deal.stage_id and (deal.status == Kind.OPEN or s.kind == Kind.OPEN)]


def _locked(id: UUID, by: User, version: int | None, right: str = "sales.edit") -> Deal:
    deal = deal_for(by, id, right, lock=True)
    if version is not None and version != deal.version:
        message = _("This record has been changed in the meantime.")
        raise Conflict(message, meta={"currentVersion": deal.version, "version": deal.version})
    return deal


def _save(deal: Deal) -> None:
    deal.version += 1
    deal.save()


def _zone() -> ZoneInfo:
    return ZoneInfo(Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id()))


def _told(deal: Deal) -> dict[str, Any]:
    """What the timeline says of a deal."""
    return {"title": deal.title, "value": f"{deal.value} {deal.currency}"}


def _index(deal: Deal) -> None:
    """What a search finds the deal by; its customer's name as it was at the last change."""
    deal.search_text = normalise(f"{deal.title} {deal.customer.name} {deal.lost_note} {deal.description}")[:20_000]


def _percent(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise Invalid.field("probability", _("Enter a whole number from 0 to 100."))
    return value


def _fill(deal: Deal, data: Mapping[str, Any], by: User) -> None:
    if "title" in data or not deal.title:
        deal.title = (data.get("title") or "").strip()
        if not deal.title or len(deal.title) > 200:
            raise Invalid.field("title", _("Enter a title of at most 200 characters."))
    if "customer_id" in data or deal.customer_id is None:
        customer_id = data.get("customer_id")
        if customer_id is None:
            raise Invalid.field("customer_id", _("This field is required."))
        if customer_id != deal.customer_id:
            rows = seen(by, "customers.view", Customer.objects.filter(deleted_at=None))
            customer = rows.filter(pk=customer_id).first()
            if customer is None:
                raise NotFound(_("There is no such customer."), errors=[FieldError("customer_id", _("Unknown."))])
            deal.customer = customer
    for name in _PLAIN:
        if name in data and name != "title":
            value = data[name]
            setattr(deal, name, value if value is not None else Deal._meta.get_field(name).get_default())  # type: ignore[union-attr]
    if deal.probability is not None:
        _percent(deal.probability)
    if deal.category not in Category.values:
        raise Invalid.field(
            "category", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Category.values)}, "choice"
        )
    if "assigned_to" in data and data["assigned_to"] != deal.assigned_to_id:
        deal.assigned_to = None if data["assigned_to"] is None else member(data["assigned_to"])
    if "currency" in data or "fx_rate" in data:
        currency = data.get("currency") or deal.currency or None
        rate = data.get("fx_rate")
        if rate is None and currency == deal.currency:
            rate = deal.fx_rate
        if deal.status == Kind.OPEN:
            deal.currency, deal.fx_rate = resolve(currency, rate)


def member(id: UUID, *, field: str = "assigned_to") -> User:
    """An active person of the organisation. Raises Invalid naming `field`."""
    rows = User.objects.filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
    found = rows.filter(pk=id).first()
    if found is None:
        raise Invalid.field(field, _("Choose an active person of the organisation."))
    return found


# --- lines and value ------------------------------------------------------------------------------------
_LINE: Final = ("name", "quantity", "unit_price", "discount")


def _lines(deal: Deal, said: Sequence[Mapping[str, Any]]) -> list[DealLine]:
    """Checked lines, not yet saved; a missing price is the product's, at the deal's rate. Raises Invalid per field."""
    if len(said) > LINES:
        raise Invalid.field("products", _("At most %(count)d lines.") % {"count": LINES})
    ids = {line["product_id"] for line in said if line.get("product_id")}
    products = Product.objects.filter(deleted_at=None).in_bulk(ids)
    made = []
    for place, line in enumerate(said):
        where, product = f"products.{place}", products.get(line.get("product_id"))
        if line.get("product_id") and product is None:
            raise Invalid.field(f"{where}.product_id", _("There is no such product."))
        name = (line.get("name") or (product.name if product else "")).strip()
        if not name:
            raise Invalid.field(f"{where}.product_id", _("Choose a product or enter a name."))
        price, quantity, discount = line.get("unit_price"), line.get("quantity", 1), line.get("discount") or 0
        if price is None and product is not None:
            price = half_up(product.unit_price / deal.fx_rate)
        row = DealLine(
            organization_id=scope.organization_id(),
            product=product,
            name=name[:200],
            position=place,
            quantity=_number(quantity, f"{where}.quantity", above=True, places=3),
            unit_price=_number(price, f"{where}.unit_price"),
            discount=_number(discount, f"{where}.discount", most=Decimal(100)),
        )
        made.append(row)
    return made


def _number(value: Any, field: str, *, above: bool = False, places: int = 2, most: Decimal = Decimal(10**9)) -> Decimal:
    number = value if isinstance(value, Decimal) else Decimal(str(value)) if isinstance(value, int | float) else None
    if number is None or not number.is_finite() or number > most or number < 0 or (above and number == 0):
        raise Invalid.field(field, _("Enter a number above 0.") if above else _("Enter a number from 0."))
    rounded = round(number, places)
    if rounded != number:
        raise Invalid.field(field, _("At most %(count)d decimals.") % {"count": places})
    return rounded


def _keep_lines(deal: Deal, lines: Sequence[DealLine]) -> None:
    for line in lines:
        line.deal = deal
    DealLine.objects.bulk_create(lines)


def _price(deal: Deal, data: Mapping[str, Any], lines: Sequence[DealLine] | None) -> None:
    """The value: that of the lines where there are any. Raises Invalid where another one was said."""
    said = data.get("value")
    if said is not None:
        said = _number(said, "value", most=LARGEST)
    if lines is None and deal._state.adding is False and (said is not None):
        lines = list(deal.lines.all())
    if lines:
        total = half_up(sum((line.exact for line in lines), Decimal(0)))
        if said is not None and said != total:
            message = _("The lines come to %(total)s, not to %(value)s.") % {"total": total, "value": said}
            raise Invalid.field("value", message, "lines")
        deal.value = total
    elif said is not None:
        deal.value = said
    if deal.value > LARGEST:
        raise Invalid.field("value", _("This value is too large."))
    deal.base_value = half_up(deal.value * deal.fx_rate)


# --- stages of a deal -------------------------------------------------------------------------------------
def _target(data: Mapping[str, Any], known: Sequence[Stage], deal: Deal | None = None) -> Stage | None:
    """The stage that `stage` names, or else the one that `status` leads to. Raises Invalid."""
    if data.get("stage"):
        return stage_named(data["stage"], among=known)
    status = data.get("status")
    if not status or (deal is not None and status == deal.status):
        return None
    if status not in Kind.values:
        raise Invalid.field("status", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Kind.values)}, "choice")
    if status == Kind.OPEN and deal is not None and deal.last_open_stage_id:
        last = next((stage for stage in known if stage.pk == deal.last_open_stage_id), None)
        if last is not None:
            return last
    return next(stage for stage in known if stage.kind == status)


def _move(
    deal: Deal,
    target: Stage,
    data: Mapping[str, Any],
    by: User,
    known: Sequence[Stage],
    lines: Sequence[DealLine] | None = None,
) -> None:
    before, now = deal.stage, clock.now()
    if deal.status != Kind.OPEN and not by.has_permission("sales.reopen"):
        raise Denied(_("A deal that was won or lost is reopened by a manager."), meta={"permission": "sales.reopen"})
    ways = allowed(deal, by, known)
    if target not in ways:
        raise _refused(
            _("From “%(before)s” a deal cannot go to “%(after)s”.") % {"before": before, "after": target}, ways
        )
    _check_entry(deal, target, data, known, lines)
    step = _step_of(deal, before, now, by)
    if target.kind == Kind.OPEN:
        deal.closed_at, deal.owner_at_close, deal.lost_reason, deal.lost_note = None, None, "", ""
    else:
        _close(deal, target, data, by)
        deal.last_open_stage = before
    at = deal.closed_at or now
    stayed = max(at - deal.stage_since, timedelta(0))
    deal.stage, deal.status, deal.stage_since, deal.position = target, target.kind, at, -now.timestamp()
    step.to_stage, step.at, step.seconds_in_from = target, at, int(stayed.total_seconds())
    step.save()
    kind = {Kind.WON: "sale.won", Kind.LOST: "sale.lost"}.get(Kind(target.kind), "sale.stage")
    told = _told(deal) | {"from": before.key, "to": target.key, "fromName": before.name, "toName": target.name}
    activity.record(customer_id=deal.customer_id, type=kind, subject_id=deal.pk, actor=by, data=told)
    publish(
        "sale.stage",
        entity="sale",
        id=deal.pk,
        data={"stage": target.key, "from": before.key, "status": target.kind},
    )
    if target.kind == Kind.WON:
        said = {"title": deal.title, "value": grouped(deal.value, 2), "currency": deal.currency}
        said["customer"] = deal.customer.name
        owner = [] if deal.assigned_to_id == by.pk else [deal.assigned_to_id]
        notify("sale.won", recipients=owner, role="Manager", data=said, subject=("sale", deal.pk))


def _refused(message: str, ways: Sequence[Stage], errors: Sequence[FieldError] = ()) -> IllegalTransition:
    names = [stage.key for stage in ways]
    text = _("%(reason)s Allowed: %(allowed)s.") % {"reason": message, "allowed": ", ".join(names) or "–"}
    return IllegalTransition(text, errors=errors, meta={"allowed": names})


def _check_entry(
    deal: Deal,
    target: Stage,
    data: Mapping[str, Any],
    known: Sequence[Stage],
    lines: Sequence[DealLine] | None = None,
) -> None:
    """What the stage asks for is there. Raises ILLEGAL_TRANSITION with one error for each missing field."""
    missing = []
    for name in target.required_fields:
        attribute, label = REQUIRABLE[name]
        held = bool(lines) if name == "products" and lines is not None else getattr(deal, attribute)
        if held in (None, "", False) or (name == "value" and held <= 0):
            message = _("“%(stage)s” needs: %(field)s.") % {"stage": target, "field": label}
            missing.append(FieldError(attribute if attribute != "has_lines" else "products", message, "required"))
    if target.kind == Kind.WON and deal.value <= 0:
        missing.append(FieldError("value", _("A deal that is won has a value above 0."), "required"))
    if target.kind == Kind.LOST:
        if not _text(data, "lost_reason"):
            missing.append(FieldError("lost_reason", _("Say why the deal is lost."), "required"))
        elif _text(data, "lost_reason") == OTHER and not _text(data, "lost_note"):
            missing.append(FieldError("lost_note", _("Describe the other reason."), "required"))
    if missing:
        kinds = {Kind.OPEN} if deal.status != Kind.OPEN else set(Kind)
        ways = [stage for stage in known if stage.pk != deal.stage_id and stage.kind in kinds]
        raise _refused(missing[0].message, ways, missing)


def _text(data: Mapping[str, Any], name: str) -> str:
    return (data.get(name) or "").strip()


def _lost_because(deal: Deal, data: Mapping[str, Any]) -> None:
    reason, note = _text(data, "lost_reason"), _text(data, "lost_note") or deal.lost_note
    if not reason or (reason == OTHER and not note):
        raise Invalid.field("lost_reason" if not reason else "lost_note", _("Say why the deal is lost."))
    deal.lost_reason, deal.lost_note = reason[:100], note[:2000]


def _close(deal: Deal, target: Stage, data: Mapping[str, Any], by: User) -> None:
    """Won or lost: the moment, the owner of the moment, the reason; the rate stays as it is from now on."""
    now, said = clock.now(), data.get("close_date")
    if isinstance(said, date) and not isinstance(said, datetime):
        zone = _zone()
        said = None if said == now.astimezone(zone).date() else datetime.combine(said, time(12), zone)
    if said is not None and said > now:
        raise Invalid.field("close_date", _("A deal cannot be closed in the future."))
    deal.closed_at, deal.owner_at_close = said or now, deal.assigned_to or by
    if target.kind == Kind.LOST:
        _lost_because(deal, data)


def _step_of(deal: Deal, before: Stage | None, at: datetime, by: User, *, seconds: int | None = None) -> Transition:
    """The step of a deal into the stage that it has, with the value and the chances that it has."""
    return Transition(
        organization_id=deal.organization_id,
        deal=deal,
        from_stage=before,
        to_stage=deal.stage,
        at=at,
        by=by,
        seconds_in_from=seconds,
        value=deal.base_value,
        probability=deal.chance,
    )


def _place(deal: Deal, stage: Stage, index: int) -> float:
    """A number between the neighbours of the place `index` (from 0) in the column."""
    rows = Deal.objects.filter(deleted_at=None, stage=stage).exclude(pk=deal.pk).order_by("position", "id")
    start = max(index - 1, 0)
    near = list(rows.values_list("position", flat=True)[start : start + (2 if index > 0 else 1)])
    if not near:
        last = rows.values_list("position", flat=True).last()
        return deal.position if last is None else last + 1.0
    if index <= 0:
        return near[0] - 1.0
    return (near[0] + near[1]) / 2 if len(near) == 2 else near[0] + 1.0


# --- activities ------------------------------------------------------------------------------------------
def activity_add(*, deal: UUID, data: Mapping[str, Any], by: User) -> SalesActivity:
    """`type, description, due_at, done_at, outcome, duration`; `occurred_at` is `done_at`. A note is done at once, and
    so is whatever has neither moment. Raises Invalid, NotFound, Denied."""
    record = deal_for(by, deal, "sales.edit", lock=True)
    row = SalesActivity(organization_id=record.organization_id, deal=record, user=by)
    values = {name: value for name, value in data.items() if name != "occurred_at"}
    if data.get("occurred_at") and not values.get("done_at"):
        values["done_at"] = data["occurred_at"]
    if not values.get("due_at") and not values.get("done_at"):
        values["done_at"] = clock.now()
    _describe(row, values)
    row.save(force_insert=True)
    _after_activity(record)
    activity.record(
        customer_id=record.customer_id,
        type="sale.activity",
        subject_id=record.pk,
        actor=by,
        data={"title": record.title, "kind": row.type, "text": row.description[:200]},
    )
    return row


def activity_update(*, deal: UUID, id: UUID, data: Mapping[str, Any], by: User) -> SalesActivity:
    """Change one, or say that it is done with `done_at` and `outcome`."""
    record = deal_for(by, deal, "sales.edit", lock=True)
    row = SalesActivity.objects.filter(deal=record, pk=id).select_related("user").first()
    if row is None:
        raise NotFound(_("There is no such activity."))
    _describe(row, data)
    row.save()
    _after_activity(record)
    return row


def activity_delete(*, deal: UUID, id: UUID, by: User) -> None:
    record = deal_for(by, deal, "sales.edit", lock=True)
    if not SalesActivity.objects.filter(deal=record, pk=id).delete()[0]:
        raise NotFound(_("There is no such activity."))
    _after_activity(record)


def _describe(row: SalesActivity, data: Mapping[str, Any]) -> None:
    for name, value in data.items():
        field = SalesActivity._meta.get_field(name)
        setattr(row, name, value if value is not None else field.get_default())  # type: ignore[union-attr]
    row.description = row.description.strip()
    _clean(row, exclude={"organization", "deal", "user"})
    if row.done_at is not None and row.done_at > clock.now() + timedelta(minutes=5):
        raise Invalid.field("done_at", _("What is to come cannot be done already."))


def _after_activity(deal: Deal) -> None:
    pending = deal.activities.filter(done_at=None)
    deal.next_activity_at = pending.aggregate(first=Min("due_at"))["first"]
    deal.save(update_fields=["next_activity_at"])
    publish("sale.changed", entity="sale", id=deal.pk)


def _clean(row: Any, exclude: set[str] | None = None) -> None:
    """The checks of the fields, as VALIDATION_ERROR per field."""
    try:
        row.clean_fields(exclude=exclude)
    except ValidationError as refused:
        errors = [FieldError(name, " ".join(texts)) for name, texts in refused.message_dict.items()]
        raise Invalid(errors[0].message, errors=errors) from refused


# --- stages ----------------------------------------------------------------------------------------------
_STAGE: Final = ("key", "name", "name_fr", "name_ar", "probability", "kind", "rotting_days", "required_fields")


def _configure(by: User) -> None:
    if not by.has_permission("crm.settings"):
        raise Denied(_("You do not have the right to change this."), meta={"permission": "crm.settings"})


def stage_create(*, data: Mapping[str, Any], by: User) -> Stage:
    """A new stage at the place `order`, or after the last one of its kind. Raises Invalid, DUPLICATE (409)."""
    _configure(by)
    known = stages()
    stage = Stage(organization_id=scope.organization_id())
    _fill_stage(stage, {"key": slugify(str(data.get("name") or "")).replace("-", "_")[:50] or None, **data}, known)
    same = [row for row in known if row.kind == stage.kind]
    after = known.index(same[-1]) + 1 if same else len(known)
    place = data.get("order")
    _arrange(stage, known, after if place is None else place)
    return stage


def stage_update(*, id: UUID, data: Mapping[str, Any], by: User) -> Stage:
    """Its kind changes only while no deal is in it. Raises Invalid, DUPLICATE (409), IN_USE (409), NotFound."""
    _configure(by)
    known, stage = stages(), stage_for(id)
    kind = data.get("kind") or stage.kind
    if kind != stage.kind:
        if Deal.objects.filter(stage=stage, deleted_at=None).exists():
            raise Conflict(_("There are deals in this stage."), code="IN_USE")
        _others_of(stage, known)
    _fill_stage(stage, data, known)
    rest = [row for row in known if row.pk != stage.pk]
    place = data.get("order")
    _arrange(stage, rest, next(i for i, row in enumerate(known) if row.pk == stage.pk) if place is None else place)
    return stage


def stage_delete(*, id: UUID, by: User, move_to: object = None) -> None:
    """Its deals go to `move_to`, a stage of the same kind; while it has some, that is needed (409 IN_USE).

    There is always one stage of each kind. The steps of deals through it stay in the figures.
    """
    _configure(by)
    known, stage = stages(), stage_for(id)
    _others_of(stage, known)
    rest = [row for row in known if row.pk != stage.pk and row.kind == stage.kind]
    rows = Deal.objects.filter(stage=stage, deleted_at=None)
    if rows.exists():
        if not move_to:
            message = _("There are deals in this stage: say with moveTo which stage they go to.")
            raise Conflict(message, code="IN_USE", meta={"allowed": [row.key for row in rest]})
        target = stage_named(move_to, field="move_to", among=rest)
        now, steps = clock.now(), []
        for deal in rows.select_for_update(no_key=True).iterator():
            step = _step_of(deal, stage, now, by, seconds=max(int((now - deal.stage_since).total_seconds()), 0))
            step.to_stage = target
            steps.append(step)
        Transition.objects.bulk_create(steps, batch_size=1000)
        rows.filter(pk__in=[step.deal_id for step in steps]).update(
            stage=target, stage_since=now, version=F("version") + 1, updated_at=now
        )
    stage.deleted_at, stage.deleted_by = clock.now(), by
    stage.save(update_fields=["deleted_at", "deleted_by", "updated_at"])


def stage_for(id: UUID) -> Stage:
    found = Stage.objects.filter(pk=id, deleted_at=None).first()
    if found is None:
        raise NotFound(_("There is no such stage."))
    return found


def _others_of(stage: Stage, known: Sequence[Stage]) -> None:
    if sum(row.kind == stage.kind for row in known) < 2:
        raise Conflict(_("A pipeline needs an open, a won and a lost stage."), code="IN_USE")


def _fill_stage(stage: Stage, data: Mapping[str, Any], known: Sequence[Stage]) -> None:
    for name in _STAGE:
        if name in data:
            default = Stage._meta.get_field(name).get_default()  # type: ignore[union-attr]
            setattr(stage, name, data[name] if data[name] is not None else default)
    stage.name = (stage.name or "").strip()
    unknown = [name for name in stage.required_fields if name not in REQUIRABLE]
    if unknown:
        message = _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(REQUIRABLE)}
        raise Invalid.field("required_fields", message, "choice")
    if stage.kind != Kind.OPEN:
        stage.probability, stage.rotting_days = (100 if stage.kind == Kind.WON else 0), None
    _clean(stage, exclude={"organization", "deleted_by"})
    if any(row.key == stage.key and row.pk != stage.pk for row in known):
        raise Conflict(_("There is a stage with this key already."), code="DUPLICATE")
    if stage.kind == Kind.WON and any(row.kind == Kind.WON and row.pk != stage.pk for row in known):
        raise Conflict(_("There is one won stage."), code="DUPLICATE")


def _arrange(stage: Stage, rest: Sequence[Stage], place: int) -> None:
    """Put a stage among the others and number them all from 0."""
    rows = list(rest)
    rows.insert(max(0, min(place, len(rows))), stage)
    for position, row in enumerate(rows):
        if row is stage:
            row.position = position
            row.save()
        elif row.position != position:
            row.position = position
            row.save(update_fields=["position", "updated_at"])


# --- products ---------------------------------------------------------------------------------------------
def product_save(*, data: Mapping[str, Any], by: User, id: UUID | None = None) -> Product:
    """Create a product, or change one. Raises Invalid, DUPLICATE (409) for a `sku` that is taken, NotFound."""
    _configure(by)
    row = product_for(id) if id else Product(organization_id=scope.organization_id())
    for name in ("sku", "name", "description", "unit_price", "is_active"):
        if name in data:
            value = data[name]
            default = Product._meta.get_field(name).get_default()  # type: ignore[union-attr]
            value = default if value is None else value.strip() if isinstance(value, str) else value
            setattr(row, name, value)
    row.unit_price = _number(row.unit_price, "unit_price", most=LARGEST)
    _clean(row, exclude={"organization", "deleted_by"})
    _once(row.save)
    return row


def _once(save: Callable[[], object]) -> None:
    try:
        with transaction.atomic():
            save()
    except IntegrityError as error:
        raise Conflict(_("There is a product with this article number already."), code="DUPLICATE") from error


def product_delete(*, id: UUID, by: User) -> None:
    """Soft: lines of deals keep its name and price."""
    _configure(by)
    row = product_for(id)
    row.deleted_at, row.deleted_by = clock.now(), by
    row.save(update_fields=["deleted_at", "deleted_by", "updated_at"])
