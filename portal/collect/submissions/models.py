"""Submissions, what people say of them, how they changed, and who is told (specification 003, C40 to C46)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.collect.submissions.choices import Change, DeliveryStatus, ReviewState
from portal.core.common import clock
from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel


class Submission(TenantModel, SoftDeleted):
    """The answers that one person gave to a form at one time. Written by `services` and `receiving` alone.

    `created_at` is the time of capture (the client's, else that of receipt), `synced_at` that of receipt.
    `local_sync_id` is unique in the organisation: the database decides whether a submission is a repeat, and
    `fingerprint` (SHA-256 of what the client sent) whether the repeat says the same.
    """

    form = models.ForeignKey(
        "collect.Form", models.PROTECT, db_index=False, related_name="submissions", verbose_name=_("form")
    )
    project = models.ForeignKey(
        "projects.Project", models.PROTECT, db_index=False, related_name="+", verbose_name=_("project")
    )
    form_version = models.IntegerField(_("version of the form"))
    answers = models.JSONField(_("answers"))
    submitted_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, db_index=False, related_name="+", verbose_name=_("submitted by")
    )
    device = models.CharField(_("device"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("captured"))
    started_at = models.DateTimeField(_("begun"), null=True)
    synced_at = models.DateTimeField(_("arrived"), default=clock.now)
    local_sync_id = models.UUIDField(_("id on the device"))
    fingerprint = models.CharField(max_length=64)
    latitude = models.FloatField(_("latitude"), null=True)
    longitude = models.FloatField(_("longitude"), null=True)
    metadata = models.TextField(_("further details"), null=True)  # JSON as text; null: none
    review_state = models.CharField(_("review"), max_length=10, choices=ReviewState, default=ReviewState.RECEIVED)
    review_note = models.TextField(_("note"), blank=True)
    reviewed_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, db_index=False, related_name="+", verbose_name=_("reviewed by")
    )
    reviewed_at = models.DateTimeField(_("reviewed"), null=True)
    flags = models.JSONField(_("remarks"), default=list)  # [{"code": Flag, "field": …, "value": …}]
    version = models.IntegerField(_("version"), default=1)
    # What a mapped form created: the record's kind (`sample`, `task`) and id.
    target_kind = models.CharField(max_length=20, blank=True)
    target_id = models.UUIDField(null=True)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "submission"
    audit_label = "local_sync_id"
    audit_ignored = ("fingerprint", "flags")

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "local_sync_id"], name="submission_local_id_once"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "form", "-created_at", "-id"],
                condition=Q(deleted_at=None),
                name="submission_of_form",
            ),
            models.Index(
                fields=["organization", "project", "-created_at", "-id"],
                condition=Q(deleted_at=None),
                name="submission_of_project",
            ),
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="submission_newest"
            ),
            models.Index(
                fields=["organization", "submitted_by", "-created_at", "-id"],
                condition=Q(deleted_at=None),
                name="submission_of_person",
            ),
            models.Index(
                fields=["organization", "form", "review_state", "-created_at"],
                condition=Q(deleted_at=None),
                name="submission_by_review",
            ),
            # the newest change of a form, deletions too: what views cache by
            models.Index(fields=["organization", "form", "-updated_at"], name="submission_changed"),
            models.Index(
                fields=["organization", "form", "latitude", "longitude"],
                condition=Q(deleted_at=None, latitude__isnull=False),
                name="submission_by_place",
            ),
        ]

    def __str__(self) -> str:
        return str(self.local_sync_id)


class SubmissionComment(TenantModel, SoftDeleted):
    """What people say about a submission, oldest first."""

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="comments", verbose_name=_("submission"))
    author = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("author"))
    content = models.TextField(_("comment"))

    audit_entity = "submission_comment"
    audit_label = "content"

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["organization", "submission", "created_at"], name="submission_comment_of")]

    def __str__(self) -> str:
        return self.content[:80]


class SubmissionChange(TenantModel):
    """One entry of a submission's history: `changes` is `[{"field", "old", "new"}]`, fields as paths of answers."""

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="history", verbose_name=_("submission"))
    kind = models.CharField(_("kind"), max_length=10, choices=Change)
    version = models.IntegerField(_("version"))
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("by"))
    changes = models.JSONField(_("changes"), default=list)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("change of a submission")
        verbose_name_plural = _("changes of submissions")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["organization", "submission", "-created_at"], name="submission_change_of")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Webhook(TenantModel):
    """An address that is told of a form's submissions. `secret` signs what is sent (HMAC-SHA-256)."""

    form = models.ForeignKey("collect.Form", models.CASCADE, related_name="webhooks", verbose_name=_("form"))
    name = models.CharField(_("name"), max_length=100)
    url = models.URLField(_("address"), max_length=500)
    secret = models.CharField(_("secret"), max_length=100)
    events = models.JSONField(_("events"), default=list)
    is_active = models.BooleanField(_("active"), default=True)

    audit_entity = "webhook"
    audit_ignored = ("secret",)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["organization", "form"], name="webhook_of_form")]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(TenantModel):
    """One message to one webhook: written in the transaction of the event, sent by a worker until it arrives."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", verbose_name=_("webhook"))
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="+", verbose_name=_("submission"))
    event = models.CharField(_("event"), max_length=40)
    status = models.CharField(_("status"), max_length=10, choices=DeliveryStatus, default=DeliveryStatus.WAITING)
    attempts = models.IntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"), default=clock.now)
    answer_status = models.IntegerField(_("answer"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["organization", "webhook", "-created_at", "-id"], name="delivery_of_webhook"),
            models.Index(fields=["due_at"], condition=Q(status="waiting"), name="webhook_delivery_due"),
        ]

    def __str__(self) -> str:
        return self.event
