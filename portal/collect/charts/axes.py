"""What of a form's submissions can be drawn: its fields, and four facts of every submission."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.collect.forms.models import Form
from portal.collect.forms.selectors import compiled
from portal.collect.language.schema import Schema, words
from portal.collect.submissions.choices import ReviewState
from portal.core.common.errors import Invalid

type Kind = Literal["number", "text", "choice", "many", "boolean", "date", "moment", "person", "other"]

_KINDS: Final[dict[str, Kind]] = {
    "text": "text",
    "barcode": "text",
    "time": "text",
    "number": "number",
    "integer": "number",
    "calculate": "number",  # where it is one; a text counts as no answer
    "boolean": "boolean",
    "select": "choice",
    "selectMultiple": "many",
    "date": "date",
    "datetime": "moment",
}


@dataclass(frozen=True, slots=True)
class Axis:
    """`column` is that of the submission's table, empty for an answer. `options` are (value, wording) in their order.
    `inside` names the repeat that the field is in: a submission has many answers to it, so that it cannot be drawn."""

    id: str
    kind: Kind
    label: Any
    column: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    inside: str = ""

    @property
    def name(self) -> str:
        """In the reader's language."""
        return str(self.label) if isinstance(self.label, Promise) else words(self.label) or self.id


FACTS: Final = {
    axis.id: axis
    for axis in (
        Axis("createdAt", "moment", gettext_lazy("Captured"), "created_at"),
        Axis("syncedAt", "moment", gettext_lazy("Arrived"), "synced_at"),
        Axis("submittedByUserId", "person", gettext_lazy("Submitted by"), "submitted_by_id"),
        Axis(
            "reviewState",
            "choice",
            gettext_lazy("Review"),
            "review_state",
            tuple((state.value, state.value) for state in ReviewState),
        ),
    )
}


def axes(form: Form) -> dict[str, Axis]:
    """By id, of the schema in force; a fact of every submission hides a field of the same id. Raises Invalid for a form
    that was never published."""
    if not form.published:
        raise Invalid.field("config.formId", _("This form was never published: it has no submissions."))
    return {**{axis.id: axis for axis in _fields(compiled(form.pk, form.version))}, **FACTS}


def _fields(schema: Schema) -> Iterator[Axis]:
    for field in schema.fields():
        if field.answers:
            yield Axis(
                field.id,
                _KINDS.get(field.type, "other"),
                field.data.get("label") or field.id,
                options=tuple((choice.value, choice.label) for choice in field.choices),
                inside=field.repeat or "",
            )


def kind_word(axis: Axis) -> str:
    """What kind of answer an axis is, for a person."""
    return {
        "number": _("number"),
        "text": _("text"),
        "choice": _("choice"),
        "many": _("several choices"),
        "boolean": _("yes or no"),
        "date": _("date"),
        "moment": _("date and time"),
        "person": _("person"),
        "other": _("neither number nor word"),
    }[axis.kind]
