"""What happened with a customer, one row per event, written in the transaction of the change itself."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.core.tenancy.models import TenantModel
from portal.crm.customers.models import Customer


class ActivityEvent(TenantModel):
    """`type` is `kind.what` (`sale.stage`), `subject_id` the record of that kind, `data` what its text is made of."""

    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="events", db_index=False, verbose_name=_("customer")
    )
    kind = models.CharField(_("source"), max_length=30)
    type = models.CharField(_("type"), max_length=60)
    subject_id = models.UUIDField(null=True)
    user = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("person")
    )
    data = models.JSONField(_("details"), default=dict)
    occurred_at = models.DateTimeField(_("happened"), default=clock.now)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering = ["-occurred_at", "-id"]
        indexes = [
            models.Index(fields=["organization", "customer", "-occurred_at", "-id"], name="activity_of_customer"),
            models.Index(fields=["organization", "-occurred_at", "-id"], name="activity_newest"),
            models.Index(fields=["customer"], name="activity_customer"),
            models.Index(fields=["organization", "subject_id"], name="activity_of_subject"),
            models.Index(fields=["user"], name="activity_of_person"),
        ]

    def __str__(self) -> str:
        return self.type
