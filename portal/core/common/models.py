"""Model bases without a tenant."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.common.ids import uuid7


class Record(models.Model):
    """UUID key and the two times every table has."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True, editable=False)

    class Meta:
        abstract = True


class SoftDeleted(models.Model):
    """A deleted row stays for the audit and as a tombstone; selectors leave it out."""

    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        "accounts.User",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("deleted by"),
    )

    class Meta:
        abstract = True
