"""Recent events, for sockets that come back."""

from django.db import models
from django_scopes import ScopedManager

from portal.core.common.ids import uuid7
from portal.core.tenancy.models import Organization


class Event(models.Model):
    """One published event, kept 24 hours. `groups` are the sockets it went to, `text` the envelope as it was sent.

    `xid` is the transaction that wrote it and `seen` what that transaction could see: with them a catch-up finds the
    events that committed after a given one, whatever their times say.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization,
        models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    type = models.CharField(max_length=60)
    permission = models.CharField(max_length=60, blank=True)
    groups = models.JSONField(default=list)
    text = models.TextField()
    at = models.DateTimeField(db_index=True)
    xid = models.BigIntegerField()
    seen = models.TextField()

    objects = ScopedManager(organization="organization")

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["organization", "at"], name="event_recent")]

    def __str__(self) -> str:
        return self.type
