"""What a column of a file may hold, and the headings by which people call it, in three languages and in WQX."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.lab.science.names import normalise_name


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column feeds. `group`: sample or result. `wire` is the engine's name of it, '' where a rule of
    ours reads it."""

    key: str
    group: str
    label: str | Promise
    aliases: tuple[str, ...]
    wire: str = ""


def _target(key: str, group: str, label: str | Promise, aliases: str, wire: str = "") -> Target:
    return Target(key, group, label, tuple(aliases.split("|")) if aliases else (), wire)


TARGETS: Final[tuple[Target, ...]] = (
    _target(
        "sample", "sample", _("Sample identifier of the source"),
        "ActivityIdentifier|sample key|sample identifier|identifiant échantillon|identifiant de l'échantillon|"
        "معرف العينة|معرّف العينة|lims id|LIMS number",
    ),
    _target(
        "code", "sample", _("Code"),
        "code|sample code|sample id|sample no|sample number|sample name|sample|lab id|lab no|lab number|sample ref|"
        "code échantillon|code de l'échantillon|échantillon|n° échantillon|no échantillon|numéro d'échantillon|"
        "référence|réf échantillon|رمز العينة|كود العينة|رقم العينة|العينة|الرمز|MarsadSampleCode",
        "code",
    ),
    _target(
        "type", "sample", _("Kind of water"),
        "kind of water|water type|sample type|type|matrix|type d'eau|nature de l'eau|type d'échantillon|matrice|"
        "نوع المياه|نوع الماء|نوع العينة|MonitoringLocationTypeName|MarsadSampleType",
        "type",
    ),
    _target(
        "location", "sample", _("Location"),
        "location|site|place|sampling site|sampling location|station|station name|location name|lieu|"
        "lieu de prélèvement|site de prélèvement|point d'eau|localité|commune|الموقع|مكان أخذ العينة|موقع أخذ العينة|"
        "المكان|اسم الموقع|MonitoringLocationName",
        "location",
    ),
    _target(
        "point", "sample", _("Code of the sampling point"),
        "sampling point|point|point code|station id|site id|station code|point de prélèvement|code point|code station|"
        "نقطة أخذ العينات|نقطة الاعتيان|رمز النقطة|MonitoringLocationIdentifier",
    ),
    _target(
        "collectionDate", "sample", _("Taken"),
        "date|sampling date|sample date|collection date|collected|date collected|date sampled|taken|sampled at|"
        "date de prélèvement|prélevé le|date prélèvement|date d'échantillonnage|تاريخ أخذ العينة|تاريخ السحب|"
        "تاريخ الجمع|التاريخ|ActivityStartDate|ActivityStartDateTime|collectionDate",
    ),
    _target(
        "collectionTime", "sample", _("Time of sampling"),
        "time|sampling time|sample time|collection time|heure|heure de prélèvement|وقت أخذ العينة|الوقت|الساعة|"
        "ActivityStartTime/Time",
    ),
    _target(
        "timeZone", "sample", _("Time zone of the sampling time"),
        "time zone|fuseau horaire|المنطقة الزمنية|ActivityStartTime/TimeZoneCode",
    ),
    _target(
        "collectorName", "sample", _("Taken by"),
        "collector|sampler|taken by|collected by|sampled by|préleveur|prélevé par|collecteur|القائم بأخذ العينة|"
        "جامع العينة|أخذها|المعاين|ActivityConductingOrganizationText|OrganizationFormalName|collectorName|"
        "MarsadCollector",
        "collectorName",
    ),
    _target(
        "receivedAt", "sample", _("Received"),
        "received|date received|reception date|received at|date de réception|reçu le|تاريخ الاستلام|MarsadReceivedAt",
    ),
    _target(
        "latitude", "sample", _("Latitude"),
        "latitude|lat|y|خط العرض|LatitudeMeasure|ActivityLocation/LatitudeMeasure",
    ),
    _target(
        "longitude", "sample", _("Longitude"),
        "longitude|lon|long|lng|x|خط الطول|LongitudeMeasure|ActivityLocation/LongitudeMeasure",
    ),
    _target("status", "sample", _("Status"), "status|statut|état|الحالة|MarsadStatus", "status"),
    _target(
        "sampleNotes", "sample", _("Notes on the sample"),
        "notes|remarks|comment|comments|sample notes|remarques|observations|commentaire|ملاحظات|ملاحظات العينة|"
        "ActivityCommentText",
    ),
    _target(
        "parameter", "result", _("Parameter"),
        "parameter|analyte|test|determinand|determination|component|element|paramètre|analyse|élément|substance|"
        "المعامل|المعيار|المتغير|المعلمة|العنصر|التحليل|الاختبار|CharacteristicName|parameterName|parameter code",
    ),
    _target(
        "value", "result", _("Value"),
        "value|result|reading|measurement|concentration|conc|reported value|final result|valeur|résultat|mesure|"
        "القيمة|النتيجة|القراءة|التركيز|ResultMeasureValue|valueText",
    ),
    _target(
        "unit", "result", _("Unit"),
        "unit|units|uom|unité|unités|الوحدة|وحدة القياس|ResultMeasure/MeasureUnitCode",
    ),
    _target(
        "qualifier", "result", _("Qualifier"),
        "qualifier|flag|remark code|sign|signe|qualificatif|code remarque|المؤهل|الإشارة|MeasureQualifierCode|"
        "ResultMeasure/MeasureQualifierCode|MarsadQualifier",
    ),
    _target(
        "testDate", "result", _("Analysed"),
        "analysis date|date analysed|date analyzed|analysed|analyzed|acq date time|acquired|date d'analyse|"
        "analysé le|تاريخ التحليل|AnalysisStartDate|testDate",
    ),
    _target(
        "testTime", "result", _("Time of analysis"),
        "analysis time|heure d'analyse|وقت التحليل|AnalysisStartTime/Time",
    ),
    _target("testZone", "result", _("Time zone of the time of analysis"), "AnalysisStartTime/TimeZoneCode"),
    _target(
        "method", "result", _("Method"),
        "method|test method|analytical method|méthode|méthode d'analyse|الطريقة|طريقة التحليل|"
        "ResultAnalyticalMethod/MethodName|MarsadMethod|testMethod",
        "testMethod",
    ),
    _target(
        "methodCode", "result", _("Identifier of the method"),
        "method code|method id|code méthode|رمز الطريقة|ResultAnalyticalMethod/MethodIdentifier",
    ),
    _target(
        "technicianName", "result", _("Analyst"),
        "analyst|technician|operator|analyzed by|analysed by|analyste|technicien|opérateur|المحلل|الفني|"
        "القائم بالتحليل|LaboratoryName|MarsadAnalyst",
        "technicianName",
    ),
    _target(
        "instrument", "result", _("Instrument"),
        "instrument|device|appareil|الجهاز|MarsadInstrument", "instrument",
    ),
    _target(
        "detectionLimit", "result", _("Limit of detection"),
        "lod|mdl|ld|detection limit|limit of detection|limite de détection|حد الكشف|MarsadDetectionLimit",
        "detectionLimit",
    ),
    _target(
        "quantificationLimit", "result", _("Limit of quantification"),
        "loq|lq|pql|rl|reporting limit|quantification limit|quantitation limit|limit of quantification|"
        "limite de quantification|حد القياس|حد التقدير الكمي|MarsadQuantificationLimit",
        "quantificationLimit",
    ),
    _target(
        "uncertainty", "result", _("Expanded uncertainty (k = 2)"),
        "uncertainty|u|incertitude|عدم اليقين|الارتياب|MarsadUncertainty",
        "uncertainty",
    ),
    _target(
        "dilutionFactor", "result", _("Dilution factor"),
        "dilution|dilution factor|df|facteur de dilution|معامل التخفيف|MarsadDilutionFactor",
        "dilutionFactor",
    ),
    _target(
        "resultNotes", "result", _("Notes on the result"),
        "result notes|result comment|ملاحظات النتيجة|commentaire résultat|ResultLaboratoryCommentText|"
        "ResultCommentText",
    ),
    _target(
        "resultKey", "result", _("Identifier of the result"),
        "result id|result identifier|ResultIdentifier|identifiant du résultat|معرف النتيجة",
    ),
    _target("replaces", "result", _("Repeats the result"), "MarsadReplaces"),
    _target("activityType", "result", _("WQX: type of activity"), "ActivityTypeCode|qc type|type de contrôle"),
    _target("media", "result", _("WQX: medium"), "ActivityMediaName"),
    _target("fraction", "result", _("WQX: fraction"), "ResultSampleFractionText|fraction"),
    _target("speciation", "result", _("WQX: speciation"), "MethodSpeciationName|MethodSpecificationName"),
    _target("detection", "result", _("WQX: detection condition"), "ResultDetectionConditionText|detection condition"),
    _target("limitType", "result", _("WQX: type of the limit"), "DetectionQuantitationLimitTypeName"),
    _target("limitValue", "result", _("WQX: limit"), "DetectionQuantitationLimitMeasure/MeasureValue"),
    _target("limitUnit", "result", _("WQX: unit of the limit"), "DetectionQuantitationLimitMeasure/MeasureUnitCode"),
    _target("resultStatus", "result", _("WQX: state of the result"), "ResultStatusIdentifier"),
    _target("valueType", "result", _("WQX: kind of value"), "ResultValueTypeName"),
)  # fmt: skip
BY_KEY: Final = {target.key: target for target in TARGETS}


@cache
def aliases() -> dict[str, str]:
    """Normalised heading -> key of the target; the first one that claims a heading has it."""
    found: dict[str, str] = {}
    for target in TARGETS:
        for alias in (*target.aliases, target.key):
            found.setdefault(normalise_name(alias), target.key)
    return found
