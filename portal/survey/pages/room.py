"""What the room's pages bring into the registries of the platform."""

from django.utils.translation import gettext_lazy as _

from portal.ui import menu


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
