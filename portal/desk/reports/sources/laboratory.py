"""Samples and results of the laboratory."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.desk.reports.sources import Source, choice, moment, number, text
from portal.lab.choices import Compliance, SampleStatus, SampleType
from portal.lab.models import Result
from portal.lab.selectors import parameter_list, sample_list


def _samples(user: User) -> QuerySet[Any]:
    return sample_list()


def _results(user: User) -> QuerySet[Any]:
    return Result.objects.filter(deleted_at=None, sample__in=sample_list().order_by().values("pk"))


def _parameters() -> list[tuple[str, str]]:
    return [(row.code, str(row)) for row in parameter_list().order_by("code", "id")]


SAMPLES = Source(
    key="samples",
    label=_("Samples"),
    icon="droplet",
    permission="samples.view",
    rows=_samples,
    columns=(
        text("code", _("Code")),
        choice("type", _("Kind of water"), choices=lambda: SampleType.choices),
        text("location", _("Location")),
        text("samplingPoint", _("Sampling point"), "sampling_point__name"),
        text("city", _("City"), "sampling_point__city"),
        moment("collectionDate", _("Taken"), "collection_date"),
        text("collectorName", _("Taken by"), "collector_name"),
        moment("receivedAt", _("Received"), "received_at"),
        choice("status", _("Status"), choices=lambda: SampleStatus.choices),
        choice("complianceStatus", _("Compliance"), "compliance_status", choices=lambda: Compliance.choices),
        number("resultCount", _("Results"), "result_count"),
        text("project", _("Project"), "project__name"),
        number("latitude", _("Latitude")),
        number("longitude", _("Longitude")),
        moment("createdAt", _("Registered"), "created_at"),
    ),
    usual=("code", "type", "location", "collectionDate", "status", "complianceStatus"),
    time="collectionDate",
    order=("collectionDate", True),
    page="lab:sample_detail",
)

RESULTS = Source(
    key="results",
    label=_("Results and exceedances"),
    icon="test-pipe",
    permission="samples.view",
    rows=_results,
    columns=(
        text("sample", _("Sample"), "sample__code"),
        choice("type", _("Kind of water"), "sample__type", choices=lambda: SampleType.choices),
        text("location", _("Location"), "sample__location"),
        text("samplingPoint", _("Sampling point"), "sample__sampling_point__name"),
        text("city", _("City"), "sample__sampling_point__city"),
        moment("collectionDate", _("Taken"), "sample__collection_date"),
        choice("parameter", _("Parameter"), "parameter__code", choices=_parameters),
        text("valueText", _("Result as reported"), "value_text"),
        text("unit", _("Unit")),
        number("value", _("Value in the parameter's unit"), "normalized_value"),
        text("parameterUnit", _("The parameter's unit"), "normalized_unit"),
        choice("complianceStatus", _("Compliance"), "compliance_status", choices=lambda: Compliance.choices),
        moment("testDate", _("Analysed"), "test_date"),
        text("technicianName", _("Analyst"), "technician_name"),
        text("testMethod", _("Method"), "test_method"),
        choice("sampleStatus", _("Status of the sample"), "sample__status", choices=lambda: SampleStatus.choices),
        moment("createdAt", _("Created"), "created_at"),
    ),
    usual=("sample", "samplingPoint", "collectionDate", "parameter", "valueText", "unit", "complianceStatus"),
    time="collectionDate",
    order=("collectionDate", True),
)
