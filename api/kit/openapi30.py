"""The document in OpenAPI 3.0, for programs that know no 3.1, or are slow at it as the page of the documentation is:
it takes a minute and more to draw our 600 operations from 3.1, and a second from 3.0."""

from typing import Any, Final

_NAMED: Final = frozenset({"properties", "schemas"})  # whose keys are names of people's own, no keywords
_AS_IS: Final = frozenset({"example", "default", "enum", "required", "securitySchemes", "info", "tags"})
_BOUNDS: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


def as_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """`null` is `nullable`, `const` an `enum` of one, and what stands beside a reference is not lost."""
    made: dict[str, Any] = _translated(document)
    return made | {"openapi": "3.0.3"}


def _translated(node: Any) -> Any:
    if isinstance(node, list):
        return [_translated(one) for one in node]
    if not isinstance(node, dict):
        return node
    made: dict[str, Any] = {}
    for key, value in node.items():
        if key in _NAMED and isinstance(value, dict):
            made[key] = {name: _translated(one) for name, one in value.items()}
        elif key == "const":
            made["enum"] = [value]
        elif key == "examples" and isinstance(value, list):
            made["example"] = value[0]
        elif key in _BOUNDS and not isinstance(value, bool):
            made |= {_BOUNDS[key]: value, key: True}
        elif key == "anyOf":
            made |= _choice(value)
        elif key in _AS_IS:
            made[key] = value
        else:
            made[key] = _translated(value)
    if made.get("type") == "null":
        made = {name: value for name, value in made.items() if name != "type"} | {"nullable": True, "enum": [None]}
    if "$ref" in made and len(made) > 1:
        made = {"allOf": [{"$ref": made.pop("$ref")}], **made}
    return made


def _choice(several: list[Any]) -> dict[str, Any]:
    left = [_translated(one) for one in several if one != {"type": "null"}]
    made = left[0] if len(left) == 1 else {"anyOf": left}
    return made | ({"nullable": True} if len(left) < len(several) else {})
