"""What forms and submissions tell the rest of the program."""

from django.utils.translation import gettext_lazy as _


def register() -> None:
    from portal.collect.forms.permissions import PERMISSIONS as FORMS
    from portal.collect.submissions.events import EVENTS
    from portal.collect.submissions.permissions import PERMISSIONS as SUBMISSIONS
    from portal.core.accounts import permissions as rights
    from portal.core.notifications import events
    from portal.ui import menu, panels

    rights.register(FORMS)
    rights.register(SUBMISSIONS)
    events.register(EVENTS)
    menu.register(
        menu.MenuItem(
            label=_("Submissions"),
            url_name="collect:submission_list",
            icon="clipboard-list",
            permission="submissions.view",
            group="data",
            order=20,
        )
    )
    panels.register(
        panels.Tab(
            key="submissions",
            label=_("Submissions"),
            icon="clipboard-list",
            url_name="collect:project_submissions",
            permission="submissions.view",
            order=60,
        )
    )
