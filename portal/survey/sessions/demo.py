"""Applications, tasks and sessions of the demo in every state, through the same services as real work."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from PIL import Image as Pillow
from PIL import ImageDraw

from portal.core.accounts.models import Device, User
from portal.core.accounts.permissions import ADMIN
from portal.core.common import clock
from portal.core.files import uploads
from portal.core.geo import units
from portal.core.tenancy import scope
from portal.survey.applications import services as applications
from portal.survey.applications.models import Application
from portal.survey.areas.models import GeoAssignment
from portal.survey.attachments import services as attachments
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.review import services as review
from portal.survey.sessions import services
from portal.survey.sessions.models import SurveySession

# What becomes of each application: one surveyor after the other.
_STATES: Final = (
    "submitted", "approved", "returned", "active", "under_review", "assigned", "rejected", "draft", "submitted",
    "approved", "assigned", "open", "active", "submitted", "open", "open",
)  # fmt: skip
_NAMES: Final = (
    "أحمد صالح الحكيمي", "فاطمة علي الشرعبي", "عبدالله ناصر المقطري", "Société Al-Amal", "خالد محمد العولقي",
    "سلمى حسن باوزير", "محمد قاسم الريمي", "Bureau Hadramout", "نبيل عبده سيف", "أروى يحيى المتوكل",
    "علي ناجي السنحاني", "هدى صالح بن بريك", "ياسين أحمد الكبوس", "عمر سالم باحميد", "ريم عبدالرحمن الإرياني",
    "جمال علي الذماري",
)  # fmt: skip
_DEMANDS: Final[tuple[list[str], ...]] = (["صورة لكل ركن", "صورة للواجهة"], ["Photo de chaque coin"], [])
_SIDE: Final = 0.00024  # degrees from one parcel to the next, some 26 m
_AREA: Final = 616.6  # m² of such a parcel


def fill() -> None:
    """Nothing where there are applications already, or no surveyor has an area."""
    organization = scope.organization_id()
    people = User.objects.select_related("role").filter(organization=organization, deleted_at=None).order_by("email")
    admin = people.filter(role__key=ADMIN, role__organization=None).first()
    areas = list(_areas())
    if admin is None or not areas or Application.objects.exists():
        return
    random = Random(2026)  # noqa: S311 made-up data
    for number, (state, name) in enumerate(zip(_STATES, _NAMES, strict=True)):
        who, unit = areas[number % len(areas)]
        middle = units.unit_shape(unit).representative_point()
        place = (middle.x + random.uniform(-0.02, 0.02), middle.y + random.uniform(-0.02, 0.02))
        lon, lat = (round(value, 6) for value in place)
        _story(number, state, name, who, admin, (lon, lat), random)


def _areas() -> Iterator[tuple[User, UUID]]:
    """Surveyors with one of their areas that has a boundary, in turn."""
    rows = GeoAssignment.objects.filter(deleted_at=None, valid_to=None).select_related("user__role")
    for row in rows.order_by("user__email", "code", "id"):
        if row.user.has_permission("sessions.capture") and units.unit_shape(row.unit_id) is not None:
            yield row.user, row.unit_id


def _story(number: int, state: str, name: str, who: User, admin: User, at: tuple[float, float], random: Random) -> None:
    file = applications.application_create(
        data={
            "applicantName": name,
            "applicantPhone": f"+967 7{random.randint(10, 99)} {random.randint(100, 999)} {random.randint(100, 999)}",
            "serviceType": ("building_permit", "surveying_decision")[number % 2],
            "plotNumber": f"{random.randint(10, 400)}/{random.randint(1, 20)}",
            "coordinates": {"lat": at[1], "lng": at[0], "accuracy": 5},
            "requirements": _DEMANDS[number % 3],
            "instructions": "الاتصال بمقدم الطلب قبل الزيارة، والبدء من الركن الشمالي الشرقي.",
        },
        by=admin,
    )
    if state == "open":
        return
    due = clock.wire(clock.now() + timedelta(days=number - 6))
    sent = {"applicationId": str(file.pk), "assignedTo": str(who.pk), "dueDate": due, "estimatedDuration": 90}
    applications.dispatch_create(data={**sent, "priority": ("medium", "high", "low", "urgent")[number % 4]}, by=admin)
    if state == "assigned":
        return
    device = f"demo-survey-{who.email.partition('@')[0]}"
    Device.objects.get_or_create(
        organization_id=scope.organization_id(),
        user=who,
        device_id=device,
        defaults={"device_name": "Samsung Tab Active"},
    )
    with scope.acting(user=who.pk, name=who.name, email=who.email, via="sync"):
        session = _survey(number, state, file, who, device, at, random)
    with scope.acting(user=admin.pk, name=admin.name, email=admin.email, via="portal"):
        _decide(state, session, admin)


def _survey(
    number: int, state: str, file: Application, who: User, device: str, at: tuple[float, float], random: Random
) -> UUID:
    began = (clock.now() - timedelta(days=number + 1)).replace(hour=6, minute=10, second=0, microsecond=0)
    acts: dict[str, Any] = {"user": who, "device_id": device}
    kinds = ("building_permit", "surveying_decision", "cadastral_survey")
    data = {
        "applicationId": str(file.pk),
        "surveyType": kinds[number % 3],
        "startLocation": {"lat": at[1], "lng": at[0], "accuracy": 4.1, "timestamp": clock.wire(began)},
        "weatherConditions": ("صحو", "غائم جزئيًا", "Venteux")[number % 3],
        "notes": "المالك حاضر، والحدود معلّمة بأوتاد.",
        "clientMetadata": {"appVersion": "2.1.0", "deviceModel": "SM-T545", "batteryLevel": 84 - number},
    }
    id: UUID = services.session_start(**acts, data=data)["id"]
    if state == "draft":
        return id
    parcels = 2 + number % 3
    items = list(_points(at, parcels, began, number, random))
    services.items_upload(entity="point", **acts, session=id, items=items)
    services.items_upload(entity="geometry", **acts, session=id, items=list(_shapes(at, parcels, began, number)))
    photos = 1 + number % 2
    for shot in range(photos):
        _photo(acts, id, at, began + timedelta(minutes=30 + shot), random)
    if state == "active":
        return id
    ended = clock.wire(began + timedelta(minutes=75))
    services.session_submit(
        **acts,
        id=id,
        data={
            "endLocation": {"lat": at[1], "lng": at[0], "accuracy": 3.8, "timestamp": ended},
            "qualityScore": 90 + number % 8,
            "notes": "اكتمل المسح.",
            "pointsCount": len(items),
            "geometriesCount": parcels + 1,
            "attachmentsCount": photos,
        },
    )
    return id


def _points(
    at: tuple[float, float], parcels: int, began: datetime, number: int, random: Random
) -> Iterator[dict[str, Any]]:
    count = 0
    exact = number % 3 == 2  # cadastral surveys are made with an external receiver
    for place in range(parcels):
        for lon, lat in _ring(at, place)[:4]:
            count += 1
            accuracy = random.uniform(0.01, 0.03) if exact else random.uniform(2.2, 6.5)
            yield {
                "idempotencyKey": f"demo-p-{count}",
                "pointNumber": count,
                "latitude": round(lat + random.uniform(-1, 1) * 2e-7, 8),
                "longitude": round(lon + random.uniform(-1, 1) * 2e-7, 8),
                "elevation": round(2200 + random.uniform(0, 30), 2),
                "horizontalAccuracy": round(accuracy, 3),
                "verticalAccuracy": round(accuracy * 1.6, 3),
                "gpsSource": "external_receiver" if exact else "device",
                "pointType": "corner",
                "featureCode": "BC",
                "description": f"ركن {count}",
                "capturedAt": clock.wire(began + timedelta(minutes=2 * count)),
                "qualityFlags": [],
                "isVerified": True,
                "receiver": {"isMocked": exact or (number == 8 and count < 4), "hdop": 0.9},
            }


def _ring(at: tuple[float, float], place: int, side: float = _SIDE) -> list[list[float]]:
    """Corners of the parcel at a place of the street, the first one again at the end."""
    west, south = round(at[0] + place * _SIDE, 7), round(at[1], 7)
    east, north = round(west + side, 7), round(south + side * 0.9, 7)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _shapes(at: tuple[float, float], parcels: int, began: datetime, number: int) -> Iterator[dict[str, Any]]:
    stamps = {"startedAt": clock.wire(began), "completedAt": clock.wire(began + timedelta(minutes=40))}
    for place in range(parcels):
        side = _SIDE * (1.12 if number == 4 and place == 0 else 1)  # one that reaches over its neighbour
        yield {
            "idempotencyKey": f"demo-g-{place + 1}",
            "geometryNumber": place + 1,
            "geometryType": "Polygon",
            "coordinates": [_ring(at, place, side)],
            "properties": {"owner": _NAMES[(number + place) % len(_NAMES)]},
            "featureType": "boundary",
            "featureCode": "PB",
            "description": f"القطعة {place + 1}",
            "area": round(_AREA * (1.07 if number == 2 else (1, 1.025, 1.002)[number % 3]), 1),
            "accuracy": 0.02 if number % 3 == 2 else 4.0,
            "isComplete": True,
            "isClosed": True,
            "validationFlags": [],
            **stamps,
        }
    west, south = _ring(at, 0)[0]
    house = _ring((west + _SIDE / 4, south + _SIDE / 4), 0, _SIDE / 2)
    yield {
        "idempotencyKey": "demo-g-house",
        "geometryNumber": parcels + 1,
        "geometryType": "Polygon",
        "coordinates": [house],
        "featureType": "building",
        "featureCode": "BLD",
        "description": "مبنى من طابقين",
        "isComplete": True,
        "isClosed": True,
        **stamps,
    }


def _photo(acts: dict[str, Any], session: UUID, at: tuple[float, float], taken: datetime, random: Random) -> None:
    content = _draw(at, taken, random)
    entry = {
        "filename": f"زاوية-{taken:%H%M}.jpg",
        "fileType": "image/jpeg",
        "fileSize": len(content),
        "attachmentType": "photo",
        "captureLocation": {"lat": at[1], "lng": at[0], "accuracy": 4.0},
        "capturedAt": clock.wire(taken),
        "metadata": {"cameraDirection": random.randint(0, 359), "deviceOrientation": "landscape"},
    }
    (offer,) = attachments.upload_urls(**acts, session=session, items=[entry])
    row = SurveyAttachment.objects.select_related("upload").get(pk=offer.attachment)
    assert row.upload is not None
    uploads.part_put(upload=row.upload, number=1, stream=[content])
    said = {
        "uploadSuccess": True,
        "fileSize": len(content),
        "checksumSha256": hashlib.sha256(content).hexdigest(),
    }
    attachments.confirm(**acts, id=offer.attachment, data=said)
    attachments.attachment_process(id=offer.attachment)


def _draw(at: tuple[float, float], taken: datetime, random: Random) -> bytes:
    """Sky, ground, a wall and a peg, with the metadata of a phone."""
    width, height = 960, 720
    picture = Pillow.new("RGB", (width, height), (170 + random.randint(-20, 20), 200, 225))
    draw = ImageDraw.Draw(picture)
    ground = height // 2 + random.randint(-40, 40)
    draw.rectangle((0, ground, width, height), fill=(196, 172 + random.randint(-15, 15), 128))
    left = random.randint(80, 400)
    draw.rectangle((left, ground - 180, left + 380, ground + 20), fill=(180, 150, 120), outline=(110, 84, 60), width=6)
    for row in range(3):
        draw.rectangle((left + 40 + row * 115, ground - 140, left + 95 + row * 115, ground - 70), fill=(90, 120, 150))
    peg = random.randint(120, width - 120)
    draw.rectangle((peg, height - 230, peg + 18, height - 60), fill=(200, 40, 30))
    exif = Pillow.Exif()
    exif.update({0x010F: "Marsad", 0x0110: "Demo"})
    exif.get_ifd(0x8769).update({0x9003: f"{taken.astimezone(UTC):%Y:%m:%d %H:%M:%S}", 0x9011: "+00:00"})
    exif.get_ifd(0x8825).update({1: "N", 2: _sexagesimal(at[1]), 3: "E", 4: _sexagesimal(at[0]), 31: 5.0})
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80, exif=exif.tobytes())
    return out.getvalue()


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes = degrees % 1 * 60
    return float(int(degrees)), float(int(minutes)), round(minutes % 1 * 60, 3)


def _decide(state: str, session: UUID, by: User) -> None:
    said: dict[str, Sequence[str]] = {
        "returned": ("return", "الركن الرابع غير مقيس، والصورة غير واضحة."),
        "rejected": ("reject", "القطعة خارج المخطط المعتمد."),
    }
    if state == "under_review":
        review.review_start(id=session, by=by)
    elif state == "approved" and not review.obstacles(_row(session)):
        review.session_review(id=session, decision="approve", reason="", by=by)
    elif state in said:
        decision, reason = said[state]
        review.session_review(id=session, decision=decision, reason=reason, by=by)


def _row(session: UUID) -> Any:
    return SurveySession.objects.get(pk=session)
