"""Tickets, what is said in them, their files and their categories."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel
from portal.crm.sla.models import SlaPolicy
from portal.crm.tickets.choices import Channel, TicketPriority, TicketStatus

_LIVING = Q(deleted_at=None)


class TicketCategory(TenantModel):
    """What tickets are about: a tree. A new ticket without an assignee gets the category's, or its parents'."""

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=100)
    name_ar = models.CharField(_("Arabic name"), max_length=100, blank=True)
    name_fr = models.CharField(_("French name"), max_length=100, blank=True)
    color = models.CharField(
        _("colour"), max_length=7, default="#6b7280", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$")]
    )
    order = models.SmallIntegerField(_("order"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    default_assignee = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )

    audit_entity = "ticket_category"

    class Meta:
        verbose_name = _("ticket category")
        verbose_name_plural = _("ticket categories")
        ordering = ["order", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="ticket_category_key_once"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="ticket_category_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        """In the language in force."""
        return {"ar": self.name_ar, "fr": self.name_fr}.get(translation.get_language() or "", "") or self.name


class Ticket(TenantModel, SoftDeleted):
    """A customer's request. Written by `services` alone.

    The columns that begin with `sla_` say how the clocks stand, for lists: `sla_due_at` is the next moment at which one
    runs out, `sla_warn_at` when that is near, `sla_state` what `sla.services` says.
    """

    number = models.BigIntegerField(_("number"), editable=False)
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    customer = models.ForeignKey(
        "crm.Customer", models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("customer")
    )
    requester_name = models.CharField(_("asked by"), max_length=200, blank=True)
    requester_email = models.EmailField(_("e-mail of who asked"), max_length=254, blank=True)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.PORTAL)
    category = models.ForeignKey(
        TicketCategory, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("category")
    )
    priority = models.CharField(_("priority"), max_length=6, choices=TicketPriority, default=TicketPriority.NORMAL)
    status = models.CharField(_("status"), max_length=16, choices=TicketStatus, default=TicketStatus.NEW)
    hold_reason = models.CharField(_("why it is on hold"), max_length=500, blank=True)
    resolution = models.TextField(_("resolution"), blank=True)
    assigned_to = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )
    due_date = models.DateTimeField(_("due"), null=True, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)  # texts
    cc = models.JSONField(_("copies to"), default=list, blank=True, editable=False)  # [{"name", "email"}]
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="merged", verbose_name=_("merged into")
    )
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="followed_by", verbose_name=_("follows")
    )
    origin = models.CharField(_("made from"), max_length=60, blank=True, editable=False)  # "sample:<id>"
    reopen_count = models.SmallIntegerField(_("times reopened"), default=0, editable=False)
    reply_count = models.IntegerField(_("public replies"), default=0, editable=False)
    satisfaction = models.SmallIntegerField(
        _("satisfaction"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    first_response_at = models.DateTimeField(_("first reply"), null=True, editable=False)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    policy = models.ForeignKey(
        SlaPolicy, models.PROTECT, null=True, editable=False, related_name="tickets", verbose_name=_("SLA policy")
    )
    sla_state = models.CharField(max_length=8, blank=True, default="", editable=False)
    sla_due_at = models.DateTimeField(_("SLA"), null=True, editable=False)
    sla_warn_at = models.DateTimeField(null=True, editable=False)
    version = models.BigIntegerField(default=1, editable=False)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "ticket"
    audit_label = "title"
    audit_ignored = ("sla_state", "sla_due_at", "sla_warn_at", "reply_count")

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="ticket_number_once"),
            models.UniqueConstraint(
                fields=["organization", "origin"], condition=~Q(origin=""), name="ticket_origin_once"
            ),
            models.CheckConstraint(condition=Q(satisfaction=None) | Q(satisfaction__range=(1, 5)), name="ticket_csat"),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], condition=_LIVING, name="ticket_newest"),
            models.Index(
                fields=["organization", "status", "-created_at", "-id"], condition=_LIVING, name="ticket_by_status"
            ),
            models.Index(
                fields=["organization", "priority", "-created_at", "-id"], condition=_LIVING, name="ticket_by_priority"
            ),
            models.Index(
                fields=["organization", "assigned_to", "-created_at", "-id"],
                condition=_LIVING,
                name="ticket_by_assignee",
            ),
            models.Index(
                fields=["organization", "category", "-created_at", "-id"], condition=_LIVING, name="ticket_by_category"
            ),
            models.Index(fields=["organization", "customer", "-created_at"], name="ticket_by_customer"),
            models.Index(
                fields=["organization", "sla_due_at", "id"],
                condition=_LIVING,
                name="ticket_by_sla",
            ),
            models.Index(
                fields=["organization", "status", "sla_due_at", "id"],
                condition=_LIVING & Q(status__in=("new", "open", "waiting_customer", "on_hold")),
                name="ticket_open",
            ),
            models.Index(fields=["organization", "due_date"], condition=_LIVING, name="ticket_by_due_date"),
            models.Index(fields=["organization", "-updated_at", "-id"], condition=_LIVING, name="ticket_by_change"),
            models.Index(fields=["organization", "resolved_at"], condition=_LIVING, name="ticket_by_resolution"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class TicketComment(TenantModel, SoftDeleted):
    """What was said in a ticket, plain text. An internal one never leaves the organisation.

    Without an `author` somebody from outside wrote it: `from_customer`. Automatic ones (answering machines, rules of
    this program) neither stop nor start clocks.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="comments", verbose_name=_("ticket"))
    author = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("author"))
    author_name = models.CharField(_("name of who wrote"), max_length=200, blank=True)
    content = models.TextField(_("comment"))
    is_internal = models.BooleanField(_("internal"), default=False)
    from_customer = models.BooleanField(_("from the customer"), default=False)
    automatic = models.BooleanField(_("automatic"), default=False)
    mentions = models.JSONField(_("mentioned people"), default=list, blank=True)  # ids as text
    edited_at = models.DateTimeField(_("edited"), null=True, editable=False)

    audit_entity = "ticket_comment"
    audit_label = "content"

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["ticket", "created_at", "id"], name="ticket_comment_of")]

    def __str__(self) -> str:
        return self.content[:80]


class CommentRevision(TenantModel):
    """What a comment said before it was changed."""

    comment = models.ForeignKey(TicketComment, models.CASCADE, related_name="revisions", verbose_name=_("comment"))
    content = models.TextField(_("comment"))
    replaced_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("changed by")
    )

    class Meta:
        verbose_name = _("earlier version of a comment")
        verbose_name_plural = _("earlier versions of comments")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.content[:80]


class TicketAttachment(TenantModel, SoftDeleted):
    """A file of a ticket. Once deleted it stays as a name without contents; the file itself goes to the trash."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="attachments", verbose_name=_("ticket"))
    file = models.ForeignKey("files.StoredFile", models.PROTECT, related_name="+", verbose_name=_("file"))
    filename = models.CharField(_("file name"), max_length=255)
    is_internal = models.BooleanField(_("internal"), default=False)
    uploaded_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("uploaded by")
    )

    audit_entity = "ticket_attachment"
    audit_label = "filename"

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.filename
