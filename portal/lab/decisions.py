"""What an organisation decides about verdicts: which standards count and how, decision rule, warning share, sums."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from portal.core.common.errors import Invalid
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab import selectors
from portal.lab.choices import CensoredMembers, DecisionRule, StandardRole
from portal.lab.models import StandardChoice
from portal.lab.rulebook import RULES, Proposal


def current() -> dict[str, Any]:
    """The decisions in force, complete, in the form of a proposal."""
    settings = Organization.objects.values_list("settings", flat=True).get(pk=scope.organization_id())
    chosen = {row.key: row.role_here for row in selectors.standard_list()}  # type: ignore[attr-defined]
    standards = [{"key": key, "role": role} for key, role in chosen.items()]
    return {name: settings.get(name, usual) for name, usual in RULES.items()} | {"standards": standards}


def checked(proposal: Proposal) -> dict[str, Any]:
    """The proposal in canonical form, without what is in force already. Raises Invalid."""
    if not proposal:
        return {}
    held, proposal = current(), dict(proposal)
    known = {entry["key"]: entry["role"] for entry in held["standards"]}
    for entry in proposal.get("standards", ()):
        if entry["key"] not in known or entry["role"] not in {"", *StandardRole.values}:
            raise Invalid.field("standards", _("%(value)s is not known.") % {"value": entry["key"]})
    if proposal.get("decisionRule", DecisionRule.SIMPLE_ACCEPTANCE) not in DecisionRule.values:
        raise Invalid.field("decisionRule", _("%(value)s is not known.") % {"value": proposal["decisionRule"]})
    if proposal.get("censoredMembers", CensoredMembers.ZERO) not in CensoredMembers.values:
        raise Invalid.field("censoredMembers", _("%(value)s is not known.") % {"value": proposal["censoredMembers"]})
    if "warningShare" in proposal:
        try:
            share = Decimal(str(proposal["warningShare"]))
        except InvalidOperation:
            share = Decimal(0)
        if not share.is_finite() or not Decimal("0.5") <= share <= 1:
            raise Invalid.field("warningShare", _("The warning share lies between 50 and 100 %."))
        proposal["warningShare"] = f"{share.normalize():f}"
    if "standards" in proposal:
        given = [{"key": entry["key"], "role": entry["role"]} for entry in proposal["standards"]]
        keys = [entry["key"] for entry in given]
        if len(keys) != len(set(keys)):
            raise Invalid.field("standards", _("A standard stands in the list twice."))
        if not any(entry["role"] == StandardRole.LEGAL for entry in given):
            raise Invalid.field("standards", _("One standard has to be the legal one."))
        proposal["standards"] = given + [entry for entry in held["standards"] if entry["key"] not in keys]
    return {name: value for name, value in proposal.items() if name in held and held[name] != value}


def put(proposal: Proposal) -> None:
    """Put checked decisions in force for the organisation in force; verdicts follow by a re-evaluation."""
    if rules := {name: proposal[name] for name in RULES if name in proposal}:
        owner = Organization.objects.select_for_update().get(pk=scope.organization_id())
        owner.settings |= rules
        owner.save(update_fields=["settings", "updated_at"])
    for position, entry in enumerate(proposal.get("standards", ())):
        StandardChoice.objects.update_or_create(
            organization_id=scope.organization_id(),
            key=entry["key"],
            defaults={"role": entry["role"], "position": position},
        )
