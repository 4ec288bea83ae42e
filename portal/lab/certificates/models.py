"""Certificates of analysis, and their PDFs."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.tenancy.models import TenantModel
from portal.lab.models import LANGUAGES, Sample


class Certificate(TenantModel):
    """A frozen certificate of one sample (ISO/IEC 17025:2017, 7.8.2). `content` is free of any language and never
    changes; a correction is a new number that names the one it replaces (7.8.8)."""

    number = models.CharField(_("number"), max_length=30)
    sample = models.ForeignKey(Sample, models.PROTECT, related_name="certificates", verbose_name=_("sample"))
    customer = models.CharField(_("customer"), max_length=500, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES)
    content = models.JSONField()
    snapshot_hash = models.CharField(max_length=71)  # "sha256:" and 64 hexadecimal digits
    generated_at = models.DateTimeField(_("issued"))
    generated_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    amends = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="amended_by", verbose_name=_("amends")
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    audit_entity = "certificate"
    audit_label = "number"
    audit_ignored = ("content",)

    class Meta:
        verbose_name = _("certificate of analysis")
        verbose_name_plural = _("certificates of analysis")
        ordering = ["-generated_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="certificate_number_once")]
        indexes = [
            models.Index(fields=["organization", "-generated_at", "-id"], name="certificate_by_date"),
            models.Index(fields=["organization", "sample"], name="certificate_by_sample"),
        ]

    def __str__(self) -> str:
        return self.number


class CertificateFile(TenantModel):
    """The PDF of a certificate in one language, made by a worker and kept."""

    certificate = models.ForeignKey(Certificate, models.CASCADE, related_name="files")
    language = models.CharField(max_length=2)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["certificate", "language"], name="certificate_file_once")]
