"""The words of applications and survey sessions (specification 004, contract of the rooms section 2)."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ServiceType(TextChoices):
    """What an application asks for; other words than `SurveyType` on purpose (C57)."""

    BUILDING_PERMIT = "building_permit", _("Building permit")
    SURVEYING_DECISION = "surveying_decision", _("Surveying decision")


class SurveyType(TextChoices):
    BUILDING_PERMIT = "building_permit", _("Building permit")
    SURVEYING_DECISION = "surveying_decision", _("Surveying decision")
    CADASTRAL_SURVEY = "cadastral_survey", _("Cadastral survey")


class SessionStatus(TextChoices):
    """The office's words. On the wire `draft`, `active` and `returned` are `draft`, `under_review` is `submitted`,
    `abandoned` and `superseded` are `rejected`, each with `statusDetail` (C76)."""

    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Being surveyed")
    SUBMITTED = "submitted", _("Submitted")
    UNDER_REVIEW = "under_review", _("Under review")
    APPROVED = "approved", _("Approved")
    RETURNED = "returned", _("Returned")
    REJECTED = "rejected", _("Rejected")
    ABANDONED = "abandoned", _("Abandoned")
    SUPERSEDED = "superseded", _("Superseded")


class DispatchDetail(TextChoices):
    """What the office did with the work of a task; empty before it was submitted."""

    NONE = "", "—"
    UNDER_REVIEW = "under_review", _("Under review")
    APPROVED = "approved", _("Approved")
    RETURNED = "returned", _("Returned")
    REJECTED = "rejected", _("Rejected")


class GpsSource(TextChoices):
    DEVICE = "device", _("Phone or tablet")
    EXTERNAL = "external_receiver", _("External receiver")
    MANUAL = "manual", _("Entered by hand")


class PointType(TextChoices):
    CORNER = "corner", _("Corner")
    BOUNDARY = "boundary", _("Boundary")
    REFERENCE = "reference", _("Reference")
    BUILDING = "building", _("Building")
    UTILITY = "utility", _("Utility")


class GeometryType(TextChoices):
    POINT = "Point", _("Point")
    LINE = "LineString", _("Line")
    POLYGON = "Polygon", _("Polygon")
    MULTIPOLYGON = "MultiPolygon", _("Several polygons")


class FeatureType(TextChoices):
    BUILDING = "building", _("Building")
    BOUNDARY = "boundary", _("Boundary (parcel)")
    ROAD = "road", _("Road")
    UTILITY = "utility", _("Utility")
    STRUCTURE = "structure", _("Structure")


class AttachmentType(TextChoices):
    PHOTO = "photo", _("Photo")
    VIDEO = "video", _("Video")
    DOCUMENT = "document", _("Document")
    SIGNATURE = "signature", _("Signature")


class AttachmentStatus(TextChoices):
    PENDING = "pending", _("Waiting for the file")
    UPLOADED = "uploaded", _("Uploaded")
    PROCESSING = "processing", _("Being prepared")
    AVAILABLE = "available", _("Available")
    FAILED = "failed", _("Failed")


class ItemDecision(TextChoices):
    ACCEPT = "accept", _("Accepted")
    RETURN = "return", _("Returned")


# States in which the surveyor may write, and those in which the office has the work.
WRITABLE: Final = frozenset({"draft", "active", "returned"})
WITH_OFFICE: Final = frozenset({"submitted", "under_review"})
SESSION_CHANGES: Final[dict[str, tuple[str, ...]]] = {
    "draft": ("active", "submitted", "abandoned", "superseded"),
    "active": ("submitted", "abandoned", "superseded"),
    "returned": ("submitted", "abandoned", "superseded"),
    "submitted": ("under_review", "approved", "returned", "rejected"),
    "under_review": ("approved", "returned", "rejected"),
    "approved": ("superseded",),
    "rejected": (),
    "abandoned": (),
    "superseded": (),
}
# status on the wire, statusDetail
SESSION_WIRE: Final[dict[str, tuple[str, str | None]]] = {
    "draft": ("draft", None),
    "active": ("draft", "active"),
    "returned": ("draft", "returned"),
    "submitted": ("submitted", None),
    "under_review": ("submitted", "under_review"),
    "approved": ("approved", None),
    "rejected": ("rejected", None),
    "abandoned": ("rejected", "abandoned"),
    "superseded": ("rejected", "superseded"),
}
