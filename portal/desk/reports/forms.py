"""Forms of runs and schedules."""

from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import Role, User
from portal.core.tenancy import scope
from portal.desk.reports.choices import Format, Frequency
from portal.desk.reports.models import ReportSchedule
from portal.ui.forms import ServiceForm

LANGUAGE_WORDS = (("ar", "العربية"), ("fr", "Français"), ("en", "English"))


class RunForm(ServiceForm):
    """What a report is drawn as."""

    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=Format.choices)
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=LANGUAGE_WORDS)


class ScheduleForm(ServiceForm):
    """When a report is sent, and to whom."""

    names: ClassVar[dict[str, str]] = {"monthDay": "month_day", "isActive": "is_active", "minute": "at", "hour": "at"}

    frequency = forms.ChoiceField(label=gettext_lazy("How often"), choices=Frequency.choices)
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("On which day of the week"), coerce=int, choices=list(WEEKDAYS.items()), required=False
    )
    month_day = forms.TypedChoiceField(
        label=gettext_lazy("On which day of the month"),
        coerce=int,
        choices=[(day, str(day)) for day in range(1, 32)],
        required=False,
        help_text=gettext_lazy("Shorter months: their last day."),
    )
    at = forms.TimeField(
        label=gettext_lazy("At"), widget=forms.TimeInput({"type": "time", "dir": "ltr"}, format="%H:%M")
    )
    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=Format.choices)
    roles: "forms.ModelMultipleChoiceField[Role]" = forms.ModelMultipleChoiceField(
        None, label=gettext_lazy("Everybody of these roles"), required=False, widget=forms.CheckboxSelectMultiple
    )
    people: "forms.ModelMultipleChoiceField[User]" = forms.ModelMultipleChoiceField(
        None,
        label=gettext_lazy("These people"),
        required=False,
        widget=forms.SelectMultiple({"data-search": ""}),
        help_text=gettext_lazy("With nobody named, it is sent to you."),
    )

    def __init__(self, *args: Any, user: User, schedule: ReportSchedule | None = None, **kwargs: Any) -> None:
        kwargs["initial"] = _initial(schedule) if schedule else {"frequency": "weekly", "at": "07:00", "format": "pdf"}
        super().__init__(*args, **kwargs)
        organization = scope.organization_id()
        roles, people = self.fields["roles"], self.fields["people"]
        assert isinstance(roles, forms.ModelMultipleChoiceField)
        assert isinstance(people, forms.ModelMultipleChoiceField)
        roles.queryset = (
            Role.objects.filter(Q(organization=None) | Q(organization_id=organization), deleted_at=None)
            .exclude(key="SuperAdmin")
            .order_by("organization_id", "name", "id")
        )
        people.queryset = User.objects.filter(organization_id=organization, deleted_at=None, is_active=True).order_by(
            "name", "id"
        )
        if not user.has_permission("custom_reports.share"):
            del self.fields["roles"], self.fields["people"]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        needed = {"weekly": "weekday", "monthly": "month_day"}.get(said.get("frequency", ""))
        if needed and said.get(needed) in (None, ""):
            self.add_error(needed, _("This field is required."))
        return said

    def wire(self) -> dict[str, Any]:
        said = self.cleaned_data
        found = {
            "frequency": said["frequency"],
            "hour": said["at"].hour,
            "minute": said["at"].minute,
            "format": said["format"],
        }
        if said.get("weekday") not in (None, ""):
            found["weekday"] = said["weekday"]
        if said.get("month_day") not in (None, ""):
            found["monthDay"] = said["month_day"]
        if "roles" in self.fields:
            found["roles"] = [role.key for role in said["roles"]]
            found["people"] = [str(user.pk) for user in said["people"]]
        return found


def _initial(schedule: ReportSchedule) -> dict[str, Any]:
    return {
        "frequency": schedule.frequency,
        "weekday": schedule.weekday,
        "month_day": schedule.month_day,
        "at": f"{schedule.hour:02}:{schedule.minute:02}",
        "format": schedule.format,
        "roles": list(Role.objects.filter(key__in=schedule.roles, deleted_at=None).values_list("pk", flat=True)),
        "people": schedule.people,
    }
