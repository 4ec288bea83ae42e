"""Workbooks of long reports are made by a worker and kept beside the PDFs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lab", "0009_certificates")]

    operations = [
        migrations.AddField(
            model_name="reportfile",
            name="kind",
            field=models.CharField(choices=[("pdf", "PDF"), ("xlsx", "XLSX")], default="pdf", max_length=4),
        ),
        migrations.RemoveConstraint(model_name="reportfile", name="report_file_once"),
        migrations.AddConstraint(
            model_name="reportfile",
            constraint=models.UniqueConstraint(fields=("report", "language", "kind"), name="report_file_once"),
        ),
    ]
