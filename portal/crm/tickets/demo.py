"""Two hundred made-up tickets of the last weeks, in three languages, with clocks in every state."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from django.db import connection

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.tenancy import scope
from portal.core.tenancy.services import next_numbers
from portal.crm import activity
from portal.crm.customers.models import Customer
from portal.crm.sla import calendars, services
from portal.crm.sla.models import SlaCalendar, SlaPolicy
from portal.crm.tickets import seeding
from portal.crm.tickets.choices import PAUSING
from portal.crm.tickets.models import Ticket, TicketCategory, TicketComment
from portal.crm.tickets.services import choose_policy, search_text

COUNT: Final = 200
DAYS: Final = 40


class Story(NamedTuple):
    """What somebody asks for: category, priority, language, title, description, the customer's second word."""

    category: str
    priority: str
    title: str
    text: str
    more: str


STORIES: Final = (
    Story(
        "results",
        "high",
        "لم نتوصل بنتائج عينات الأسبوع الماضي",
        "أخذتم ست عينات يوم الثلاثاء ولم تصلنا النتائج بعد. نحتاجها للجنة الصحية.",
        "هل من جديد؟ الاجتماع غداً صباحاً.",
    ),
    Story(
        "sampling",
        "normal",
        "تأجيل زيارة أخذ العينات ببوزنيقة",
        "المضخة معطلة هذا الأسبوع، نطلب تأجيل الزيارة إلى يوم الاثنين.",
        "الاثنين بعد الزوال يناسبنا.",
    ),
    Story(
        "water_quality",
        "urgent",
        "رائحة كلور قوية في شبكة حي الأمل",
        "السكان يشتكون من رائحة قوية منذ الصباح. نطلب قياساً عاجلاً.",
        "عدد الشكايات يتزايد.",
    ),
    Story(
        "billing",
        "low",
        "خطأ في الفاتورة رقم 2026/118",
        "الفاتورة تتضمن عينتين لم نطلبهما.",
        "أرفقنا صورة الطلبية الأصلية.",
    ),
    Story(
        "complaint",
        "high",
        "تأخر الفريق الميداني ثلاث ساعات",
        "انتظر حارس الخزان ثلاث ساعات دون إشعار.",
        "نطلب إشعاراً قبل كل زيارة.",
    ),
    Story(
        "technical",
        "normal",
        "تعذر الدخول إلى البوابة",
        "كلمة المرور الجديدة لا تعمل على هاتفي.",
        "جربت من الحاسوب أيضاً.",
    ),
    Story(
        "results",
        "normal",
        "Certificat d’analyse sans cachet",
        "Le certificat de la source Aïn Louh est arrivé sans cachet ni signature.",
        "L’administration refuse le document.",
    ),
    Story(
        "sampling",
        "high",
        "Prélèvement à avancer avant l’audit",
        "L’auditeur passe jeudi : pouvez-vous prélever mercredi matin ?",
        "Nous pouvons ouvrir le site dès 6 h.",
    ),
    Story(
        "water_quality",
        "urgent",
        "Turbidité visible au réservoir de Sidi Moumen",
        "L’eau est trouble depuis l’orage. Quatre quartiers sont concernés.",
        "Photos jointes.",
    ),
    Story(
        "billing",
        "normal",
        "Facture à adresser au nouveau siège",
        "Notre siège a déménagé à Tanger, merci de refaire la facture.",
        "Voici la nouvelle adresse.",
    ),
    Story(
        "complaint",
        "normal",
        "Flacons livrés sans étiquettes",
        "Dix flacons stériles sont arrivés sans étiquettes.",
        "Nous attendons depuis deux jours.",
    ),
    Story(
        "technical",
        "low",
        "Export Excel : colonnes décalées",
        "Les colonnes sont décalées quand la page est en arabe.",
        "Sous LibreOffice aussi.",
    ),
    Story(
        "other",
        "low",
        "Formation du personnel au prélèvement",
        "Proposez-vous une formation d’une journée pour six techniciens ?",
        "De préférence en janvier.",
    ),
    Story(
        "results",
        "urgent",
        "Nitrate result looks ten times too high",
        "Well 14 shows 480 mg/L, all earlier results were near 48. Please check the dilution factor.",
        "The plant manager wants to close the well.",
    ),
    Story(
        "sampling",
        "normal",
        "Gate code of the pumping station has changed",
        "The new code is on file with the guard, please tell your driver.",
        "The guard changes shift at 14:00.",
    ),
    Story(
        "water_quality",
        "high",
        "Coliforms in the school cistern",
        "Two positive results in a row. What should we tell the parents?",
        "The school board meets tonight.",
    ),
    Story(
        "technical",
        "high",
        "Sensor data stopped at the Kenitra site",
        "No turbidity values since midnight.",
        "We rebooted the logger, no change.",
    ),
    Story(
        "other",
        "normal",
        "New contact person",
        "Please send reports to Leila Chaoui from December on.",
        "Her address is on the card.",
    ),
    Story(
        "billing",
        "high",
        "طلب عرض أسعار لبرنامج 2027",
        "نحتاج عرضاً لأربعين عينة شهرياً قبل نهاية الشهر.",
        "مع احتساب مصاريف التنقل.",
    ),
    Story(
        "water_quality",
        "normal",
        "لون بني في ماء الصنبور بعد أشغال الشبكة",
        "ظهر اللون بعد تغيير الأنبوب الرئيسي بشارع الحسن الثاني.",
        "تحسن قليلاً لكنه لم يختف.",
    ),
)
ANSWERS: Final = (
    "شكراً على رسالتكم، نراجع الأمر مع المختبر ونعود إليكم اليوم.",
    "تم تحديد موعد جديد، سيتصل بكم الفريق قبل نصف ساعة من الوصول.",
    "Merci, nous vérifions avec le laboratoire et revenons vers vous.",
    "Un technicien passe demain matin.",
    "Thank you, the sample is being measured again.",
    "We have corrected it; the new document is in your mailbox.",
)
NOTES: Final = (
    "راجعوا دفتر المعايرة ليوم 14 قبل الرد.",
    "Client important : appeler plutôt qu’écrire.",
    "Second complaint this month, see the earlier ticket.",
    "المسؤول عن الخزان هو السيد العروي.",
)
HOLDS: Final = ("En attente du réactif (fournisseur)", "ننتظر رد المكتب الوطني للماء", "Waiting for the spare pump")
SOLUTIONS: Final = (
    "أعيد القياس وأرسلت الشهادة المصححة.",
    "Facture corrigée et renvoyée.",
    "Pump replaced, values are back to normal.",
    "تم الاتفاق على موعد جديد.",
)
REQUESTERS: Final = (
    ("حميد العروي", "hamid@client.test"),
    ("Sylvie Garnier", "s.garnier@client.test"),
    ("فاطمة الزهراء بناني", "fz.bennani@client.test"),
    ("James Carter", "j.carter@client.test"),
    ("Rachid El Idrissi", "rachid@client.test"),
)
# What becomes of tickets, and how many of a hundred.
ENDS: Final = {
    "new": 10, "open": 16, "waiting_customer": 10, "on_hold": 7, "resolved": 14, "closed": 36, "spam": 4, "reopened": 3,
}  # fmt: skip


def fill() -> None:
    """Load the tickets, unless there are some."""
    if Ticket.objects.exists():
        return
    people = list(User.objects.select_related("role").filter(is_active=True, deleted_at=None).order_by("pk"))
    workers = [person for person in people if person.has_permission("tickets.work")]
    if not workers:
        return
    if not SlaPolicy.objects.exists():  # the demo's organisations do not come by the way that seeds them
        seeding.seed_organization(scope.organization_id())
    random, now = Random(2026), clock.now()  # noqa: S311  (made-up data, the same each time)
    _policies(next(person for person in workers if person.has_permission("tickets.manage")))
    customers = list(Customer.objects.filter(deleted_at=None).order_by("created_at", "id")[:60])
    categories = {row.key: row for row in TicketCategory.objects.filter(is_active=True)}
    world = _World(random, now, workers, customers, categories, services.policies())
    made = [_Made(world) for _n in range(COUNT)]
    made.sort(key=lambda one: one.begun)
    for one, number in zip(made, next_numbers("ticket", COUNT), strict=True):
        one.ticket.number = number
        one.ticket.search_text = search_text(one.ticket)
    _write(made)
    for one in made:
        if one.ticket.customer_id:
            data = {"number": one.ticket.number, "title": one.ticket.title}
            activity.record(
                customer_id=one.ticket.customer_id,
                type="ticket.created",
                subject_id=one.ticket.pk,
                actor=one.ticket.created_by,
                data=data,
                at=one.begun,
            )


def _policies(by: User) -> None:
    """Complaints and results are promised in working hours, with shorter days in Ramadan."""
    if SlaPolicy.objects.filter(is_default=False).exists():
        return
    calendar = SlaCalendar.objects.filter(deleted_at=None).order_by("created_at").first()
    if calendar is None:
        return
    short = {day: [["09:00", "15:00"]] for day in calendar.week}
    season = {"name": "رمضان 1448", "from": "2027-02-08", "to": "2027-03-09", "week": short}
    calendars.calendar_save(data={"seasons": [season]}, by=by, calendar=calendar)
    hour = 3600
    calendars.policy_save(
        data={
            "name": "Résultats et réclamations",
            "order": 10,
            "match": {"categories": ["results", "complaint"]},
            "calendarId": str(calendar.pk),
            "targets": {
                "urgent": {"firstResponseSeconds": hour, "nextResponseSeconds": hour, "resolutionSeconds": 6 * hour},
                "high": {"firstResponseSeconds": 2 * hour, "resolutionSeconds": 16 * hour},
                "normal": {"firstResponseSeconds": 8 * hour, "resolutionSeconds": 40 * hour},
                "low": {"firstResponseSeconds": 16 * hour, "resolutionSeconds": 80 * hour},
            },
            "warnPercent": [50, 80],
            "escalations": [{"percent": 100, "afterMinutes": 30, "action": "notify", "to": "managers"}],
        },
        by=by,
    )


class _World(NamedTuple):
    random: Random
    now: datetime
    workers: Sequence[User]
    customers: Sequence[Customer]
    categories: Mapping[str, TicketCategory]
    policies: Sequence[SlaPolicy]


class _Made:
    """One ticket lived through, from its first word to where it stands now."""

    def __init__(self, world: _World) -> None:
        random, now, workers, customers = world.random, world.now, world.workers, world.customers
        story, self.random, self.now = random.choice(STORIES), random, now
        end = random.choices(list(ENDS), list(ENDS.values()))[0]
        name, email = random.choice(REQUESTERS)
        fresh = end in ("new", "open", "waiting_customer", "on_hold", "reopened")
        age = random.expovariate(1 / (1.2 if fresh else 12)) + (0.02 if fresh else 1)
        self.begun = now - timedelta(days=min(age, DAYS))
        self.ticket = Ticket(
            organization_id=scope.organization_id(),
            title=story.title,
            description=story.text,
            category=world.categories.get(story.category),
            priority=story.priority,
            channel=random.choice(["email", "email", "phone", "portal", "web"]),
            customer=random.choice(customers) if customers and random.random() < 0.85 else None,
            requester_name=name,
            requester_email=email,
            assigned_to=None if end == "new" and random.random() < 0.6 else random.choice(workers),
            created_by=random.choice(workers),
            tags=random.sample(["urgent", "audit 2026", "شبكة", "puits"], random.choice([0, 0, 1, 2])),
            created_at=self.begun,
        )
        if random.random() < 0.15:
            self.ticket.due_date = now + timedelta(days=random.randint(-3, 12))
        self.ticket.policy = choose_policy(self.ticket, world.policies)
        self.clocks = services.Clocks(self.ticket, self.begun, fresh=True)
        self.clocks.begin(self.ticket.policy)
        self.comments: list[TicketComment] = []
        self.at = self.begun
        self._live(end, story, workers)
        services.face(self.ticket, self.clocks.rows)

    def _wait(self, hours: float) -> datetime:
        """Some time later, never after now."""
        self.at = min(self.at + timedelta(hours=self.random.expovariate(1 / hours)), self.now - timedelta(minutes=1))
        self.clocks.at = self.at
        return self.at

    def _say(self, text: str, by: User | None, *, internal: bool = False) -> None:
        self.comments.append(
            TicketComment(
                organization_id=self.ticket.organization_id,
                ticket_id=self.ticket.pk,
                author=by,
                author_name=by.name if by else self.ticket.requester_name,
                content=text,
                is_internal=internal,
                from_customer=by is None,
                created_at=self.at,
            )
        )

    def _live(self, end: str, story: Story, workers: Sequence[User]) -> None:
        ticket, random = self.ticket, self.random
        agent = ticket.assigned_to or random.choice(workers)
        ticket.status = end if end != "reopened" else "open"
        if end == "new":
            return
        self._wait(0.5)
        if end == "spam":
            self.clocks.cancelled()
            return
        if random.random() < 0.4:
            self._say(random.choice(NOTES), agent, internal=True)
        self._wait(5)
        self._say(random.choice(ANSWERS), agent)
        self.clocks.replied()
        ticket.first_response_at, ticket.reply_count = self.at, 1
        if random.random() < 0.5:
            self._wait(6)
            self._say(story.more, None)
            self.clocks.asked(ticket.policy)
            if random.random() < 0.7:
                self._wait(3)
                self._say(random.choice(ANSWERS), agent)
                self.clocks.replied()
                ticket.reply_count += 1
        if end in PAUSING or random.random() < 0.3:
            self._wait(8)
            hold = random.choice(HOLDS)
            cause = end if end in PAUSING else "waiting_customer"
            self.clocks.pause(cause, hold if cause == "on_hold" else "")
            if end in PAUSING:
                ticket.hold_reason = hold if end == "on_hold" else ""
                return
            self._wait(12)
            self.clocks.resume()
        if end == "open":
            self.clocks.at = self.now
            self.clocks.judge()
            return
        self._wait(14)
        self.clocks.resolved()
        ticket.resolution, ticket.resolved_at = random.choice(SOLUTIONS), self.at
        if end == "reopened":
            since = self.at
            self._wait(10)
            self.clocks.reopened(since)
            ticket.reopen_count, ticket.resolved_at = 1, None
            return
        if random.random() < 0.6:
            ticket.satisfaction = random.choice([3, 4, 4, 5, 5, 5, 2])
        if end == "closed":
            ticket.closed_at = min(self.at + timedelta(days=7), self.now)


def _write(made: Sequence[_Made]) -> None:
    """All of it in a few statements; then the moments, which Django sets to now on insert."""
    begun = {one.ticket.pk: (one.begun, one.at) for one in made}
    said = {row.pk: row.created_at for one in made for row in one.comments}
    Ticket.objects.bulk_create([one.ticket for one in made])
    TicketComment.objects.bulk_create([row for one in made for row in one.comments])
    _set("crm_ticket", "created_at = v.a, updated_at = v.b", [(pk, *moments) for pk, moments in begun.items()])
    _set("crm_ticketcomment", "created_at = v.a, updated_at = v.b", [(pk, at, at) for pk, at in said.items()])
    for one in made:
        one.clocks.save()


def _set(table: str, what: str, rows: Iterable[tuple[Any, datetime, datetime]]) -> None:
    ids, first, second = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {what} FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) v(id, a, b)"  # noqa: S608  our own words
            " WHERE t.id = v.id",
            [list(ids), list(first), list(second)],
        )
