"""Forms of what tickets are ruled by."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import BUILTIN_ROLES
from portal.core.common.text import latin_digits
from portal.crm.contracts.selectors import type_list
from portal.crm.sla import calendars
from portal.crm.sla.clock import DAYS
from portal.crm.sla.models import SlaCalendar, SlaPolicy
from portal.crm.tickets.choices import Channel, TicketPriority
from portal.crm.tickets.models import TicketCategory
from portal.crm.tickets.pages.forms import NOBODY, workers
from portal.crm.tickets.pages.lists import categories
from portal.ui.filters import DateField
from portal.ui.forms import AUTO, LTR, ServiceForm

DAY_NAMES = {
    "mon": _("Monday"),
    "tue": _("Tuesday"),
    "wed": _("Wednesday"),
    "thu": _("Thursday"),
    "fri": _("Friday"),
    "sat": _("Saturday"),
    "sun": _("Sunday"),
}
HOURS = LTR | {"placeholder": "08:00-12:00 13:30-18:00"}
SEASONS = 4
STEPS = 4
TARGETS = {
    "firstResponseSeconds": _("First reply"),
    "nextResponseSeconds": _("Next reply"),
    "resolutionSeconds": _("Resolution"),
}


class RulesForm(forms.Form):
    close_days = forms.IntegerField(
        label=_("Days until a resolved ticket closes by itself"), min_value=1, max_value=365
    )
    exceedance = forms.BooleanField(
        label=_("Open a ticket for the customer of a sampling point when a sample there fails"), required=False
    )


class CategoryForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {
        "nameAr": "name_ar",
        "nameFr": "name_fr",
        "parentId": "parent",
        "defaultAssignee": "default_assignee",
        "isActive": "is_active",
    }

    key = forms.SlugField(
        label=_("Key"), max_length=40, widget=forms.TextInput(LTR), help_text=_("For programs; it never changes.")
    )
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(AUTO))
    name_ar = forms.CharField(
        label=_("Arabic name"), max_length=100, required=False, widget=forms.TextInput({"dir": "rtl"})
    )
    name_fr = forms.CharField(label=_("French name"), max_length=100, required=False, widget=forms.TextInput(LTR))
    parent = forms.ChoiceField(label=_("Part of"), required=False)
    default_assignee = forms.ChoiceField(label=_("New tickets go to"), required=False)
    color = forms.CharField(
        label=_("Colour"), max_length=7, initial="#6b7280", widget=forms.TextInput({"type": "color"})
    )
    order = forms.IntegerField(label=_("Order"), min_value=0, max_value=30_000, initial=100)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, category: TicketCategory | None = None, **kwargs: Any) -> None:
        if category is not None:
            plain = ("key", "name", "name_ar", "name_fr", "color", "order", "is_active")
            kwargs["initial"] = {name: getattr(category, name) for name in plain} | {
                "parent": category.parent.key if category.parent else "",
                "default_assignee": str(category.default_assignee_id or ""),
            }
        super().__init__(*args, **kwargs)
        if category is not None:  # programs know it by its key
            del self.fields["key"]
        held = [choice for choice in categories(None) if category is None or choice[0] != category.key]
        for name, choices in (("parent", [("", _("None")), *held]), ("default_assignee", [("", NOBODY), *workers()])):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices

    def wire(self) -> dict[str, Any]:
        back = {name: wire for wire, name in self.names.items()}
        said = {back.get(name, name): value for name, value in self.cleaned_data.items()}
        parent = TicketCategory.objects.filter(key=said["parentId"]).first() if said["parentId"] else None
        return said | {"parentId": str(parent.pk) if parent else None}


class HoursField(forms.CharField):
    """Opening hours of a day as people write them: `08:00-12:00, 13:30-18:00`, in any digits. Empty: closed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": 200, "widget": forms.TextInput(HOURS), **kwargs})

    def clean(self, value: Any) -> list[list[str]]:
        text = latin_digits(super().clean(value))
        for mark in ("،", ",", ";", "+"):
            text = text.replace(mark, " ")
        for mark in ("–", "—", " - ", "- ", " -"):
            text = text.replace(mark, "-")
        spans = [[_padded(part) for part in word.split("-")] for word in text.split()]
        if any(len(span) != 2 or not all(":" in part for part in span) for span in spans):
            raise forms.ValidationError(_("Give intervals like 08:00 to 12:00; a day ends at 24:00."))
        return spans


def _padded(text: str) -> str:
    return f"0{text}" if len(text) == 4 else text


def hours_text(spans: list[list[str]]) -> str:
    return " ".join("-".join(span) for span in spans)


class CalendarForm(ServiceForm):
    """The week day by day; a season has one set of hours for the days on which the week is open."""

    names: ClassVar[dict[str, str]] = {"timeZone": "time_zone"} | {f"week.{day}": day for day in DAYS}

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(AUTO))
    time_zone = forms.CharField(label=_("Time zone"), max_length=64, widget=forms.TextInput(LTR))
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, calendar: SlaCalendar | None, zone: str, **kwargs: Any) -> None:
        week = calendar.week if calendar else {day: [["09:00", "17:00"]] for day in DAYS[:5]}
        initial: dict[str, Any] = {
            "name": calendar.name if calendar else "",
            "time_zone": calendar.time_zone if calendar else zone,
            "version": calendar.version if calendar else None,
        } | {day: hours_text(week.get(day, [])) for day in DAYS}
        self.held = list(calendar.seasons) if calendar else []
        for place, season in enumerate(self.held[:SEASONS]):
            usual: list[list[str]] = next(iter(season["week"].values()), [])
            initial |= {
                f"season_{place}_name": season["name"],
                f"season_{place}_from": season["from"],
                f"season_{place}_to": season["to"],
                f"season_{place}_hours": hours_text(usual),
            }
        super().__init__(*args, **{"initial": initial, **kwargs})
        for day in DAYS:
            self.fields[day] = HoursField(label=DAY_NAMES[day])
        for place in range(SEASONS):
            self.fields[f"season_{place}_name"] = forms.CharField(
                label=_("Season"),
                max_length=100,
                required=False,
                widget=forms.TextInput(AUTO | {"placeholder": _("Ramadan")}),
            )
            self.fields[f"season_{place}_from"] = DateField(label=_("First day"), required=False)
            self.fields[f"season_{place}_to"] = DateField(label=_("Last day"), required=False)
            self.fields[f"season_{place}_hours"] = HoursField(label=_("Hours"))

    @property
    def week(self) -> list[forms.BoundField]:
        return [self[day] for day in DAYS]

    @property
    def seasons(self) -> list[list[forms.BoundField]]:
        return [
            [self[f"season_{place}_{name}"] for name in ("name", "from", "to", "hours")] for place in range(SEASONS)
        ]

    def wire(self) -> dict[str, Any]:
        said = self.cleaned_data
        week = {day: said[day] for day in DAYS if said[day]}
        seasons = list(self.held[SEASONS:])
        for place in range(SEASONS):
            parts = {name: said[f"season_{place}_{name}"] for name in ("name", "from", "to", "hours")}
            changed = any(f"season_{place}_{name}" in self.changed_data for name in ("from", "to", "hours"))
            if place < len(self.held) and not changed:
                seasons.append(self.held[place] | {"name": parts["name"]})
            elif parts["from"] or parts["to"]:
                seasons.append(
                    {
                        "name": parts["name"],
                        "from": parts["from"].isoformat() if parts["from"] else "",
                        "to": parts["to"].isoformat() if parts["to"] else "",
                        "week": dict.fromkeys(week, parts["hours"]),
                    }
                )
        return {"name": said["name"], "timeZone": said["time_zone"], "week": week, "seasons": seasons}


class TryForm(forms.Form):
    """A moment on the calendar's own clock, and a target."""

    start = forms.DateTimeField(
        label=_("From"), widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    hours = forms.DecimalField(label=_("Target (hours)"), min_value=0, max_value=8760, decimal_places=2)


class PolicyForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {
        "calendarId": "calendar",
        "warnPercent": "warn_percent",
        "isDefault": "is_default",
        "match.categories": "categories",
        "match.customerTags": "customer_tags",
        "match.contractTypes": "contract_types",
    }

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(AUTO))
    order = forms.IntegerField(
        label=_("Order"), min_value=0, max_value=30_000, help_text=_("The first policy that applies wins.")
    )
    calendar = forms.ChoiceField(label=_("Working hours"), required=False)
    categories = forms.MultipleChoiceField(label=_("Categories"), required=False)
    priorities = forms.MultipleChoiceField(label=_("Priorities"), required=False, choices=TicketPriority.choices)
    channels = forms.MultipleChoiceField(label=_("Channels"), required=False, choices=Channel.choices)
    contract_types = forms.MultipleChoiceField(
        label=_("Contracts of the customer"), required=False, help_text=_("One in force of these types is enough.")
    )
    customer_tags = forms.CharField(
        label=_("Tags of the customer"),
        max_length=500,
        required=False,
        widget=forms.TextInput(AUTO),
        help_text=_("Between commas; one of them is enough."),
    )
    warn_percent = forms.CharField(
        label=_("Warn at (%)"), max_length=50, required=False, widget=forms.TextInput(LTR | {"placeholder": "75, 90"})
    )
    is_default = forms.BooleanField(label=_("For all tickets that no other policy takes"), required=False)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, policy: SlaPolicy | None, **kwargs: Any) -> None:
        initial = {"order": calendars.next_order(), "warn_percent": "75, 90"}
        if policy is not None:
            initial = _initial(policy)
        super().__init__(*args, **{"initial": initial, **kwargs})
        self.policy = policy
        held = [("", _("Around the clock")), *((str(row.pk), row.name) for row in calendars.calendar_list())]
        self._offer("calendar", held)
        self._offer("categories", categories(None))
        self._offer("contract_types", [(row.key, row.label) for row in type_list(every=True)])
        if policy is not None and policy.is_default:
            for name in ("categories", "priorities", "channels", "contract_types", "customer_tags", "is_default"):
                del self.fields[name]
        for priority in TicketPriority.values:
            for target, label in TARGETS.items():
                self.fields[f"{priority}_{target}"] = forms.DecimalField(
                    label=label, min_value=0, max_value=8784, decimal_places=2, required=False
                )
        people = workers()
        roles = [
            (key, str(label)) for key, label in BUILTIN_ROLES.items() if key in ("Admin", "Manager", "SupportAgent")
        ]
        whom = [("", "—"), ("assignee", _("Who has the ticket")), ("managers", _("Managers")), *roles, *people]
        actions = [
            ("", "—"),
            ("notify", _("Notify")),
            ("raise_priority", _("Raise the priority")),
            ("reassign", _("Give the ticket to")),
        ]
        for place in range(STEPS):
            self.fields[f"step_{place}_action"] = forms.ChoiceField(label=_("Step"), choices=actions, required=False)
            self.fields[f"step_{place}_to"] = forms.ChoiceField(label=_("Whom"), choices=whom, required=False)
            self.fields[f"step_{place}_percent"] = forms.IntegerField(
                label=_("At (%)"), min_value=1, max_value=100, required=False
            )
            self.fields[f"step_{place}_after"] = forms.IntegerField(
                label=_("Minutes after the breach"), min_value=0, max_value=100_000, required=False
            )

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def targets(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [
            (TicketPriority(priority).label, [self[f"{priority}_{target}"] for target in TARGETS])
            for priority in reversed(TicketPriority.values)
        ]

    @property
    def steps(self) -> list[list[forms.BoundField]]:
        return [
            [self[f"step_{place}_{name}"] for name in ("action", "to", "percent", "after")] for place in range(STEPS)
        ]

    def clean_warn_percent(self) -> list[int]:
        words = latin_digits(self.cleaned_data["warn_percent"]).replace("،", ",").replace("%", "").split(",")
        try:
            return [int(word) for word in words if word.strip()]
        except ValueError:
            raise forms.ValidationError(_("Give whole numbers from 1 to 99.")) from None

    def wire(self) -> dict[str, Any]:
        said = self.cleaned_data
        targets: dict[str, dict[str, int]] = {}
        for priority in TicketPriority.values:
            hours = {target: said[f"{priority}_{target}"] for target in TARGETS}
            targets[priority] = {target: int(value * 3600) for target, value in hours.items() if value}
        # Steps that set a tag come from the API alone: the form does not show them, and must not lose them.
        steps = [] if self.policy is None else [step for step in self.policy.escalations if step["action"] == "tag"]
        steps += [
            {
                "action": said[f"step_{place}_action"],
                "to": said[f"step_{place}_to"],
                "percent": said[f"step_{place}_percent"] or 100,
                "afterMinutes": said[f"step_{place}_after"] or 0,
            }
            for place in range(STEPS)
            if said[f"step_{place}_action"]
        ]
        data = {
            "name": said["name"],
            "order": said["order"],
            "calendarId": said["calendar"] or None,
            "targets": targets,
            "warnPercent": said["warn_percent"],
            "escalations": steps,
        }
        if "categories" in said:
            tags = [tag.strip() for tag in said["customer_tags"].replace("،", ",").split(",") if tag.strip()]
            data["match"] = {
                "categories": said["categories"],
                "priorities": said["priorities"],
                "channels": said["channels"],
                "customerTags": tags,
                "contractTypes": said["contract_types"],
                "contractIds": self.policy.match.get("contractIds", []) if self.policy else [],
            }
            if said["is_default"]:
                data["isDefault"] = True
        return data


def _initial(policy: SlaPolicy) -> dict[str, Any]:
    keys = {str(pk): key for pk, key in TicketCategory.objects.values_list("pk", "key")}
    match: Mapping[str, list[str]] = policy.match
    found: dict[str, Any] = {
        "name": policy.name,
        "order": policy.order,
        "calendar": str(policy.calendar_id or ""),
        "categories": [keys[id] for id in match.get("categories", []) if id in keys],
        "priorities": match.get("priorities", []),
        "channels": match.get("channels", []),
        "contract_types": match.get("contractTypes", []),
        "customer_tags": ", ".join(match.get("customerTags", [])),
        "warn_percent": ", ".join(map(str, policy.warn_percent)),
        "version": policy.version,
    }
    for priority, targets in policy.targets.items():
        for target, seconds in targets.items():
            found[f"{priority}_{target}"] = round(seconds / 3600, 2)
    shown = [step for step in policy.escalations if step["action"] != "tag"]
    for place, step in enumerate(shown[:STEPS]):
        found |= {
            f"step_{place}_action": step["action"],
            f"step_{place}_to": step["to"],
            f"step_{place}_percent": step["percent"],
            f"step_{place}_after": step["afterMinutes"],
        }
    return found
