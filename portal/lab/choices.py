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
    PASS = "pass", _("Pass")
    WARNING = "warning", _("Warning")
    FAIL = "fail", _("Fail")
    PENDING = "pending", _("Pending")


class StandardRole(models.TextChoices):
    LEGAL = "legal", _("Legal")
    GUIDELINE = "guideline", _("Guideline")
    INFORMATION = "information", _("Information")


class DecisionRule(models.TextChoices):
    """How the expanded uncertainty (k = 2) enters a decision."""

    SIMPLE_ACCEPTANCE = "simple_acceptance", _("Simple acceptance")
    GUARD_BAND = "guard_band", _("Guard band")
    ILAC_G8 = "ilac_g8", _("ILAC-G8, four outcomes")


class CensoredMembers(models.TextChoices):
    """What a member of a sum counts that was reported as "less than" a bound."""

    ZERO = "zero", _("Nothing")
    HALF = "half", _("Half of the bound")
    FULL = "full", _("The whole bound")


class Matrix(models.TextChoices):
    DRINKING = "drinking", _("drinking water")
    BOTTLED = "bottled", _("bottled water")
    BATHING = "bathing", _("bathing water")
    POOL = "pool", _("pool water")
    WASTE_WATER = "waste_water", _("waste water")
    IRRIGATION = "irrigation", _("irrigation water")


class LimitKind(models.TextChoices):
    MAXIMUM = "maximum", _("Maximum")
    MINIMUM = "minimum", _("Minimum")
    RANGE = "range", _("Range")
    ABSENCE = "absence", _("Absence")
    PERCENTAGE = "percentage", _("Percentage")
    ACTION_LEVEL = "action_level", _("Action level")
    SCREENING_LEVEL = "screening_level", _("Screening level")
