"""A year of made-up laboratory work in Morocco, through the same engine as real work.

Everything follows from the plan's seed and today's date. Levels are those that water of such places has; nobody's
measurements are copied.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from portal.core.accounts.models import Device, User
from portal.core.common import clock
from portal.core.sync import engine
from portal.core.sync import services as sync
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.certificates.services import certificate_amend, certificate_issue
from portal.lab.imports import demo as imports
from portal.lab.lifecycle import guard
from portal.lab.lifecycle.models import CustodyEntry, RequestedAnalysis
from portal.lab.models import Parameter, Sample, SamplingPoint, StandardChoice
from portal.lab.parameters import parameter_create
from portal.lab.points.demo import plan_points
from portal.lab.points.services import search_text
from portal.lab.reports.services import report_issue
from portal.lab.standards import limit_save, standard_create
from portal.lab.worksheets import demo as quality

BATCH: Final = 1000
Item = dict[str, Any]  # a change as a device sends it
DAYS: Final = 365
ZONE: Final = ZoneInfo("Africa/Casablanca")
ROLES: Final = {"MA": "legal", "WHO": "guideline", "EU": "information", "EPA": "information"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to make: `samples` in all, shared out among `laboratories` (departments; "" is anybody)."""

    samples: int
    laboratories: tuple[str, ...]
    seed: int


class Town(NamedTuple):
    """A place in French, Arabic and English with its position, people served, and what its water is like."""

    fr: str
    ar: str
    en: str
    latitude: float
    longitude: float
    population: int
    water: str
    inland: bool


TOWNS: Final = (
    Town("Casablanca", "الدار البيضاء", "Casablanca", 33.573, -7.590, 3_360_000, "river", False),
    Town("Rabat", "الرباط", "Rabat", 34.021, -6.842, 578_000, "river", False),
    Town("Mohammedia", "المحمدية", "Mohammedia", 33.686, -7.383, 209_000, "coast", False),
    Town("Kénitra", "القنيطرة", "Kenitra", 34.261, -6.580, 431_000, "fields", False),
    Town("Settat", "سطات", "Settat", 33.001, -7.617, 142_000, "fields", False),
    Town("El Jadida", "الجديدة", "El Jadida", 33.232, -8.501, 195_000, "coast", False),
    Town("Sidi Bennour", "سيدي بنور", "Sidi Bennour", 32.649, -8.427, 56_000, "fields", False),
    Town("Safi", "آسفي", "Safi", 32.299, -9.237, 308_000, "coast", False),
    Town("Essaouira", "الصويرة", "Essaouira", 31.509, -9.760, 78_000, "coast", False),
    Town("Marrakech", "مراكش", "Marrakesh", 31.630, -7.981, 929_000, "river", False),
    Town("Agadir", "أكادير", "Agadir", 30.428, -9.598, 421_000, "coast", False),
    Town("Oulad Teïma", "أولاد تايمة", "Oulad Teima", 30.395, -9.209, 89_000, "fields", False),
    Town("Taroudant", "تارودانت", "Taroudant", 30.470, -8.877, 80_000, "fields", False),
    Town("Khouribga", "خريبكة", "Khouribga", 32.881, -6.906, 196_000, "phosphate", False),
    Town("Meknès", "مكناس", "Meknes", 33.894, -5.547, 632_000, "river", True),
    Town("Fès", "فاس", "Fez", 34.033, -5.000, 1_112_000, "river", True),
    Town("Ifrane", "إفران", "Ifrane", 33.523, -5.111, 14_000, "mountain", True),
    Town("Azrou", "أزرو", "Azrou", 33.434, -5.221, 54_000, "mountain", True),
    Town("Midelt", "ميدلت", "Midelt", 32.685, -4.745, 55_000, "mountain", True),
    Town("Béni Mellal", "بني ملال", "Beni Mellal", 32.337, -6.350, 192_000, "fields", True),
    Town("Sidi Kacem", "سيدي قاسم", "Sidi Kacem", 34.226, -5.708, 75_000, "fields", True),
    Town("Errachidia", "الرشيدية", "Errachidia", 31.931, -4.424, 92_000, "oasis", True),
    Town("Zagora", "زاكورة", "Zagora", 30.332, -5.838, 35_000, "oasis", True),
    Town("Figuig", "فكيك", "Figuig", 32.109, -1.227, 10_000, "oasis", True),
    Town("Taza", "تازة", "Taza", 34.213, -4.010, 148_000, "mountain", True),
    Town("Oujda", "وجدة", "Oujda", 34.681, -1.909, 494_000, "phosphate", True),
    Town("Tanger", "طنجة", "Tangier", 35.760, -5.834, 947_000, "river", False),
    Town("Tétouan", "تطوان", "Tetouan", 35.579, -5.368, 380_000, "mountain", False),
)
NORTH: Final = ("Tanger", "Tétouan")  # the second organisation's towns

# Usual level in raw water, in the unit of UNITS.
WATERS: Final[dict[str, dict[str, float]]] = {
    "river": {"NO3": 8, "COND": 690, "CL": 95, "SO4": 85, "HARD": 270, "F": 0.25, "NA": 55, "MN": 18, "FE": 0.05},
    "coast": {"NO3": 24, "COND": 1150, "CL": 225, "SO4": 110, "HARD": 380, "F": 0.3, "NA": 165, "MN": 9, "FE": 0.04},
    "fields": {"NO3": 38, "COND": 1120, "CL": 210, "SO4": 150, "HARD": 430, "F": 0.35, "NA": 120, "MN": 14, "FE": 0.05},
    "oasis": {"NO3": 13, "COND": 1850, "CL": 400, "SO4": 255, "HARD": 590, "F": 0.8, "NA": 245, "MN": 22, "FE": 0.07},
    "mountain": {"NO3": 3.5, "COND": 410, "CL": 16, "SO4": 24, "HARD": 230, "F": 0.1, "NA": 9, "MN": 6, "FE": 0.03},
    "phosphate": {"NO3": 21, "COND": 980, "CL": 170, "SO4": 125, "HARD": 400, "F": 0.95, "NA": 90, "MN": 9, "FE": 0.05},
}  # fmt: skip
ANYWHERE: Final[dict[str, float]] = {
    "PH": 7.5, "TURB": 0.5, "TEMP": 19, "NO2": 0.012, "NH4": 0.03, "OXID": 1.1, "AL": 28, "AS": 1.4, "PB": 0.8,
    "CD": 0.12, "CU": 14, "NI": 1.6, "U": 1.9, "TTHM": 31, "CL2F": 0.42, "DO": 8.1, "HPC22": 9, "TOC": 1.3, "B": 60,
}  # fmt: skip
# Unit on the laboratory's sheet, digits, limit of quantification, spread of the logarithm, relative uncertainty.
UNITS: Final[dict[str, tuple[str, int, float, float, float]]] = {
    "PH": ("pH unit", 2, 0, 0.016, 0.013), "COND": ("µS/cm", 0, 1, 0.06, 0.02), "TURB": ("NTU", 2, 0.1, 0.6, 0.1),
    "TEMP": ("°C", 1, 0, 0.12, 0.01), "CL2F": ("mg/L Cl2", 2, 0.02, 0.3, 0.1), "NO3": ("mg/L NO3", 1, 0.5, 0.13, 0.06),
    "NO2": ("mg/L NO2", 3, 0.01, 0.7, 0.1), "NH4": ("mg/L NH4", 2, 0.02, 0.7, 0.12), "CL": ("mg/L", 1, 1, 0.08, 0.05),
    "SO4": ("mg/L", 1, 2, 0.08, 0.05), "HARD": ("mg/L CaCO3", 0, 5, 0.06, 0.04), "F": ("mg/L", 2, 0.1, 0.1, 0.08),
    "NA": ("mg/L", 1, 1, 0.08, 0.06), "FE": ("mg/L", 3, 0.02, 0.6, 0.1), "MN": ("µg/L", 1, 5, 0.5, 0.1),
    "AL": ("µg/L", 0, 10, 0.5, 0.1), "AS": ("µg/L", 2, 1, 0.4, 0.12), "PB": ("µg/L", 2, 1, 0.6, 0.12),
    "CD": ("µg/L", 2, 0.3, 0.5, 0.15), "CU": ("µg/L", 0, 10, 0.6, 0.1), "NI": ("µg/L", 1, 2, 0.5, 0.12),
    "U": ("µg/L", 2, 0.5, 0.5, 0.12), "B": ("µg/L", 0, 20, 0.3, 0.12), "TTHM": ("µg/L", 1, 4, 0.35, 0.2),
    "OXID": ("mg/L O2", 1, 0.5, 0.35, 0.15), "TOC": ("mg/L C", 1, 0.3, 0.3, 0.1), "DO": ("mg/L", 1, 0.1, 0.12, 0.03),
    "HPC22": ("CFU/mL", 0, 1, 0.9, 0),
}  # fmt: skip
BACTERIA: Final = {
    "ECOLI": "CFU/100 mL", "COLIF": "CFU/100 mL", "ENTEROC": "CFU/100 mL", "FCOLIF": "CFU/100 mL",
    "PSEUDO": "CFU/250 mL",
}  # fmt: skip
# Which instruments the two laboratories use, and how a method is done there.
INSTRUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "pH meter": ("PH", "TEMP"),
    "Conductivity meter": ("COND",),
    "Turbidimeter": ("TURB",),
    "Photometer": ("CL2F", "NH4", "NO2"),
    "Ion chromatograph": ("NO3", "CL", "SO4", "F"),
    "ICP-MS": ("NA", "FE", "MN", "AL", "AS", "PB", "CD", "CU", "NI", "U", "B"),
    "GC-MS purge and trap": ("TTHM",),
    "TOC analyser": ("TOC",),
    "Burette": ("HARD", "OXID"),
    "Optical oxygen probe": ("DO",),
    "Membrane filtration ramp": ("ECOLI", "COLIF", "ENTEROC", "FCOLIF", "PSEUDO", "HPC22"),
}


class Kind(NamedTuple):
    """A kind of sampling point: type of water, name in three languages, panels with their shares, factors on levels,
    how often (weight), and the share of samples in which bacteria grow, with the usual number."""

    type: str
    names: tuple[tuple[str, str, str], ...]
    panels: tuple[tuple[int, str], ...]
    factors: dict[str, float]
    weight: float
    dirty: float
    colonies: float


KINDS: Final[dict[str, Kind]] = {
    "tap": Kind(
        "drinking_water",
        (
            ("Robinet de l'école, {}", "صنبور المدرسة، {}", "School tap, {}"),
            ("Robinet du marché, {}", "صنبور السوق، {}", "Market tap, {}"),
            ("Robinet du centre de santé, {}", "صنبور المركز الصحي، {}", "Health centre tap, {}"),
            ("Fontaine de la mosquée, {}", "سقاية المسجد، {}", "Mosque fountain, {}"),
        ),
        ((9, "ECOLI COLIF CL2F PH TURB"), (2, "ECOLI COLIF ENTEROC CL2F PH TURB COND NO3 NH4"),
         (1, "ECOLI COLIF CL2F PH TURB NO3 CL SO4 HARD FE AL PB CU TTHM")),
        {"NO3": 0.55, "COND": 0.85, "CL": 0.8, "SO4": 0.8, "F": 0.8, "HARD": 0.9}, 2.0, 0.02, 3,
    ),
    "reservoir": Kind(
        "drinking_water",
        (("Réservoir de {}", "خزان {}", "{} reservoir"), ("Usine d'eau de {}", "محطة معالجة {}", "{} water works")),
        ((6, "ECOLI COLIF CL2F TURB HPC22"), (1, "ECOLI COLIF CL2F PH TURB NO3 NO2 NH4 OXID TOC AL MN TTHM")),
        {"NO3": 0.55, "COND": 0.85, "CL": 0.8, "SO4": 0.8, "CL2F": 1.35}, 1.4, 0.008, 2,
    ),
    "well": Kind(
        "groundwater",
        (("Puits de {}", "بئر {}", "{} well"), ("Forage agricole, {}", "ثقب فلاحي، {}", "Farm borehole, {}")),
        ((7, "PH COND NO3 CL ECOLI"), (2, "PH COND NO3 NO2 NH4 CL SO4 HARD"),
         (1, "PH COND NO3 CL SO4 NA F FE MN AS PB CD NI U B")),
        {"TURB": 0.6}, 1.7, 0.05, 6,
    ),
    "spring": Kind(
        "drinking_source",
        (("Source de {}", "عين {}", "{} spring"),),
        ((3, "ECOLI COLIF ENTEROC PH COND NO3"), (1, "ECOLI COLIF ENTEROC PH COND NO3 CL SO4 HARD F AS")),
        {"NO3": 0.8}, 1.2, 0.05, 4,
    ),
    "river": Kind(
        "surface_water",
        (("Oued de {}", "وادي {}", "{} river"), ("Retenue du barrage, {}", "حقينة السد، {}", "{} dam lake")),
        ((3, "PH TURB COND DO NH4 NO3 ECOLI"), (1, "PH TURB COND DO NH4 NO3 OXID TOC ECOLI ENTEROC")),
        {"TURB": 16, "NH4": 6, "OXID": 3.2, "TOC": 3}, 1.2, 0.97, 260,
    ),
    "beach": Kind(
        "bathing_water",
        (("Plage de {}", "شاطئ {}", "{} beach"),),
        ((1, "ECOLI ENTEROC TEMP"),), {}, 1.0, 0.8, 45,
    ),
    "pool": Kind(
        "pool_water",
        (("Piscine municipale, {}", "المسبح البلدي، {}", "{} public pool"),),
        ((1, "CL2F PH TURB TEMP ECOLI"),), {"CL2F": 2.6, "TEMP": 1.4}, 0.4, 0.01, 2,
    ),
    "bottled": Kind(
        "bottled_water",
        (("Eau embouteillée, usine de {}", "مياه معبأة، معمل {}", "Bottled water, {} plant"),),
        ((1, "ECOLI ENTEROC PSEUDO PH COND"),), {"NO3": 0.5}, 0.4, 0.004, 1,
    ),
    "canal": Kind(
        "irrigation_water",
        (("Canal d'irrigation, {}", "قناة الري، {}", "{} irrigation canal"),),
        ((1, "PH COND NO3 NA B FCOLIF"),), {}, 0.3, 0.8, 90,
    ),
    "sewage": Kind(
        "waste_water",
        (("Station d'épuration, {}", "محطة تصفية المياه العادمة، {}", "{} sewage works"),),
        ((1, "PH COND NH4 TURB"),), {"NH4": 300, "TURB": 30, "COND": 1.4}, 0.3, 1, 9000,
    ),
}  # fmt: skip
POINTS: Final = {
    "river": ("tap", "tap", "reservoir", "river", "pool"),
    "coast": ("tap", "tap", "well", "beach", "reservoir"),
    "fields": ("tap", "well", "well", "canal", "spring"),
    "oasis": ("tap", "well", "spring", "canal"),
    "mountain": ("tap", "spring", "spring", "reservoir", "bottled"),
    "phosphate": ("tap", "reservoir", "well", "sewage"),
}
REJECTED: Final = (
    "Flacon cassé pendant le transport.",
    "درجة حرارة العينة عند الاستلام 14 °م.",
    "More than 24 h between sampling and receipt.",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A sampling point with what its water is like."""

    point: SamplingPoint
    town: Town
    kind: Kind
    own: dict[str, float]  # how this place differs from its kind
    people: tuple[User, ...]


def fill(plan: Plan) -> None:
    """Make the organisation in force work for a year, unless it has samples already."""
    if Sample.objects.exists():
        return
    rng, now = Random(plan.seed), clock.now()  # noqa: S311  (the same demo for everyone)
    for key, role in ROLES.items():
        StandardChoice.objects.get_or_create(organization_id=scope.organization_id(), key=key, defaults={"role": role})
    people = list(
        User.objects.filter(organization=scope.organization_id(), role__key="Technician")
        .select_related("role")
        .order_by("email")
    )
    devices = [_device(user, number, now) for number, user in enumerate(people, start=1)]
    batches = list(_batches(_changes(plan, rng, _sites(plan, rng, people), now)))
    for number, device in enumerate(devices):
        own = batches[number :: len(devices)]
        upload = {"id": str(uuid5(device.pk, "demo")), "chunks": len(own), "records": sum(map(len, own))}
        for chunk, batch in enumerate(own):
            _push(batch, device, upload=upload | {"chunk": chunk})
    _live(now)
    _meet(rng, devices, now)
    quality.fill(people, now)
    plan_points(people=people, today=now.astimezone(ZONE).date())
    manager = _person("Admin", "Manager")
    _reports(now, manager)
    _certificates(manager)
    _own_rules(_person("Admin"))
    with scope.tenant(scope.organization_id(), by=manager.actor(via="demo")):
        imports.fill(by=manager, now=now)


def _device(user: User, number: int, now: datetime) -> Device:
    tablet = number % 2 == 0
    return Device.objects.create(
        organization_id=scope.organization_id(),
        user=user,
        device_id=f"tablet-{number}" if tablet else f"lab-pc-{number}",
        device_name=f"Tablette de terrain {number}" if tablet else f"Poste de paillasse {number}",
        device_model="Galaxy Tab Active5" if tablet else "OptiPlex 7020",
        os_version="Android 16" if tablet else "Windows 11",
        app_version="1.4.2",
        platform="android" if tablet else "windows",
        last_seen_at=now - timedelta(minutes=17 * number),
    )


def _sites(plan: Plan, rng: Random, people: Sequence[User]) -> list[Site]:
    sites: list[Site] = []
    small = len(plan.laboratories) == 1
    for town in TOWNS:
        if small is not (town.fr in NORTH):
            continue
        staff = tuple(p for p in people if p.department in ("", plan.laboratories[town.inland])) or tuple(people)
        for number, name in enumerate(POINTS[town.water]):
            kind = KINDS[name]
            language = (len(sites) + number) % 3
            place = (town.fr, town.ar, town.en)[language]
            population = round(town.population * rng.uniform(0.02, 0.2), -2) if kind.type == "drinking_water" else None
            point = SamplingPoint(
                organization_id=scope.organization_id(),
                code=f"P-{len(sites) + 1:03d}",
                name=kind.names[number % len(kind.names)][language].format(place),
                type=kind.type,
                city=town.fr,
                latitude=round(town.latitude + rng.uniform(-0.03, 0.03), 5),
                longitude=round(town.longitude + rng.uniform(-0.03, 0.03), 5),
                population=population,
            )
            own = {code: rng.lognormvariate(0, 0.22) for code in (*WATERS[town.water], *ANYWHERE)}
            sites.append(Site(point, town, kind, own | {"PH": 1}, staff))
    for site in sites:
        site.point.search_text = search_text(site.point)
    SamplingPoint.objects.bulk_create(site.point for site in sites)
    return sites


def _changes(plan: Plan, rng: Random, sites: Sequence[Site], now: datetime) -> Iterator[list[Item]]:
    """Each sample with its results, in the order in which they were taken."""
    methods = {
        parameter.code: parameter.methods.split(";")[0].split(" (")[0]
        for parameter in Parameter.objects.filter(organization=None, code__in=[*UNITS, *BACTERIA])
    }
    instruments = {code: name for name, codes in INSTRUMENTS.items() for code in codes}
    weights = [site.kind.weight for site in sites]
    moments = sorted(_moment(rng, now) for _ in range(plan.samples))
    for number, taken in enumerate(moments):
        site = rng.choices(sites, weights)[0]
        if site.kind.type == "bathing_water" and not 5 <= taken.month <= 9:  # nobody samples a beach in winter
            site = rng.choice([site for site in sites if site.kind.type != "bathing_water"])
        yield list(_sample(rng, number, site, taken, now, methods, instruments))


def _moment(rng: Random, now: datetime) -> datetime:
    """A morning of a working day within the last year, in the past."""
    while True:
        day: date = now.astimezone(ZONE).date() - timedelta(days=rng.randrange(DAYS))
        if day.weekday() == 6 or (day.weekday() == 5 and rng.random() < 0.8):
            continue
        taken = datetime.combine(day, time(7, 30), ZONE) + timedelta(minutes=rng.randrange(420))
        if taken < now:
            return taken.astimezone(UTC)


def _sample(
    rng: Random,
    number: int,
    site: Site,
    taken: datetime,
    now: datetime,
    methods: dict[str, str],
    instruments: dict[str, str],
) -> Iterator[Item]:
    id = uuid5(scope.organization_id(), f"demo/{number}")
    received = taken + timedelta(minutes=rng.randrange(60, 300))
    days = (now - taken).days
    status = _status(rng, days, received < now)
    collector = rng.choice(site.people)
    data: dict[str, Any] = {
        "type": site.kind.type,
        "location": site.point.name,
        "samplingPointId": str(site.point.pk),
        "latitude": site.point.latitude,
        "longitude": site.point.longitude,
        "collectionDate": clock.wire(taken),
        "receivedAt": clock.wire(received) if received < now else None,
        "collectorName": collector.name,
        "status": status,
        "notes": rng.choice(REJECTED) if status == "rejected" else "",
    }
    if status == "rejected":
        data["reason"] = data["notes"]
    yield _item("sample", id, min(received, now), data)
    if status in ("registered", "received", "rejected"):
        return
    panel = rng.choices([codes for _, codes in site.kind.panels], [share for share, _ in site.kind.panels])[0].split()
    if status == "in_progress":
        panel = [code for code in panel if code not in BACTERIA]  # cultures need a day or two
    dirty = rng.random() < site.kind.dirty
    for code in panel:
        tested = min(received + timedelta(hours=rng.randrange(2, 30)), now)
        text = _bacteria(rng, site, code, dirty=dirty) if code in BACTERIA else _level(rng, site, code, taken, days)
        result: dict[str, Any] = {
            "sampleId": str(id),
            "parameterName": code,
            "value": text,
            "unit": BACTERIA.get(code) or UNITS[code][0],
            "testDate": clock.wire(tested),
            "technicianName": rng.choice(site.people).name,
            "testMethod": methods[code],
            "instrument": instruments[code],
        }
        if code == "CD" and rng.random() < 0.3:  # an old instrument that cannot see the limit: nobody can decide
            result |= {"value": "<5", "instrument": "Flame AAS", "quantificationLimit": "5"}
        elif code in UNITS:
            _, digits, quantification, _, uncertainty = UNITS[code]
            if quantification:
                result["quantificationLimit"] = f"{quantification:g}"
                result["detectionLimit"] = f"{quantification / 3:.2g}"
            if uncertainty and text[0] != "<":
                result["uncertainty"] = f"{float(text) * uncertainty:.{digits + 1}f}"
        first = uuid5(id, code)
        yield _item("result", first, tested, result)
        if code == "COLIF" and dirty and text not in ("absent", "0") and rng.random() < 0.35:
            again = result | {"value": "absent", "replacesId": str(first), "notes": "Nouvelle analyse du double."}
            yield _item("result", uuid5(id, f"{code} again"), tested, again)


def _status(rng: Random, days: int, received: bool) -> str:
    if not received:
        return "registered"
    if rng.random() < 0.007:
        return "rejected"
    return next((status for limit, status in ((1, "received"), (3, "in_progress")) if days < limit), "completed")


def _level(rng: Random, site: Site, code: str, taken: datetime, age: int) -> str:
    """A measured value as the sheet shows it: `<` and the limit of quantification where there is less."""
    _, digits, quantification, spread, _ = UNITS[code]
    level = (WATERS[site.town.water] | ANYWHERE)[code] * site.kind.factors.get(code, 1) * site.own[code]
    day = taken.timetuple().tm_yday
    if code == "NO3":  # winter rain washes the fields out; the wells show it until spring
        level *= 1 + (0.3 if site.town.water == "fields" else 0.12) * math.cos(2 * math.pi * (day - 60) / 365)
        if site.kind is KINDS["well"] and site.town.water == "fields":  # rises from year to year
            level *= 1.15 - 0.3 * age / DAYS
    elif code in ("TEMP", "DO"):
        level *= 1 + (0.3 if code == "TEMP" else -0.12) * math.cos(2 * math.pi * (day - 205) / 365)
    elif code == "TURB":
        level *= 1 + 0.5 * math.cos(2 * math.pi * (day - 20) / 365)
    level *= rng.lognormvariate(0, spread)
    text = f"{level:.{digits}f}"
    return f"<{quantification:g}" if quantification and float(text) < quantification else text


def _bacteria(rng: Random, site: Site, code: str, *, dirty: bool) -> str:
    """Colonies as microbiologists write them."""
    if not dirty or (code == "PSEUDO" and rng.random() < 0.5):
        return rng.choice(("absent", "absent", "0", "<1"))
    share = {"ECOLI": 0.5, "ENTEROC": 0.4, "PSEUDO": 0.3}.get(code, 1.0)
    count = round(site.kind.colonies * share * rng.lognormvariate(0, 1))
    if count > 2400:
        return rng.choice(("TNTC", ">2419.6"))
    if count > 80 and site.kind.type != "surface_water" and rng.random() < 0.3:
        return "TNTC"
    return str(count) if count else rng.choice(("absent", "0"))


def _item(entity: str, id: UUID, at: datetime, data: dict[str, Any], *, version: int = 0) -> Item:
    return {
        "entity": entity,
        "entityId": str(id),
        "operation": "updated" if version else "created",
        "clientVersion": version,
        "clientTimestamp": clock.wire(at),
        "data": data,
    }


def _batches(samples: Iterator[list[Item]]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for items in samples:
        if len(batch) + len(items) > BATCH:
            yield batch
            batch = []
        batch += items
    yield batch


def _push(items: Sequence[Item], device: Device, **options: Any) -> None:
    with scope.tenant(scope.organization_id(), by=device.user.actor()):
        done = sync.push(user=device.user, device_id=device.device_id, items=items, **options)
    refused = next((change for change in done.changes if change.errors), None)
    if refused is not None:
        raise AssertionError(f"the demo's own {refused.entity} is refused: {refused.data} {refused.errors}")


# Days after the receipt at which the office takes the next step, and who: the manager validates, the head approves.
ASKED: Final = ("ECOLI", "COLIF", "CL2F", "PH", "TURB", "NO3", "CL", "SO4", "F")  # of every sample on the bench
OFFICE: Final = ((6, "completed", "validated", 0), (12, "validated", "approved", 1), (30, "approved", "reported", 1))


def _live(now: datetime) -> None:
    """The office's part of the samples' lives, and the papers of those that lie on the bench."""
    office = list(
        User.objects.filter(organization=scope.organization_id(), role__key__in=("Manager", "Admin"))
        .select_related("role")
        .order_by("-role__key", "email")
    )
    people = (office[0], office[-1])
    if people[0] != people[1]:
        owner = Organization.objects.get(pk=scope.organization_id())
        owner.settings |= {guard.SETTING: guard.NOT_INVOLVED}
        owner.save(update_fields=["settings", "updated_at"])
    for days, source, target, who in OFFICE:
        due = Sample.objects.filter(status=source, received_at__lt=now - timedelta(days=days), result_count__gt=0)
        changes = [
            engine.Change(
                "sample", id, "updated", {"status": target}, engine.NO_VERSION_CHECK, at + timedelta(days=days)
            )
            for id, at in due.values_list("pk", "received_at")
            if at
        ]
        by = people[who]
        with scope.tenant(scope.organization_id(), by=by.actor(via="demo")):
            for start in range(0, len(changes), BATCH):
                engine.apply(changes[start : start + BATCH], user=by.pk)
    bench = list(Sample.objects.filter(status__in=("received", "in_progress")).select_related("created_by"))
    CustodyEntry.objects.bulk_create(_custody(sample) for sample in bench)
    panel = list(Parameter.objects.filter(organization=None, code__in=ASKED))
    RequestedAnalysis.objects.bulk_create(
        RequestedAnalysis(
            organization_id=scope.organization_id(),
            sample=sample,
            parameter=parameter,
            started_at=None if sample.status == "received" else sample.received_at,
        )
        for sample in bench
        for parameter in panel
    )


def _custody(sample: Sample) -> CustodyEntry:
    return CustodyEntry(
        organization_id=scope.organization_id(),
        sample=sample,
        kind=CustodyEntry.Kind.RECEIVED,
        at=sample.received_at or sample.collection_date,
        given_by=sample.collector_name,
        taken_by=sample.created_by.name if sample.created_by else sample.collector_name,
        place="Laboratoire, réception",
        condition=CustodyEntry.Condition.INTACT,
        temperature=Decimal("4.5"),
        container="500 mL, stérile",
        recorded_by_id=sample.created_by_id or scope.actor().user,  # type: ignore[misc]
    )


def _meet(rng: Random, devices: Sequence[Device], now: datetime) -> None:
    """Two devices change one sample, thrice: the later edit wins, the earlier loses, a manager has to decide."""
    notes = ("Robinet remplacé.", "تم تطهير الخزان.", "Tap flushed for five minutes.")
    samples = Sample.objects.filter(status="reported").order_by("-collection_date")[: len(notes)]
    for number, (sample, note) in enumerate(zip(samples, notes, strict=False)):
        for step, device in enumerate((devices[0], devices[-1])):
            at = now - timedelta(hours=3 - step if number != 1 else 3 + step, minutes=rng.randrange(9))
            item = _item("sample", sample.pk, at, {"notes": f"{note} ({step + 1})"}, version=sample.version)
            _push([item], device, strategy="manual" if number == 2 else "lww")


def _person(*roles: str) -> User:
    """With the last of the roles that somebody has."""
    found = User.objects.filter(organization=scope.organization_id(), role__key__in=roles)
    return found.order_by("-role__key", "email")[0]


def _certificates(manager: User) -> None:
    """Certificates of the newest reported samples with the most results; one is amended."""
    customers = (
        ("Commune de Settat\nBureau d'hygiène\nhygiene@settat.example", "fr"),
        ("جماعة الدار البيضاء\nمصلحة حفظ الصحة", "ar"),
        ("Water Users' Association\noffice@wua.example", "en"),
    )
    ready = Sample.objects.filter(status="reported", result_count__gte=5).order_by("-collection_date", "pk")
    with scope.tenant(scope.organization_id(), by=manager.actor(via="demo")):
        made = []
        for sample, (customer, language) in zip(ready[: len(customers)], customers, strict=False):
            stated = {"customer": customer, "samplingMethod": "ISO 5667-5:2006", "condition": "4.2 °C"}
            made.append(certificate_issue(sample=sample, stated=stated, language=language, by=manager))
        if made:
            certificate_amend(
                certificate=made[0],
                reason="Adresse du client corrigée.",
                stated={"customer": f"{customers[0][0]}\n1, avenue Hassan II"},
                by=manager,
            )


def _own_rules(admin: User) -> None:
    """A parameter and a standard of the laboratory's own, which no verdict asks."""
    with scope.tenant(scope.organization_id(), by=admin.actor(via="demo")):
        scale = parameter_create(
            data={
                "code": "PPO4",
                "name_en": "Polyphosphate",
                "name_fr": "Polyphosphates",
                "name_ar": "متعدد الفوسفات",
                "unit": "mg/L",
                "decimals": 2,
                "methods": ["ISO 6878"],
                "holding_hours": 48,
            },
            by=admin,
        )
        standard = standard_create(
            data={
                "key": "LABO",
                "edition": "2026",
                "reference": "PQ-07",
                "role": "information",
                "name_en": "Targets of the laboratory",
                "name_fr": "Objectifs du laboratoire",
                "name_ar": "أهداف المختبر",
                "effective_from": date(2026, 1, 1),
                "effective_to": None,
            },
            by=admin,
        )
        lead = Parameter.objects.get(code="PB", organization=None)
        for parameter, upper, unit in ((scale, 5, "mg/L"), (lead, 5, "µg/L")):
            limit_save(standard=standard, parameter=parameter, data=_maximum(upper, unit), by=admin)


def _maximum(upper: int, unit: str) -> dict[str, Any]:
    empty = {"lower": None, "guidance": None, "strict": False, "provisional": False, "note": "", "clause": ""}
    period = {"effective_from": date(2026, 1, 1), "effective_to": None}
    return {"matrix": "drinking", "kind": "maximum", "upper": Decimal(upper), "unit": unit} | empty | period


def _reports(now: datetime, manager: User) -> None:
    """Reports of the last quarter, the last month and the year, in three languages."""
    today = now.astimezone(ZONE).date()
    wanted: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
        ("ar", "مياه الشرب، الشهر الماضي", 30, {"type": "drinking_water"}),
        ("fr", "Bilan trimestriel, tous les points", 91, {}),
        ("en", "Groundwater, twelve months", DAYS, {"type": "groundwater", "standards": ["MA", "WHO"]}),
    )
    with scope.tenant(scope.organization_id(), by=manager.actor(via="demo")):
        for language, title, days, filters in wanted:
            dates = {"dateFrom": str(today - timedelta(days=days)), "dateTo": str(today)}
            report_issue(filters=dates | filters, language=language, title=title, by=manager)
