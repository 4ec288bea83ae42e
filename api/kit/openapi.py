"""The OpenAPI document's components: one name for each shape, and decimals as the wire writes them.

ninja keeps all shapes under the bare names of their classes, so that of two `StatsOut` the later one would describe
both. Here each has its whole name while the document is made, and the shortest one that is its own in the end.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import ninja.openapi.schema
from ninja.schema import NinjaGenerateJsonSchema
from pydantic import BaseModel
from pydantic.json_schema import CoreModeRef, DefsRef, JsonSchemaValue
from pydantic_core import core_schema

_REF: Final = "#/components/schemas/"
_DULL: Final = frozenset({"api", "v1", "portal", "core", "schemas", "models", "choices", "kit", "router"})
_refs: Final[dict[str, list[str]]] = {}  # whole name -> pydantic's reference in parts: `module.Class:id`, `[`, …
_paths: Final[dict[str, str]] = {}  # id of a class -> `module.Class`, which references leave out of arguments


class Shapes(NinjaGenerateJsonSchema):
    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        core_ref, mode = core_mode_ref
        whole = DefsRef(self.normalize_name(core_ref) + f"-{mode}")
        _refs[whole] = re.split(r"([\][,])", core_ref)
        path, _colon, key = _refs[whole][0].rpartition(":")
        _paths[key] = path
        self._prioritized_defsref_choices[whole] = [whole]
        return whole

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        return {"type": "number"} if self.mode == "serialization" else super().decimal_schema(schema)


ninja.openapi.schema.NinjaGenerateJsonSchema = Shapes  # type: ignore[attr-defined]  # it offers no other way


def _short(whole: str) -> str:
    return _joined(part.rpartition(":")[0].rpartition(".")[2] if ":" in part else part for part in _refs[whole])


def _longer(whole: str) -> str:
    """With the packages: `SalesPersonOut`, `Envelope_SalesPersonOut_`."""

    def named(part: str) -> str:
        shown, _colon, key = part.rpartition(":")
        path, _dot, name = _paths.get(key, shown).rpartition(".")
        return "".join(word.title().replace("_", "") for word in path.split(".") if word not in _DULL) + name

    return _joined(named(part) if ":" in part else part for part in _refs[whole])


def _joined(parts: Iterable[str]) -> str:
    return re.sub(r"[^\w.-]", "_", "".join(parts))


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """The properties of a form that stands in the document by itself, without references."""
    shape = model.model_json_schema(by_alias=True)
    kinds = shape.get("$defs", {})

    def whole(node: Any) -> Any:
        if isinstance(node, dict):
            kind = kinds.get(str(node.get("$ref")).rpartition("/")[2], {})
            return {name: whole(value) for name, value in {**kind, **node}.items() if name != "$ref"}
        return [whole(value) for value in node] if isinstance(node, list) else node

    found: dict[str, Any] = whole(shape["properties"])
    return found


def name_shapes(document: dict[str, Any]) -> dict[str, Any]:
    """The document with short component names. A shape that requests and answers write differently is two."""
    shapes: dict[str, Any] = document["components"]["schemas"]
    alike = defaultdict(set)
    for whole in shapes:
        alike[_short(whole)].add(whole.rpartition("-")[0])
    split = _written_differently(shapes)
    named = {}
    for whole in shapes:
        path, _dash, mode = whole.rpartition("-")
        name = _short(whole) if len(alike[_short(whole)]) == 1 else _longer(whole)
        named[whole] = f"{name}-Input" if path in split and mode == "validation" else name
    document["components"]["schemas"] = {named[whole]: shape for whole, shape in sorted(shapes.items())}
    assert len({(named[whole], whole.rpartition("-")[0]) for whole in shapes}) == len(set(named.values()))
    _rename(document, named)
    return document


def _written_differently(shapes: dict[str, Any]) -> set[str]:
    """Whole names, without mode, of the shapes whose two modes differ, by themselves or by what they hold."""

    def both(path: str) -> tuple[str, str]:
        texts = [json.dumps(shapes[f"{path}-{mode}"], sort_keys=True) for mode in ("validation", "serialization")]
        return texts[0].replace('-validation"', '"'), texts[1].replace('-serialization"', '"')

    paths = {whole.rpartition("-")[0] for whole in shapes if whole.endswith("-validation")}
    shared = {path: both(path) for path in paths if f"{path}-serialization" in shapes}
    split = {path for path, (request, answer) in shared.items() if request != answer}
    while more := {p for p in shared.keys() - split if any(f'{_REF}{other}"' in shared[p][0] for other in split)}:
        split |= more
    return split


def _rename(node: Any, named: dict[str, str]) -> None:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and (name := named.get(reference.removeprefix(_REF))):
            node["$ref"] = _REF + name
        for value in node.values():
            _rename(value, named)
    elif isinstance(node, list):
        for value in node:
            _rename(value, named)
