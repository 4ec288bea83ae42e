"""The audit log. Rows are written by triggers (`triggers.py`); no role of the application can change or remove one."""

from typing import Any, Final
from uuid import UUID

from auditlog.models import AbstractLogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from portal.core.common.models import Record
from portal.core.tenancy.models import Organization, TenantModel

# The chain of what belongs to no organisation: sign-ins that failed, the platform's own work.
PLATFORM_CHAIN: Final = UUID(int=0)


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


class WordsField(models.Field):  # type: ignore[type-arg]  # not generic at run time
    """PostgreSQL's tsvector, written by the sealer alone; its index is made with the sealer."""

    def db_type(self, connection: Any) -> str:
        return "tsvector"


class AuditEntry(AbstractLogEntry):
    """One recorded change, sign-in, refusal or export.

    `changes` holds, under column names, the new values (create, restore), the old values (delete, conflict_lost)
    or `{"column": [old, new]}` (update). `erased_by` and `actor_erased_by` are the entries that tell of an erasure.
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
    erased_by = models.BigIntegerField(null=True, editable=False)
    actor_erased_by = models.BigIntegerField(null=True, editable=False)
    xid = Xid8Field(null=True, editable=False)

    objects = ScopedManager(organization="organization_id")

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-timestamp", "-id"]
        indexes = [
            models.Index(fields=["organization_id", "-timestamp", "-id"], name="audit_by_time"),
            models.Index(fields=["organization_id", "object_pk", "-id"], name="audit_by_record"),
            # what is rare among a million changes, for the figures of the home page; a change itself costs nothing here
            models.Index(
                fields=["organization_id", "action", "-timestamp"],
                name="audit_rare_actions",
                condition=~Q(action__in=[Action.CREATE, Action.UPDATE]),
            ),
            models.Index(
                fields=["organization_id", "outcome", "-timestamp"],
                name="audit_refused",
                condition=~Q(outcome=Outcome.SUCCESS),
            ),
            models.Index(fields=["organization_id", "actor", "-id"], name="audit_by_person"),
            models.Index(fields=["xid", "id"], name="audit_by_transaction"),
            models.Index(fields=["erased_by"], name="audit_erased", condition=Q(erased_by__isnull=False)),
            models.Index(
                fields=["actor_erased_by"], name="audit_actor_erased", condition=Q(actor_erased_by__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.object_pk} {Action(self.action).wire}"


class AuditLeaf(models.Model):
    """An entry's hashes and its place in its organisation's chain: `chain = SHA256(0x01 | previous | leaf)`.

    What erasure may remove stands under two hashes of its own, each with a salt that goes with it: `payload_hash` over
    what was done, `actor_hash` over who did it and from where. `leaf` covers both and the rest (`canon.py`). Written by
    the sealer, so that whoever changes a record need not wait for hashes.
    """

    entry = models.OneToOneField(
        AuditEntry, models.DO_NOTHING, primary_key=True, related_name="seal", db_constraint=False
    )
    organization_id = models.UUIDField(editable=False)
    seq = models.BigIntegerField()
    salt = models.BinaryField(null=True)
    payload_hash = models.BinaryField()
    actor_salt = models.BinaryField(null=True)
    actor_hash = models.BinaryField()
    leaf = models.BinaryField()
    previous = models.BinaryField()
    chain = models.BinaryField()

    objects = ScopedManager(organization="organization_id")

    class Meta:
        verbose_name = _("sealed entry")
        ordering = ["organization_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["organization_id", "seq"], name="audit_leaf_one_per_place")]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.seq}"


class AuditWords(models.Model):
    """The words of a sealed entry in the spelling of `common.text.normalise`, for full-text search."""

    entry = models.OneToOneField(AuditEntry, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False)
    organization_id = models.UUIDField(editable=False)
    words = WordsField(editable=False)

    objects = ScopedManager(organization="organization_id")

    def __str__(self) -> str:
        return str(self.entry_id)


class Sealer(models.Model):
    """One row: every entry of a transaction below `sealed_below` has its leaf, and of that one those up to an id."""

    sealed_below = Xid8Field()
    sealed_after = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.sealed_below)


class Checkpoint(models.Model):
    """A signed statement about a chain: `count` entries, its `head`, the Merkle `root` of those from `first` on.

    `signature` (Ed25519) is over `canon.checkpoint_text`, which contains the signature before it.
    """

    class Cause(models.TextChoices):
        REGULAR = "regular", _("regular")
        EXPORT = "export", _("export")
        REPORT = "report", _("report")
        VERIFY = "verify", _("verification")
        RETENTION = "retention", _("retention")

    organization_id = models.UUIDField(editable=False)
    first = models.BigIntegerField()
    count = models.BigIntegerField(_("entries"))
    head = models.BinaryField()
    root = models.BinaryField()
    at = models.DateTimeField(_("time"))
    cause = models.CharField(_("cause"), max_length=10, choices=Cause)
    previous = models.BinaryField()
    key_id = models.CharField(_("key"), max_length=16)
    signature = models.BinaryField()

    objects = ScopedManager(organization="organization_id")

    class Meta:
        verbose_name = _("checkpoint")
        ordering = ["organization_id", "count"]
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "count"], name="checkpoint_one_per_place"),
            models.CheckConstraint(condition=Q(first__gte=1, count__gte=F("first")), name="checkpoint_covers_entries"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.count}"


class Verification(models.Model):
    """One check of a chain, from entry `first` to `last`. `findings` are `{kind, id, seq}`, the first of them first."""

    class Mode(models.TextChoices):
        INCREMENTAL = "incremental", _("incremental")
        FULL = "full", _("full")
        SAMPLE = "sample", _("sample")

    class Status(models.TextChoices):
        OK = "ok", _("intact")
        TAMPERED = "tampered", _("tampered with")
        MISSING = "missing", _("entries are missing")
        UNSEALED_LAG = "unsealed_lag", _("sealing lags behind")

    organization_id = models.UUIDField(editable=False)
    mode = models.CharField(_("mode"), max_length=11, choices=Mode)
    status = models.CharField(_("status"), max_length=12, choices=Status)
    at = models.DateTimeField(_("time"))
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    checked = models.BigIntegerField(_("checked"))
    erased = models.BigIntegerField(_("erased"))
    checkpoints = models.IntegerField(_("checkpoints"))
    signature_ok = models.BooleanField(_("signatures"))
    findings = models.JSONField(default=list)
    duration_ms = models.IntegerField(_("duration (ms)"))
    by_name = models.CharField(_("by"), max_length=150, blank=True)

    objects = ScopedManager(organization="organization_id")

    class Meta:
        verbose_name = _("verification")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["organization_id", "-at"], name="verification_recent")]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.status}"


class SecurityEvent(Record):
    """Something that a guardian of the organisation has to look at. Repetitions count on the one that is open.

    `fingerprint` is type and subject; `details` are those of the last occurrence.
    """

    class Severity(models.TextChoices):
        LOW = "low", _("low")
        MEDIUM = "medium", _("medium")
        HIGH = "high", _("high")
        CRITICAL = "critical", _("critical")

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        RESOLVED = "resolved", _("resolved")
        FALSE_POSITIVE = "false_positive", _("false alarm")

    organization = models.ForeignKey(  # none where nobody knows whose: an unknown account under attack
        Organization, models.PROTECT, null=True, related_name="+", editable=False, db_index=False
    )
    type = models.CharField(_("kind"), max_length=40)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    status = models.CharField(_("status"), max_length=14, choices=Status, default=Status.OPEN)
    count = models.IntegerField(_("occurrences"), default=1)
    first_at = models.DateTimeField(_("first seen"))
    last_at = models.DateTimeField(_("last seen"))
    subject = models.CharField(_("concerns"), max_length=300, blank=True)
    details = models.JSONField(_("details"), default=dict)
    actor = models.UUIDField(null=True, editable=False)
    rule = models.ForeignKey("AlertRule", models.SET_NULL, null=True, related_name="+", verbose_name=_("alert rule"))
    resolution = models.CharField(_("resolution"), max_length=14, blank=True)
    note = models.TextField(_("note"), blank=True)
    acknowledged_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    objects = ScopedManager(organization="organization")
    audit_entity = "security_event"
    audit_label = "type"

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering = ["-last_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "type", "subject"],
                name="securityevent_one_open_per_subject",
                condition=Q(status__in=["open", "acknowledged"]),
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["organization", "-last_at"], name="securityevent_recent")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class AlertRule(TenantModel):
    """Raises a security event when `threshold` entries match `filter` within a window, counted per `group_by`."""

    class Group(models.TextChoices):
        NONE = "", _("all together")
        USER = "userId", _("person")
        IP = "ip", _("address")
        RESOURCE = "resource", _("kind of record")

    name = models.CharField(_("name"), max_length=120)
    filter = models.JSONField(_("filter"), default=dict)
    threshold = models.PositiveIntegerField(_("threshold"), default=1)
    window_minutes = models.PositiveIntegerField(_("window (minutes)"), default=60)
    group_by = models.CharField(_("count per"), max_length=10, choices=Group, blank=True)
    severity = models.CharField(
        _("severity"), max_length=8, choices=SecurityEvent.Severity, default=SecurityEvent.Severity.MEDIUM
    )
    channels = models.JSONField(_("channels"), default=list)
    recipients = models.JSONField(_("recipients"), default=list)
    throttle_minutes = models.PositiveIntegerField(_("at most every (minutes)"), default=60)
    is_active = models.BooleanField(_("active"), default=True)
    last_fired = models.JSONField(default=dict, editable=False)  # group -> time

    audit_entity = "alert_rule"
    audit_ignored = ("last_fired",)

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold__gte=1, window_minutes__range=(1, 43_200)), name="alertrule_counts_in_a_window"
            )
        ]

    def __str__(self) -> str:
        return self.name


class RetentionPolicy(TenantModel):
    """How long the payload of entries about one kind of record is kept; the chain stays for ever."""

    class Action(models.TextChoices):
        ERASE_PAYLOAD = "erase_payload", _("erase")
        ARCHIVE = "archive", _("archive, then erase")

    resource = models.CharField(_("kind of record"), max_length=40, blank=True)
    keep_days = models.PositiveIntegerField(_("keep (days)"), default=3650)
    action = models.CharField(_("action"), max_length=13, choices=Action, default=Action.ARCHIVE)
    legal_hold = models.BooleanField(_("legal hold"), default=False)
    is_active = models.BooleanField(_("active"), default=False)

    audit_entity = "retention_policy"
    audit_label = "resource"

    class Meta:
        verbose_name = _("retention policy")
        verbose_name_plural = _("retention policies")
        ordering = ["resource", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "resource"], name="retentionpolicy_one_per_resource"),
            models.CheckConstraint(condition=Q(keep_days__gte=365), name="retentionpolicy_keeps_a_year"),
        ]

    def __str__(self) -> str:
        return self.resource or "*"


class AuditReport(TenantModel):
    """A compliance report of the audit log over a period, frozen, on the checkpoint it stands on."""

    number = models.CharField(_("number"), max_length=20)
    language = models.CharField(_("language"), max_length=2)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    content = models.JSONField()
    snapshot_hash = models.CharField(_("snapshot hash"), max_length=71)
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, null=True, related_name="+", db_constraint=False)
    generated_at = models.DateTimeField(_("issued"))
    generated_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    audit_entity = "audit_report"
    audit_ignored = ("content",)
    audit_label = "number"

    class Meta:
        verbose_name = _("audit compliance report")
        verbose_name_plural = _("audit compliance reports")
        ordering = ["-generated_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="auditreport_one_per_number")]

    def __str__(self) -> str:
        return self.number


class AuditReportFile(TenantModel):
    """The PDF of a report in one language."""

    report = models.ForeignKey(AuditReport, models.CASCADE, related_name="files")
    language = models.CharField(max_length=2)
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "language"], name="auditreportfile_one_per_language")]

    def __str__(self) -> str:
        return f"{self.report_id} {self.language}"
