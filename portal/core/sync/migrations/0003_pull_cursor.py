"""Which cursor a device came with when it pulled last."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0002_clock"),
    ]

    operations = [
        migrations.AddField(
            model_name="devicestate",
            name="pull_cursor",
            field=models.CharField(blank=True, max_length=500),
        ),
    ]
