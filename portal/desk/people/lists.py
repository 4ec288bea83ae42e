"""Tables and filters of people, roles and invitations."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.core.accounts.models import Invitation, Role, User
from portal.core.accounts.selectors import invitations, people, roles
from portal.core.projects.models import Project
from portal.ui.tables import DateTimeColumn, NumberColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import icon, ltr, portrait

_ALL = gettext_lazy("All")
STATES = [("active", gettext_lazy("Active")), ("inactive", gettext_lazy("Inactive"))]
# Status of an invitation -> (Tabler colour, icon).
_OFFERS = {
    "Pending": ("yellow", "clock"),
    "Accepted": ("green", "circle-check"),
    "Expired": ("secondary", "clock"),
    "Cancelled": ("secondary", "circle-x"),
}


def badge(colour: str, picture: str, word: object) -> SafeString:
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(picture), word)


def active_badge(active: bool) -> SafeString:
    return badge("green", "circle-check", _("Active")) if active else badge("red", "circle-x", _("Inactive"))


class PeopleFilter(django_filters.FilterSet):
    """`people_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    role = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Role"), queryset=lambda request: roles.role_list(), empty_label=_ALL
    )
    status = django_filters.ChoiceFilter(label=gettext_lazy("Status"), choices=STATES, empty_label=_ALL)
    mfa = django_filters.ChoiceFilter(
        label=gettext_lazy("Two-step sign-in"),
        choices=[("on", gettext_lazy("On")), ("off", gettext_lazy("Off"))],
        empty_label=_ALL,
    )
    department = django_filters.CharFilter(label=gettext_lazy("Department"))
    project = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Member of project"),
        queryset=lambda request: Project.objects.filter(deleted_at=None).order_by("name", "id"),
        empty_label=_ALL,
    )

    def chosen(self) -> dict[str, Any]:
        """What `people_list` is asked for."""
        said = self.form.cleaned_data
        return {
            "search": said.get("q") or "",
            "role": str(said["role"].pk) if said.get("role") else "",
            "active": {"active": True, "inactive": False}.get(said.get("status") or ""),
            "mfa": {"on": True, "off": False}.get(said.get("mfa") or ""),
            "department": said.get("department") or "",
            "project": said["project"].pk if said.get("project") else None,
        }

    def filter_queryset(self, queryset: QuerySet[User]) -> QuerySet[User]:
        return people.people_list(**self.chosen())


class PeopleTable(Table):
    tick = TickColumn("name")
    name = django_tables2.Column(verbose_name=gettext_lazy("Person"))
    role = django_tables2.Column(accessor="role", verbose_name=gettext_lazy("Role"), order_by=("role__name",))
    department = TextColumn()
    is_active = django_tables2.Column(verbose_name=gettext_lazy("Status"), empty_values=())
    mfa_enabled = django_tables2.Column(verbose_name=gettext_lazy("Two-step sign-in"), empty_values=())
    last_login = DateTimeColumn(verbose_name=gettext_lazy("Last sign-in"))

    class Meta:
        model = User
        fields = ("tick", "name", "role", "department", "is_active", "mfa_enabled", "last_login")
        order_by = ("name",)

    def render_name(self, record: User) -> SafeString:
        return format_html(
            '<span class="who">{}<span class="who-text"><a href="/users/{}" dir="auto">{}</a>'
            '<small class="text-secondary">{}</small></span></span>',
            portrait(record),
            record.pk,
            record.name,
            ltr(record.email),
        )

    def render_role(self, record: User) -> str:
        return str(record.role)

    def render_is_active(self, record: User) -> SafeString:
        return active_badge(record.is_active)

    def render_mfa_enabled(self, record: User) -> SafeString | str:
        return badge("green", "shield-check", _("On")) if record.mfa_enabled else _("Off")


class RoleFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"))

    def filter_queryset(self, queryset: QuerySet[Role]) -> QuerySet[Role]:
        return roles.role_list(search=self.form.cleaned_data.get("q") or "")


class RoleTable(Table):
    name = django_tables2.Column(verbose_name=gettext_lazy("Role"))
    kind = django_tables2.Column(verbose_name=gettext_lazy("Kind"), empty_values=(), orderable=False)
    rights = NumberColumn(verbose_name=gettext_lazy("Rights"), empty_values=(), orderable=False)
    people = NumberColumn(verbose_name=gettext_lazy("People"))

    class Meta:
        model = Role
        fields = ("name", "kind", "rights", "people")
        order_by = ("name",)

    def render_name(self, record: Role) -> SafeString:
        return format_html(
            '<span class="who-text"><a href="/users/roles/{}" dir="auto">{}</a>'
            '<small class="text-secondary" dir="auto">{}</small></span>',
            record.pk,
            str(record),
            record.description,
        )

    def render_kind(self, record: Role) -> SafeString:
        if record.is_system:
            return badge("secondary", "lock", _("Built-in"))
        return badge("green", "pencil", _("Own"))

    def render_rights(self, record: Role) -> SafeString:
        return ltr(len(record.grants))

    def render_people(self, record: Role) -> SafeString:
        count = getattr(record, "people", 0)
        label = ngettext("%(count)d person", "%(count)d people", count) % {"count": count}
        return format_html(
            '<a href="/users?role={}" aria-label="{}">{}</a>', record.pk, f"{count}: {label}", ltr(count)
        )


class InvitationFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.ChoiceFilter(
        label=gettext_lazy("Status"), choices=Invitation.Status.choices, empty_label=_ALL
    )

    def filter_queryset(self, queryset: QuerySet[Invitation]) -> QuerySet[Invitation]:
        said = self.form.cleaned_data
        return signed(invitations.invitation_list(status=said.get("status") or "", search=said.get("q") or ""))


class InvitationTable(Table):
    email = django_tables2.Column()
    role = django_tables2.Column(accessor="role", order_by=("role__name",))
    status = django_tables2.Column(orderable=False)
    created_at = DateTimeColumn(verbose_name=gettext_lazy("Invited"))
    expires_at = DateTimeColumn()
    sender = django_tables2.Column(verbose_name=gettext_lazy("Invited by"), orderable=False, empty_values=())

    class Meta:
        model = Invitation
        fields = ("email", "role", "status", "created_at", "expires_at", "sender")
        order_by = ("-created_at",)

    def render_email(self, record: Invitation) -> SafeString:
        return format_html('<a href="/users/invitations/{}">{}</a>', record.pk, ltr(record.email))

    def render_role(self, record: Invitation) -> str:
        return str(record.role)

    def render_status(self, record: Invitation) -> SafeString:
        return offer_badge(record)

    def render_sender(self, record: Invitation) -> SafeString | str:
        return sender(record)


def offer_badge(invitation: Invitation) -> SafeString:
    status = invitations.status_of(invitation)
    colour, picture = _OFFERS[status]
    return badge(colour, picture, Invitation.Status(status).label)


def signed(rows: QuerySet[Invitation]) -> QuerySet[Invitation]:
    """With the name of each `sender`; a join would drop what people of the platform sent."""
    return rows.annotate(sender=Subquery(User.objects.filter(pk=OuterRef("sent_by_id")).values("name")[:1]))


def sender(invitation: Invitation) -> SafeString | str:
    """Who sent an invitation; an organisation does not see the people of the platform."""
    name = getattr(invitation, "sender", None)
    return format_html('<span dir="auto">{}</span>', name) if name else _("Platform administrator")
