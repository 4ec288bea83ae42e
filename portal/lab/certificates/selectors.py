"""Reads of certificates of analysis."""

from uuid import UUID

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from portal.core.common.errors import NotFound
from portal.core.common.text import spelled
from portal.lab.certificates.models import Certificate


def certificate_list(*, sample: UUID | None = None) -> QuerySet[Certificate]:
    """The certificates of the organisation in force, newest first, without their content. `newer` is the number of the
    one that replaces it, else None."""
    rows: QuerySet[Certificate] = Certificate.objects.select_related("sample", "generated_by", "amends").defer(
        "content", "amends__content"
    )
    if sample is not None:
        rows = rows.filter(sample=sample)
    return rows.annotate(newer=F("amended_by__number")).order_by("-generated_at", "-pk")


def certificate_get(*, id: UUID) -> Certificate:
    """With its content. Raises NotFound for an unknown one and for another organisation's."""
    found = certificate_list().defer(None).defer("amends__content").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such certificate."))
    return found


def certificate_search(rows: QuerySet[Certificate], text: str) -> QuerySet[Certificate]:
    """Those whose number, sample's code and customer contain the words of `text`, in any spelling."""
    return spelled(rows, text, "number", "sample__code", "customer")
