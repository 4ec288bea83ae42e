"""Deletions, exports and refusals are few among many changes: home counts them by indexes of their own."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_locks")]

    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                fields=["organization_id", "action", "-timestamp"],
                name="audit_rare_actions",
                condition=~Q(action__in=[0, 1]),
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                fields=["organization_id", "outcome", "-timestamp"],
                name="audit_refused",
                condition=~Q(outcome="success"),
            ),
        ),
    ]
