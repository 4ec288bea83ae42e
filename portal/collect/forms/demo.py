"""Two made-up forms with ninety days of submissions: an inspection of wells in three languages with its pumps, and a
survey of households. Through the same services as real work."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from portal.collect.forms import services
from portal.collect.forms.models import Form
from portal.collect.submissions import receiving
from portal.collect.submissions import services as submissions
from portal.collect.submissions.jobs import refresh_statistics
from portal.collect.submissions.models import Submission
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.projects.choices import ProjectStatus
from portal.core.projects.models import Project
from portal.core.tenancy import scope

DAYS: Final = 90
WELLS: Final = 240
HOUSEHOLDS: Final = 160


def _words(ar: str, fr: str, en: str) -> dict[str, str]:
    return {"ar": ar, "fr": fr, "en": en}


def _choice(value: str, ar: str, fr: str, en: str) -> dict[str, Any]:
    return {"value": value, "label": _words(ar, fr, en)}


_GRADES: Final = [
    _choice("good", "جيدة", "Bon", "Good"),
    _choice("fair", "متوسطة", "Moyen", "Fair"),
    _choice("poor", "سيئة", "Mauvais", "Poor"),
]
INSPECTION: Final[dict[str, Any]] = {
    "fields": [
        {"id": "village", "type": "text", "label": _words("الدوار", "Village", "Village"), "required": True},
        {
            "id": "use",
            "type": "select",
            "label": _words("استعمال الماء", "Usage de l'eau", "Use of the water"),
            "required": True,
            "choices": [
                _choice("drinking", "الشرب", "Boisson", "Drinking"),
                _choice("irrigation", "السقي", "Irrigation", "Irrigation"),
                _choice("livestock", "الماشية", "Bétail", "Livestock"),
                _choice("closed", "مغلقة", "Fermé", "Closed"),
            ],
        },
        {"id": "place", "type": "geopoint", "label": _words("الموقع", "Position", "Position"), "required": True},
        {
            "id": "depth",
            "type": "number",
            "label": _words("العمق (م)", "Profondeur (m)", "Depth (m)"),
            "required": True,
            "min": 0,
            "max": 500,
        },
        {
            "id": "water_level",
            "type": "number",
            "label": _words("منسوب الماء (م)", "Niveau d'eau (m)", "Water level (m)"),
            "relevant": "${use} != 'closed'",
            "constraint": ". <= ${depth}",
            "constraintMessage": _words(
                "المنسوب أعمق من البئر.", "Le niveau est plus bas que le fond.", "The level is below the bottom."
            ),
        },
        {
            "id": "state",
            "type": "group",
            "label": _words("حالة البئر", "État du puits", "State of the well"),
            "fields": [
                {
                    "id": "cover",
                    "type": "select",
                    "label": _words("الغطاء", "Couvercle", "Cover"),
                    "choices": _GRADES,
                },
                {"id": "apron", "type": "select", "label": _words("الرصيف", "Margelle", "Apron"), "choices": _GRADES},
                {
                    "id": "drainage",
                    "type": "select",
                    "label": _words("تصريف الماء", "Drainage", "Drainage"),
                    "choices": _GRADES,
                },
                {
                    "id": "fence",
                    "type": "select",
                    "label": _words("السياج", "Clôture", "Fence"),
                    "choices": _GRADES,
                },
                {
                    "id": "access",
                    "type": "select",
                    "label": _words("الطريق", "Accès", "Access"),
                    "choices": _GRADES,
                },
            ],
        },
        {
            "id": "hazards",
            "type": "selectMultiple",
            "label": _words("مصادر تلوث قريبة", "Sources de pollution proches", "Sources of pollution nearby"),
            "choices": [
                _choice("latrine", "مرحاض", "Latrine", "Latrine"),
                _choice("manure", "روث", "Fumier", "Manure"),
                _choice("fuel", "وقود", "Carburant", "Fuel"),
                _choice("fertiliser", "أسمدة", "Engrais", "Fertiliser"),
            ],
        },
        {
            "id": "pumps",
            "type": "repeat",
            "label": _words("المضخات", "Pompes", "Pumps"),
            "fields": [
                {"id": "maker", "type": "text", "label": _words("الصانع", "Fabricant", "Maker")},
                {
                    "id": "power",
                    "type": "number",
                    "label": _words("القدرة (كيلوواط)", "Puissance (kW)", "Power (kW)"),
                    "min": 0,
                },
                {"id": "works", "type": "boolean", "label": _words("تعمل", "Fonctionne", "Works")},
            ],
        },
        {"id": "photo", "type": "photo", "label": _words("صورة الفوهة", "Photo de la margelle", "Photo of the head")},
        {"id": "notes", "type": "text", "label": _words("ملاحظات", "Observations", "Remarks")},
    ]
}
SURVEY: Final[dict[str, Any]] = {
    "fields": [
        {
            "id": "head",
            "type": "text",
            "label": _words("رب الأسرة", "Chef de ménage", "Head of household"),
            "required": True,
        },
        {
            "id": "people",
            "type": "integer",
            "label": _words("عدد الأفراد", "Personnes", "People"),
            "required": True,
            "min": 1,
            "max": 40,
        },
        {
            "id": "source",
            "type": "select",
            "label": _words("مصدر الماء", "Source d'eau", "Source of water"),
            "required": True,
            "choices": [
                _choice("network", "الشبكة", "Réseau", "Network"),
                _choice("well", "بئر", "Puits", "Well"),
                _choice("fountain", "سقاية", "Borne-fontaine", "Standpipe"),
                _choice("truck", "صهريج", "Camion-citerne", "Tanker"),
            ],
        },
        {
            "id": "litres",
            "type": "number",
            "label": _words("لتر في اليوم", "Litres par jour", "Litres a day"),
            "min": 0,
        },
        {
            "id": "minutes",
            "type": "integer",
            "label": _words("دقائق إلى المصدر", "Minutes jusqu'à la source", "Minutes to the source"),
            "relevant": "${source} != 'network'",
            "min": 0,
        },
        {
            "id": "treated",
            "type": "boolean",
            "label": _words("يعالج الماء قبل الشرب", "Traitée avant d'être bue", "Treated before drinking"),
        },
        {
            "id": "ill",
            "type": "boolean",
            "label": _words(
                "إسهال في الأسبوعين الماضيين", "Diarrhée ces deux dernières semaines", "Diarrhoea in the last two weeks"
            ),
        },
        {"id": "visited", "type": "date", "label": _words("تاريخ الزيارة", "Date de la visite", "Date of the visit")},
    ]
}
_VILLAGES: Final = (
    ("أولاد عبو", 33.12, -7.93), ("سيدي رحال", 33.47, -7.95), ("الكارة", 33.27, -7.21), ("بوزنيقة", 33.79, -7.16),
    ("أولاد زيان", 33.23, -7.50), ("سيدي حجاج", 33.05, -7.19), ("المذاكرة", 33.29, -7.42), ("بني يخلف", 33.65, -7.32),
)  # fmt: skip
_NAMES: Final = (
    "فاطمة الزهراء العلوي", "محمد بنسعيد", "خديجة الإدريسي", "عبد الله المنصوري", "Youssef Berrada", "Aïcha Benjelloun",
    "Mehdi Chraïbi", "زينب التازي", "إبراهيم أوحمو", "Nadia El Fassi", "حسن الراشدي", "Salma Kettani",
)  # fmt: skip
_MAKERS: Final = ("Caprari", "Grundfos", "Pedrollo", "مضخات الشاوية")
_REMARKS: Final = (
    "الفوهة مكشوفة والماء راكد حولها.",
    "Le propriétaire demande une analyse.",
    "",
    "",
    "الطريق صعبة بعد المطر.",
    "",
)


def fill() -> None:
    """Load the forms and their submissions, unless there are any."""
    if Form.objects.exists():
        return
    projects = list(Project.objects.filter(deleted_at=None, status=ProjectStatus.ACTIVE).order_by("created_at")[:2])
    people = list(
        User.objects.select_related("role", "organization")
        .filter(is_active=True, deleted_at=None)
        .order_by("created_at")
    )
    chief = next((p for p in people if p.role_key == "Manager"), None) or next(
        p for p in people if p.role_key == "Admin"
    )
    crew = [p for p in people if p.role_key in ("Technician", "Agent")] or [chief]
    if not projects:
        return
    random, now = Random(2026), clock.now()  # noqa: S311  (made-up data, the same each time)
    named = {"user": chief.pk, "name": chief.name, "email": chief.email, "role": chief.role_key}
    with scope.acting(**named):
        wells = _form(projects[0].pk, "معاينة الآبار · Inspection des puits", INSPECTION, chief)
        homes = _form(projects[-1].pk, "استبيان الأسر · Enquête ménages", SURVEY, chief)
        services.form_update(
            id=homes.pk, data={"schema": {**SURVEY, "title": "Enquête ménages", "note": "v2"}}, by=chief
        )
        _submit(wells, [_well(random, n) for n in range(WELLS)], crew, random, now)
        refresh_statistics(wells)
        _submit(homes, [_home(random) for _n in range(HOUSEHOLDS)], crew, random, now)
        refresh_statistics(homes)
        _odd(wells, crew, now)
        _review(wells, chief, random)
        _review(homes, chief, random)


def _form(project: UUID, name: str, schema: dict[str, Any], by: User) -> Form:
    data = {
        "projectId": str(project),
        "name": name,
        "description": "استمارة تجريبية بثلاث لغات. Formulaire de démonstration.",
        "schema": schema,
        "metadata": {"icon": "droplet", "primaryColor": "#1f6fd6"},
    }
    return services.form_create(data=data, by=by)


def _submit(form: Form, answers: Sequence[dict[str, Any]], crew: Sequence[User], random: Random, now: datetime) -> None:
    """More of them towards today, in the working hours of the day."""
    begin = max(now - timedelta(days=DAYS), form.project.start_date or now - timedelta(days=DAYS))
    spread = (now - timedelta(hours=2) - begin).total_seconds()
    items: dict[int, list[dict[str, Any]]] = {}
    for said in answers:
        captured = begin + timedelta(seconds=spread * random.random() ** 0.7)
        if "visited" in said:
            said["visited"] = captured.date().isoformat()
        item = {
            "formId": str(form.pk),
            "answers": said,
            "createdAt": clock.wire(captured),
            "startedAt": clock.wire(captured - timedelta(minutes=random.randint(4, 25))),
            "localSyncId": str(UUID(int=random.getrandbits(128))),
        }
        items.setdefault(random.randrange(len(crew)), []).append(item)
    for number, sent in items.items():
        for start in range(0, len(sent), receiving.BULK):
            receiving.submissions_create(items=sent[start : start + receiving.BULK], by=crew[number])


def _well(random: Random, number: int) -> dict[str, Any]:
    village, latitude, longitude = _VILLAGES[number % len(_VILLAGES)]
    use = random.choices(("drinking", "irrigation", "livestock", "closed"), (5, 4, 2, 1))[0]
    depth = round(random.gauss(38, 9), 1)
    grades = ("good", "fair", "poor")
    said: dict[str, Any] = {
        "village": village,
        "use": use,
        "place": {
            "lat": round(latitude + random.gauss(0, 0.03), 5),
            "lng": round(longitude + random.gauss(0, 0.03), 5),
            "accuracy": random.randint(3, 12),
        },
        "depth": max(6, depth),
        "cover": random.choice(grades),
        "apron": random.choice(grades),
        "drainage": random.choices(grades, (1, 3, 2))[0],
        "fence": random.choice(grades),
        "access": random.choices(grades, (3, 2, 1))[0],
        "hazards": random.sample(("latrine", "manure", "fuel", "fertiliser"), random.choice((0, 0, 1, 1, 2))),
        "pumps": [
            {
                "maker": random.choice(_MAKERS),
                "power": round(random.uniform(0.7, 7.5), 1),
                "works": random.random() < 0.8,
            }
            for _n in range(random.choice((0, 1, 1, 2)))
        ],
        "photo": f"puits-{number + 1:03d}.jpg",
        "notes": random.choice(_REMARKS),
    }
    if use != "closed":
        said["water_level"] = round(said["depth"] * random.uniform(0.35, 0.9), 1)
    return {name: value for name, value in said.items() if value not in ("", [])}


def _home(random: Random) -> dict[str, Any]:
    people = random.choices(range(1, 11), (1, 3, 5, 7, 7, 5, 3, 2, 1, 1))[0]
    source = random.choices(("network", "well", "fountain", "truck"), (6, 3, 2, 1))[0]
    said: dict[str, Any] = {
        "head": random.choice(_NAMES),
        "people": people,
        "source": source,
        "litres": round(people * random.gauss(45 if source == "network" else 22, 6)),
        "treated": random.random() < 0.4,
        "ill": random.random() < (0.05 if source == "network" else 0.18),
        "visited": "",
    }
    if source != "network":
        said["minutes"] = random.choice((2, 5, 10, 15, 20, 30))
    return said


def _odd(form: Form, crew: Sequence[User], now: datetime) -> None:
    """Submissions that the automatic checks remark."""
    place = {"lat": 33.12345, "lng": -7.54321}
    usual = dict.fromkeys(("cover", "apron", "drainage", "fence", "access"), "good")
    items = [
        {
            "formId": str(form.pk),
            "answers": {"village": "أولاد عبو", "use": "irrigation", "place": place, "depth": depth, **usual},
            "createdAt": clock.wire(now - timedelta(hours=3, minutes=number)),
            "startedAt": clock.wire(now - timedelta(hours=3, minutes=number, seconds=3)),
        }
        for number, depth in enumerate((38, 310, 41))
    ]
    receiving.submissions_create(items=items, by=crew[0])


def _review(form: Form, by: User, random: Random) -> None:
    rows = list(Submission.objects.filter(form=form).order_by("created_at", "id").values_list("pk", flat=True))
    old = rows[: int(len(rows) * 0.7)]
    for state, note, share in (
        ("approved", "", 0.8),
        ("hasIssues", "العمق غير منطقي، أعد القياس.", 0.08),
        ("rejected", "Doublon du même puits.", 0.04),
        ("onHold", "في انتظار صورة واضحة.", 0.04),
    ):
        chosen = [str(old.pop(random.randrange(len(old)))) for _n in range(int(len(rows) * 0.7 * share)) if old]
        for start in range(0, len(chosen), receiving.BULK):
            submissions.submissions_review(ids=chosen[start : start + receiving.BULK], state=state, note=note, by=by)
    for id in rows[-2:]:
        submissions.comment_add(id=id, content="هل أعيد القياس هذا الأسبوع؟", by=by)
