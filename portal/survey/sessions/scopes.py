"""When a person's areas change, the devices of that person are told: what left the areas comes as a deletion, what is
in them (again) as a change. The rows get new versions for that; what they hold stays."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from portal.core.common import clock
from portal.core.tenancy import scope
from portal.survey.areas.models import GeoAssignment

AT_ONCE: Final = 5000  # rows; more are a job's work
WINDOW: Final = timedelta(minutes=10)  # twice the time between two looks at the clock
_TABLES: Final = ("survey_surveysession", "survey_surveypoint", "survey_surveygeometry", "survey_surveyattachment")
_OF: Final = "SELECT id FROM survey_surveysession WHERE organization_id = %s AND surveyor_id = %s"


def areas_changed(user: UUID) -> None:
    """In the transaction that changed a person's areas."""
    if _rows(user) <= AT_ONCE:
        touch(user)
        return
    from portal.core.jobs.tasks import defer
    from portal.survey.jobs import touch_rows

    defer(touch_rows, user=str(user))


def _rows(user: UUID) -> int:
    parts = " + ".join(
        f"(SELECT count(*) FROM {table} WHERE organization_id = %s AND session_id IN ({_OF}))" for table in _TABLES[1:]
    )
    organization = scope.organization_id()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {parts}", [organization, organization, user] * 3)
        (count,) = cursor.fetchone()
    return int(count)


def touch(user: UUID) -> None:
    """Give all that a surveyor holds a new version, one statement for each kind."""
    now, organization = clock.now(), scope.organization_id()
    with connection.cursor() as cursor:
        for table in _TABLES:
            of = "id" if table == _TABLES[0] else "session_id"
            cursor.execute(
                f"UPDATE {table} SET updated_at = %s WHERE organization_id = %s AND {of} IN ({_OF})",
                [now, organization, organization, user],
            )


def due() -> list[tuple[UUID, UUID]]:
    """Organisation and person of assignments that began or ended by the clock since the last look. Platform scope."""
    now = clock.now()
    since = now - WINDOW
    turned = Q(valid_to__range=(since, now)) | Q(valid_from__range=(since, now), created_at__lt=since)
    found = GeoAssignment.objects.filter(turned, deleted_at=None).order_by()
    return list(found.values_list("organization_id", "user_id").distinct())
