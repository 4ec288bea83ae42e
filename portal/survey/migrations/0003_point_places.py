"""Points of a rectangle, and of a period: what maps of other programs ask for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("survey", "0002_surveys")]

    operations = [
        migrations.AddIndex(
            model_name="surveypoint",
            index=models.Index(fields=["organization", "latitude", "longitude"], name="point_by_place"),
        ),
        migrations.AddIndex(
            model_name="surveypoint",
            index=models.Index(fields=["organization", "captured_at"], name="point_by_time"),
        ),
    ]
