"""Texts of messages: what kinds are shipped with, what an organisation wrote instead, and templates of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, NotFound
from portal.core.common.ids import uuid7
from portal.core.notifications import kinds, wording
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Template
from portal.core.tenancy import scope

LANGUAGES: Final = ("ar", "fr", "en")
ANY: Final = "*"  # the text of a language for every channel that has none of its own
PLACES: Final = (ANY, *Channel.values)
LONGEST_SUBJECT: Final = 300
LONGEST_BODY: Final = 10_000
SAMPLE: Final = {"number": "12", "date": "2026-11-20", "datetime": "2026-11-20T09:15:00Z", "boolean": True}
type Texts = Mapping[str, Mapping[str, Mapping[str, str]]]


def shipped_texts(kind: NotificationKind) -> dict[str, dict[str, dict[str, str]]]:
    found = {}
    for language in LANGUAGES:
        with translation.override(language):
            found[language] = {ANY: {"subject": str(kind.title), "body": str(kind.body)}}
    return found


def shipped_variables(kind: NotificationKind) -> list[dict[str, Any]]:
    return [{"name": name, "type": "text", "required": True} for name in kind.variables]


def shipped_id(key: str) -> UUID:
    """The id of a kind's template in the organisation in force, whether a row replaces it or not."""
    return uuid5(scope.organization_id(), f"notification-template/{key}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A template as lists show it: a row, or the shipped texts of a kind that no row replaces."""

    row: Template
    kind: NotificationKind | None
    changed: bool

    @property
    def name(self) -> str:
        return str(self.kind.label) if self.kind else self.row.name

    @property
    def category(self) -> str:
        return self.kind.category if self.kind else kinds.ANNOUNCEMENTS


def _entry(row: Template) -> Entry:
    return Entry(row, kinds.find(row.key), changed=True)


def _shipped(kind: NotificationKind) -> Entry:
    row = Template(
        id=shipped_id(kind.key),
        organization_id=scope.organization_id(),
        key=kind.key,
        name=str(kind.label),
        channels=list(kind.channels),
        variables=shipped_variables(kind),
        texts=shipped_texts(kind),
        version=0,
    )
    return Entry(row, kind, changed=False)


def template_list(*, own: bool = True) -> list[Entry]:
    """All templates by name: the organisation's own first, then those of kinds. `own=False` leaves the own ones out."""
    rows = [_entry(row) for row in Template.objects.filter(deleted_at=None)]
    replaced = {entry.row.key for entry in rows if entry.kind}
    entries = [*rows, *(_shipped(kind) for kind in kinds.every() if kind.key not in replaced)]
    shown = [entry for entry in entries if own or entry.kind]
    return sorted(shown, key=lambda entry: (entry.kind is not None, entry.category, entry.name, str(entry.row.pk)))


def template_get(*, id: UUID) -> Entry:
    """Raises NotFound."""
    row = Template.objects.filter(pk=id, deleted_at=None).first()
    if row is not None:
        return _entry(row)
    for kind in kinds.every():
        if shipped_id(kind.key) == id:
            return _shipped(kind)
    raise NotFound(_("There is no such template."))


def template_card(entry: Entry) -> dict[str, Any]:
    row = entry.row
    language = next((code for code in (translation.get_language(), *LANGUAGES) if code in row.texts), "en")
    words: dict[str, str] = row.texts.get(language, {}).get(ANY) or next(iter(row.texts.get(language, {}).values()), {})
    return {
        "id": row.pk,
        "key": row.key,
        "name": entry.name,
        "category": entry.category,
        "locale": language,
        "subject": words.get("subject", ""),
        "body": words.get("body", ""),
        "channels": row.channels,
        "variables": row.variables,
        "texts": row.texts,
        "shipped": entry.kind is not None,
        "changed": entry.kind is None or entry.changed,
        "version": row.version,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def template_create(*, values: Mapping[str, Any], by: User) -> Entry:
    """A template of the organisation's own. `texts`, or `subject` and `body` in `locale`. Without `variables`
    those that the texts use are declared. Raises Invalid, Conflict DUPLICATE."""
    _may(by)
    errors = Errors()
    name = str(values.get("name") or "").strip()
    if not name or len(name) > 150:
        errors.add("name", _("Enter a name of at most 150 characters."))
    texts = _texts(values, {}, errors)
    variables = _variables(values.get("variables"), texts, errors)
    channels = _channels(values.get("channels"), errors) or [Channel.IN_APP, Channel.EMAIL]
    _check(texts, variables, errors)
    errors.raise_any()
    key = slugify(str(values.get("key") or name))[:60] or uuid7().hex[:12]
    if values.get("key") and slugify(str(values["key"])) != values["key"]:
        errors.add("key", _("Lower-case letters, digits and hyphens only."))
        errors.raise_any()
    if Template.objects.filter(key=key, deleted_at=None).exists():
        raise Conflict(_("There is a template with this key already."), code="DUPLICATE")
    row = Template.objects.create(
        organization_id=scope.organization_id(), key=key, name=name, channels=channels, variables=variables, texts=texts
    )
    return _entry(row)


def template_update(*, id: UUID, changes: Mapping[str, Any], by: User, version: int | None = None) -> Entry:
    """Change name, channels, variables or texts; of a kind's template texts alone. Texts that are not named stay.
    Raises Invalid, VERSION_CONFLICT, NotFound."""
    _may(by)
    entry = template_get(id=id)
    row = Template.objects.select_for_update().get(pk=id) if entry.changed else entry.row
    if version is not None and version != row.version:
        raise Conflict(_("Somebody else has changed this template."), meta={"current": template_card(entry)})
    errors = Errors()
    row.texts = _texts(changes, row.texts, errors)
    if entry.kind is None:
        if "name" in changes:
            row.name = str(changes["name"] or "").strip()
            if not row.name or len(row.name) > 150:
                errors.add("name", _("Enter a name of at most 150 characters."))
        if changes.get("channels") is not None:
            row.channels = _channels(changes["channels"], errors)
        if changes.get("variables") is not None:
            row.variables = _variables(changes["variables"], row.texts, errors)
    _check(row.texts, row.variables, errors)
    errors.raise_any()
    row.version += 1
    row.save(force_insert=not entry.changed)
    return _entry(row)


def template_delete(*, id: UUID, by: User) -> None:
    """Delete an own template, or put the shipped texts of a kind back. Raises NotFound, Denied, and Conflict where
    nothing was changed."""
    entry = template_get(id=id)
    if entry.kind is not None:
        template_restore(id=id, by=by)
        return
    if not by.has_permission("notifications.delete"):
        raise Denied(_("You may not delete templates."))
    entry.row.deleted_at = clock.now()
    entry.row.save(update_fields=["deleted_at", "updated_at"])


def template_restore(*, id: UUID, by: User) -> None:
    """Put the shipped texts of a kind back. Raises Conflict where they are in force already."""
    _may(by)
    entry = template_get(id=id)
    if entry.kind is None or not entry.changed:
        raise Conflict(_("The shipped texts are in force already."), code="IN_USE")
    entry.row.delete()


def _may(by: User) -> None:
    if not by.has_permission("notifications.manage"):
        raise Denied(_("You may not change templates."))


def _channels(said: Any, errors: Errors) -> list[str]:
    found = list(said or [])
    if any(channel not in Channel.values for channel in found):
        errors.add("channels", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Channel.values)})
    return found


def _texts(values: Mapping[str, Any], before: Texts, errors: Errors) -> dict[str, dict[str, dict[str, str]]]:
    texts = {language: {place: dict(words) for place, words in row.items()} for language, row in before.items()}
    said = values.get("texts") or {}
    if values.get("subject") is not None or values.get("body") is not None:
        locale, place = values.get("locale") or "en", values.get("channel") or ANY
        old = texts.get(locale, {}).get(place, {})
        words = {name: values[name] for name in ("subject", "body") if values.get(name) is not None}
        said = {**said, locale: {**said.get(locale, {}), place: {**old, **words}}}
    for language, row in said.items():
        if language not in LANGUAGES:
            errors.add(f"texts.{language}", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(LANGUAGES)})
            continue
        for place, words in row.items():
            field = f"texts.{language}.{place}"
            if place not in PLACES:
                errors.add(field, _("There is no such channel."))
            elif not words or not (words.get("subject") or words.get("body")):
                texts.get(language, {}).pop(place, None)  # empty: the text for every channel holds again
            elif len(words.get("subject", "")) > LONGEST_SUBJECT or len(words.get("body", "")) > LONGEST_BODY:
                errors.add(field, _("Must have at most %(limit)d characters.") % {"limit": LONGEST_BODY})
            else:
                texts.setdefault(language, {})[place] = {
                    "subject": words.get("subject", "").strip(),
                    "body": words.get("body", "").strip(),
                }
    return {language: row for language, row in texts.items() if row}


def _variables(said: Any, texts: Texts, errors: Errors) -> list[dict[str, Any]]:
    if said is None:
        return [{"name": name, "type": "text", "required": True} for name in sorted(_used(texts))]
    found = []
    for item in said:
        entry = {"name": item} if isinstance(item, str) else item
        name, kind = str(entry.get("name", "")), entry.get("type") or "text"
        if wording.names_in(f"{{{{ {name} }}}}") != {name}:
            errors.add("variables", _("A variable's name begins with a letter and has letters, digits and _ alone."))
        elif kind not in wording.TYPES:
            errors.add("variables", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(wording.TYPES)})
        else:
            found.append({"name": name, "type": kind, "required": bool(entry.get("required", True))})
    return found


def _used(texts: Texts) -> set[str]:
    return {
        name
        for row in texts.values()
        for words in row.values()
        for text in words.values()
        for name in wording.names_in(text)
    }


def _check(texts: Texts, variables: Sequence[Mapping[str, Any]], errors: Errors) -> None:
    """Every text in a language has a subject, and uses declared variables alone."""
    if not texts:
        errors.add("subject", _("This field is required."))
    known = {entry["name"] for entry in variables}
    for language, row in texts.items():
        for place, words in row.items():
            for name in ("subject", "body"):
                text, field = words.get(name, ""), f"texts.{language}.{place}.{name}"
                unknown = sorted(wording.names_in(text) - known)
                if unknown:
                    errors.add(field, _("There is no such variable: %(names)s.") % {"names": ", ".join(unknown)})
                elif wording.broken(text):
                    errors.add(field, _("Write a variable as {{ name }}."))
            if not words.get("subject"):
                errors.add(f"texts.{language}.{place}.subject", _("This field is required."))


def words_for(texts: Texts, *, language: str, channel: str, fallback: Iterable[str] = LANGUAGES) -> dict[str, str]:
    """Subject and body for a channel and language; else of the language's text for all channels, else of another
    language (`fallback` says in which order)."""
    for code in (language, *fallback):
        row = texts.get(code, {})
        if found := row.get(channel) or row.get(ANY):
            return dict(found)
    return {"subject": "", "body": ""}


def example(variables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Values to look at a template with: the variable's own name where it is a text."""
    return {entry["name"]: SAMPLE.get(entry.get("type", "text"), f"[{entry['name']}]") for entry in variables}


def preview(
    *, texts: Texts, variables: Sequence[Mapping[str, Any]], data: Mapping[str, Any], language: str, channel: str
) -> dict[str, str]:
    """Subject and body as `language` reads them, variables without a value shown by their name."""
    zone = clock.zone("UTC")
    with translation.override(language):
        values = wording.shown(variables, {**example(variables), **data}, zone=zone)
    words = words_for(texts, language=language, channel=channel)
    return {name: wording.fill(text, values) for name, text in words.items()}
