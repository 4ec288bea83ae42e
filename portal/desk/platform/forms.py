"""Forms of organisations and of support sessions."""

import zoneinfo
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.services.support import LONGEST
from portal.core.tenancy.models import Organization
from portal.core.tenancy.selectors import organization_list
from portal.ui.forms import AUTO, LTR, ServiceForm

FIELDS = (
    "name", "kind", "description", "address", "city", "country", "phone", "email", "website", "logo_url", "domain",
    "time_zone", "language",
)  # fmt: skip
# Field of the form -> key of the organisation's settings.
RULES = {
    "password_min_length": "passwordMinLength",
    "password_breach_list": "passwordBreachList",
    "access_token_seconds": "accessTokenSeconds",
}


@lru_cache(maxsize=1)
def zones() -> list[tuple[str, str]]:
    """The time zones that name a place, and UTC."""
    named = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [(name, name.replace("_", " ")) for name in ("UTC", *named)]


class OrganizationForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    kind = forms.ChoiceField(label=_("Kind"), choices=Organization.Kind.choices)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    address = forms.CharField(label=_("Postal address"), max_length=300, required=False, widget=forms.TextInput(AUTO))
    city = forms.CharField(label=_("City"), max_length=100, required=False, widget=forms.TextInput(AUTO))
    country = forms.CharField(label=_("Country"), max_length=100, required=False, widget=forms.TextInput(AUTO))
    phone = forms.CharField(
        label=_("Phone"), max_length=50, required=False, widget=forms.TextInput(LTR | {"type": "tel"})
    )
    email = forms.EmailField(label=_("E-mail"), required=False, widget=forms.EmailInput(LTR))
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https", widget=forms.URLInput(LTR))
    logo_url = forms.URLField(
        label=_("Address of the logo"), required=False, assume_scheme="https", widget=forms.URLInput(LTR)
    )
    domain = forms.CharField(label=_("Domain"), max_length=253, required=False, widget=forms.TextInput(LTR))
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones, initial="UTC", widget=forms.Select(LTR))
    language = forms.ChoiceField(
        label=_("Language"),
        choices=[("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))],
        initial="en",
        help_text=_("Of messages to people who have not chosen one."),
    )


class EditOrganizationForm(OrganizationForm):
    names: ClassVar[dict[str, str]] = {f"settings.{key}": name for name, key in RULES.items()}
    password_min_length = forms.IntegerField(
        label=_("Shortest password, in characters"), min_value=6, max_value=128, required=False
    )
    password_breach_list = forms.BooleanField(
        label=_("Refuse passwords that everybody uses"), required=False, widget=forms.CheckboxInput
    )
    access_token_seconds = forms.IntegerField(
        label=_("Life of an access token of the apps, in seconds"),
        min_value=300,
        max_value=86_400,
        required=False,
        help_text=_("From 300 to 86400; empty: what the installation says."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(organization, name) for name in (*FIELDS, "version")}
        kwargs["initial"] |= {name: organization.settings.get(key) for name, key in RULES.items()}
        super().__init__(*args, **kwargs)

    def changes(self) -> Mapping[str, Any]:
        said = self.cleaned_data
        rules = {key: said[name] for name, key in RULES.items() if name != "password_breach_list"}
        rules["passwordBreachList"] = said["password_breach_list"] or None
        return {name: said[name] for name in FIELDS} | {"settings": rules}


class AdminForm(ServiceForm):
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(LTR))


class SupportForm(ServiceForm):
    organization = forms.ModelChoiceField(
        label=_("Organisation"), queryset=Organization.objects.none(), empty_label=_("Choose an organisation")
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=forms.TextInput(AUTO),
        help_text=_("The administrators of the organisation read it, and so does the audit log."),
    )
    minutes = forms.TypedChoiceField(
        label=_("At most"),
        coerce=int,
        initial=LONGEST,
        choices=[(15, _("15 minutes")), (30, _("30 minutes")), (60, _("60 minutes"))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = organization_list(active=True)
