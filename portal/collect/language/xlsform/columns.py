"""Names of XLSForm's sheets, columns, types and languages, as `reading` and `writing` both use them."""

import re
from typing import Final

OURS: Final = "bind::marsad:field"  # JSON of what the other cells of a row cannot say
OURS_SCHEMA: Final = "marsad_schema"  # the same for the whole form, on the settings sheet
NAMESPACES: Final = 'marsad="urn:marsad:form"'

LANGUAGES: Final = {
    "ar": "Arabic", "fr": "French", "en": "English", "es": "Spanish", "pt": "Portuguese", "de": "German",
    "sw": "Swahili", "so": "Somali", "am": "Amharic", "ha": "Hausa", "fa": "Persian", "ku": "Kurdish", "tr": "Turkish",
    "ur": "Urdu", "hi": "Hindi", "ru": "Russian", "zh": "Chinese",
}  # fmt: skip
_NAMES: Final = {name.lower(): code for code, name in LANGUAGES.items()} | {
    "français": "fr", "francais": "fr", "العربية": "ar", "عربي": "ar", "español": "es", "português": "pt",
}  # fmt: skip
_CODE = re.compile(r".*\(([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)\)\s*")
_BARE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")

# column of the survey sheet -> key of a field
WORDS: Final = {
    "label": "label",
    "hint": "hint",
    "guidance_hint": "guidanceHint",
    "constraint_message": "constraintMessage",
    "required_message": "requiredMessage",
}
TEXTS: Final = {
    "relevant": "relevant",
    "constraint": "constraint",
    "calculation": "calculation",
    "choice_filter": "choiceFilter",
    "appearance": "appearance",
    "parameters": "parameters",
    "body::accept": "accept",
}
ALIASES: Final = {
    "relevance": "relevant", "caption": "label", "constraining_message": "constraint_message",
    "calculate": "calculation", "read_only": "readonly", "requiredmsg": "required_message", "value": "name",
    "tag": "name", "command": "type", "count": "repeat_count", "jr:count": "repeat_count", "list name": "list_name",
    "list-name": "list_name", "bind::relevant": "relevant", "bind::constraint": "constraint",
    "bind::calculate": "calculation", "bind::required": "required", "bind::readonly": "readonly",
    "bind::jr:constraintmsg": "constraint_message", "bind::jr:requiredmsg": "required_message",
    "control::appearance": "appearance", "body::appearance": "appearance", "control::accept": "body::accept",
}  # fmt: skip
PLAIN: Final = frozenset({"type", "name", "required", "readonly", "default", "repeat_count", "disabled", OURS, *TEXTS})

TYPES: Final = {  # of the standard -> ours; `xlsformType` keeps those that share one
    "text": "text", "string": "text", "integer": "integer", "int": "integer", "decimal": "number", "range": "number",
    "date": "date", "time": "time", "datetime": "datetime", "datetime ": "datetime", "geopoint": "geopoint",
    "gps": "geopoint", "location": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape", "image": "photo",
    "photo": "photo", "audio": "file", "video": "file", "file": "file", "barcode": "barcode", "calculate": "calculate",
    "note": "note", "acknowledge": "boolean", "trigger": "boolean",
}  # fmt: skip
WRITTEN: Final = {
    "text": "text", "integer": "integer", "number": "decimal", "date": "date", "time": "time", "datetime": "dateTime",
    "geopoint": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape", "photo": "image", "signature": "image",
    "file": "file", "barcode": "barcode", "calculate": "calculate", "note": "note", "group": "begin_group",
    "repeat": "begin_repeat",
}  # fmt: skip
RECORDED: Final = frozenset(  # what a submission carries by itself
    {"start", "end", "today", "deviceid", "imei", "username", "phonenumber", "email", "subscriberid", "simserial",
     "audit", "start-geopoint"}
)  # fmt: skip
YES: Final = frozenset({"yes", "true", "true()", "1"})
NO: Final = frozenset({"no", "false", "false()", "0"})
YES_NO: Final = "marsad_yes_no"


def language_of(name: str) -> str | None:
    """`Arabic (ar)`, `ar`, `Arabic` as `ar`; None where nobody can tell."""
    if match := _CODE.fullmatch(name):
        return match[1]
    bare = name.strip()
    return _NAMES.get(bare.lower()) or (bare if _BARE.fullmatch(bare) else None)


def language_name(code: str) -> str:
    return f"{LANGUAGES.get(code, code)} ({code})"
