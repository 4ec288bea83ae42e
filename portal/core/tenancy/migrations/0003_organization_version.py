"""Optimistic locking of organisations."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenancy", "0002_locks"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="version",
            field=models.BigIntegerField(default=1, editable=False),
        ),
    ]
