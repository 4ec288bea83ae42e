"""The records of other rooms that submissions of forms create, as the forms' mappings say."""

from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.collect.submissions.targets import Made, Target, Wanted
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.ids import uuid7
from portal.core.sync import engine
from portal.core.sync.engine import Change


def _create(
    entity: str, usual: Callable[[Wanted, User], dict[str, Any]]
) -> Callable[[Sequence[Wanted], User], list[Made]]:
    """Records that the organisation's own mapping asks for: written by the program, whatever the person may do."""

    def create(wanted: Sequence[Wanted], by: User) -> list[Made]:
        changes = []
        for number, one in enumerate(wanted):
            said = {name: value for name, value in one.data.items() if value is not None}
            place = {} if one.latitude is None else {"latitude": one.latitude, "longitude": one.longitude}
            data = {
                "projectId": str(one.project),
                "localSyncId": f"submission/{one.submission}",
                **(place if entity == "sample" else {}),
                **usual(one, by),
                **said,
            }
            changes.append(Change(entity, uuid7(), "created", data, index=number))
        engine.apply(changes, user=None)
        return [Made(None, change.errors[0].message) if change.errors else Made(change.id) for change in changes]

    return create


TARGETS = {
    "sample": Target(
        label=_("Sample"),
        fields={
            "code": _("Code"),
            "type": _("Kind of water"),
            "location": _("Location"),
            "samplingPointId": _("Sampling point"),
            "latitude": _("Latitude"),
            "longitude": _("Longitude"),
            "collectionDate": _("Taken"),
            "collectorName": _("Taken by"),
            "notes": _("Notes"),
        },
        create=_create(
            "sample", lambda one, by: {"collectionDate": clock.wire(one.captured), "collectorName": by.name[:150]}
        ),
        url=lambda id: reverse("lab:sample_detail", args=[id]),
    ),
    "task": Target(
        label=_("Task"),
        fields={
            "title": _("Title"),
            "description": _("Description"),
            "instructions": _("Instructions"),
            "priority": _("Priority"),
            "dueDate": _("Due"),
            "notes": _("Notes"),
        },
        create=_create("task", lambda one, by: {}),
        url=lambda id: reverse("fieldwork:task_detail", args=[id]),
    ),
}
