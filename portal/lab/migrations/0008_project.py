"""The project that a sample was taken for."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lab", "0007_programme"), ("projects", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="sample",
            name="project",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="projects.project",
                verbose_name="project",
            ),
        ),
    ]
