"""Tables and filters of contracts."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.crm.contracts import access, selectors, terms
from portal.crm.contracts.choices import LANGUAGES, Billing, Status
from portal.crm.contracts.models import Contract, ContractTemplate, ContractType
from portal.crm.templatetags.contracts import amount_in, contract_badge, last_day_of, money_of
from portal.ui.filters import DateField
from portal.ui.people import person
from portal.ui.tables import BooleanColumn, DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import EMPTY, icon, localdate, ltr

_ALL = gettext_lazy("All")
_ALL_DAYS = gettext_lazy("as usual")
YES_NO = [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]


class DayFilter(django_filters.Filter):
    field_class = DateField


def people(request: HttpRequest | None) -> QuerySet[User]:
    """Whoever may be in charge of a contract."""
    rows = User.objects.filter(organization_id=scope.organization_id(), deleted_at=None, is_active=True)
    return rows.order_by("name", "id") if request else User.objects.none()


def kinds(request: HttpRequest | None) -> QuerySet[ContractType]:
    return selectors.type_list(every=True) if request else ContractType.objects.none()


class ContractFilter(django_filters.FilterSet):
    """`selectors.contract_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=Status.choices)
    type = django_filters.ModelMultipleChoiceFilter(label=gettext_lazy("Type"), queryset=kinds, to_field_name="key")
    owner = django_filters.ModelChoiceFilter(label=gettext_lazy("Person in charge"), queryset=people, empty_label=_ALL)
    billing = django_filters.ChoiceFilter(label=gettext_lazy("Billing"), choices=Billing.choices, empty_label=_ALL)
    auto = django_filters.ChoiceFilter(label=gettext_lazy("Renews itself"), choices=YES_NO, empty_label=_ALL)
    end_from = DayFilter(label=gettext_lazy("Ends from"))
    end_to = DayFilter(label=gettext_lazy("Ends until"))

    def chosen(self) -> dict[str, Any]:
        said = self.form.cleaned_data
        return {
            "search": said.get("q") or "",
            "status": said.get("status") or [],
            "type": [kind.key for kind in said.get("type") or ()],
            "owner": said["owner"].pk if said.get("owner") else None,
            "billing": said.get("billing") or "",
            "auto_renew": {"yes": True, "no": False}.get(said.get("auto") or ""),
            "end_from": said.get("end_from"),
            "end_to": said.get("end_to"),
        }

    def filter_queryset(self, queryset: QuerySet[Contract]) -> QuerySet[Contract]:
        return selectors.contract_list(user=person(self.request), filters=self.chosen())


DAYS = [(days, str(days)) for days in (30, 60, 90, 180, 365)]


class ExpiringFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    type = django_filters.ModelMultipleChoiceFilter(label=gettext_lazy("Type"), queryset=kinds, to_field_name="key")
    days = django_filters.ChoiceFilter(label=gettext_lazy("Within days"), choices=DAYS, empty_label=_ALL_DAYS)
    find = staticmethod(selectors.expiring)
    usual = 30

    def filter_queryset(self, queryset: QuerySet[Contract]) -> QuerySet[Contract]:
        said = self.form.cleaned_data
        filters = {"search": said.get("q") or "", "type": [kind.key for kind in said.get("type") or ()]}
        return self.find(user=person(self.request), days=int(said.get("days") or self.usual), filters=filters)


class RenewalFilter(ExpiringFilter):
    find = staticmethod(selectors.renewals)
    usual = 90


class ContractTable(Table):
    tick = TickColumn("number")
    number = LtrColumn(linkify=("crm:contract_detail", {"contract_id": django_tables2.A("pk")}))
    title = TextColumn()
    customer = TextColumn(verbose_name=gettext_lazy("Customer"), accessor="customer__name")
    type = django_tables2.Column(verbose_name=gettext_lazy("Type"), order_by=("type__order",))
    status = django_tables2.Column()
    value = NumberColumn()
    end_date = django_tables2.Column(verbose_name=gettext_lazy("Last day"), empty_values=())
    owner = TextColumn(verbose_name=gettext_lazy("Person in charge"), accessor="owner__name")

    class Meta:
        model = Contract
        fields = ("tick", "number", "title", "customer", "type", "status", "value", "end_date", "owner")
        order_by = ("-number",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = access.today()

    def render_type(self, record: Contract) -> str:
        return record.type.label

    def render_status(self, record: Contract) -> SafeString:
        return contract_badge(record.status)

    def render_value(self, record: Contract) -> SafeString:
        return money_of(record)

    def render_end_date(self, record: Contract) -> SafeString:
        return last_day_of(record, self.today)


class ExpiringTable(ContractTable):
    left = NumberColumn(verbose_name=gettext_lazy("Days left"), accessor="end_date", empty_values=(), orderable=False)
    deadline = django_tables2.Column(verbose_name=gettext_lazy("Notice until"), accessor="notice_days", orderable=False)
    auto_renew = BooleanColumn()

    class Meta:
        model = Contract
        fields = ("number", "title", "customer", "type", "value", "end_date", "left", "deadline", "auto_renew", "owner")
        exclude = ("tick", "status")
        order_by = ("end_date",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Table.__init__(self, *args, **kwargs)
        self.today = access.today()

    def render_left(self, record: Contract) -> SafeString:
        end = record.last_day
        return ltr(terms.days_left(end, self.today) if end else None)

    def render_end_date(self, record: Contract) -> SafeString:
        return localdate(record.last_day)

    def render_deadline(self, record: Contract) -> SafeString:
        return localdate(terms.notice_deadline(record.end_date, record.notice_days))


class RenewalTable(ExpiringTable):
    proposed = NumberColumn(
        verbose_name=gettext_lazy("Proposed value"), accessor="value", orderable=False, empty_values=()
    )
    status = django_tables2.Column()
    risk = django_tables2.Column(
        verbose_name=gettext_lazy("Risk"), accessor="late_tickets", orderable=False, empty_values=()
    )
    renew = django_tables2.Column(accessor="pk", verbose_name="", orderable=False)

    class Meta:
        model = Contract
        fields = (
            "number", "title", "customer", "type", "status", "value", "proposed", "end_date", "left", "auto_renew",
            "risk", "renew",
        )  # fmt: skip
        exclude = ("tick", "deadline", "owner")
        order_by = ("end_date",)

    def __init__(self, *args: Any, may_edit: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_edit:
            self.columns.hide("renew")

    def render_status(self, record: Contract) -> SafeString:
        badge = contract_badge(record.status)
        if record.deal_for is None or record.deal_for != record.end_date:
            return badge
        return format_html('{} <span class="badge bg-blue-lt">{}{}</span>', badge, icon("coin"), _("Deal opened"))

    def render_proposed(self, record: Contract) -> SafeString:
        return amount_in(selectors.proposed_value(record), record.currency)

    def render_risk(self, record: Any) -> SafeString:
        if not record.late_tickets:
            return EMPTY
        text = ngettext("%(count)s overdue ticket", "%(count)s overdue tickets", record.late_tickets)
        url = f"{reverse('crm:ticket_list')}?customer={record.customer_id}&sla=overdue"
        told = text % {"count": record.late_tickets}
        return format_html('<a class="badge bg-red-lt verdict" href="{}">{}{}</a>', url, icon("alert-triangle"), told)

    def render_renew(self, record: Contract) -> SafeString:
        url = reverse("crm:contract_renew", args=[record.pk])
        return format_html('<a class="btn btn-sm" href="{}">{}</a>', url, _("Renew"))


class TemplateFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), field_name="name", lookup_expr="icontains")
    type = django_filters.ModelChoiceFilter(label=gettext_lazy("Type"), queryset=kinds, empty_label=_ALL)
    language = django_filters.ChoiceFilter(label=gettext_lazy("Language"), choices=LANGUAGES, empty_label=_ALL)


class TemplateTable(Table):
    name = TextColumn(linkify=("crm:template_detail", {"contract_template_id": django_tables2.A("pk")}))
    type = django_tables2.Column(verbose_name=gettext_lazy("Type"), order_by=("type__order",))
    language = django_tables2.Column()
    version = NumberColumn()
    updated_at = DateTimeColumn(verbose_name=gettext_lazy("Changed"))

    class Meta:
        model = ContractTemplate
        fields = ("name", "type", "language", "version", "updated_at")
        order_by = ("name",)

    def render_type(self, record: ContractTemplate) -> str:
        return record.type.label


class TypeTable(Table):
    name = TextColumn()
    prefix = LtrColumn()
    term_months = NumberColumn()
    notice_days = NumberColumn()
    auto_renew = BooleanColumn()
    reminders = LtrColumn(orderable=False)
    approver_role = LtrColumn()
    is_active = BooleanColumn()

    class Meta:
        model = ContractType
        fields = (
            "name", "prefix", "term_months", "notice_days", "auto_renew", "reminders", "approver_role", "is_active",
        )  # fmt: skip
        order_by = ("order",)

    def __init__(self, *args: Any, may_edit: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_edit = may_edit

    def render_name(self, record: ContractType) -> str:
        url = reverse("crm:contract_type_edit", args=[record.pk])
        return format_html('<a href="{}">{}</a>', url, record.label) if self.may_edit else record.label

    def render_reminders(self, value: list[int]) -> SafeString:
        return ltr(", ".join(map(str, value)))
