"""The samples that wait for results are few among many: home reads them by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lab", "0010_report_workbooks")]

    operations = [
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                fields=["organization", "collection_date", "id"],
                condition=models.Q(("deleted_at", None), ("result_count", 0)),
                name="sample_without_results",
            ),
        ),
    ]
