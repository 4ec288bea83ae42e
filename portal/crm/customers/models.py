"""Customers, their tags, notes and history, and the log of merges."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel
from portal.crm.customers.choices import FieldKind, Size, Status

_LIVING = Q(deleted_at=None)


class Tag(TenantModel):
    """A word that records are marked with. `scope` says which records: `customer`, or another part's kind."""

    scope = models.CharField(max_length=20, default="customer", editable=False)
    name = models.CharField(_("name"), max_length=50)
    name_key = models.CharField(max_length=50, editable=False)
    color = models.CharField(
        _("colour"), max_length=7, default="#6b7280", validators=[RegexValidator(r"^#[0-9a-f]{6}$")]
    )

    audit_entity = "tag"
    audit_ignored = ("name_key",)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "scope", "name_key"], name="tag_name_once")]

    def __str__(self) -> str:
        return self.name


class Customer(TenantModel, SoftDeleted):
    """A company or a person that the organisation works for; at least one of the two names is there.

    `name` is the company's, else the person's. `email` is lower case, `phone` E.164, `country` ISO 3166 alpha-2.
    `name_key` is the company's name in one spelling without its legal form, `tax_key` the tax number's letters and
    digits: duplicates are found by them.
    """

    company_name = models.CharField(_("company"), max_length=200, blank=True)
    contact_name = models.CharField(_("contact person"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    industry = models.CharField(_("industry"), max_length=100, blank=True)
    size = models.CharField(_("size"), max_length=10, choices=Size, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.LEAD)
    status_reason = models.CharField(_("reason of the status"), max_length=300, blank=True)
    status_changed_at = models.DateTimeField(_("status since"), default=clock.now, editable=False)
    notes = models.TextField(_("summary"), blank=True)
    external_id = models.CharField(_("number in another system"), max_length=100, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    assigned_to = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )
    custom_fields = models.JSONField(_("further fields"), default=dict, blank=True)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    last_activity_at = models.DateTimeField(_("last activity"), default=clock.now, editable=False)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("merged into")
    )
    version = models.BigIntegerField(default=1, editable=False)
    name = models.CharField(_("name"), max_length=200, editable=False)
    name_key = models.CharField(max_length=200, default="", editable=False)
    tax_key = models.CharField(max_length=40, default="", editable=False)
    search_text = models.TextField(default="", editable=False)
    tags = models.ManyToManyField(Tag, through="CustomerTag", related_name="customers", verbose_name=_("tags"))

    audit_entity = "customer"
    audit_ignored = ("name", "last_activity_at", "name_key", "tax_key")

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(company_name="", contact_name=""), name="customer_has_a_name"),
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=_LIVING & ~Q(external_id=""),
                name="customer_external_id_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], condition=_LIVING, name="customer_newest"),
            models.Index(fields=["organization", "name", "id"], condition=_LIVING, name="customer_by_name"),
            models.Index(
                fields=["organization", "status", "-created_at", "-id"], condition=_LIVING, name="customer_by_status"
            ),
            models.Index(
                fields=["organization", "assigned_to", "-created_at", "-id"],
                condition=_LIVING,
                name="customer_by_owner",
            ),
            models.Index(
                fields=["organization", "country", "-created_at", "-id"], condition=_LIVING, name="customer_by_country"
            ),
            models.Index(
                fields=["organization", "industry", "-created_at", "-id"],
                condition=_LIVING,
                name="customer_by_industry",
            ),
            models.Index(
                fields=["organization", "-last_activity_at", "-id"], condition=_LIVING, name="customer_by_activity"
            ),
            models.Index("organization", Upper("city"), condition=_LIVING, name="customer_by_city"),
            models.Index(fields=["organization", "email"], condition=_LIVING & ~Q(email=""), name="customer_by_email"),
            models.Index(fields=["organization", "phone"], condition=_LIVING & ~Q(phone=""), name="customer_by_phone"),
            models.Index(
                fields=["organization", "tax_key"], condition=_LIVING & ~Q(tax_key=""), name="customer_by_tax"
            ),
            models.Index(
                fields=["organization", "name_key"], condition=_LIVING & ~Q(name_key=""), name="customer_by_key"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustomerTag(TenantModel):
    """That a customer has a tag."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", verbose_name=_("customer"))
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="+", db_index=False, verbose_name=_("tag"))

    audit_entity = "customer_tag"
    audit_label = "tag_id"

    class Meta:
        verbose_name = _("tag of a customer")
        verbose_name_plural = _("tags of customers")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["tag", "customer"], name="customer_tag_once")]

    def __str__(self) -> str:
        return str(self.tag_id)


class StatusChange(TenantModel):
    """A step of a customer's life."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="status_changes", verbose_name=_("customer"))
    from_status = models.CharField(_("from"), max_length=10, choices=Status, blank=True)
    to_status = models.CharField(_("to"), max_length=10, choices=Status)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=clock.now)
    changed_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("changed by")
    )

    class Meta:
        verbose_name = _("change of status")
        verbose_name_plural = _("changes of status")
        ordering = ["changed_at", "id"]
        indexes = [
            models.Index(fields=["organization", "to_status", "changed_at"], name="customer_status_change_at"),
        ]

    def __str__(self) -> str:
        return self.to_status


class CustomerNote(TenantModel, SoftDeleted):
    """What somebody wrote down about a customer, in Markdown. A private one is its author's alone."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="note_rows", verbose_name=_("customer"))
    author = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("author"))
    content = models.TextField(_("note"))
    is_pinned = models.BooleanField(_("pinned"), default=False)
    is_private = models.BooleanField(_("private"), default=False)
    edited_at = models.DateTimeField(_("edited"), null=True, editable=False)
    mentions = models.JSONField(_("mentioned people"), default=list, blank=True)  # ids as text

    audit_entity = "customer_note"
    audit_label = "content"

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["-is_pinned", "-created_at", "-id"]

    def __str__(self) -> str:
        return self.content[:80]


class NoteRevision(TenantModel):
    """What a note said before it was changed later than a quarter of an hour after it was written."""

    note = models.ForeignKey(CustomerNote, models.CASCADE, related_name="revisions", verbose_name=_("note"))
    content = models.TextField(_("note"))
    replaced_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("changed by")
    )

    class Meta:
        verbose_name = _("earlier version of a note")
        verbose_name_plural = _("earlier versions of notes")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.content[:80]


class CustomField(TenantModel):
    """A field that an organisation adds to its customers. While there is none, `custom_fields` takes any value."""

    key = models.SlugField(_("key"), max_length=40)
    label = models.CharField(_("label"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=FieldKind, default=FieldKind.TEXT)
    options = models.JSONField(_("options"), default=list, blank=True)  # texts, of a choice
    order = models.SmallIntegerField(_("order"), default=0)

    audit_entity = "customer_field"
    audit_label = "label"

    class Meta:
        verbose_name = _("field of customers")
        verbose_name_plural = _("fields of customers")
        ordering = ["order", "label", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="custom_field_key_once")]

    def __str__(self) -> str:
        return self.label


class CustomerLink(TenantModel):
    """That a record of another room is a customer's: a sampling point (`kind` "sampling_point"), say. The rooms do not
    know each other, so it is a kind and an id; one record belongs to one customer at most."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="links", verbose_name=_("customer"))
    kind = models.CharField(_("kind"), max_length=30)
    target_id = models.UUIDField()

    audit_entity = "customer_link"
    audit_label = "kind"

    class Meta:
        verbose_name = _("link of a customer")
        verbose_name_plural = _("links of customers")
        ordering = ["kind", "created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "target_id"], name="customer_link_target_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_id}"


class MergeLog(TenantModel):
    """What a merge did, so that it can be split again. `sources` holds their ids, `before` the target's fields as they
    were, `moved` per registered reference (`label.field`) and source the ids of the rows that were repointed."""

    target = models.ForeignKey(Customer, models.PROTECT, related_name="merges", verbose_name=_("customer"))
    sources = models.JSONField(_("merged customers"), default=list)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    tags_added = models.JSONField(default=list)
    moved = models.JSONField(default=dict)
    merged_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("merged by")
    )
    split_at = models.DateTimeField(_("split"), null=True)

    audit_entity = "customer_merge"
    audit_ignored = ("before", "after", "moved", "tags_added")
    audit_label = "target_id"

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return str(self.target_id)
