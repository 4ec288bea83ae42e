"""Contracts of the demo: three templates, and some eighty contracts in every state, through the same services as real
work."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.crm.contracts import access, renewals, services, templates, terms
from portal.crm.contracts.choices import Status
from portal.crm.contracts.models import Contract, ContractTemplate
from portal.crm.customers.models import Customer

COUNT: Final = 80
_TEXTS: Final = Path(__file__).parent / "demo_texts"
_VALUES: Final = {
    "ar": [
        ("site", "موقع التنفيذ", "text"),
        ("visits", "عدد الزيارات في السنة", "number"),
        ("response", "مهلة التدخل بالساعات", "number"),
    ],
    "fr": [
        ("site", "Lieu d’exécution", "text"),
        ("visits", "Visites par an", "number"),
        ("penalty", "Pénalité par jour de retard", "money"),
    ],
    "en": [
        ("site", "Place of performance", "text"),
        ("visits", "Visits a year", "number"),
        ("kickoff", "First visit", "date"),
    ],
}
TEMPLATES: Final = (
    ("عقد تحاليل المياه", "laboratory", "ar"),
    ("Contrat de maintenance", "maintenance", "fr"),
    ("Annual support", "support", "en"),
)
TITLES: Final = {
    "laboratory": (
        "تحاليل مياه الشرب الدورية", "مراقبة جودة المياه الجوفية", "Analyses réglementaires des eaux de baignade",
        "Suivi analytique de la station d’épuration", "تحاليل المياه العادمة الصناعية",
    ),
    "maintenance": (
        "Maintenance des sondes de chlore", "صيانة محطات القياس عن بعد", "Étalonnage annuel des pH-mètres",
        "Maintenance de la station de dosage",
    ),
    "service": (
        "Audit du réseau de distribution", "دراسة تأثير المقالع على المياه", "Formation des préleveurs",
        "جرد الآبار القروية",
    ),
    "support": ("Annual support", "Assistance aux exploitants", "دعم فني لنظام الرصد"),
}  # fmt: skip
LINES: Final = (
    ("Prélèvement et transport", 24, 350), ("تحليل فيزيائي كيميائي كامل", 24, 900),
    ("Analyse microbiologique", 24, 420), ("Rapport trimestriel", 4, 1500),
)  # fmt: skip
NAMES: Final = (
    "الوكالة المستقلة لتوزيع الماء بالساحل", "Eaux de la Chaouia SA", "Coopérative laitière Atlas", "جماعة سيدي رحال",
    "Domaine agricole El Baraka", "مصنع التعليب الأزرق", "Hôtel Corniche", "Clinique Ibn Rochd",
)  # fmt: skip


def fill() -> None:
    """Nothing where there are contracts already."""
    if Contract.objects.exists():
        return
    random, day = Random(2026), access.today()  # noqa: S311  the same demo each time
    people = list(User.objects.filter(organization_id=scope.organization_id(), role__key__in=("Manager", "SalesAgent")))
    admin = User.objects.filter(organization_id=scope.organization_id(), role__key="Admin").first()
    if admin is None:
        return
    customers = list(Customer.objects.filter(deleted_at=None).order_by("created_at")[:40])
    customers = customers or [_customer(name) for name in NAMES]
    made = [_template(name, kind, language, admin) for name, kind, language in TEMPLATES]
    for number in range(COUNT):
        _contract(number, random, day, random.choice(customers), random.choice(people or [admin]), admin, made)
    renewals.run(day)


def _customer(name: str) -> Customer:
    return Customer.objects.create(
        organization_id=scope.organization_id(), company_name=name, name=name, city="Casablanca", country="MA",
        contact_name="", email="", search_text=name,
    )  # fmt: skip


def _template(name: str, kind: str, language: str, by: User) -> ContractTemplate:
    values = [
        {"key": key, "label": label, "type": type_, "required": place == 0}
        for place, (key, label, type_) in enumerate(_VALUES[language])
    ]
    body = (_TEXTS / f"{language}.txt").read_text(encoding="utf-8")
    data = {"name": name, "type": kind, "language": language, "body": body, "values": values}
    return templates.template_save(data=data, by=by)


def _contract(
    number: int, random: Random, day: date, customer: Customer, owner: User, admin: User, made: list[ContractTemplate]
) -> None:
    """One contract; its number in the row says what becomes of it."""
    months = random.choice((6, 12, 12, 12, 24))
    kind = random.choice(list(TITLES))
    fate = number % 16
    past = random.randint(30, 300) if fate < 12 else months * 30 + random.randint(5, 300)
    start = day - timedelta(days={0: 0, 1: -5, 2: -8, 3: -random.randint(10, 60)}.get(fate, past))
    ends_soon = fate in (8, 9)
    if ends_soon:
        start = terms.add_months(day + timedelta(days=random.randint(3, 80)), -months)
    lines = [
        {"description": text, "quantity": Decimal(count), "unit_price": Decimal(price), "discount": Decimal(off)}
        for (text, count, price), off in zip(random.sample(LINES, 3), random.sample((0, 0, 5, 10), 3), strict=True)
    ]
    signing = [
        {"name": owner.name, "role": "", "party": "us"},
        {"name": customer.contact_name or customer.name, "role": "Direction", "party": "customer"},
    ]
    data: dict[str, Any] = {
        "title": random.choice(TITLES[kind]),
        "start_date": start,
        "end_date": terms.term_end(start, months),
        "term_months": months,
        "billing": random.choice(("yearly", "quarterly", "monthly", "one_off")),
        "owner_id": owner.pk,
        "auto_renew": fate in (12, 13),
        "signatories": signing,
    }
    if number % 3 == 0 and number % 4:
        data["lines"] = lines[: number % 4]
    else:
        data["value"] = Decimal(random.randrange(8_000, 240_000, 500))
    if fate in (4, 5, 6):
        chosen = made[fate - 4]
        values = {
            "site": customer.city or "Casablanca",
            "visits": 12,
            "response": 48,
            "penalty": 500,
            "kickoff": str(start),
        }
        contract = templates.template_create(
            id=chosen.pk, data={"customer_id": customer.pk, "values": values, "overrides": data}, by=admin
        )
    else:
        contract = services.contract_create(data={**data, "customer_id": customer.pk, "type": kind}, by=admin)
    _fate(contract, fate, day, random, admin)


def _fate(contract: Contract, fate: int, day: date, random: Random, by: User) -> None:
    def step(status: str, note: str = "") -> None:
        services.contract_status(id=contract.pk, status=status, note=note, by=by)

    if fate == 0:
        return
    if fate in (1, 2):
        step(Status.PENDING if fate == 1 else Status.SENT, "Envoyé pour avis")
        return
    if fate == 7 and random.random() < 0.5:
        step(Status.CANCELLED, "ألغي الطلب")
        return
    step(Status.SENT)
    step(Status.ACTIVE, "Signé par les deux parties")
    if fate == 10:
        change = {"notice_days": 45, "terms": contract.terms or "<p>Visites supplémentaires sur demande.</p>"}
        services.contract_amend(id=contract.pk, changes=change, reason="Extension du périmètre", by=by)
    if fate == 11:
        effective = day if random.random() < 0.5 else min(contract.end_date or day, day + timedelta(days=20))
        data = {"effective_date": effective, "reason": "توقف النشاط", "by": "customer"}
        renewals.contract_terminate(id=contract.pk, data=data, by=by)
    if fate in (8, 14):
        follower = renewals.contract_renew(id=contract.pk, data={"change": {"percent": Decimal(5)}}, by=by)
        if fate == 14:
            services.contract_status(id=follower.pk, status=Status.ACTIVE, note="", by=by)
