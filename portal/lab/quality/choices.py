"""Enumerations of quality control; the values are those on the wire."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    BLANK = "blank", _("Blank")
    DUPLICATE = "duplicate", _("Duplicate")
    SPIKE = "spike", _("Spike")
    CONTROL = "control", _("Control")


class Verdict(models.TextChoices):
    PASS = "PASS", _("Pass")
    WARNING = "WARNING", _("Warning")
    FAIL = "FAIL", _("Fail")
    INDETERMINATE = "INDETERMINATE", _("Indeterminate")
    NOT_EVALUATED = "NOT_EVALUATED", _("Not evaluated")


class Reason(models.TextChoices):
    """Why a QC result has its verdict."""

    WITHIN = "WITHIN", _("Within the criterion")
    OUTSIDE = "OUTSIDE", _("Outside the criterion")
    NOT_DETECTED = "NOT_DETECTED", _("Not detected")
    CENSORED = "CENSORED", _("A censored value does not decide")
    BOTH_CENSORED = "BOTH_CENSORED", _("Both values are censored")
    WESTGARD = "WESTGARD", _("A Westgard rule is broken")
    NO_CRITERION = "NO_CRITERION", _("No acceptance criterion")
    NO_STATISTICS = "NO_STATISTICS", _("The chart has no mean and standard deviation yet")
    NO_ORIGINAL = "NO_ORIGINAL", _("The sample has no value to compare with")
    NO_ADDED = "NO_ADDED", _("The added amount is missing")


class Basis(models.TextChoices):
    """Where the mean and the standard deviation of a chart come from."""

    FIXED = "fixed", _("Assigned value and standard deviation")
    PERIOD = "period", _("Computed from a period")
