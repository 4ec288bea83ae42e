"""Forms of imports: the upload, and the mapping of columns with its settings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from portal.core.common.errors import DomainError
from portal.core.common.spreadsheets import ENCODINGS, Format, Table
from portal.lab.choices import SampleStatus, SampleType
from portal.lab.imports.fields import TARGETS
from portal.lab.imports.mapping import IGNORED, PARAMETER, Columns
from portal.lab.imports.models import ImportSource, Layout
from portal.lab.rulebook import Rulebook
from portal.lab.science.measurement import Qualifier

SHOWN_NAMES = 80
_AUTO = {"dir": "auto"}
_ENCODINGS = [
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16 LE"),
    ("utf-16-be", "UTF-16 BE"),
    ("windows-1256", "Windows-1256"),
    ("windows-1252", "Windows-1252"),
]
assert [code for code, _label in _ENCODINGS] == list(ENCODINGS)
_DELIMITERS = [(",", ","), (";", ";"), ("\t", _("Tab")), ("|", "|")]


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX, at most 50 MB and 200,000 rows."),
        allow_empty_file=True,  # the service says it better
        widget=forms.FileInput({"accept": ".csv,.txt,.tsv,.xlsx"}),
    )
    source: "forms.ModelChoiceField[ImportSource]" = forms.ModelChoiceField(
        None, label=_("Source"), required=False, empty_label=_("A new source: find out how the file is built"),
        help_text=_("A source that was imported before brings its mapping along."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = ImportSource.objects.all()  # type: ignore[attr-defined]


class SettingsForm(forms.Form):
    """All of a mapping but its columns, units and parameters."""

    name = forms.CharField(
        label=_("Name of the source"), max_length=100, widget=forms.TextInput(_AUTO), required=False,
        help_text=_("The mapping is kept under this name for the next file."),
    )  # fmt: skip
    layout = forms.ChoiceField(label=_("Layout"), choices=Layout.choices)
    encoding = forms.ChoiceField(label=_("Encoding"), choices=_ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label=_("Separator"), choices=_DELIMITERS, required=False)
    sheet = forms.ChoiceField(label=_("Sheet"), required=False)
    header = forms.IntegerField(label=_("Row of the headings"), min_value=1, max_value=40, required=False)
    dates = forms.ChoiceField(
        label=_("Dates"),
        choices=[("dmy", _("day, month, year")), ("mdy", _("month, day, year")), ("ymd", _("year, month, day"))],
    )
    time_zone = forms.ChoiceField(label=_("Time zone of the times"))
    decimal = forms.ChoiceField(
        label=_("Decimal sign"),
        choices=[
            ("auto", _("comma or point, no thousands separators")),
            ("point", _("point; a comma separates thousands")),
            ("comma", _("comma; a point separates thousands")),
        ],
    )
    type = forms.ChoiceField(label=_("Kind of water"), choices=[("", "—"), *SampleType.choices], required=False)
    location = forms.CharField(label=_("Location"), max_length=300, required=False, widget=forms.TextInput(_AUTO))
    collector_name = forms.CharField(label=_("Taken by"), max_length=150, required=False, widget=forms.TextInput(_AUTO))
    status = forms.ChoiceField(label=_("Status"), choices=[("", "—"), *SampleStatus.choices], required=False)
    technician_name = forms.CharField(label=_("Analyst"), max_length=150, required=False, widget=forms.TextInput(_AUTO))
    method = forms.CharField(label=_("Method"), max_length=200, required=False, widget=forms.TextInput(_AUTO))
    instrument = forms.CharField(label=_("Instrument"), max_length=150, required=False, widget=forms.TextInput(_AUTO))
    non_detect = forms.CharField(
        label=_("Words for “not detected”"), max_length=500, required=False, widget=forms.TextInput(_AUTO),
        help_text=_("Separated by commas, beside those that are known, such as ND, non détecté or غير مكتشف."),
    )  # fmt: skip
    missing = forms.CharField(
        label=_("Words for “not measured”"), max_length=500, required=False, widget=forms.TextInput(_AUTO),
        help_text=_("Such cells are left out, without a result."),
    )  # fmt: skip
    qualifiers = forms.CharField(
        label=_("Codes of the qualifier column"), max_length=2000, required=False,
        widget=forms.Textarea({"rows": 3, "dir": "ltr"}),
        help_text=_("One in each line, such as U = not_detected or J = ~"),
    )  # fmt: skip
    fill_down = forms.BooleanField(
        label=_("An empty cell of the sample means the one above (merged cells)"), required=False
    )
    create_samples = forms.BooleanField(
        label=_("Register samples that are not here yet"), required=False,
        help_text=_("Otherwise only results of registered samples are taken, found by their code."),
    )  # fmt: skip

    FORMAT = ("encoding", "delimiter", "sheet", "header")
    READING = ("dates", "decimal", "time_zone", "missing", "non_detect", "qualifiers")
    DEFAULTS = ("type", "location", "collector_name", "status", "technician_name", "method", "instrument")
    aliases = {"collectorName": "collector_name", "technicianName": "technician_name"}

    def __init__(self, *args: Any, table: Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(name, name) for name in sorted(available_timezones())]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]
        if table.sheets:
            self.fields["sheet"].choices = [(name, name) for name in table.sheets]  # type: ignore[attr-defined]
            del self.fields["encoding"], self.fields["delimiter"]
        else:
            del self.fields["sheet"]

    @classmethod
    def of(cls, mapping: Columns, *, name: str, layout: str, table: Table) -> "SettingsForm":
        """The form as a mapping fills it."""
        d = mapping.defaults
        initial: dict[str, Any] = {key: getattr(mapping, key) for key in ("dates", "time_zone", "decimal", "fill_down")}
        initial |= mapping.format.as_json() | {"name": name, "layout": layout}
        initial |= {key: d.get(cls._wire(key), "") for key in cls.DEFAULTS}
        initial["create_samples"] = mapping.create_samples
        initial["non_detect"], initial["missing"] = ", ".join(mapping.non_detect), ", ".join(mapping.missing)
        initial["qualifiers"] = "\n".join(f"{word} = {kind}" for word, kind in mapping.qualifiers.items())
        return cls(initial=initial, table=table)

    @staticmethod
    def _wire(name: str) -> str:
        return {"collector_name": "collectorName", "technician_name": "technicianName"}.get(name, name)

    def clean_qualifiers(self) -> dict[str, str]:
        found = {}
        for line in self.cleaned_data["qualifiers"].splitlines():
            word, _sign, kind = (part.strip() for part in line.partition(" ="))
            kind = kind.lstrip("= ") or ("=" if "= =" in line else "")
            if word and kind:
                if kind not in list(Qualifier):
                    raise forms.ValidationError(
                        _("“%(kind)s” is no qualifier; there are: %(all)s"),
                        params={"kind": kind, "all": ", ".join(Qualifier)},
                    )
                found[word] = kind
        return found

    def mapping(self, data: QueryDict, table: Table) -> Columns:
        """The mapping that form and column table say together; needs a valid form."""
        said = self.cleaned_data
        units, columns, parameters = {}, {}, {}
        for number, heading in enumerate(table.headings):
            columns[heading] = data.get(f"column-{number}", "")
            unit = data.get(f"unit-{number}", "").strip()
            if unit and columns[heading].startswith(PARAMETER):
                units[heading] = unit
        for key, name in data.items():
            if key.startswith("name-"):
                if code := data.get(f"code-{key[5:]}", ""):
                    parameters[str(name)] = code
                if unit := data.get(f"nameunit-{key[5:]}", "").strip():
                    units[str(name)] = unit
        return Columns(
            format=Format(
                encoding=said.get("encoding", table.format.encoding),
                delimiter=table.format.delimiter and said.get("delimiter", table.format.delimiter),
                sheet=said.get("sheet", table.format.sheet),
                header=said.get("header") or table.format.header,
            ),
            columns={heading: target for heading, target in columns.items() if target},
            units=units,
            parameters=parameters,
            qualifiers=said["qualifiers"],
            defaults={self._wire(key): said[key] for key in self.DEFAULTS if said[key]},
            non_detect=_words(said["non_detect"]),
            missing=_words(said["missing"]),
            dates=said["dates"],
            time_zone=said["time_zone"],
            decimal=said["decimal"],
            fill_down=said["fill_down"],
            create_samples=said["create_samples"],
        )

    def refuse(self, refusal: DomainError) -> None:
        """Show a refusal at the fields that it names, else above the form."""
        for error in refusal.errors:
            field = self.aliases.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, str(refusal.message))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("،", ",").split(",") if word.strip()]


class RevertForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.TextInput(_AUTO | {"autofocus": ""}),
        help_text=_("It stands in the audit log."),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """One column of the file in the form: its heading, some of its values, and the choice of what it holds."""

    number: int
    heading: str
    samples: list[str]
    options: SafeString
    unit: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class NameChoice:
    """A name by which the file calls a parameter."""

    number: int
    name: str
    count: int
    options: SafeString
    unit: str
    unknown: bool


def column_choices(mapping: Columns, table: Table, rules: Rulebook) -> list[ColumnChoice]:
    options = _Options(_target_groups(rules, long=bool(mapping.heading_of("parameter"))), empty=_("— left out —"))
    rows = []
    for number, heading in enumerate(table.headings):
        values = (cells[number] for _line, cells in table.rows if number < len(cells) and cells[number])
        target = mapping.columns.get(heading, "")
        shown = [value[:40] for value in dict.fromkeys(values)][:3]
        rows.append(
            ColumnChoice(number, heading, shown, options.html(target), mapping.units.get(heading, ""), bool(target))
        )
    return rows


def name_choices(mapping: Columns, names: Iterable[tuple[str, int, str]], rules: Rulebook) -> list[NameChoice]:
    """Names that nobody knows first."""
    parameters = [(p.code, f"{p.name} · {p.code}") for p in sorted(rules.parameters.values(), key=lambda p: p.name)]
    groups: list[tuple[Any, Sequence[tuple[str, Any]]]] = [
        ("", [(IGNORED, _("leave out"))]),
        (_("Parameters"), parameters),
    ]
    options = _Options(groups, empty=_("— unknown: refuse —"))
    ordered = sorted(names, key=lambda name: (bool(name[2]), -name[1]))[:SHOWN_NAMES]
    return [
        NameChoice(number, name, count, options.html(code), mapping.units.get(name, ""), not code)
        for number, (name, count, code) in enumerate(ordered)
    ]


def _target_groups(rules: Rulebook, *, long: bool) -> list[tuple[Any, Sequence[tuple[str, Any]]]]:
    groups: list[tuple[Any, Sequence[tuple[str, Any]]]] = [
        (_("Sample"), [(t.key, t.label) for t in TARGETS if t.group == "sample"]),
        (_("Result"), [(t.key, t.label) for t in TARGETS if t.group == "result"]),
    ]
    if not long:
        named = sorted(rules.parameters.values(), key=lambda p: p.name)
        groups.append((_("Value of the parameter"), [(f"{PARAMETER}{p.code}", f"{p.name} · {p.code}") for p in named]))
    return groups


class _Options:
    """The options of many equal selects: rendered once, marked once for each."""

    def __init__(self, groups: Sequence[tuple[Any, Sequence[tuple[str, Any]]]], *, empty: Any) -> None:
        parts = [format_html('<option value="">{}</option>', empty)]
        for label, choices in groups:
            inner = format_html_join("", '<option value="{}">{}</option>', choices)
            parts.append(format_html('<optgroup label="{}">{}</optgroup>', label, inner) if label else inner)
        self.text = "".join(parts)

    def html(self, chosen: str) -> SafeString:
        mark = format_html('<option value="{}">', chosen)
        return mark_safe(self.text.replace(mark, f"{mark[:-1]} selected>", 1))  # noqa: S308  made by format_html
