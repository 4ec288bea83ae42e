"""Forms of people, roles and invitations."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions
from portal.core.accounts.models import Role, User
from portal.core.accounts.projects import membership
from portal.core.accounts.selectors import roles
from portal.core.projects.models import Project
from portal.ui.forms import AUTO, LTR, ServiceForm, TickedForm, password_field

type Choices = list[tuple[str, str]]
_ORDER = list(permissions.BUILTIN_ROLES)


def role_choices() -> Iterator[tuple[str, str]]:
    """The roles of the organisation in force: the built-in ones in the order of their reach, then its own."""
    found = list(roles.role_list())
    found.sort(key=lambda role: (not role.is_system, _ORDER.index(role.key) if role.is_system else 0, str(role)))
    for role in found:
        yield str(role.pk), str(role)


def _offered() -> Iterator[tuple[str, str]]:
    """Nothing is chosen before somebody chooses: a role is not given by oversight."""
    yield "", gettext("Choose the role")
    yield from role_choices()


class RoleField(forms.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_offered, **{"label": _("Role"), **kwargs})


class ReachForm(ServiceForm):
    """Which projects a person sees. Cleaned, `projects` is what services take: ids, or None for all of them."""

    confined = forms.BooleanField(label=_("Sees only the projects that are chosen here"), required=False)
    projects: "forms.ModelMultipleChoiceField[Project]" = forms.ModelMultipleChoiceField(
        None, label=_("Projects"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["projects"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = Project.objects.filter(deleted_at=None).order_by("name", "id")
        field.widget.attrs["data-search"] = ""

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if "confined" in said:
            said["projects"] = [project.pk for project in said["projects"]] if said.pop("confined") else None
        return said


class PersonForm(ReachForm):
    names: ClassVar[dict[str, str]] = {"password": "new_password", "projectIds": "projects"}
    name = forms.CharField(label=_("Name"), max_length=150, required=False, widget=forms.TextInput(AUTO))
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(LTR))
    username = forms.CharField(
        label=_("User name"),
        max_length=100,
        required=False,
        widget=forms.TextInput(LTR | {"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Letters, digits and . _ + - only. Field apps can sign in with it."),
    )
    role = RoleField()
    department = forms.CharField(
        label=_("Department"),
        max_length=100,
        required=False,
        widget=forms.TextInput(AUTO),
        help_text=_("People of the same department are a team: rights can reach as far as it."),
    )
    phone = forms.CharField(
        label=_("Phone"), max_length=50, required=False, widget=forms.TextInput(LTR | {"type": "tel"})
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("as the browser asks")), ("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))],
    )


class NewPersonForm(PersonForm):
    new_password = password_field(
        _("Password"),
        autocomplete="new-password",
        help_text=_("Leave it empty: the person gets a message with a link and chooses one."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password"].required = False


class EditPersonForm(PersonForm):
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, own: bool, **kwargs: Any) -> None:
        columns = ("name", "email", "username", "department", "phone", "language", "version")
        kwargs["initial"] = {name: getattr(user, name) for name in columns} | {"role": str(user.role_id)}
        kwargs["initial"] |= {"confined": not user.all_projects, "projects": membership().read([user.pk]).get(user.pk)}
        super().__init__(*args, **kwargs)
        if own:  # nobody gives themselves another role or more to see
            for name in ("role", "confined", "projects"):
                del self.fields[name]


def _acts() -> Iterator[tuple[str, Any]]:
    yield "", gettext("Choose what to do")
    yield "activate", gettext("Activate")
    yield "deactivate", gettext("Deactivate")
    yield gettext("Give the role"), [(f"role:{key}", name) for key, name in role_choices()]


class BulkForm(TickedForm):
    """One change for everybody who is ticked."""

    action = forms.ChoiceField(
        label=_("Action"), choices=_acts, widget=forms.Select({"class": "form-select", "required": True})
    )

    def changes(self) -> dict[str, Any]:
        action, _colon, role = self.cleaned_data["action"].partition(":")
        return {"role": role} if role else {"is_active": action == "activate"}


class InviteForm(ReachForm):
    names: ClassVar[dict[str, str]] = {"projectIds": "projects"}
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(LTR))
    role = RoleField()


class RoleForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(AUTO))
    description = forms.CharField(label=_("Description"), max_length=300, required=False, widget=forms.TextInput(AUTO))


class NewRoleForm(RoleForm):
    field_order = ("name", "key", "description")
    key = forms.CharField(
        label=_("Key"),
        max_length=50,
        required=False,
        widget=forms.TextInput(LTR | {"spellcheck": "false"}),
        help_text=_("How programs name the role; it follows from the name where you leave it empty."),
    )


class DeleteRoleForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {"role": "heir"}
    heir = RoleField(label=_("They get this role instead"))

    def __init__(self, *args: Any, role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["heir"]
        assert isinstance(field, RoleField)
        field.choices = [(key, name) for key, name in role_choices() if key != str(role.pk)]
