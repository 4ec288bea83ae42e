"""Forms of the audit pages. What a service refuses stands at the field that is at fault."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.accounts.selectors import assignable_people
from portal.core.audit.alerts import CHANNELS
from portal.core.audit.models import Action, AlertRule, Outcome, RetentionPolicy, SecurityEvent
from portal.core.audit.reports import LANGUAGES
from portal.core.common.errors import DomainError
from portal.core.common.text import normalise
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.trail import entity_choices

_ALL = gettext_lazy("All")
_AUTO = {"dir": "auto"}
_LTR = {"dir": "ltr"}
LANGUAGE_WORDS = {"ar": gettext_lazy("Arabic"), "fr": gettext_lazy("French"), "en": gettext_lazy("English")}
_CHANNEL_WORDS = {"in_app": gettext_lazy("in the portal"), "email": gettext_lazy("e-mail")}


class ServiceForm(forms.Form):
    """A form whose refusals come from a service, under the names of `renamed` or the fields' own."""

    renamed: Mapping[str, str] = {}

    def refuse(self, refusal: DomainError) -> None:
        for error in refusal.errors:
            name = self.renamed.get(error.field, error.field)
            self.add_error(name if name in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, str(refusal.message))


class ResolveForm(ServiceForm):
    resolution = forms.ChoiceField(
        label=gettext_lazy("Outcome"),
        widget=forms.RadioSelect,
        choices=[
            ("resolved", gettext_lazy("Resolved: it happened and has been dealt with")),
            ("false_positive", gettext_lazy("False alarm: nothing was wrong")),
        ],
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=2000,
        widget=forms.Textarea(_AUTO | {"rows": 3}),
        help_text=gettext_lazy("It is kept with the event and stands in the audit log."),
    )


class RuleForm(ServiceForm):
    """An alert rule: what is counted, how often within how long, and whom it tells."""

    renamed = {
        "filter.action": "action",
        "filter.resource": "resource",
        "filter.userId": "user",
        "filter.outcome": "outcome",
        "filter.ip": "ip",
    }
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, widget=forms.TextInput(_AUTO))
    action = forms.MultipleChoiceField(
        label=gettext_lazy("Actions"),
        required=False,
        widget=forms.SelectMultiple({"data-search": ""}),
        choices=[(action.wire, action.label) for action in Action if action is not Action.ACCESS],
        help_text=gettext_lazy("None chosen means all."),
    )
    resource = forms.ChoiceField(label=gettext_lazy("Kind of record"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), required=False, choices=[("", _ALL), *Outcome.choices])
    user = forms.ModelChoiceField(
        label=gettext_lazy("Person"), required=False, queryset=User.objects.none(), empty_label=_ALL
    )
    ip = forms.GenericIPAddressField(
        label=gettext_lazy("Address"), required=False, widget=forms.TextInput(_LTR | {"placeholder": "192.0.2.7"})
    )
    threshold = forms.IntegerField(
        label=gettext_lazy("Number of entries"), min_value=1, max_value=1_000_000, initial=10
    )
    window_minutes = forms.IntegerField(
        label=gettext_lazy("Within (minutes)"), min_value=1, max_value=43_200, initial=60
    )
    group_by = forms.ChoiceField(label=gettext_lazy("Count per"), required=False, choices=AlertRule.Group.choices)
    throttle_minutes = forms.IntegerField(
        label=gettext_lazy("At most one alert every (minutes)"), min_value=0, max_value=43_200, initial=60
    )
    severity = forms.ChoiceField(
        label=gettext_lazy("Severity"), choices=SecurityEvent.Severity.choices, initial=SecurityEvent.Severity.MEDIUM
    )
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Tell by"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(name, _CHANNEL_WORDS[name]) for name in CHANNELS],
        initial=["in_app"],
    )
    recipients = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(_LTR),
        help_text=gettext_lazy("Separated by commas or spaces."),
    )
    is_active = forms.BooleanField(label=gettext_lazy("Active"), required=False, initial=True)

    def __init__(self, *args: Any, rule: AlertRule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            kwargs["initial"] = _of_rule(rule)
        super().__init__(*args, **kwargs)
        self.fields["resource"].choices = [("", _ALL), *entity_choices()]  # type: ignore[attr-defined]
        self.fields["user"].queryset = assignable_people()  # type: ignore[attr-defined]

    def clean_recipients(self) -> list[str]:
        return [part for part in self.cleaned_data["recipients"].replace(",", " ").replace("،", " ").split() if part]

    @property
    def data_of_rule(self) -> dict[str, Any]:
        """What `rule_create` and `rule_update` take."""
        data = dict(self.cleaned_data)
        person: User | None = data.pop("user")
        wanted = {name: data.pop(name) for name in ("action", "resource", "outcome", "ip")}
        wanted["userId"] = str(person.pk) if person else ""
        return data | {"filter": {name: value for name, value in wanted.items() if value}}

    @property
    def fingerprint(self) -> str:
        """Tells whether the rule that is saved is the one whose dry run was shown."""
        text = json.dumps(self.data_of_rule, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _of_rule(rule: AlertRule) -> dict[str, Any]:
    actions = rule.filter.get("action") or []
    return {name: getattr(rule, name) for name in RuleForm.base_fields if hasattr(rule, name)} | {
        "action": [actions] if isinstance(actions, str) else actions,
        "resource": rule.filter.get("resource", ""),
        "outcome": rule.filter.get("outcome", ""),
        "user": rule.filter.get("userId"),
        "ip": rule.filter.get("ip", ""),
        "recipients": ", ".join(rule.recipients),
    }


class PolicyForm(ServiceForm):
    resource = forms.ChoiceField(label=gettext_lazy("Kind of record"), required=False)
    keep_days = forms.IntegerField(
        label=gettext_lazy("Keep (days)"),
        min_value=365,
        max_value=36_500,
        initial=3650,
        help_text=gettext_lazy("At least 365."),
    )
    action = forms.ChoiceField(
        label=gettext_lazy("Afterwards"), choices=RetentionPolicy.Action.choices, initial=RetentionPolicy.Action.ARCHIVE
    )
    legal_hold = forms.BooleanField(
        label=gettext_lazy("Legal hold"),
        required=False,
        help_text=gettext_lazy("Nothing of this kind may be erased, by this policy or for a person, while it stands."),
    )
    is_active = forms.BooleanField(label=gettext_lazy("Active"), required=False)

    def __init__(self, *args: Any, policy: RetentionPolicy | None = None, **kwargs: Any) -> None:
        if policy is not None:
            kwargs["initial"] = {name: getattr(policy, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        self.fields["resource"].choices = [("", capfirst(gettext_lazy("all other kinds"))), *entity_choices()]  # type: ignore[attr-defined]


class TypedForm(ServiceForm):
    """A confirmation that has to be typed: `word`, in any spelling that `normalise` equates."""

    typed = forms.CharField(max_length=300, widget=forms.TextInput(_AUTO | {"autocomplete": "off"}))

    def __init__(self, *args: Any, word: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.word = word
        self.fields["typed"].label = _("Type “%(word)s” to confirm") % {"word": f"\u2068{word}\u2069"}

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if normalise(typed) != normalise(self.word):
            raise forms.ValidationError(_("This is not what has to be typed."))
        return typed


class ErasureForm(TypedForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=1000,
        widget=forms.Textarea(_AUTO | {"rows": 2}),
        help_text=gettext_lazy(
            "For example the number of the person's request. It stands in the record of the erasure."
        ),
    )
    field_order = ("reason", "typed")


class PersonForm(forms.Form):
    """Whom to erase: a person of the organisation, or any other record that is about somebody."""

    user = forms.ModelChoiceField(
        label=gettext_lazy("Person"),
        required=False,
        queryset=User.objects.none(),
        empty_label=gettext_lazy("Choose a person"),
        widget=forms.Select({"data-search": ""}),
    )
    entity = forms.ChoiceField(label=gettext_lazy("Or another kind of record"), required=False)
    record = forms.CharField(
        label=gettext_lazy("Record id"), required=False, max_length=255, widget=forms.TextInput(_LTR)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.exclude(organization=None).order_by("name", "pk")  # deleted people too
        self.fields["user"].queryset = people  # type: ignore[attr-defined]
        self.fields["entity"].choices = [("", "—"), *entity_choices()]  # type: ignore[attr-defined]

    @property
    def subject(self) -> tuple[str, str] | None:
        """Entity and id; None as long as nobody is chosen."""
        if not self.is_valid():
            return None
        if self.cleaned_data["user"]:
            return "user", str(self.cleaned_data["user"].pk)
        entity, record = self.cleaned_data["entity"], self.cleaned_data["record"].strip()
        return (entity, record) if entity and record else None


class ReportForm(ServiceForm):
    renamed = {"date_to": "until", "date_from": "since"}
    since = DateField(label=gettext_lazy("From"))
    until = DateField(label=gettext_lazy("Until"), help_text=gettext_lazy("This day is included."))
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=[(code, LANGUAGE_WORDS[code]) for code in LANGUAGES]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        today = timezone.localdate()
        kwargs["initial"] = {
            "since": today - timedelta(days=30),
            "until": today,
            "language": (get_language() or "en")[:2],
        }
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if since and until and since > until:
            self.add_error("until", _("The period ends before it begins."))
        return found

    @property
    def period(self) -> tuple[datetime, datetime]:
        first: date = self.cleaned_data["since"]
        last: date = self.cleaned_data["until"]
        return midnight(first), day_after(last) or midnight(last)
