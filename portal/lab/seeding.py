"""The shipped parameters, standards and limits, brought into the tables that all organisations share."""

from typing import Any

from django.db.models import Model

from portal.lab.models import Limit, Parameter, Standard
from portal.lab.science.catalogue import load_catalogue


def seed_catalogue() -> None:
    """Add what is new and bring what changed up to date; a second run writes nothing."""
    catalogue = load_catalogue()
    _keep(
        Parameter,
        ("code",),
        [
            {
                "code": shipped.code,
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
            for shipped in catalogue.parameters.values()
        ],
    )
    _keep(
        Standard,
        ("key", "edition"),
        [
            {
                "key": edition.code,
                "edition": edition.edition,
                "reference": edition.reference,
                "name_en": edition.name_en,
                "name_fr": edition.name_fr,
                "name_ar": edition.name_ar,
                "role": edition.role,
                "position": position,
                "effective_from": edition.effective_from,
            }
            for position, edition in enumerate(catalogue.standards)
        ],
    )
    parameters = dict(Parameter.objects.filter(organization=None).values_list("code", "pk"))
    standards = {(s.key, s.edition): s.pk for s in Standard.objects.filter(organization=None)}
    _keep(
        Limit,
        ("standard_id", "parameter_id", "matrix", "effective_from"),
        [
            {
                "standard_id": standards[shipped.limit.standard, shipped.limit.edition],
                "parameter_id": parameters[shipped.parameter],
                "matrix": shipped.limit.matrix,
                "effective_from": shipped.effective_from,
                "kind": shipped.limit.kind,
                "lower": shipped.limit.lower,
                "upper": shipped.limit.upper,
                "guidance": shipped.limit.guidance,
                "unit": shipped.limit.unit,
                "strict": shipped.limit.strict,
                "provisional": shipped.limit.provisional,
                "confidence": shipped.confidence,
                "note": shipped.note,
                "effective_to": shipped.effective_to,
            }
            for shipped in catalogue.limits
        ],
    )


def _keep(model: type[Model], identity: tuple[str, ...], shipped: list[dict[str, Any]]) -> None:
    """Bring the shared rows of `model` to what is shipped: one statement for the new ones, one for each changed one."""
    shared = model._default_manager.filter(organization=None)
    names = tuple(shipped[0])
    held = {tuple(row[name] for name in identity): row for row in shared.values("pk", *names)}
    new = []
    for values in shipped:
        row = held.get(tuple(values[name] for name in identity))
        if row is None:
            new.append(model(**values))
        elif changed := [name for name in names if row[name] != values[name]]:
            kept = shared.get(pk=row["pk"])
            for name in changed:
                setattr(kept, name, values[name])
            kept.save(update_fields=[*changed, "updated_at"])
    model._default_manager.bulk_create(new)
