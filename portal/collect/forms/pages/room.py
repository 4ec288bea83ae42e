"""Where the pages of forms are found."""

from django.utils.translation import gettext_lazy as _


def register() -> None:
    from django.urls import reverse

    from portal.collect.forms import selectors, services
    from portal.ui import menu, panels, restoring

    restoring.register(
        restoring.Restorable(
            key="form",
            label=_("Forms"),
            permission="forms.delete",
            list_url="collect:form_list",
            rows=lambda user: selectors.forms_seen(user, deleted=True).filter(deleted_at__isnull=False),
            restore=services.form_restore,
            url=lambda id: reverse("collect:form_detail", args=[id]),
        )
    )
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
