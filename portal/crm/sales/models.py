"""Deals on their way through the stages of the pipeline, what is sold in them, and what was once expected of them."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Round
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel
from portal.crm.money import half_up
from portal.crm.sales.choices import ActivityType, Category, Kind

_LIVING = Q(deleted_at=None)
_PERCENT = [MinValueValidator(0), MaxValueValidator(100)]


class Stage(TenantModel, SoftDeleted):
    """A step of the pipeline. `probability` is what its deals are weighted with; won has 100, lost 0.

    `required_fields` are names of the wire that a deal must have filled to enter; after `rotting_days` in an open stage
    a deal counts as neglected. `name` is the name in every language that has none of its own.
    """

    key = models.SlugField(_("key"), max_length=50)
    name = models.CharField(_("name"), max_length=100)
    name_fr = models.CharField(_("name in French"), max_length=100, blank=True)
    name_ar = models.CharField(_("name in Arabic"), max_length=100, blank=True)
    position = models.SmallIntegerField(_("order"), default=0)
    probability = models.SmallIntegerField(_("probability"), default=0, validators=_PERCENT)
    kind = models.CharField(_("kind"), max_length=4, choices=Kind, default=Kind.OPEN)
    rotting_days = models.PositiveSmallIntegerField(_("neglected after (days)"), null=True, blank=True)
    required_fields = models.JSONField(_("required fields"), default=list, blank=True)

    audit_entity = "pipeline_stage"

    class Meta:
        verbose_name = _("stage of the pipeline")
        verbose_name_plural = _("stages of the pipeline")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], condition=_LIVING, name="stage_key_once"),
            models.UniqueConstraint(
                fields=["organization"], condition=_LIVING & Q(kind=Kind.WON), name="stage_one_won"
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.OPEN, probability__range=(0, 100))
                | Q(kind=Kind.WON, probability=100)
                | Q(kind=Kind.LOST, probability=0),
                name="stage_probability",
            ),
        ]

    def __str__(self) -> str:
        return {"fr": self.name_fr, "ar": self.name_ar}.get((get_language() or "")[:2], "") or self.name


class Product(TenantModel, SoftDeleted):
    """Something that is sold; `unit_price` in the organisation's base currency."""

    sku = models.CharField(_("article number"), max_length=50)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    unit_price = models.DecimalField(
        _("unit price"), max_digits=16, decimal_places=2, default=Decimal(0), validators=[MinValueValidator(0)]
    )
    is_active = models.BooleanField(_("active"), default=True)

    audit_entity = "product"

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "sku"], condition=_LIVING, name="product_sku_once"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="product_price_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class Deal(TenantModel, SoftDeleted):
    """A sale in the making. `value` is in `currency`; `base_value` = `value` * `fx_rate`, two decimals half up, in the
    organisation's currency: what every total adds up.

    `probability` is null while the stage's counts. `status` repeats the kind of the stage. `closed_at` and
    `owner_at_close` are set when it is won or lost, and with it rate and owner are settled for the figures.
    `position` orders the cards of a column, small first.
    """

    title = models.CharField(_("title"), max_length=200)
    customer = models.ForeignKey("crm.Customer", models.PROTECT, related_name="deals", verbose_name=_("customer"))
    value = models.DecimalField(_("value"), max_digits=16, decimal_places=2, default=Decimal(0))
    currency = models.CharField(_("currency"), max_length=3)
    fx_rate = models.DecimalField(_("exchange rate"), max_digits=18, decimal_places=8, default=Decimal(1))
    base_value = models.DecimalField(_("value in base currency"), max_digits=20, decimal_places=2, default=Decimal(0))
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="deals", verbose_name=_("stage"))
    status = models.CharField(_("status"), max_length=4, choices=Kind, default=Kind.OPEN)
    probability = models.SmallIntegerField(_("probability"), null=True, blank=True)
    category = models.CharField(_("category"), max_length=8, choices=Category, default=Category.PIPELINE)
    expected_close_date = models.DateField(_("expected close"), null=True, blank=True)
    description = models.TextField(_("description"), blank=True)
    assigned_to = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )
    lost_reason = models.CharField(_("lost because of"), max_length=100, blank=True)
    lost_note = models.TextField(_("note on the loss"), blank=True)
    last_open_stage = models.ForeignKey(
        Stage, models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("last open stage")
    )
    stage_since = models.DateTimeField(_("in this stage since"), default=clock.now, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    owner_at_close = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("closed by")
    )
    next_activity_at = models.DateTimeField(_("next activity"), null=True, editable=False)
    cloned_from = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("copied from")
    )
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("created by")
    )
    position = models.FloatField(_("place on the board"), default=0, editable=False)
    search_text = models.TextField(default="", editable=False)
    version = models.BigIntegerField(default=1, editable=False)

    audit_entity = "sale"
    audit_ignored = ("position", "search_text", "next_activity_at")
    audit_label = "title"

    class Meta:
        verbose_name = _("deal")
        verbose_name_plural = _("deals")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(value__gte=0, fx_rate__gt=0), name="deal_money_positive"),
            models.CheckConstraint(condition=Q(base_value=Round(F("value") * F("fx_rate"), 2)), name="deal_base_value"),
            models.CheckConstraint(
                condition=Q(probability=None) | Q(probability__range=(0, 100)), name="deal_probability"
            ),
            models.CheckConstraint(
                condition=Q(status=Kind.OPEN, closed_at=None) | (~Q(status=Kind.OPEN) & ~Q(closed_at=None)),
                name="deal_closed_at",
            ),
            models.CheckConstraint(condition=~Q(status=Kind.WON) | Q(value__gt=0), name="deal_won_has_value"),
            models.CheckConstraint(condition=~Q(status=Kind.LOST) | ~Q(lost_reason=""), name="deal_lost_has_reason"),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], condition=_LIVING, name="deal_newest"),
            models.Index(fields=["organization", "stage", "position", "id"], condition=_LIVING, name="deal_on_board"),
            models.Index(
                fields=["organization", "status", "-created_at", "-id"], condition=_LIVING, name="deal_by_status"
            ),
            models.Index(
                fields=["organization", "assigned_to", "-created_at", "-id"], condition=_LIVING, name="deal_by_owner"
            ),
            models.Index(
                fields=["organization", "expected_close_date", "id"],
                condition=_LIVING & Q(status=Kind.OPEN),
                name="deal_expected",
            ),
            models.Index(
                fields=["organization", "closed_at", "id"],
                condition=_LIVING & ~Q(status=Kind.OPEN),
                name="deal_closed",
            ),
            models.Index(
                fields=["organization", "stage"],
                include=["base_value", "probability", "created_at", "stage_since"],
                condition=_LIVING & Q(status=Kind.OPEN),
                name="deal_pipeline_figures",
            ),
            models.Index(fields=["organization", "-base_value", "-id"], condition=_LIVING, name="deal_by_value"),
            models.Index(fields=["organization", "title", "id"], condition=_LIVING, name="deal_by_title"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def chance(self) -> int:
        """The effective probability in percent."""
        if self.status != Kind.OPEN or self.probability is None:
            return self.stage.probability
        return self.probability

    @property
    def weighted(self) -> Decimal:
        """In base currency."""
        return half_up(self.base_value * self.chance / 100)

    @property
    def has_lines(self) -> bool:
        return self.lines.exists()


class DealLine(TenantModel):
    """So much of a product in a deal, at a price in the deal's currency less a discount in percent."""

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="lines", verbose_name=_("deal"))
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    name = models.CharField(_("name"), max_length=200)
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)
    unit_price = models.DecimalField(_("unit price"), max_digits=16, decimal_places=2)
    discount = models.DecimalField(_("discount (%)"), max_digits=5, decimal_places=2, default=Decimal(0))
    position = models.SmallIntegerField(default=0)

    audit_entity = "sale_line"

    class Meta:
        verbose_name = _("line of a deal")
        verbose_name_plural = _("lines of deals")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, unit_price__gte=0, discount__range=(0, 100)), name="dealline_figures"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def exact(self) -> Decimal:
        return self.quantity * self.unit_price * (1 - self.discount / 100)

    @property
    def amount(self) -> Decimal:
        return half_up(self.exact)


class Transition(TenantModel):
    """A step of a deal: when, from where (none: it was made), to where, and how many seconds it had been there.

    `value` (base currency) and `probability` are those with which it left.
    """

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="transitions", verbose_name=_("deal"))
    from_stage = models.ForeignKey(Stage, models.PROTECT, null=True, related_name="+", verbose_name=_("from"))
    to_stage = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("to"))
    at = models.DateTimeField(_("at"), default=clock.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("by"))
    seconds_in_from = models.BigIntegerField(_("seconds in the stage before"), null=True)
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=2)
    probability = models.SmallIntegerField(_("probability"))

    class Meta:
        verbose_name = _("step of a deal")
        verbose_name_plural = _("steps of deals")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["organization", "at", "id"], name="transition_at")]

    def __str__(self) -> str:
        return str(self.to_stage)


class SalesActivity(TenantModel):
    """What was done or is to be done for a deal. It is overdue when `due_at` has passed and `done_at` is empty."""

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="activities", verbose_name=_("deal"))
    type = models.CharField(_("type"), max_length=7, choices=ActivityType, default=ActivityType.NOTE)
    description = models.TextField(_("description"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=300, blank=True)
    duration = models.PositiveIntegerField(_("duration (minutes)"), null=True, blank=True)
    user = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("person"))

    audit_entity = "sale_activity"
    audit_label = "description"

    class Meta:
        verbose_name = _("activity of a deal")
        verbose_name_plural = _("activities of deals")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["organization", "done_at", "user"], name="salesactivity_done")]

    def __str__(self) -> str:
        return self.description[:80]

    @property
    def overdue(self) -> bool:
        return self.done_at is None and self.due_at is not None and self.due_at < clock.now()


class Quota(TenantModel):
    """What a person (`owner` empty: the organisation) is to win in a month (its first day), in base currency."""

    owner = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    month = models.DateField(_("month"))
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=2)

    audit_entity = "sales_quota"
    audit_label = "month"

    class Meta:
        verbose_name = _("sales target")
        verbose_name_plural = _("sales targets")
        ordering = ["month", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "month", "owner"], nulls_distinct=False, name="quota_once_a_month"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="quota_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class ForecastSnapshot(TenantModel):
    """An open deal as it stood in the night to `taken_on` (the organisation's date): what was forecast then."""

    taken_on = models.DateField(_("taken on"))
    deal = models.ForeignKey(Deal, models.CASCADE, related_name="+", verbose_name=_("deal"))
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="+", verbose_name=_("stage"))
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=2)
    probability = models.SmallIntegerField(_("probability"))
    expected_close_date = models.DateField(_("expected close"), null=True)

    class Meta:
        verbose_name = _("snapshot of the forecast")
        verbose_name_plural = _("snapshots of the forecast")
        ordering = ["-taken_on", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "taken_on", "deal"], name="snapshot_once")]

    def __str__(self) -> str:
        return f"{self.taken_on:%Y-%m-%d}"
