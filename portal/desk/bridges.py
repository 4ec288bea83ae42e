"""Rules that join two rooms: which of their records files belong to."""

from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.files.links import LinkKind
from portal.lab.models import Sample


def _samples(user: User, right: str) -> QuerySet[Sample]:
    rows = Sample.objects.filter(deleted_at=None)
    return rows if user.has_permission(right) else rows.none()


def _sample_url(id: UUID) -> str:
    return reverse("lab:sample_detail", args=[id])


LINKS = [
    LinkKind(
        kind="sample",
        label_plural=_("Samples"),
        visible=lambda user: _samples(user, "samples.view"),
        editable=lambda user: _samples(user, "samples.edit"),
        label=lambda sample: sample.code,
        url=_sample_url,
    )
]
