"""What applications, sessions, media and reviews bring into the registries of the platform."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions as rights
from portal.core.files import links
from portal.core.files import selectors as files
from portal.core.files.links import LinkKind
from portal.core.notifications import events, kinds
from portal.core.projects import collections as projects
from portal.survey import access
from portal.survey.applications.services import guard_tasks
from portal.survey.areas import services as areas
from portal.survey.attachments import collections as attachments
from portal.survey.attachments.selectors import original_guard
from portal.survey.events import EVENTS, KINDS
from portal.survey.permissions import PERMISSIONS
from portal.survey.sessions import collections, scopes


def register() -> None:
    from portal.survey import jobs as _jobs  # noqa: F401  declares its work

    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    collections.register()
    attachments.register()
    projects.guards.append(guard_tasks)
    areas.on_change(scopes.areas_changed)
    files.guards.append(original_guard)
    links.register(
        LinkKind(kind="application", label_plural=_("Applications"), visible=access.applications_seen),
        LinkKind(kind="survey_session", label_plural=_("Survey sessions"), visible=access.sessions_seen),
    )
