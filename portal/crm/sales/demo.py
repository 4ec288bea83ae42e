"""Fourteen months of deals for the demo: stages, products, targets, wins and losses of a laboratory's office."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from django.db.models import F

from portal.core.accounts.models import User
from portal.core.accounts.permissions import ADMIN, MANAGER, SALES_AGENT
from portal.core.common import clock
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.crm.activity.models import ActivityEvent
from portal.crm.customers.models import Customer
from portal.crm.sales import forecast, services
from portal.crm.sales.choices import Category, Kind
from portal.crm.sales.models import Deal, ForecastSnapshot, Product, SalesActivity, Transition
from portal.crm.sales.selectors import stages

DEALS: Final = 150
DAYS: Final = 425
PRODUCTS: Final = (
    ("AN-PHY", "Analyse physico-chimique complète", 1850),
    ("AN-MIC", "Analyse microbiologique", 980),
    ("AN-MET", "Métaux lourds par ICP-MS", 2400),
    ("AN-PES", "تحليل المبيدات", 3100),
    ("PR-SIT", "Prélèvement sur site", 450),
    ("ET-DIA", "Étude diagnostique d'un réseau", 28000),
    ("FO-EAU", "تكوين: مراقبة جودة المياه", 6500),
    ("AU-LAB", "Audit of a laboratory", 12000),
)
TITLES: Final = (
    "Contrôle annuel de l'eau potable",
    "مراقبة جودة مياه الآبار",
    "Suivi des rejets industriels",
    "تحاليل شبكة التوزيع",
    "Campagne de mesures des nappes",
    "Monitoring of treated waste water",
    "تحاليل مياه المسابح",
    "Audit du laboratoire interne",
    "دراسة تشخيصية للخزانات",
    "Analyses de l'eau de dialyse",
    "Irrigation water survey",
    "Qualité des eaux de baignade",
)
SAID: Final = (
    ("call", "Appel de relance", "Demande une remise de 5 %"),
    ("meeting", "اجتماع مع مدير الاستغلال", "اتفقنا على عدد العينات"),
    ("email", "Envoi de l'offre technique et financière", ""),
    ("note", "The budget is decided in the spring.", ""),
    ("call", "مكالمة لتأكيد موعد أخذ العينات", "مؤكد"),
)
REASONS: Final = ("price", "price", "competitor", "budget", "timing", "no_answer")


def fill(*, deals: int = DEALS, seed: int = 2026) -> None:
    """Deals of the organisation in force for its customers; nothing where there are some already."""
    customers = list(Customer.objects.filter(deleted_at=None).order_by("created_at", "id"))
    if Deal.objects.exists() or not customers:
        return
    staff = User.objects.filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
    people = list(staff.filter(role__key__in=(SALES_AGENT, MANAGER, ADMIN)).select_related("role").order_by("email"))
    by = next(person for person in people if person.role_key == ADMIN)
    random, now = Random(seed), clock.now()  # noqa: S311  (made-up data, the same each time)
    organization = Organization.objects.get(pk=scope.organization_id())
    organization.settings |= {"exchangeRates": {"EUR": 10.85, "USD": 9.95}}
    organization.save(update_fields=["settings", "updated_at"])
    products = [
        services.product_save(data={"sku": sku, "name": name, "unit_price": Decimal(price)}, by=by)
        for sku, name, price in PRODUCTS
    ]
    for number in range(deals):
        _deal(number, random, now, customers, products, people)
    today = now.date()
    for month in forecast.months(today - timedelta(days=DAYS), today + timedelta(days=150)):
        for person in people[:3]:
            forecast.quota_set(owner=person.pk, month=month, amount=Decimal(90_000))
    _past_night(today)


def _deal(
    number: int,
    random: Random,
    now: datetime,
    customers: Sequence[Customer],
    products: Sequence[Product],
    people: Sequence[User],
) -> None:
    customer, owner = random.choice(customers), random.choice(people)
    made_at = now - timedelta(days=random.randint(1, DAYS), minutes=random.randint(0, 600))
    age = (now - made_at).days
    fate = random.choices(("open", "won", "lost"), (10, 1, 1) if age < 40 else (1, 5, 3) if age > 150 else (4, 4, 3))[0]
    close = made_at.date() + timedelta(days=random.randint(20, 120))
    if fate == "open" and close < now.date() and random.random() < 0.8:
        close = now.date() + timedelta(days=random.randint(2, 150))
    lines = [
        {"product_id": product.pk, "quantity": Decimal(random.choice((1, 2, 4, 6, 12))), "discount": Decimal(discount)}
        for product, discount in zip(
            random.sample(list(products), random.randint(1, 3)), random.choices((0, 0, 5, 10), k=3), strict=False
        )
    ]
    data: dict[str, Any] = {
        "title": f"{random.choice(TITLES)} – {customer.name}"[:200],
        "customer_id": customer.pk,
        "assigned_to": owner.pk,
        "expected_close_date": None if fate == "open" and random.random() < 0.08 else close,
        "category": random.choices(Category.values, (5, 3, 3, 1))[0],
        "currency": random.choices((None, "EUR"), (8, 1))[0],
    }
    if number % 5:
        data["products"] = lines
    else:
        data["value"] = Decimal(random.randint(40, 900) * 100)
    if random.random() < 0.3:
        data["probability"] = random.choice((20, 40, 60, 80, 90))
    deal = services.deal_create(data=data, by=owner)
    path = [stage for stage in stages() if stage.kind == Kind.OPEN][1 : random.randint(2, 4)]
    for stage in path:
        services.deal_move(id=deal.pk, data={"stage": stage.key}, by=owner)
    if fate != "open":
        services.deal_move(id=deal.pk, data={"stage": fate, "lost_reason": random.choice(REASONS)}, by=owner)
    for kind, text, outcome in random.sample(SAID, random.randint(0, 3)):
        services.activity_add(deal=deal.pk, data={"type": kind, "description": text, "outcome": outcome}, by=owner)
    if fate == "open" and random.random() < 0.5:
        due = now + timedelta(days=random.randint(-6, 14), hours=random.randint(-5, 5))
        data = {"type": "call", "description": "Relancer le client", "due_at": due}
        services.activity_add(deal=deal.pk, data=data, by=owner)
    _backdate(deal.pk, made_at, now, random)


def _backdate(deal: Any, made_at: datetime, now: datetime, random: Random) -> None:
    """Services know today alone: what they wrote is spread over the life of the deal."""
    row = Deal.objects.get(pk=deal)
    steps = list(Transition.objects.filter(deal=row).order_by("created_at", "id"))
    life = now - made_at if row.status == Kind.OPEN else min(now - made_at, timedelta(days=random.randint(15, 110)))
    at = made_at
    for place, step in enumerate(steps):
        if place:
            before, at = at, made_at + life * place / len(steps)
            step.seconds_in_from = int((at - before).total_seconds())
        step.at = at
    Transition.objects.bulk_update(steps, ["at", "seconds_in_from"])
    closed = None if row.status == Kind.OPEN else at
    Deal.objects.filter(pk=row.pk).update(
        created_at=made_at, stage_since=at, closed_at=closed, updated_at=at, position=-at.timestamp()
    )
    done = SalesActivity.objects.filter(deal=row, due_at=None)
    done.update(done_at=made_at + life / 2, created_at=made_at + life / 2)
    shift = now - at
    ActivityEvent.objects.filter(subject_id=row.pk).update(occurred_at=F("occurred_at") - shift)


def _past_night(today: date) -> None:
    """The night in which this month began, as if it had been kept: two thirds of the open deals, a little lower."""
    rows = Deal.objects.filter(status=Kind.OPEN, deleted_at=None).exclude(category=Category.OMIT)
    ForecastSnapshot.objects.bulk_create(
        ForecastSnapshot(
            organization_id=deal.organization_id,
            taken_on=today.replace(day=1),
            deal=deal,
            stage=deal.stage,
            value=deal.base_value,
            probability=max(deal.chance - 10 * (place % 2), 0),
            expected_close_date=deal.expected_close_date,
        )
        for place, deal in enumerate(rows.select_related("stage").order_by("created_at"))
        if place % 3
    )
