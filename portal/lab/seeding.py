"""The shipped parameters, standards and limits, brought into the tables that all organisations share."""

from typing import Any

from django.db.models import Model

from portal.lab.models import Limit, Parameter, Standard
from portal.lab.science.catalogue import load_catalogue


def seed_catalogue() -> None:
    """Add what is new and bring what changed up to date; a second run writes nothing."""
    catalogue = load_catalogue()
    parameters = {p.code: p for p in Parameter.objects.filter(organization=None)}
    for shipped in catalogue.parameters.values():
        values = {
            "cas": shipped.cas,
            "group": shipped.group,
            "name_en": shipped.name_en,
            "name_fr": shipped.name_fr,
            "name_ar": shipped.name_ar,
            "aliases": list(shipped.aliases),
            "unit": shipped.unit,
            "species": shipped.species or "",
            "decimals": shipped.decimals,
            "minimum": shipped.min_value,
            "maximum": shipped.max_value,
            "typical_loq": "" if shipped.typical_loq is None else f"{shipped.typical_loq:f}",
            "methods": "; ".join(shipped.methods),
            "holding_hours": shipped.holding_hours,
            "members": list(shipped.members),
        }
        parameters[shipped.code] = _keep(Parameter, parameters.get(shipped.code), {"code": shipped.code}, values)
    standards = {(s.key, s.edition): s for s in Standard.objects.filter(organization=None)}
    for position, edition in enumerate(catalogue.standards):
        key = (edition.code, edition.edition)
        standards[key] = _keep(
            Standard,
            standards.get(key),
            {"key": edition.code, "edition": edition.edition},
            {
                "reference": edition.reference,
                "name_en": edition.name_en,
                "name_fr": edition.name_fr,
                "name_ar": edition.name_ar,
                "role": edition.role,
                "position": position,
                "effective_from": edition.effective_from,
            },
        )
    limits = {
        (x.standard_id, x.parameter_id, x.matrix, x.effective_from): x for x in Limit.objects.filter(organization=None)
    }
    for shipped_limit in catalogue.limits:
        said = shipped_limit.limit
        identity: dict[str, Any] = {
            "standard": standards[said.standard, said.edition],
            "parameter": parameters[shipped_limit.parameter],
            "matrix": said.matrix,
            "effective_from": shipped_limit.effective_from,
        }
        held = limits.get(
            (identity["standard"].pk, identity["parameter"].pk, said.matrix, shipped_limit.effective_from)
        )
        _keep(
            Limit,
            held,
            identity,
            {
                "kind": said.kind,
                "lower": said.lower,
                "upper": said.upper,
                "guidance": said.guidance,
                "unit": said.unit,
                "strict": said.strict,
                "provisional": said.provisional,
                "confidence": shipped_limit.confidence,
                "note": shipped_limit.note,
                "effective_to": shipped_limit.effective_to,
            },
        )


def _keep[M: Model](model: type[M], held: M | None, identity: dict[str, Any], values: dict[str, Any]) -> M:
    if held is None:
        return model._default_manager.create(**identity, **values)
    changed = [name for name, value in values.items() if getattr(held, name) != value]
    if changed:
        for name in changed:
            setattr(held, name, values[name])
        held.save(update_fields=[*changed, "updated_at"])
    return held
