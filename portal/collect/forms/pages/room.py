"""Where the pages of forms are found."""

from django.utils.translation import gettext_lazy as _


def register() -> None:
    from portal.ui import menu, panels

    menu.register(
        menu.MenuItem(
            label=_("Forms"),
            url_name="collect:form_list",
            icon="forms",
            permission="forms.view",
            group="data",
            order=10,
        )
    )
    panels.register(
        panels.Tab(
            key="forms",
            label=_("Forms"),
            icon="forms",
            url_name="collect:project_forms",
            permission="forms.view",
            order=50,
        )
    )
