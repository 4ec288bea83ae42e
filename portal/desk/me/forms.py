"""The own profile, preferences, password and second step."""

from typing import Any

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.ui.forms import AUTO, LTR, ServiceForm, password_field

THEMES = [("auto", _("As the device is set")), ("light", _("Light")), ("dark", _("Dark"))]


class ProfileForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(AUTO | {"autocomplete": "name"}))
    phone = forms.CharField(
        label=_("Phone"),
        max_length=50,
        required=False,
        widget=forms.TextInput(LTR | {"type": "tel", "autocomplete": "tel"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(user, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)


class PortraitForm(ServiceForm):
    file = forms.FileField(
        label=_("Portrait"),
        widget=forms.FileInput({"accept": "image/jpeg,image/png,image/webp"}),
        help_text=_("JPEG, PNG or WebP, at most 5 MB. Place and camera of the photograph are not kept."),
    )


class PreferencesForm(ServiceForm):
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("as the browser asks")), ("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))],
    )
    theme = forms.ChoiceField(label=_("Appearance"), choices=THEMES, help_text=_("Kept on this device."))


class PasswordForm(ServiceForm):
    current_password = password_field(_("Current password"), autocomplete="current-password")
    new_password = password_field(
        _("New password"),
        autocomplete="new-password",
        help_text=_("Every app and every other browser is signed out."),
    )
    again = password_field(_("New password again"), autocomplete="new-password")

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("new_password"):
            raise forms.ValidationError(_("The two entries differ."))
        return again


class SetupForm(ServiceForm):
    """The first code of a new secret, which travels with the form until it is proven."""

    secret = forms.RegexField(r"\A[A-Z2-7]{16,64}\Z", widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Code that the app shows"),
        max_length=10,
        widget=forms.TextInput(LTR | {"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class PasskeyForm(AddWebAuthnForm):
    """A new passkey: its name, the own password, and what the device made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["passwordless"]  # every passkey of ours is one
        self.fields["name"] = forms.CharField(label=_("Name"), max_length=60, widget=forms.TextInput(AUTO))
        self.fields["current_password"] = password_field(_("Current password"), autocomplete="current-password")
        self.order_fields(["name", "current_password", "credential"])

    def clean_current_password(self) -> str:
        password: str = self.cleaned_data["current_password"]
        if not self.user.check_password(password):
            raise forms.ValidationError(_("The current password is wrong."))
        return password

    def clean(self) -> dict[str, Any]:
        return super().clean() if not self.errors else self.cleaned_data  # type: ignore[no-any-return]


class ProofForm(ServiceForm):
    """A code that proves that the person still holds the second factor."""

    code = forms.CharField(
        label=_("Code of the app, or a recovery code"),
        max_length=20,
        widget=forms.TextInput(LTR | {"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
