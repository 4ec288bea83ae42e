"""What was counted, minute by minute."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Minute(models.Model):
    """How often something of `kind` happened within a minute (an hour, once it is a day old), on all machines together.

    `labels` are the values of `counters.KINDS[kind].labels` in their order, `ms` the sum of durations, `buckets` their
    distribution over `counters.BOUNDS`. Belongs to the platform: it names no organisation and no person.
    """

    minute = models.DateTimeField(_("minute"))
    kind = models.CharField(max_length=40)
    labels = ArrayField(models.TextField())
    count = models.BigIntegerField(_("count"))
    ms = models.FloatField(default=0)
    buckets = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        verbose_name = _("figures of a minute")
        ordering = ["minute", "id"]
        constraints = [models.UniqueConstraint(fields=["minute", "kind", "labels"], name="minute_once")]
        indexes = [models.Index(fields=["kind", "minute"], name="minute_of_kind")]
