"""What the room's pages bring into the registries of the platform."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.survey.access import applications_seen, sessions_seen
from portal.survey.applications.services import application_restore
from portal.survey.models import Dispatch
from portal.ui import menu, panels, restoring
from portal.ui.people import person


def register() -> None:
    from portal.survey.exports import jobs as _jobs  # noqa: F401  declares its work

    menu.register(
        menu.MenuItem(
            label=_("Applications"),
            url_name="survey:application_list",
            icon="clipboard-list",
            permission="applications.view",
            group="field",
            order=60,
        ),
        menu.MenuItem(
            label=_("Survey sessions"),
            url_name="survey:session_list",
            icon="ruler-measure",
            permission="sessions.view",
            group="field",
            order=61,
        ),
    )
    restoring.register(
        restoring.Restorable(
            key="application",
            label=_("Applications"),
            permission="applications.delete",
            list_url="survey:application_list",
            rows=lambda user: applications_seen(user, deleted=True).filter(deleted_at__isnull=False),
            restore=application_restore,
            url=lambda id: reverse("survey:application_detail", args=[id]),
        )
    )
    panels.register(
        panels.Panel(
            place="task",
            key="survey",
            template="survey/task_panel.html",
            context=_of_task,
            permission="applications.view",
            order=20,
        )
    )


def _of_task(request: HttpRequest, task: Any) -> dict[str, Any] | None:
    """The application that a task is the survey of, and its sessions, as far as the person sees them."""
    sent = Dispatch.objects.filter(task=task.pk).first()
    if sent is None:
        return None
    application = applications_seen(person(request)).filter(pk=sent.application_id).first()
    if application is None:
        return None
    rows = sessions_seen(person(request)).filter(application=application).select_related("surveyor")
    return {
        "application": application,
        "detail": sent.get_status_detail_display() if sent.status_detail else "",
        "sessions": rows.order_by("-started_at", "-id")[:20],
    }
