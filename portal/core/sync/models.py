"""The change feed and what exactly-once needs (`sync_record`, keys, uploads, conflicts).

The versions come from the database itself (`triggers.py`); no code path can forget one.
"""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import Organization, TenantModel


class SyncedModel(TenantModel, SoftDeleted):
    """A record that devices hold too. `version` is the organisation's sequence number at its last change."""

    sync_derived: ClassVar[tuple[str, ...]] = ()  # columns that the server computes

    version = models.BigIntegerField(default=0, editable=False)
    client_updated_at = models.DateTimeField(_("edited on the device"), null=True, blank=True, editable=False)
    local_sync_id = models.CharField(_("id on the device"), max_length=64, null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    updated_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("updated by")
    )

    class Meta:
        abstract = True


class Clock(models.Model):
    """One row per organisation, locked late in every writing transaction, so that versions commit in order."""

    organization = models.OneToOneField(Organization, models.CASCADE, primary_key=True, related_name="+")
    epoch = models.UUIDField(default=uuid4)  # moves when a backup is restored
    seq = models.BigIntegerField(default=0)
    ts = models.DateTimeField()
    floor = models.BigIntegerField(default=0)  # tombstones at or below it are gone

    objects = ScopedManager(organization="organization")

    class Meta:
        db_table = "sync_clock"


class FeedRecord(models.Model):
    """The last state of one record in the feed; its data comes from the room's own table.

    `content_seq` and `client_ts` move only when a client-writable field changed, so that a recomputed verdict makes
    no false conflict.
    """

    pk = models.CompositePrimaryKey("organization_id", "entity", "record_id")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    entity = models.CharField(max_length=30)
    record_id = models.UUIDField()
    seq = models.BigIntegerField()
    content_seq = models.BigIntegerField()
    content_device = models.CharField(max_length=200, blank=True)
    first_seq = models.BigIntegerField()
    ts = models.DateTimeField()
    client_ts = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.ForeignKey(
        "accounts.User", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )

    objects = ScopedManager(organization="organization")

    class Meta:
        db_table = "sync_record"
        constraints = [models.UniqueConstraint(fields=["organization", "seq"], name="sync_record_order")]


class IdempotencyKey(models.Model):
    """The stored answer of one request, for 72 hours. The primary key decides who ran first."""

    pk = models.CompositePrimaryKey("organization_id", "scope", "key")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    scope = models.CharField(max_length=300)  # method, path, person, device
    key = models.CharField(max_length=200)
    fingerprint = models.BinaryField()
    status = models.SmallIntegerField(null=True)
    response = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_index=True)

    objects = ScopedManager(organization="organization")

    class Meta:
        db_table = "sync_idempotency"


class ItemKey(models.Model):
    """What became of one item of a batch, by the device's own key for it."""

    pk = models.CompositePrimaryKey("organization_id", "device", "key")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    device = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    fingerprint = models.BinaryField()
    version = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_index=True)

    objects = ScopedManager(organization="organization")

    class Meta:
        db_table = "sync_item"


class DeviceState(TenantModel):
    """Where one device of one person stands (SyncLog of specification 001)."""

    class Status(models.TextChoices):
        NEVER = "never", _("Never")
        OK = "ok", _("Up to date")
        SYNCING = "syncing", _("Synchronising")
        ERROR = "error", _("Error")

    device = models.OneToOneField("accounts.Device", models.CASCADE, related_name="sync_state")
    status = models.CharField(max_length=10, choices=Status, default=Status.NEVER)
    last_push_at = models.DateTimeField(null=True)
    last_pull_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    pull_seq = models.BigIntegerField(default=0)
    pull_cursor = models.CharField(max_length=500, blank=True)  # that it came with: what stands before it, it has
    error_message = models.TextField(blank=True)
    pushed = models.BigIntegerField(default=0)
    pulled = models.BigIntegerField(default=0)


class Upload(TenantModel):
    """A push in chunks: which have arrived. The client chooses the id and asks where it stands after a break."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        COMPLETE = "complete", _("Complete")
        EXPIRED = "expired", _("Expired")

    device = models.ForeignKey("accounts.Device", models.CASCADE, related_name="+")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    chunks = models.IntegerField()
    records = models.IntegerField()
    received = models.JSONField(default=list)  # sorted chunk numbers as closed ranges [[0, 3], [5, 5]]
    received_records = models.IntegerField(default=0)
    counts = models.JSONField(default=dict)
    expires_at = models.DateTimeField()


class Conflict(TenantModel):
    """Two versions of one record. The one that lost is kept here and in the audit log."""

    class Resolution(models.TextChoices):
        CLIENT = "client", _("The device's version was kept")
        SERVER = "server", _("The server's version was kept")
        MERGE = "merge", _("Both were merged")
        OPEN = "open", _("Waiting for a decision")

    entity = models.CharField(_("entity"), max_length=30)
    record_id = models.UUIDField()
    reason = models.CharField(_("cause"), max_length=30, default="version_conflict")
    resolution = models.CharField(_("resolution"), max_length=10, choices=Resolution)
    client_version = models.BigIntegerField()
    server_version = models.BigIntegerField()
    client_data = models.JSONField()
    server_data = models.JSONField()
    lost_data = models.JSONField(null=True)
    lost_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    lost_by_device = models.CharField(max_length=200, blank=True)
    device = models.ForeignKey("accounts.Device", models.PROTECT, null=True, related_name="conflicts")
    client_timestamp = models.DateTimeField(null=True)
    # A decided conflict is "seen" from the start; an open one waits for a manager.
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    resolution_reason = models.TextField(_("reason"), blank=True)

    audit_entity = "conflict"
    audit_label = "entity"
    audit_ignored = ("client_data", "server_data", "lost_data")

    class Meta:
        verbose_name = _("conflict")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["organization", "resolution", "-created_at"], name="conflict_inbox")]
