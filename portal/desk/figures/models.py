"""How often the records behind the figures have changed."""

from django.db import models

from portal.core.tenancy.models import TenantModel


class FigureTally(TenantModel):
    """Changes of the records of a subject, counted by triggers on their tables; the sum over `shard` is the data
    version that kept figures go by. Each connection has a shard of its own (nearly): no writer waits for another."""

    subject = models.CharField(max_length=12)
    shard = models.SmallIntegerField()
    changes = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "subject", "shard"], name="figure_tally_once")]

    def __str__(self) -> str:
        return f"{self.subject} {self.shard}"
