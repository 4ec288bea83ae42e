"""The audit log. Rows are written by triggers (`triggers.py`); no role of the application can change or remove one."""

from typing import Any

from auditlog.models import AbstractLogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager


class Action(models.IntegerChoices):
    """The first four are django-auditlog's."""

    CREATE = 0, _("create")
    UPDATE = 1, _("update")
    DELETE = 2, _("delete")
    ACCESS = 3, _("access")
    RESTORE = 4, _("restore")
    LOGIN = 5, _("login")
    LOGOUT = 6, _("logout")
    LOGIN_FAILED = 7, _("login failed")
    DENIED = 8, _("denied")
    EXPORT = 9, _("export")
    DOWNLOAD = 10, _("download")
    SHARE = 11, _("share")
    PERMISSION = 12, _("permission")
    SETTINGS = 13, _("settings")
    ERASE = 14, _("erase")
    RETENTION = 15, _("retention")
    CONFLICT_LOST = 16, _("conflict lost")
    CONFLICT_RESOLVED = 17, _("conflict resolved")
    VERIFY = 18, _("verify")
    SUPPORT_ACCESS = 19, _("support access")

    @property
    def wire(self) -> str:
        return self.name.lower()


class Outcome(models.TextChoices):
    SUCCESS = "success", _("success")
    DENIED = "denied", _("denied")
    FAILED = "failed", _("failed")


class Xid8Field(models.Field):  # type: ignore[type-arg]  # not generic at run time
    """PostgreSQL's transaction id: the sealer takes rows below the oldest running one (`audit.md` section 2.4)."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class AuditEntry(AbstractLogEntry):
    """One recorded change, sign-in, refusal or export.

    `changes` holds, under column names, the new values (create, restore), the old values (delete, conflict_lost)
    or `{"column": [old, new]}` (update). `payload_hash` covers what erasure may remove, `leaf_hash` the rest.
    """

    organization_id = models.UUIDField(null=True, editable=False)
    entity = models.CharField(_("entity"), max_length=40)
    content_type = models.ForeignKey(
        ContentType, models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    object_pk = models.CharField(_("record"), max_length=255)
    object_id = models.BigIntegerField(null=True, editable=False)
    action = models.PositiveSmallIntegerField(_("action"), choices=Action)
    actor = models.ForeignKey(
        "accounts.User", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    actor_name = models.CharField(max_length=150, blank=True)
    actor_role = models.CharField(max_length=50, blank=True)
    impersonator_id = models.UUIDField(null=True)
    device = models.CharField(max_length=200, blank=True)
    agent = models.CharField(max_length=300, blank=True)
    via = models.CharField(max_length=20, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.SUCCESS)
    cid = models.CharField(_("request id"), max_length=64, blank=True)
    timestamp = models.DateTimeField(_("time"))
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    salt = models.BinaryField(null=True, editable=False)
    payload_hash = models.BinaryField(null=True, editable=False)
    leaf_hash = models.BinaryField(null=True, editable=False)
    xid = Xid8Field(null=True, editable=False)

    objects = ScopedManager(organization="organization_id")

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-timestamp", "-id"]
        indexes = [
            models.Index(fields=["organization_id", "-timestamp", "-id"], name="audit_by_time"),
            models.Index(fields=["organization_id", "object_pk", "-id"], name="audit_by_record"),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.object_pk} {Action(self.action).wire}"
