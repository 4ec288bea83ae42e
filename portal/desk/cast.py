"""Who is there in the demo. Plain data: the start-up program reads it before Django is set up."""

from typing import Final, NamedTuple

PASSWORD: Final = "Marsad-demo-2026"  # noqa: S105  (shown to everyone who starts the demo)
DEMO: Final = "demo.marsad.test"
OTHER: Final = "other.marsad.test"
EMPTY: Final = "new.marsad.test"
COAST: Final = "Laboratoire de Casablanca"
INLAND: Final = "Laboratoire de Meknès"


class Person(NamedTuple):
    login: str
    role: str
    name: str
    language: str
    department: str = ""


PEOPLE: Final[dict[str, tuple[Person, ...]]] = {
    DEMO: (
        Person("superadmin", "SuperAdmin", "Claire Fontaine", "fr"),
        Person("admin", "Admin", "نادية بنعلي", "ar", COAST),
        Person("manager", "Manager", "Karim Bennani", "fr", COAST),
        Person("technician", "Technician", "أمينة الفاسي", "ar", COAST),
        Person("agent", "Agent", "Youssef Amrani", "fr", INLAND),
        Person("sales", "SalesAgent", "Sophie Marchand", "fr", COAST),
        Person("support", "SupportAgent", "Daniel Hughes", "en", COAST),
        Person("auditor", "Auditor", "Margaret Ellis", "en"),
        Person("viewer", "Viewer", "Hélène Rousseau", "fr"),
        Person("manager.meknes", "Manager", "خديجة العلوي", "ar", INLAND),
        Person("r.ouazzani", "Technician", "Rachid Ouazzani", "fr", COAST),
        Person("s.mrabet", "Technician", "سعيد المرابط", "ar", INLAND),
        Person("j.lambert", "Technician", "Julie Lambert", "fr", INLAND),
        Person("t.baker", "Technician", "Thomas Baker", "en", INLAND),
    ),
    OTHER: (
        Person("admin", "Admin", "Omar Tazi", "fr"),
        Person("technician", "Technician", "ليلى الشاوي", "ar"),
    ),
    EMPTY: (Person("admin", "Admin", "سلمى الإدريسي", "ar"),),
}
# Nine of the demo organisation: a login for each role. One of the other, and one of the empty organisation.
LOGINS: Final = (
    *(f"{person.login}@{DEMO}" for person in PEOPLE[DEMO][:9]),
    *(f"{PEOPLE[domain][0].login}@{domain}" for domain in (OTHER, EMPTY)),
)
