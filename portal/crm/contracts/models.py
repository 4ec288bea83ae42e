"""Contracts, what they are made from, and what becomes of them."""

from datetime import date
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel
from portal.crm.contracts.choices import LANGUAGES, Billing, Party, Status

_LIVING = Q(deleted_at=None)


def default_reminders() -> list[int]:
    return [90, 60, 30, 7]


class ContractType(TenantModel):
    """What new contracts of a kind start with. `reminders` are days before the end, `window_days` how long before it a
    contract counts as expiring, `uplift` the percent that a renewal is proposed with. With `approver_role`, a role's
    key, a draft has to be approved by somebody of that role."""

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=100)
    name_ar = models.CharField(_("name in Arabic"), max_length=100, blank=True)
    name_fr = models.CharField(_("name in French"), max_length=100, blank=True)
    prefix = models.CharField(
        _("prefix of the numbers"),
        max_length=6,
        validators=[RegexValidator(r"^[A-Z]{1,6}$", _("Enter one to six capital letters."))],
    )
    term_months = models.PositiveSmallIntegerField(
        _("usual term in months"), default=12, validators=[MinValueValidator(1), MaxValueValidator(600)]
    )
    notice_days = models.PositiveSmallIntegerField(_("notice in days"), default=30)
    auto_renew = models.BooleanField(_("renews itself"), default=False)
    reminders = models.JSONField(_("reminders, days before the end"), default=default_reminders, blank=True)
    window_days = models.PositiveSmallIntegerField(_("expiring from, days before the end"), default=30)
    uplift = models.DecimalField(_("increase at renewal, percent"), max_digits=5, decimal_places=2, default=Decimal(0))
    approver_role = models.CharField(_("role that approves"), max_length=50, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    audit_entity = "contract_type"

    class Meta:
        verbose_name = _("contract type")
        verbose_name_plural = _("contract types")
        ordering = ["order", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="contract_type_key_once"),
            models.UniqueConstraint(fields=["organization", "prefix"], name="contract_type_prefix_once"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the language in force."""
        return {"ar": self.name_ar, "fr": self.name_fr}.get((get_language() or "")[:2]) or self.name


class ContractTemplate(TenantModel, SoftDeleted):
    """A text that contracts are made from; each change of its text is a version that stays."""

    name = models.CharField(_("name"), max_length=200)
    type = models.ForeignKey(ContractType, models.PROTECT, related_name="templates", verbose_name=_("type"))
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    audit_entity = "contract_template"

    class Meta:
        verbose_name = _("contract template")
        verbose_name_plural = _("contract templates")
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["organization", "name", "id"], name="contract_template_by_name")]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(TenantModel):
    """`values` are the template's own fields: `[{key, type, required, label}]`."""

    template = models.ForeignKey(ContractTemplate, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    body = models.TextField(_("text"))
    values = models.JSONField(_("own fields"), default=list)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-number", "id"]
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="contract_template_version_once")]

    def __str__(self) -> str:
        return f"{self.template_id} {self.number}"


class Contract(TenantModel, SoftDeleted):
    """`value` is the value of the whole term in `currency`; with lines it is their sum. `end_date` None: open-ended,
    `term_months` then says what the value pays for. While it is in force money, dates and terms change by amendments
    alone. `termination_date` is the last day of one that ends early, also of one that is still active."""

    number = models.CharField(_("number"), max_length=30, editable=False)
    title = models.CharField(_("title"), max_length=200)
    customer = models.ForeignKey(
        "crm.Customer", models.PROTECT, related_name="contracts", db_index=False, verbose_name=_("customer")
    )
    type = models.ForeignKey(
        ContractType, models.PROTECT, related_name="contracts", db_index=False, verbose_name=_("type")
    )
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.DRAFT)
    value = models.DecimalField(_("value"), max_digits=16, decimal_places=2, default=Decimal(0))
    currency = models.CharField(_("currency"), max_length=3)
    fx_rate = models.DecimalField(_("rate to the base currency"), max_digits=18, decimal_places=8, default=Decimal(1))
    billing = models.CharField(_("billing"), max_length=10, choices=Billing, default=Billing.YEARLY)
    start_date = models.DateField(_("first day"), null=True, blank=True)
    end_date = models.DateField(_("last day"), null=True, blank=True)
    term_months = models.PositiveSmallIntegerField(_("term in months"), default=12)
    notice_days = models.PositiveSmallIntegerField(_("notice in days"), default=30)
    auto_renew = models.BooleanField(_("renews itself"), default=False)
    terms = models.TextField(_("terms"), blank=True)
    owner = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person in charge")
    )
    signatories = models.JSONField(_("signatories"), default=list, blank=True)  # [{name, role, party}]
    template_version = models.ForeignKey(TemplateVersion, models.PROTECT, null=True, related_name="contracts")
    template_values = models.JSONField(default=dict)
    predecessor = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="successors", verbose_name=_("renews")
    )
    signed_on = models.DateField(_("signed on"), null=True, blank=True)
    activated_at = models.DateTimeField(_("active since"), null=True, editable=False)
    notice_given_on = models.DateField(_("notice given on"), null=True, blank=True)
    termination_date = models.DateField(_("ends early on"), null=True, editable=False)
    termination_reason = models.CharField(_("reason of the termination"), max_length=500, blank=True)
    termination_party = models.CharField(_("terminated by"), max_length=10, choices=Party, blank=True)
    termination_note = models.TextField(_("note on the termination"), blank=True)
    termination_fee = models.DecimalField(_("termination fee"), max_digits=16, decimal_places=2, null=True)
    notice_late = models.BooleanField(_("notice was late"), default=False)
    ended_on = models.DateField(_("ended on"), null=True, editable=False)
    deal_for = models.DateField(null=True, editable=False)  # the end for which a deal was opened
    created_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, editable=False, related_name="+")
    version = models.BigIntegerField(default=1, editable=False)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "contract"
    audit_label = "number"
    audit_ignored = ("deal_for",)

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="contract_number_once"),
            models.UniqueConstraint(
                fields=["predecessor"], condition=_LIVING & ~Q(status=Status.CANCELLED), name="contract_one_successor"
            ),
            models.CheckConstraint(
                condition=Q(end_date=None) | Q(start_date=None) | Q(end_date__gte=F("start_date")),
                name="contract_ends_after_start",
            ),
            models.CheckConstraint(condition=Q(value__gte=0), name="contract_value_not_negative"),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], condition=_LIVING, name="contract_newest"),
            models.Index(fields=["organization", "customer"], condition=_LIVING, name="contract_by_customer"),
            models.Index(fields=["organization", "status", "end_date"], condition=_LIVING, name="contract_by_end"),
            models.Index(fields=["organization", "type"], name="contract_by_type"),
            models.Index(fields=["organization", "ended_on"], condition=_LIVING, name="contract_by_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def in_force(self) -> bool:
        return self.status in (Status.ACTIVE, Status.UPCOMING)

    @property
    def last_day(self) -> date | None:
        """The day on which it ends as things stand: by termination, else by its term."""
        return self.termination_date or self.end_date


class ContractLine(TenantModel):
    """`discount` in percent; the total is rounded half up."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="lines", verbose_name=_("contract"))
    position = models.PositiveSmallIntegerField(_("position"))
    description = models.CharField(_("description"), max_length=300)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3, default=Decimal(1))
    unit_price = models.DecimalField(_("unit price"), max_digits=16, decimal_places=2)
    discount = models.DecimalField(_("discount, percent"), max_digits=5, decimal_places=2, default=Decimal(0))

    audit_entity = "contract_line"
    audit_label = "description"

    class Meta:
        verbose_name = _("line of a contract")
        verbose_name_plural = _("lines of contracts")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["contract", "position"], name="contract_line_position_once")]

    def __str__(self) -> str:
        return self.description


class Amendment(TenantModel):
    """A change to a contract in force. `changes` holds `{field: [old, new]}` under wire names."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="amendments", verbose_name=_("contract"))
    number = models.PositiveSmallIntegerField(_("number"))
    reason = models.CharField(_("reason"), max_length=1000)
    changes = models.JSONField(_("changes"), default=dict)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    audit_entity = "contract_amendment"
    audit_label = "reason"

    class Meta:
        verbose_name = _("amendment")
        verbose_name_plural = _("amendments")
        ordering = ["-number", "id"]
        constraints = [models.UniqueConstraint(fields=["contract", "number"], name="contract_amendment_once")]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.number}"


class ContractEvent(TenantModel):
    """One line of a contract's history; values under wire names."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="events", db_index=False)
    action = models.CharField(_("action"), max_length=30)
    old_values = models.JSONField(default=dict)
    new_values = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    user = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["contract", "-created_at", "-id"], name="contract_event_newest")]

    def __str__(self) -> str:
        return self.action


class ContractReminder(TenantModel):
    """That a reminder was due `offset` days before `end_date`; written once, so it is sent once."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="reminders")
    end_date = models.DateField()
    offset = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "end_date", "offset"], name="contract_reminder_once")
        ]


class ContractPaper(TenantModel):
    """A contract as it was printed: `content` is free of any language and never changes (`number` stands on it)."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="papers")
    number = models.CharField(_("number"), max_length=30)
    content = models.JSONField(default=dict)
    snapshot_hash = models.CharField(max_length=71)  # "sha256:" and 64 hexadecimal digits
    generated_at = models.DateTimeField(_("issued"))
    generated_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("contract")
        constraints = [models.UniqueConstraint(fields=["contract", "snapshot_hash"], name="contract_paper_once")]

    def __str__(self) -> str:
        return self.number


class ContractPaperFile(TenantModel):
    """The PDF of a paper in one language, kept by the hash of its content."""

    paper = models.ForeignKey(ContractPaper, models.CASCADE, related_name="files")
    language = models.CharField(max_length=2)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "language"], name="contract_paper_file_once")]
