"""A survey as a device makes it: application, session, two points, a parcel, handed in."""

from dataclasses import dataclass
from typing import Any, Final

from portal.core.accounts.models import User
from portal.core.tenancy.scope import tenant
from portal.survey.applications import services as applications
from portal.survey.areas import services as areas
from portal.survey.models import Application, SurveySession
from portal.survey.sessions import services as sessions
from tests.core.people import Cast
from tests.survey.conftest import named

# The middles of two districts (XY1101, XY1102) of the demo's boundaries.
WEST: Final = (44.0, 15.2)
EAST: Final = (44.2, 15.2)


@dataclass
class Survey:
    """One application and the submitted session of it."""

    application: Application
    session: SurveySession
    surveyor: User

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be read by anybody out of reach."""
        return (self.application.application_number, self.application.applicant_name, self.session.session_number,
                str(self.session.pk), str(self.application.pk))  # fmt: skip


def place(at: tuple[float, float]) -> dict[str, Any]:
    return {"lat": at[1], "lng": at[0], "accuracy": 4.0, "timestamp": "2026-11-20T09:00:00Z"}


def surveyed(cast: Cast, name: str, code: str, at: tuple[float, float], applicant: str) -> Survey:
    """By a new surveyor of the area `code`, at a place of longitude and latitude."""
    person = cast.person(name, "Technician", cast.a)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        areas.assignment_create(data={"userId": str(person.pk)} | named(code), by=cast.alice)
        application = applications.application_create(
            data={"applicantName": applicant, "serviceType": "building_permit", "coordinates": place(at)},
            by=cast.alice,
        )
    with tenant(cast.a.pk, by=person.actor()):
        device = f"tablet-{name}"
        row = sessions.session_start(
            user=person,
            device_id=device,
            data={
                "applicationId": str(application.pk), "surveyType": "building_permit", "startLocation": place(at),
            },
        )  # fmt: skip
        points = [
            {"idempotencyKey": f"p{n}", "pointNumber": n, "latitude": at[1] + n * 1e-5, "longitude": at[0],
             "horizontalAccuracy": 0.5, "gpsSource": "external_receiver", "pointType": "corner",
             "description": f"ركن {name}", "capturedAt": "2026-11-20T09:20:00Z"}
            for n in (1, 2)
        ]  # fmt: skip
        x, y = at
        ring = [[x, y], [x + 2e-4, y], [x + 2e-4, y + 2e-4], [x, y + 2e-4], [x, y]]
        shape = {"idempotencyKey": "g1", "geometryNumber": 1, "geometryType": "Polygon", "coordinates": [ring],
                 "featureType": "boundary", "area": 500.0, "isClosed": True,
                 "completedAt": "2026-11-20T09:40:00Z"}  # fmt: skip
        for entity, items in (("point", points), ("geometry", [shape])):
            results = sessions.items_upload(
                entity=entity, user=person, device_id=device, session=row["id"], items=items
            )
            assert [result.status for result in results] == ["created"] * len(items), results
        sessions.session_submit(
            user=person,
            device_id=device,
            id=row["id"],
            data={"endLocation": place(at), "pointsCount": 2, "geometriesCount": 1, "attachmentsCount": 0},
        )
        return Survey(application, SurveySession.objects.get(pk=row["id"]), person)
