"""Reads of organisations."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.common.errors import NotFound
from portal.core.tenancy.models import Organization


def organization_list(*, search: str = "", active: bool | None = None, kind: str = "") -> QuerySet[Organization]:
    """Organisations that the scope in force sees: one's own, or all of the platform."""
    found = Organization.objects.filter(deleted_at=None)
    for word in search.split():
        found = found.filter(
            Q(name__icontains=word) | Q(city__icontains=word) | Q(country__icontains=word) | Q(domain__icontains=word)
        )
    if active is not None:
        found = found.filter(is_active=active)
    return found.filter(kind=kind) if kind else found


def organization_get(*, id: UUID) -> Organization:
    """Raises NotFound for one that the scope in force does not see."""
    found = organization_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such organisation."))
    return found


def organization_card(organization: Organization) -> dict[str, Any]:
    """An organisation on the wire: what was not given is null (003)."""
    return {
        "id": organization.pk,
        "name": organization.name,
        "kind": organization.kind,
        "description": organization.description or None,
        "address": organization.address or None,
        "city": organization.city or None,
        "country": organization.country or None,
        "phone": organization.phone or None,
        "email": organization.email or None,
        "website": organization.website or None,
        "logoUrl": organization.logo_url or None,
        "domain": organization.domain or None,
        "timeZone": organization.time_zone,
        "language": organization.language,
        "settings": organization.settings,
        "isActive": organization.is_active,
        "createdAt": organization.created_at,
        "updatedAt": organization.updated_at,
        "version": organization.version,
    }
