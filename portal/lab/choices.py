"""Enumerations of the laboratory; the values are those on the wire."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SampleType(models.TextChoices):
    DRINKING_WATER = "drinking_water", _("Drinking water")
    DRINKING_SOURCE = "drinking_source", _("Drinking-water source")
    GROUNDWATER = "groundwater", _("Groundwater")
    BOTTLED_WATER = "bottled_water", _("Bottled water")
    BATHING_WATER = "bathing_water", _("Bathing water")
    POOL_WATER = "pool_water", _("Pool water")
    WASTE_WATER = "waste_water", _("Waste water")
    IRRIGATION_WATER = "irrigation_water", _("Irrigation water")
    SURFACE_WATER = "surface_water", _("Surface water")


class SampleStatus(models.TextChoices):
    REGISTERED = "registered", _("Registered")
    RECEIVED = "received", _("Received")
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    VALIDATED = "validated", _("Validated")
    APPROVED = "approved", _("Approved")
    REPORTED = "reported", _("Reported")
    AMENDED = "amended", _("Amended")
    REJECTED = "rejected", _("Rejected")
    DISPOSED = "disposed", _("Disposed")


class Compliance(models.TextChoices):
    PASS = "pass", _("Conforms")
    WARNING = "warning", _("Warning")
    FAIL = "fail", _("Fails")
    PENDING = "pending", _("Pending")


class StandardRole(models.TextChoices):
    LEGAL = "legal", _("Legal")
    GUIDELINE = "guideline", _("Guideline")
    INFORMATION = "information", _("Information")


class LimitKind(models.TextChoices):
    MAXIMUM = "maximum", _("Maximum")
    MINIMUM = "minimum", _("Minimum")
    RANGE = "range", _("Range")
    ABSENCE = "absence", _("Absence")
    PERCENTAGE = "percentage", _("Percentage")
    ACTION_LEVEL = "action_level", _("Action level")
    SCREENING_LEVEL = "screening_level", _("Screening level")
