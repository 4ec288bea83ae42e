"""Applications for permits (the file that a surveyor works for) and the tasks that were made of them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel
from portal.survey.choices import DispatchDetail, ServiceType


class Placed(models.Model):
    """Where a row lies in the country: ids of administrative units, written when the row is, so that one index finds
    the rows of an area. Sessions and what they hold carry the units of their application. Units are shared by all
    organisations and never deleted, so these are no foreign keys."""

    governorate_id = models.UUIDField(_("governorate"), null=True, editable=False)
    district_id = models.UUIDField(_("district"), null=True, editable=False)
    sub_district_id = models.UUIDField(_("sub-district"), null=True, editable=False)
    neighborhood_id = models.UUIDField(_("neighbourhood"), null=True, editable=False)

    class Meta:
        abstract = True


class Application(TenantModel, SoftDeleted, Placed):
    """A permit file: who asks for what, at which place. Its units follow from the coordinates (WGS 84, metres)."""

    application_number = models.CharField(_("number"), max_length=60)
    applicant_name = models.CharField(_("applicant"), max_length=200)
    applicant_phone = models.CharField(_("telephone"), max_length=50, blank=True)
    service_type = models.CharField(_("service"), max_length=20, choices=ServiceType)
    plot_number = models.CharField(_("plot"), max_length=60, blank=True)
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))
    accuracy = models.FloatField(_("accuracy (m)"), null=True, blank=True)
    requirements = models.JSONField(_("requirements"), default=list, blank=True)  # texts
    instructions = models.TextField(_("instructions"), blank=True)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    search_text = models.TextField(default="", editable=False)
    version = models.BigIntegerField(default=1, editable=False)

    audit_entity = "application"
    audit_label = "application_number"

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "application_number"], name="application_number_once"),
            models.CheckConstraint(
                condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180)), name="application_place"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="application_newest"
            ),
            models.Index(fields=["organization", "governorate_id", "id"], name="application_in_governorate"),
            models.Index(fields=["organization", "district_id", "id"], name="application_in_district"),
            models.Index(fields=["organization", "sub_district_id", "id"], name="application_in_sub_district"),
        ]

    def __str__(self) -> str:
        return self.application_number


class Dispatch(TenantModel, Placed):
    """That a task of core is the survey of an application, and what the office said of its work (C55, C56)."""

    task = models.OneToOneField("projects.Task", models.PROTECT, related_name="dispatch", verbose_name=_("task"))
    application = models.ForeignKey(
        Application, models.PROTECT, related_name="dispatches", verbose_name=_("application")
    )
    status_detail = models.CharField(_("review"), max_length=12, choices=DispatchDetail, blank=True, default="")
    remarks = models.JSONField(_("remarks"), default=list, blank=True)  # of the last return, as on the wire

    audit_entity = "dispatch"
    audit_label = "status_detail"

    class Meta:
        verbose_name = _("survey task")
        verbose_name_plural = _("survey tasks")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["organization", "application"], name="dispatch_of_application"),
            models.Index(fields=["organization", "governorate_id", "id"], name="dispatch_in_governorate"),
            models.Index(fields=["organization", "district_id", "id"], name="dispatch_in_district"),
            models.Index(fields=["organization", "sub_district_id", "id"], name="dispatch_in_sub_district"),
        ]

    def __str__(self) -> str:
        return str(self.task_id)
