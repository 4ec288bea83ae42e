"""Table and filters of organisations."""

import django_filters
import django_tables2
from django.db.models import Count, Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.core.tenancy.models import Organization
from portal.core.tenancy.selectors import organization_list
from portal.desk.people.lists import STATES, active_badge
from portal.ui.tables import DateColumn, NumberColumn, Table, TextColumn

_ALL = gettext_lazy("All")


def counted(organizations: QuerySet[Organization]) -> QuerySet[Organization]:
    """With the number of their `people` who are not deleted."""
    return organizations.annotate(people=Count("users", filter=Q(users__deleted_at=None)))


class OrganizationFilter(django_filters.FilterSet):
    """`organization_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.ChoiceFilter(label=gettext_lazy("Status"), choices=STATES, empty_label=_ALL)
    kind = django_filters.ChoiceFilter(label=gettext_lazy("Kind"), choices=Organization.Kind.choices, empty_label=_ALL)

    def filter_queryset(self, queryset: QuerySet[Organization]) -> QuerySet[Organization]:
        said = self.form.cleaned_data
        active = {"active": True, "inactive": False}.get(said.get("status") or "")
        return counted(organization_list(search=said.get("q") or "", active=active, kind=said.get("kind") or ""))


class OrganizationTable(Table):
    name = django_tables2.Column(verbose_name=gettext_lazy("Organisation"))
    kind = django_tables2.Column()
    city = TextColumn(verbose_name=gettext_lazy("City"))
    is_active = django_tables2.Column(verbose_name=gettext_lazy("Status"), empty_values=())
    people = NumberColumn(verbose_name=gettext_lazy("People"))
    created_at = DateColumn(verbose_name=gettext_lazy("Since"))

    class Meta:
        model = Organization
        fields = ("name", "kind", "city", "is_active", "people", "created_at")
        order_by = ("name",)

    def render_name(self, record: Organization) -> SafeString:
        return format_html('<a href="/platform/organizations/{}" dir="auto">{}</a>', record.pk, record.name)

    def render_is_active(self, record: Organization) -> SafeString:
        return active_badge(record.is_active)
