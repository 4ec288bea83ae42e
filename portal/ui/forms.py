"""What the forms of the pages share: refusals of services, and fields for people's data."""

from typing import ClassVar

from django import forms

from portal.core.common.errors import DomainError

AUTO = {"dir": "auto"}
LTR = {"dir": "ltr"}


class ServiceForm(forms.Form):
    """A form whose refusals come from a service; `names` says what a field of the service is called here."""

    names: ClassVar[dict[str, str]] = {}

    def refuse(self, refusal: DomainError) -> None:
        for error in refusal.errors:
            field = self.names.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, str(refusal.message))


def password_field(label: object, *, autocomplete: str, help_text: object = "") -> forms.CharField:
    widget = forms.PasswordInput({"autocomplete": autocomplete, **LTR})
    # a space at an end may be meant
    return forms.CharField(label=label, max_length=200, strip=False, widget=widget, help_text=help_text)  # type: ignore[arg-type]
