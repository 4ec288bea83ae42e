"""The vocabulary of WQX (EPA and USGS, Water Quality Portal) as far as it bears on drinking-water parameters, and what
its detection conditions, activities and fractions mean for a result."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from portal.lab.science.measurement import Qualifier
from portal.lab.science.names import normalise_name

_NAMES: Final = {
    "ECOLI": "Escherichia coli",
    "COLIF": "Total Coliform|Total coliforms",
    "FCOLIF": "Fecal Coliform|Thermotolerant coliforms",
    "ENTEROC": "Enterococcus|Enterococci|Fecal Streptococcus Group Bacteria",
    "TEMP": "Temperature, water",
    "PH": "pH",
    "COND": "Specific conductance|Conductivity",
    "TURB": "Turbidity",
    "COLOUR": "True color|Color",
    "TDS": "Total dissolved solids|Dissolved solids|Solids, dissolved",
    "HARD": "Total hardness|Hardness, Ca, Mg|Hardness, carbonate|Hardness",
    "ALK": "Alkalinity, total|Alkalinity",
    "DO": "Dissolved oxygen (DO)|Oxygen",
    "TOC": "Organic carbon|Total organic carbon",
    "CA": "Calcium",
    "MG": "Magnesium",
    "NA": "Sodium",
    "K": "Potassium",
    "HCO3": "Bicarbonate",
    "CL": "Chloride",
    "SO4": "Sulfate|Sulfur Sulfate|Sulfate as SO4",
    "NO3": "Nitrate|Nitrate as N",
    "NO2": "Nitrite|Nitrite as N",
    "NH4": "Ammonia and ammonium|Ammonium|Ammonia|Ammonia-nitrogen",
    "F": "Fluoride",
    "CN": "Cyanide|Cyanides, total",
    "AL": "Aluminum",
    "CL2F": "Free chlorine|Chlorine, free|Free residual chlorine",
    "CL2T": "Total chlorine|Chlorine|Total residual chlorine",
    "TTHM": "Trihalomethanes|Total Trihalomethanes",
    "CHCL3": "Chloroform",
    "GALPHA": "Gross alpha radioactivity|Alpha particle",
    "GBETA": "Gross beta radioactivity|Beta particle",
}
CHARACTERISTICS: Final[Mapping[str, str]] = MappingProxyType(
    {normalise_name(name): code for code, names in _NAMES.items() for name in names.split("|")}
)
# Specific conductance is by definition that at 25 °C, also where the unit does not say so.
AT_25: Final = frozenset({normalise_name("Specific conductance")})
SITE_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        normalise_name(name): type
        for type, names in {
            "groundwater": "Well|Spring|Subsurface|Subsurface: Groundwater drain|Cave|Aggregate groundwater use",
            "surface_water": "River/Stream|River/Stream Perennial|River/Stream Intermittent|Stream|Lake, Reservoir, "
            "Impoundment|Lake|Reservoir|Wetland|Estuary|Ocean|Canal Drainage|Canal Transport|Stream: Canal",
            "waste_water": "Facility Municipal Sewage (POTW)|Facility: Wastewater sewer|Facility Industrial|Pipe",
            "drinking_water": "Facility Public Water Supply (PWS)|Facility: Water-supply treatment plant",
            "bathing_water": "BEACH Program Site-River/Stream|BEACH Program Site-Lake|BEACH Program Site-Ocean",
        }.items()
        for name in names.split("|")
    }
)
QUALIFIERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "U": Qualifier.NOT_DETECTED.value,
        "ND": Qualifier.NOT_DETECTED.value,
        "K": Qualifier.LESS.value,
        "LT;MDL": Qualifier.LESS.value,
        "BQL": Qualifier.LESS.value,
        "J": Qualifier.ABOUT.value,
        "E": Qualifier.ABOUT.value,
        "EST": Qualifier.ABOUT.value,
        "TNTC": Qualifier.TOO_NUMEROUS.value,
        "GT": Qualifier.GREATER.value,
        "L": Qualifier.GREATER.value,
        "LT": Qualifier.LESS.value,
    }
)
# Detection condition -> what it makes of a value that stands there, and of a limit that stands there instead.
NOT_DETECTED: Final = frozenset({"not detected", "not detected at reporting limit", "not detected at detection limit"})
BELOW: Final = frozenset(
    {"present below quantification limit", "below reporting limit", "below method detection limit"}
)
BETWEEN: Final = frozenset({"between inst detect and quant limit", "value decensored"})
ABOVE: Final = frozenset(
    {"present above quantification limit", "value above quantitation limit", "over quantification"}
)
DETECTED: Final = frozenset({"detected not quantified"})
NOT_REPORTED: Final = frozenset({"not reported", "systematic contamination", "rejected"})
# The other limits that WQX knows are those of quantification.
DETECTION_LIMITS: Final = ("detection", "critical level", "mdl")
BLANKS: Final = ("blank", "spike", "reference", "standard", "lab control sample", "calibration", "surrogate")
PARTICLES: Final = frozenset({"suspended", "non filterable particle", "bed sediment", "settleable", "volatile"})
ZONES: Final[Mapping[str, int]] = MappingProxyType(
    {"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "AST": -4, "ADT": -3}
    | {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9}
    | {"AKDT": -8, "HST": -10, "SST": -11}
)
