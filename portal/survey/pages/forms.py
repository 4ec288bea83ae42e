"""Forms of applications, of giving out tasks, and of a review."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.text import latin_digits
from portal.core.projects.choices import TaskPriority
from portal.survey.choices import ServiceType
from portal.survey.models import Application
from portal.ui.filters import DateField, day_after
from portal.ui.forms import AUTO, LTR, RecordForm, ServiceForm


class NumberField(forms.FloatField):
    """Digits and decimal sign of any keyboard."""

    widget = forms.TextInput(LTR | {"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(latin_digits(value).strip() if isinstance(value, str) else value)


class ApplicationForm(RecordForm):
    names: ClassVar[dict[str, str]] = {
        "applicationNumber": "application_number",
        "applicantName": "applicant_name",
        "applicantPhone": "applicant_phone",
        "serviceType": "service_type",
        "plotNumber": "plot_number",
        "coordinates": "latitude",
        "coordinates.lat": "latitude",
        "coordinates.lng": "longitude",
        "coordinates.accuracy": "accuracy",
    }

    application_number = forms.CharField(
        label=_("Number"),
        max_length=60,
        required=False,
        widget=forms.TextInput(LTR),
        help_text=_("Left empty, it is given by the server."),
    )
    applicant_name = forms.CharField(label=_("Applicant"), max_length=200, widget=forms.TextInput(AUTO))
    applicant_phone = forms.CharField(
        label=_("Telephone"), max_length=50, required=False, widget=forms.TextInput(LTR | {"inputmode": "tel"})
    )
    service_type = forms.ChoiceField(label=_("Service"), choices=ServiceType.choices)
    plot_number = forms.CharField(label=_("Plot"), max_length=60, required=False, widget=forms.TextInput(AUTO))
    latitude = NumberField(label=_("Latitude"), help_text=_("Decimal degrees, north is positive."))
    longitude = NumberField(label=_("Longitude"), help_text=_("Decimal degrees, east is positive."))
    accuracy = NumberField(label=_("Accuracy (m)"), required=False, min_value=0)
    requirements = forms.CharField(
        label=_("Requirements"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(AUTO | {"rows": 4}),
        help_text=_("One a line."),
    )
    instructions = forms.CharField(
        label=_("Instructions"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 4})
    )

    def __init__(self, *args: Any, application: Application | None = None, **kwargs: Any) -> None:
        if application is not None:
            names = [name for name in self.base_fields if name != "requirements"]
            kwargs["initial"] = {name: getattr(application, name) for name in names}
            kwargs["initial"]["requirements"] = "\n".join(application.requirements)
        super().__init__(*args, **kwargs)

    def payload(self) -> dict[str, Any]:
        """As the service takes it: an absent number is left out, a place is one object."""
        said = self.cleaned_data
        back = {"applicationNumber": "application_number", "applicantName": "applicant_name",
                "applicantPhone": "applicant_phone", "serviceType": "service_type", "plotNumber": "plot_number",
                "instructions": "instructions"}  # fmt: skip
        wire = {name: said[field] for name, field in back.items() if said[field] or name != "applicationNumber"}
        lines = [line.strip() for line in said["requirements"].splitlines()]
        wire["requirements"] = [line for line in lines if line]
        wire["coordinates"] = {"lat": said["latitude"], "lng": said["longitude"], "accuracy": said["accuracy"]}
        return wire


class DispatchForm(ServiceForm):
    """Who is sent, until when. Of all surveyors: whether a place lies in their areas is told and decided for each."""

    names: ClassVar[dict[str, str]] = {"assignedTo": "assigned_to", "dueDate": "due_date"}

    assigned_to: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Surveyor"), empty_label=_("Choose")
    )
    due_date = DateField(label=_("Due"), required=False)
    priority = forms.ChoiceField(label=_("Priority"), choices=TaskPriority.choices, initial=TaskPriority.MEDIUM)
    instructions = forms.CharField(
        label=_("Instructions"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 2})
    )

    def __init__(self, *args: Any, people: list[tuple[Any, bool]], **kwargs: Any) -> None:
        """`people`: surveyors, and whether the one place that is asked for lies in their areas."""
        super().__init__(*args, **kwargs)
        field = self.fields["assigned_to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(pk__in=[person.pk for person, _covers in people])
        field.choices = [("", _("Choose")), *((p.pk, p.name if covers else _outside(p.name)) for p, covers in people)]

    def payload(self) -> dict[str, Any]:
        said = self.cleaned_data
        end = day_after(said["due_date"]) if said["due_date"] else None
        wire = {"assignedTo": str(said["assigned_to"].pk), "priority": said["priority"]}
        wire |= {"dueDate": clock.wire(end - timedelta(seconds=1))} if end else {}
        return wire | ({"instructions": said["instructions"]} if said["instructions"] else {})


def _outside(name: str) -> str:
    return str(_("%(name)s – outside of the assigned areas") % {"name": name})


class ReviewForm(ServiceForm):
    """`start` begins the review, `save` notes what was said of single items; the other three decide."""

    decision = forms.ChoiceField(choices=[(name, name) for name in ("start", "save", "approve", "return", "reject")])
    reason = forms.CharField(max_length=4000, required=False)
