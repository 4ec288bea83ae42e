"""Indexes for lists of the office at a hundred thousand rows and more."""

import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0004_contracts"),
        ("tenancy", "0003_organization_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                models.F("organization"),
                django.db.models.functions.text.Upper("city"),
                condition=models.Q(("deleted_at", None)),
                name="customer_by_city",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["organization", "-updated_at", "-id"],
                name="ticket_by_change",
            ),
        ),
    ]
