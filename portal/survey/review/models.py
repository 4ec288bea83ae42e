"""What reviewers said of the items of a session."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.tenancy.models import TenantModel
from portal.survey.choices import ItemDecision
from portal.survey.sessions.models import SurveySession


class ReviewRemark(TenantModel):
    """A reviewer's decision on one point, geometry or attachment, for one revision of the session."""

    session = models.ForeignKey(SurveySession, models.PROTECT, related_name="remarks", verbose_name=_("session"))
    revision = models.IntegerField(_("revision"))
    entity = models.CharField(_("kind"), max_length=10)  # point, geometry, attachment
    entity_id = models.UUIDField(_("item"))
    decision = models.CharField(_("decision"), max_length=6, choices=ItemDecision)
    remark = models.TextField(_("remark"), blank=True)
    reviewer = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("reviewer"))

    audit_entity = "review_remark"
    audit_label = "decision"

    class Meta:
        verbose_name = _("remark of a review")
        verbose_name_plural = _("remarks of a review")
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "session", "revision", "entity", "entity_id"], name="review_remark_once"
            )
        ]

    def __str__(self) -> str:
        return self.remark[:80]
