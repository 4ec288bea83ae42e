"""The table and the filters of the list of customers."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.crm.counting import many
from portal.crm.customers import names, selectors
from portal.crm.customers.choices import Size, Status
from portal.crm.customers.fields import members
from portal.crm.customers.models import Customer, Tag
from portal.crm.customers.selectors import Filters
from portal.crm.templatetags.crm import country, customer_status, tag_chips
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import EMPTY, ltr

_ALL = gettext_lazy("All")
QUIET = [("30", gettext_lazy("for 30 days")), ("90", gettext_lazy("for 90 days")), ("365", gettext_lazy("for a year"))]


class DayFilter(django_filters.Filter):
    field_class = DateField


def people(request: HttpRequest | None) -> QuerySet[User]:
    return members().order_by("name", "id") if request else User.objects.none()


def marks(request: HttpRequest | None) -> QuerySet[Tag]:
    return Tag.objects.filter(scope="customer").order_by("name", "id") if request else Tag.objects.none()


class CustomerFilter(django_filters.FilterSet):
    """`selectors.narrow` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=Status.choices)
    size = django_filters.MultipleChoiceFilter(label=gettext_lazy("Size"), choices=Size.choices)
    industry = django_filters.ChoiceFilter(label=gettext_lazy("Industry"), empty_label=_ALL)
    country = django_filters.ChoiceFilter(label=gettext_lazy("Country"), empty_label=_ALL)
    city = django_filters.CharFilter(label=gettext_lazy("City"))
    tags = django_filters.ModelMultipleChoiceFilter(label=gettext_lazy("Tags"), queryset=marks, conjoined=True)
    owner = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Assigned to"), queryset=people, empty_label=_ALL, null_label=gettext_lazy("Nobody")
    )
    quiet = django_filters.ChoiceFilter(label=gettext_lazy("Without activity"), choices=QUIET, empty_label=_ALL)
    since = DayFilter(label=gettext_lazy("Created from"))
    until = DayFilter(label=gettext_lazy("Created until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user, language = person(self.request), translation.get_language()[:2]
        self.filters["industry"].extra["choices"] = [(one, one) for one in selectors.industries(user=user)]
        self.filters["country"].extra["choices"] = [
            (code, names.country_name(code, language)) for code in selectors.countries(user=user)
        ]

    def chosen(self) -> Filters:
        said = self.form.cleaned_data
        owner = said.get("owner")
        return Filters(
            search=said.get("q") or "",
            statuses=tuple(said.get("status") or ()),
            sizes=tuple(said.get("size") or ()),
            industries=(said["industry"],) if said.get("industry") else (),
            countries=(said["country"],) if said.get("country") else (),
            city=(said.get("city") or "").strip(),
            tags=tuple(str(tag.pk) for tag in said.get("tags") or ()),
            assigned_to=str(owner.pk) if isinstance(owner, User) else "none" if owner == "null" else "",
            inactive_days=int(said["quiet"]) if said.get("quiet") else None,
            since=midnight(said["since"]) if said.get("since") else None,
            until=day_after(said["until"]) if said.get("until") else None,
        )

    @property
    def many(self) -> bool:
        return many(person(self.request), "customers.view", Customer, self.form.cleaned_data)

    def filter_queryset(self, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        return selectors.narrow(queryset, self.chosen(), user=person(self.request))


class CustomerTable(Table):
    tick = TickColumn("name")
    name = TextColumn(
        verbose_name=gettext_lazy("Customer"), linkify=("crm:customer_detail", {"customer_id": django_tables2.A("pk")})
    )
    status = django_tables2.Column()
    phone = django_tables2.Column(verbose_name=gettext_lazy("Contact"), orderable=False, empty_values=())
    city = django_tables2.Column(verbose_name=gettext_lazy("Place"), empty_values=())
    marked = django_tables2.Column(verbose_name=gettext_lazy("Tags"), accessor="pk", orderable=False, empty_values=())
    assigned_to = TextColumn(
        verbose_name=gettext_lazy("Assigned to"), accessor="assigned_to__name", order_by=("assigned_to__name",)
    )
    last_activity_at = DateTimeColumn(verbose_name=gettext_lazy("Last activity"))

    class Meta:
        model = Customer
        fields = ("tick", "name", "status", "phone", "city", "marked", "assigned_to", "last_activity_at")
        order_by = ("-last_activity_at",)

    def render_status(self, record: Customer) -> SafeString:
        return customer_status(record.status)

    def render_phone(self, record: Customer) -> SafeString:
        if not (record.email or record.phone or (record.company_name and record.contact_name)):
            return EMPTY
        who = record.contact_name if record.company_name else ""
        reach = names.phone_shown(record.phone) if record.phone else record.email
        return format_html(
            '<span class="two-lines"><span dir="auto">{}</span><small class="text-secondary">{}</small></span>',
            who or (ltr(reach) if reach else ""),
            ltr(reach) if who and reach else "",
        )

    def render_city(self, record: Customer) -> SafeString:
        parts = [part for part in (record.city, country(record.country)) if part]
        return format_html('<span dir="auto">{}</span>', " · ".join(parts)) if parts else EMPTY

    def render_marked(self, record: Any) -> SafeString:
        return tag_chips(record.marked) if record.marked else EMPTY
