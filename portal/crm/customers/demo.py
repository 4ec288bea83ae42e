"""A hundred and twenty made-up customers of Morocco and Yemen, in Arabic, French and Latin spelling."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Errors
from portal.core.tenancy import scope
from portal.crm import activity
from portal.crm.activity.models import ActivityEvent
from portal.crm.customers import notes, tags
from portal.crm.customers.fields import Rules, clean
from portal.crm.customers.models import Customer, CustomerNote, StatusChange
from portal.crm.customers.services import Change, draft, insert, save

COUNT: Final = 120
# Name of the company with a place, then what it does.
_COMPANIES: Final = {
    "MA": (
        ("Société des Eaux de {}", "Eau potable"), ("Régie autonome {}", "Eau potable"),
        ("مياه {} للتوزيع", "ماء الشرب"),
        ("Conserveries {} SARL", "Agroalimentaire"), ("تعاونية {} للزيتون", "فلاحة"),
        ("Laiterie {} SA", "Agroalimentaire"),
        ("Hôtel Riad {}", "Hôtellerie"), ("Clinique {}", "Santé"), ("Ciments {} SA", "Industrie"),
        ("مختبر {} للتحاليل", "مختبرات"), ("Thermes de {}", "Loisirs"), ("Domaine agricole {}", "Agriculture"),
    ),
    "YE": (
        ("مؤسسة مياه {}", "ماء الشرب"), ("مصنع مياه {} المعدنية", "مياه معبأة"),
        ("{} Water Company Ltd", "Water supply"),
        ("مستشفى {} العام", "صحة"), ("جمعية مزارعي {}", "زراعة"), ("{} Beverages Co", "Beverages"),
        ("مشروع مياه {} الريفي", "ماء الشرب"), ("فندق {}", "سياحة"),
    ),
}  # fmt: skip
_PLACES: Final = {
    "MA": (
        ("الدار البيضاء", "Casablanca"), ("الرباط", "Rabat"), ("فاس", "Fès"), ("مراكش", "Marrakech"),
        ("أكادير", "Agadir"),
        ("طنجة", "Tanger"), ("مكناس", "Meknès"), ("وجدة", "Oujda"), ("بني ملال", "Béni Mellal"), ("سطات", "Settat"),
    ),
    "YE": (
        ("صنعاء", "Sana'a"), ("عدن", "Aden"), ("تعز", "Taiz"), ("الحديدة", "Al Hudaydah"), ("إب", "Ibb"),
        ("المكلا", "Al Mukalla"), ("ذمار", "Dhamar"), ("سيئون", "Seiyun"),
    ),
}  # fmt: skip
_PEOPLE: Final = {
    "MA": (
        ("أمينة الإدريسي", "Amina El Idrissi"), ("يوسف بنعلي", "Youssef Benali"), ("خديجة العلوي", "Khadija Alaoui"),
        ("رشيد التازي", "Rachid Tazi"), ("سلمى برادة", "Salma Berrada"), ("هشام الفاسي", "Hicham El Fassi"),
        ("نادية الشرايبي", "Nadia Chraibi"), ("كريم أمزيل", "Karim Amzil"),
    ),
    "YE": (
        ("أحمد الحداد", "Ahmed Al-Haddad"), ("فاطمة المقطري", "Fatima Al-Maqtari"), ("صالح باوزير", "Saleh Bawazir"),
        ("نبيل الأهدل", "Nabil Al-Ahdal"), ("أروى الحكيمي", "Arwa Al-Hakimi"),
        ("عبدالله العولقي", "Abdullah Al-Awlaqi"),
    ),
}  # fmt: skip
_STREETS: Final = {
    "MA": ("شارع الحسن الثاني", "Avenue Mohammed V", "Zone industrielle Aïn Sebaâ", "Route de Fès km 4"),
    "YE": ("شارع الزبيري", "شارع جمال عبد الناصر", "Crater, Main Street", "شارع الستين"),
}
_MOBILES: Final = {"MA": "+2126{:08d}", "YE": "+96777{:07d}"}
_STATUSES: Final = (*["active"] * 55, *["prospect"] * 20, *["lead"] * 15, *["inactive"] * 6, *["churned"] * 4)
_TAGS: Final = ("VIP", "ماء الشرب", "Industrie", "عقد سنوي", "Grand compte", "متابعة")
_SIZES: Final = ("small", "medium", "large", "enterprise", "startup")
_NOTES: Final = (
    "**مكالمة:** يطلبون تحليلا شهريا للكلور والنترات ابتداء من الشهر المقبل.",
    "Visite du site le matin.\n\n- accès par le portail nord\n- demander M. Tazi",
    "يفضلون التقارير بالعربية، والفواتير بالفرنسية.",
    "Interested in a yearly contract; send the price list before Ramadan.",
    "ينتظرون نتائج آخر حملة قبل توقيع العقد.",
)


def fill() -> None:
    """Load the customers, unless they are there: spread over two years, with owners, tags, notes and steps."""
    if Customer.objects.exists():
        return
    people = list(User.objects.select_related("role").filter(is_active=True, deleted_at=None).order_by("created_at"))
    chief = next((p for p in people if p.role_key in ("Manager", "Admin")), None)
    if chief is None:
        return
    sellers = [p for p in people if p.role_key in ("SalesAgent", "SupportAgent", "Manager")] or [chief]
    random, now = Random(2027), clock.now()  # noqa: S311  (made-up data, the same each time)
    with scope.acting(user=chief.pk, name=chief.name, email=chief.email, role=chief.role_key):
        marks = tags.resolve_many([_TAGS], Errors())[0]
        drafts = []
        for data in _made(random, sellers):
            errors = Errors()
            row = draft(clean(data, rules=Rules.load(region=data["country"]), errors=errors), by=chief)
            errors.raise_any()
            drafts.append((row, random.sample(marks, random.choice((0, 1, 1, 2)))))
        insert(drafts, by=chief)
        _age([row for row, _tags in drafts], random, now)
        _live([row for row, _tags in drafts], random, chief)


def _made(random: Random, sellers: list[User]) -> Iterator[dict[str, Any]]:
    for number in range(COUNT):
        country = "YE" if number % 3 == 2 else "MA"
        pattern, industry = _COMPANIES[country][(number // 3) % len(_COMPANIES[country])]
        place = random.choice(_PLACES[country])
        arabic = pattern[0] != "{" and "\u0600" <= pattern[0] <= "\u06ff"
        who = random.choice(_PEOPLE[country])
        company = pattern.format(place[0] if arabic else place[1]) if number % 10 else ""
        mail = who[1].split()[0].lower() + str(number)
        yield {
            "companyName": company,
            "contactName": who[0] if arabic or not company else who[1],
            "email": f"{mail}@example.{'ma' if country == 'MA' else 'ye'}",
            "phone": _MOBILES[country].format(random.randrange(10**7)),
            "address": random.choice(_STREETS[country]),
            "city": place[0] if arabic else place[1],
            "country": country,
            "industry": industry,
            "size": random.choice(_SIZES) if company else "individual",
            "status": "active" if number < 3 else "lead",
            "assignedTo": str(random.choice(sellers).pk) if number % 7 else None,
            "taxNumber": f"{random.randrange(10**14):015d}" if country == "MA" and company else None,
            "externalId": f"C-{1000 + number}",
        }


def _age(rows: list[Customer], random: Random, now: datetime) -> None:
    """Made over the last two years; what the timeline says of it moves along."""
    for row in rows:
        row.created_at = row.status_changed_at = row.last_activity_at = now - timedelta(
            days=random.randrange(2, 700), minutes=random.randrange(1440)
        )
    Customer.objects.bulk_update(rows, ["created_at", "status_changed_at", "last_activity_at"])
    at = {row.pk: row.created_at for row in rows}
    events = list(ActivityEvent.objects.filter(customer__in=at))
    for event in events:
        event.occurred_at = at[event.customer_id]
    ActivityEvent.objects.bulk_update(events, ["occurred_at"])
    steps = list(StatusChange.objects.filter(customer__in=at))
    for step in steps:
        step.changed_at = at[step.customer_id]
    StatusChange.objects.bulk_update(steps, ["changed_at"])


def _live(rows: list[Customer], random: Random, chief: User) -> None:
    """Steps towards the status that each has today, calls, and notes."""
    now = clock.now()
    for number, row in enumerate(rows):
        status = random.choice(_STATUSES)
        age = (now - row.created_at).days
        if status != row.status:
            moment = row.created_at + timedelta(days=random.randrange(1, max(age, 2)))
            reason = "السعر" if status == "churned" else ""
            save([Change(row, {"status": status, "status_reason": reason})], by=chief, at=moment)
        if number % 2 == 0:
            at = now - timedelta(days=random.randrange(1, 60), hours=random.randrange(24))
            activity.record(
                customer_id=row.pk, type="customer.called", actor=chief, data={}, at=max(at, row.created_at)
            )
        if number % 4 == 0:
            data = {"content": random.choice(_NOTES), "isPinned": number % 12 == 0}
            made = notes.note_add(customer=row.pk, data=data, by=chief)
            at = max(now - timedelta(days=random.randrange(1, 90), minutes=random.randrange(1440)), row.created_at)
            CustomerNote.objects.filter(pk=made.pk).update(created_at=at)
            ActivityEvent.objects.filter(subject_id=made.pk).update(occurred_at=at)
            Customer.objects.filter(pk=row.pk).update(last_activity_at=at)
