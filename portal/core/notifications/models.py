"""Recent events, for sockets that come back; messages to people with their copies, deliveries and wishes."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from portal.core.accounts.models import User
from portal.core.common.ids import uuid7
from portal.core.tenancy.models import Organization, TenantModel, validate_time_zone


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


class Channel(models.TextChoices):
    IN_APP = "in_app", _("In Marsad")
    EMAIL = "email", _("E-mail")
    PUSH = "push", _("Push")
    SMS = "sms", _("SMS")


class Level(models.TextChoices):
    INFO = "info", _("Information")
    SUCCESS = "success", _("Good news")
    WARNING = "warning", _("Warning")
    ERROR = "error", _("Problem")


class Template(TenantModel):
    """The words of a message. `texts` is `{language: {channel or "*": {"subject", "body"}}}`, `variables` a list of
    `{"name", "type", "required"}`. A row under the key of a kind replaces the texts that the kind was shipped with."""

    key = models.SlugField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=150)
    channels = models.JSONField(_("channels"), default=list)
    variables = models.JSONField(_("variables"), default=list)
    texts = models.JSONField(_("texts"), default=dict)
    version = models.IntegerField(default=1)
    deleted_at = models.DateTimeField(null=True, editable=False)

    audit_entity = "notification_template"

    class Meta:
        verbose_name = _("message template")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "key"], condition=Q(deleted_at=None), name="template_key_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Notification(TenantModel):
    """One message, whoever gets it. `kind` is that of a registered event, "" for what a person wrote."""

    class Priority(models.TextChoices):
        NORMAL = "normal", _("Normal")
        URGENT = "urgent", _("Urgent")

    kind = models.CharField(_("kind"), max_length=60, blank=True)
    category = models.CharField(_("category"), max_length=30)
    level = models.CharField(_("type"), max_length=10, choices=Level, default=Level.INFO)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority, default=Priority.NORMAL)
    title = models.CharField(_("title"), max_length=300)
    message = models.TextField(_("message"), blank=True)
    data = models.JSONField(_("data"), default=dict)
    subject_entity = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    link = models.CharField(max_length=300, blank=True)
    channels = models.JSONField(_("channels"), default=list)
    template = models.ForeignKey(Template, models.PROTECT, null=True, related_name="+", verbose_name=_("template"))
    scheduled_at = models.DateTimeField(_("scheduled for"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    people = models.IntegerField(_("recipients"), default=0)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("sent by"))

    audit_entity = "notification"
    audit_label = "title"

    class Meta:
        verbose_name = _("message")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="notification_recent")]

    def __str__(self) -> str:
        return self.title


class Copy(TenantModel):
    """One person's own of a message, in their language. Equal events of a short while share one: `count` says how many,
    `lines` keeps the first titles, `many` is the title for several. `group_key` is empty once nothing more joins."""

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="copies")
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, verbose_name=_("recipient"))
    language = models.CharField(max_length=2)
    title = models.CharField(_("title"), max_length=300)
    many = models.CharField(max_length=300, blank=True)
    message = models.TextField(_("message"), blank=True)
    lines = models.JSONField(default=list)
    count = models.IntegerField(default=1)
    group_key = models.CharField(max_length=150, blank=True)
    in_app = models.BooleanField(default=True)
    visible_at = models.DateTimeField(_("time"))
    read_at = models.DateTimeField(_("read"), null=True)
    deleted_at = models.DateTimeField(null=True, editable=False)
    search_text = models.TextField(editable=False)

    class Meta:
        verbose_name = _("notification")
        ordering = ["-visible_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["notification", "user"], name="copy_once_per_person"),
            models.UniqueConstraint(
                fields=["organization", "user", "group_key"],
                condition=Q(read_at=None, deleted_at=None) & ~Q(group_key=""),
                name="copy_one_open_group",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "user", "-visible_at", "-id"],
                condition=Q(deleted_at=None, in_app=True),
                name="copy_of_person",
            ),
            models.Index(
                fields=["organization", "user"],
                condition=Q(deleted_at=None, in_app=True, read_at=None),
                name="copy_unread",
            ),
        ]

    def __str__(self) -> str:
        return self.shown_title

    @property
    def shown_title(self) -> str:
        """The title, that of several where equal events were put together."""
        return self.many.replace("{{ count }}", str(self.count)) if self.count > 1 and self.many else self.title

    @property
    def shown_message(self) -> str:
        """The message; of several the first titles, one a line."""
        return "\n".join(self.lines) if self.count > 1 and self.many else self.message


class Delivery(TenantModel):
    """A copy on its way through one channel. A worker leases it (`claim`, `leased_until`), marks it `sending` just
    before it hands it over, and `sent` after: what a killed worker leaves tells which of the two it was."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        DIGESTED = "digested", _("Sent in a digest")
        FAILED = "failed", _("Failed")
        DEAD = "dead", _("Failed for good")
        CANCELLED = "cancelled", _("Cancelled")
        SKIPPED = "skipped", _("Left out")

    copy = models.ForeignKey(Copy, models.CASCADE, related_name="deliveries")
    notification = models.ForeignKey(Notification, models.CASCADE, related_name="deliveries", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, verbose_name=_("recipient"))
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    status = models.CharField(_("status"), max_length=10, choices=Status)
    due_at = models.DateTimeField(_("due"))
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    digest = models.BooleanField(default=False)
    claim = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    handed_at = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    provider_id = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("delivery")
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["copy", "channel"], name="delivery_once_per_channel")]
        indexes = [
            # the worker looks across organisations
            models.Index(fields=["due_at", "id"], condition=Q(status__in=["scheduled", "queued"]), name="delivery_due"),
            models.Index(fields=["handed_at"], condition=Q(status="sending"), name="delivery_under_way"),
            models.Index(fields=["organization", "-created_at", "-id"], name="delivery_recent"),
            models.Index(fields=["organization", "notification"], name="delivery_of_message"),
        ]


class Preference(TenantModel):
    """What a person wants to hear of, and when. `matrix` holds only what differs from the defaults."""

    class Digest(models.TextChoices):
        OFF = "off", _("Each message by itself")
        HOURLY = "hourly", _("One e-mail an hour")
        DAILY = "daily", _("One e-mail a day")

    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    matrix = models.JSONField(default=dict)
    quiet_from = models.TimeField(_("quiet from"), null=True)
    quiet_to = models.TimeField(_("until"), null=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_time_zone])
    digest = models.CharField(_("e-mails"), max_length=10, choices=Digest, default=Digest.OFF)


class PushSubscription(TenantModel):
    """A browser (`endpoint` and keys of Web Push) or an app (`endpoint` is its token, `platform` its system)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    platform = models.CharField(max_length=20, default="web")
    endpoint = models.TextField()
    keys = models.JSONField(default=dict)
    agent = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "endpoint"], name="push_endpoint_once")]
        indexes = [models.Index(fields=["organization", "user"], name="push_of_person")]

    @property
    def for_browser(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "keys": self.keys}


class Suppression(TenantModel):
    """An address to which nothing more is sent: it bounced, its holder complained, or somebody said so."""

    class Reason(models.TextChoices):
        BOUNCE = "bounce", _("Bounced")
        COMPLAINT = "complaint", _("Complaint")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        MANUAL = "manual", _("Entered by hand")

    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    address = models.CharField(_("address"), max_length=254)
    reason = models.CharField(_("reason"), max_length=15, choices=Reason)
    note = models.CharField(_("note"), max_length=300, blank=True)

    audit_entity = "notification_suppression"
    audit_label = "address"

    class Meta:
        verbose_name = _("suppressed address")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "address"], name="suppression_address_once")
        ]
