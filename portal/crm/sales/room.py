"""What sales bring into the registries of the platform."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts import permissions as rights
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.files import links
from portal.core.notifications import events, kinds
from portal.core.tenancy import seeds
from portal.core.tenancy import services as tenancy
from portal.crm import activity, money, settings
from portal.crm.access import seen
from portal.crm.customers import registry
from portal.crm.sales import services
from portal.crm.sales.choices import Kind
from portal.crm.sales.events import EVENTS, KINDS
from portal.crm.sales.models import Deal
from portal.crm.sales.permissions import PERMISSIONS
from portal.crm.sales.seeding import seed_stages
from portal.crm.sales.selectors import deals_seen
from portal.crm.sales.stories import TEXTS
from portal.ui import menu, panels, restoring


def _page(id: UUID) -> str:
    return reverse("crm:sale_detail", args=[id])


def _open_deals(customers: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    held: dict[UUID, list[str]] = {}
    rows = Deal.objects.filter(customer__in=customers, status=Kind.OPEN, deleted_at=None)
    for customer, title in rows.order_by("created_at", "id").values_list("customer", "title"):
        held.setdefault(customer, []).append(_("Deal %(title)s") % {"title": title})
    return held


def _put_away(customer: UUID, by: User) -> None:
    now = clock.now()
    rows = Deal.objects.filter(customer=customer, status=Kind.OPEN, deleted_at=None)
    rows.update(deleted_at=now, deleted_by=by, updated_at=now)


def register() -> None:
    from portal.crm.sales.pages.deals import customer_panel

    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    seeds.register(seed_stages)
    tenancy.SETTINGS["currency"] = (
        money.is_code,
        gettext_lazy("Enter a currency of three letters, EUR for instance."),
    )
    tenancy.SETTINGS["exchangeRates"] = (
        money.is_rates,
        gettext_lazy("Enter for each currency what one unit is worth in your own."),
    )
    activity.register_source("sale", visible=deals_seen, texts=TEXTS, url=_page, icon="coin")
    registry.register_reference(Deal, "customer", what=gettext_lazy("Deals"), in_use=_open_deals, archive=_put_away)
    restoring.register(
        restoring.Restorable(
            key="sale",
            label=gettext_lazy("Deals"),
            permission="sales.delete",
            list_url="crm:sale_list",
            rows=lambda user: seen(user, "sales.delete", Deal.objects.filter(deleted_at__isnull=False)),
            restore=services.deal_restore,
            url=_page,
        )
    )
    links.register(
        links.LinkKind(
            kind="sale",
            label_plural=gettext_lazy("Deals"),
            visible=deals_seen,
            editable=lambda user: deals_seen(user, "sales.edit"),
            url=_page,
        )
    )
    menu.register(
        menu.MenuItem(
            label=gettext_lazy("Sales"),
            url_name="crm:sale_list",
            icon="coin",
            permission="sales.view",
            group="office",
            order=20,
        )
    )
    settings.register(
        settings.Section(
            key="stages",
            label=gettext_lazy("Stages"),
            icon="route",
            url_name="crm:stage_list",
            permission="sales.view",
            order=30,
        ),
        settings.Section(
            key="products",
            label=gettext_lazy("Products"),
            icon="tag",
            url_name="crm:product_list",
            permission="sales.view",
            order=31,
        ),
        settings.Section(
            key="quotas", label=gettext_lazy("Sales targets"), icon="flag", url_name="crm:quota_list", order=32
        ),
    )
    panels.register(
        panels.Panel(
            place="customer",
            key="deals",
            template="crm/sales/customer.html",
            context=customer_panel,
            permission="sales.view",
            order=20,
        )
    )
