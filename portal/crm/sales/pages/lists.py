"""Tables and filters of deals and products."""

from datetime import date
from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.crm.counting import many
from portal.crm.sales import selectors
from portal.crm.sales.choices import Category, Kind
from portal.crm.sales.models import Deal, Product, Stage
from portal.crm.templatetags.sales import expected, money, stage_badge
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.people import person
from portal.ui.tables import BooleanColumn, LtrColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import ltr

_ALL = gettext_lazy("All")
_LATE = [("yes", gettext_lazy("Expected before today")), ("no", gettext_lazy("Not overdue"))]


class DayFilter(django_filters.Filter):
    field_class = DateField


def people(request: HttpRequest | None) -> QuerySet[User]:
    """Everybody of the organisation who may have deals, for filters."""
    if request is None:
        return User.objects.none()
    rows = User.objects.filter(organization_id=scope.organization_id(), deleted_at=None, is_active=True)
    return rows.order_by("name", "id")


def _stages(request: HttpRequest | None) -> QuerySet[Stage]:
    return Stage.objects.filter(deleted_at=None) if request else Stage.objects.none()


class DealFilter(django_filters.FilterSet):
    """`selectors.Filters` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    stage = django_filters.ModelMultipleChoiceFilter(label=gettext_lazy("Stage"), queryset=_stages)
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=Kind.choices)
    assignee = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Assigned to"), queryset=people, empty_label=_ALL, null_label=gettext_lazy("Nobody")
    )
    category = django_filters.MultipleChoiceFilter(label=gettext_lazy("Category"), choices=Category.choices)
    late = django_filters.ChoiceFilter(label=gettext_lazy("Expected close"), choices=_LATE, empty_label=_ALL)
    since = DayFilter(label=gettext_lazy("Created from"))
    until = DayFilter(label=gettext_lazy("Created until"))
    expected_from = DayFilter(label=gettext_lazy("Expected from"))
    expected_to = DayFilter(label=gettext_lazy("Expected until"))

    def chosen(self) -> selectors.Filters:
        said = self.form.cleaned_data
        assignee = said.get("assignee")
        return selectors.Filters(
            search=said.get("q") or "",
            stages=[str(stage.pk) for stage in said.get("stage") or ()],
            statuses=said.get("status") or (),
            categories=said.get("category") or (),
            assignee=assignee.pk if isinstance(assignee, User) else None,
            unassigned=assignee == "null",
            slipped={"yes": True, "no": False}.get(said.get("late") or ""),
            since=midnight(said["since"]) if said.get("since") else None,
            until=day_after(said["until"]) if said.get("until") else None,
            expected_from=said.get("expected_from"),
            expected_to=said.get("expected_to"),
        )

    @property
    def many(self) -> bool:
        return many(person(self.request), "sales.view", Deal, self.form.cleaned_data)

    def filter_queryset(self, queryset: QuerySet[Deal]) -> QuerySet[Deal]:
        return selectors.with_names(
            selectors.deal_list(user=person(self.request), today=today(), filters=self.chosen())
        )


def today() -> date:
    return timezone.localdate()


class DealTable(Table):
    tick = TickColumn("title")
    title = TextColumn(linkify=("crm:sale_detail", {"deal_id": django_tables2.A("pk")}))
    customer = TextColumn(
        accessor="customer__name", order_by=("customer__name",), verbose_name=gettext_lazy("Customer")
    )
    stage = django_tables2.Column(order_by=("stage__position",))
    value = django_tables2.Column(order_by=("base_value",), attrs={"td": {"class": "num"}})
    chance = django_tables2.Column(
        verbose_name=gettext_lazy("Probability"), orderable=False, attrs={"td": {"class": "num"}}
    )
    expected_close_date = django_tables2.Column(empty_values=())
    assigned_to = TextColumn(
        accessor="assigned_to__name", order_by=("assigned_to__name",), verbose_name=gettext_lazy("Assigned to")
    )

    class Meta:
        model = Deal
        fields = ("tick", "title", "customer", "stage", "value", "chance", "expected_close_date", "assigned_to")
        order_by = ("-created_at",)

    # the default order has no column of its own
    created_at = django_tables2.Column(visible=False)

    def render_stage(self, record: Deal) -> SafeString:
        return stage_badge(record.stage)

    def render_value(self, record: Deal) -> SafeString:
        return money(record.value, record.currency)

    def render_chance(self, record: Deal) -> SafeString:
        return ltr(f"{record.chance} %")

    def render_expected_close_date(self, record: Deal) -> SafeString:
        return expected(record)


class ProductFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    active = django_filters.BooleanFilter(label=gettext_lazy("Active"))

    def filter_queryset(self, queryset: QuerySet[Product]) -> QuerySet[Product]:
        said = self.form.cleaned_data
        return selectors.product_list(search=said.get("q") or "", active=said.get("active"))


class ProductTable(Table):
    name = TextColumn(linkify=("crm:product_edit", {"product_id": django_tables2.A("pk")}))
    sku = LtrColumn()
    unit_price = django_tables2.Column(attrs={"td": {"class": "num"}})
    is_active = BooleanColumn()

    class Meta:
        model = Product
        fields = ("name", "sku", "unit_price", "is_active")
        order_by = ("name",)

    def __init__(self, *args: Any, currency: str = "", may_edit: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def render_unit_price(self, value: Any) -> SafeString:
        return money(value, self.currency)
