"""How two public data sets name what we measure, for imports shaped like them.

`ESTONIA`: open data of the Estonian Health Board, columns of the yearly files. `USGS`: short parameter names of the
US Geological Survey's water data (`parm_short_nm`), units in `unit_cd`, remarks in `remark_cd`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from portal.lab.science.measurement import Qualifier


class SourceParameter(NamedTuple):
    """Our parameter, and the unit in which the source states it (empty: the source names the unit per result)."""

    code: str
    unit: str = ""


ESTONIA: Mapping[str, SourceParameter] = MappingProxyType(
    {
        "e_coli": SourceParameter("ECOLI", "CFU/100 mL"),
        "enterococci": SourceParameter("ENTEROC", "CFU/100 mL"),
        "coliforms": SourceParameter("COLIF", "CFU/100 mL"),
        "colonies_37c": SourceParameter("HPC37", "CFU/mL"),
        "ph": SourceParameter("PH", "pH unit"),
        "turbidity": SourceParameter("TURB", "NTU"),
        "color": SourceParameter("COLOUR", "mg/L Pt"),
        "oxidizability": SourceParameter("OXID", "mg/L O2"),
        "ammonium": SourceParameter("NH4", "mg/L NH4"),
        "nitrates": SourceParameter("NO3", "mg/L NO3"),
        "nitrites": SourceParameter("NO2", "mg/L NO2"),
        "chlorides": SourceParameter("CL", "mg/L"),
        "sulfates": SourceParameter("SO4", "mg/L"),
        "fluoride": SourceParameter("F", "mg/L"),
        "iron": SourceParameter("FE", "mg/L"),
        "manganese": SourceParameter("MN", "mg/L"),
        "free_chlorine": SourceParameter("CL2F", "mg/L Cl2"),
    }
)
# Pseudomonas is counted in 100 mL of pool water there, in 250 mL here; the other two are not in the catalogue.
ESTONIA_UNMAPPED = frozenset({"pseudomonas", "staphylococci", "combined_chlorine"})
ESTONIA_SAMPLE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "veevark": "drinking_water",
        "joogivesi": "drinking_source",
        "basseinid": "pool_water",
        "supluskoha": "bathing_water",
    }
)

USGS: Mapping[str, SourceParameter] = MappingProxyType(
    {
        name: SourceParameter(code)
        for code, names in {
            "TEMP": "Temperature, water",
            "COND": "Specific cond at 25C|SpecCond,wu25degCLab",
            "PH": "pH|pH, wu, lab",
            "TURB": "Turbidity, Nephelom",
            "HARD": "Hardness, water",
            "ALK": "ANC, wu, inflection pt,field|ANC, wu,fxdEP,lab",
            "DO": "Dissolved oxygen",
            "TOC": "Organic carbon, wu",
            "CA": "Calcium, wf",
            "MG": "Magnesium, wf",
            "NA": "Sodium, wf",
            "K": "Potassium, wf",
            "CL": "Chloride, wf",
            "SO4": "Sulfate, wf",
            "NO3": "Nitrate, wf|Nitrate, wu",
            "NO2": "Nitrite, wf",
            "NH4": "Ammonia, wf",
            "F": "Fluoride, wf",
            "AL": "Aluminum, wf",
            "SB": "Antimony, wf",
            "AS": "Arsenic, wf|Arsenic, wu",
            "BA": "Barium, wf|Barium, wu,recov",
            "BE": "Beryllium, wf",
            "B": "Boron, wf",
            "CD": "Cadmium, wf|Cadmium, wu",
            "CR": "Chromium, wf|Chromium, wu,recov",
            "CU": "Copper, wf",
            "FE": "Iron, wf",
            "PB": "Lead, wf|Lead, wu,recov",
            "MN": "Manganese, wf",
            "HG": "Mercury, wf|Mercury, wu, recov",
            "NI": "Nickel, wf",
            "SE": "Selenium, wf|Selenium, wu",
            "AG": "Silver, wf|Silver, wu,recov",
            "TL": "Thallium, wf",
            "U": "Uranium, wf",
            "ZN": "Zinc, wf",
            "TTHM": "THMs, wu, max sum",
            "CHCL3": "Trichloromethane, wu",
            "CHBR3": "Tribromomethane, wu",
            "CHBR2CL": "Dibromochloromethane, wu",
            "CHBRCL2": "CHBrCl2, wu",
            "BENZENE": "Benzene, wu",
            "DCA12": "1,2-Dichloroethane, wu",
            "TCE": "Trichloroethene, wu",
            "PCE": "Tetrachloroethene, wu",
            "VC": "Vinyl chloride, wu",
            "CCL4": "Tetrachloromethane, wu",
            "DCM": "Dichloromethane, wu",
            "TOLUENE": "Toluene, wu",
            "ETBENZ": "Ethylbenzene, wu",
            "XYLENE": "Xylene, wu",
            "STYRENE": "Styrene, wu",
            "GALPHA": "Alpha activity, wu,Th230",
            "GBETA": "Gross beta, wu, Sr/Y-90",
            "H3": "Tritium, wu|Tritium, wf",
            "SR90": "Sr-90, wu",
        }.items()
        for name in names.split("|")
    }
)
# Circumstances, quality control and counting errors: numbers, but not measurements of the water.
USGS_NOT_MEASUREMENTS = frozenset(
    [
        "Sampling method",
        "Sampling depth",
        "Sampler type",
        "Sample purpose",
        "Type of QA data",
        "Type of replicate",
        "Type of blank sample",
        "Type of blank solution",
        "Source of blank solution",
        "Set number, VOC analysis",
        "Temperature, air",
        "1Bromo-4-fluorobenzene,surVOC",
        "Toluene-d8, surrogate, wu",
        "1,2-Dichloroethane-d4,sur, wu",
        "1-Bromo-3-chloropropane-d6,wu",
        "Tritium counting error, wu",
        "Tritium counting error, wf",
        "Sr-90 counting error, wu",
        "Cs-137 counting error, wu",
        "Pu-238 counting error, wu",
        "Am-241 counting error, wu",
        "Pu-239 + Pu-240 count err, wu",
        "I-129 counting error, wf",
        "I-129 counting error, wu",
        "C-14 counting error, wf",
    ]
)
# "E" is an estimate, "U" analysed for and not detected, "R" a radiochemical result below its critical level.
USGS_REMARKS: Mapping[str, Qualifier] = MappingProxyType(
    {
        "": Qualifier.EQUAL,
        "<": Qualifier.LESS,
        ">": Qualifier.GREATER,
        "E": Qualifier.ABOUT,
        "M": Qualifier.PRESENT,
        "U": Qualifier.NOT_DETECTED,
        "R": Qualifier.NOT_DETECTED,
    }
)
# Kinds of water; artificial water (OAQ: blanks and reference material) is none. A "Q" marks replicates, which are
# measurements of the same water.
USGS_MEDIA: Mapping[str, str] = MappingProxyType(
    {"WG": "groundwater", "WGQ": "groundwater", "WS": "surface_water", "WSQ": "surface_water"}
)
# What a reporting level is: the laboratory's limit of detection or of quantification.
USGS_REPORTING_LEVELS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("MDL", "LT-MDL", "DLDQC", "DLBLK", "SSMDC"), "detectionLimit")
    | dict.fromkeys(("MRL", "LRL", "IRL", "PQL", "RLDQC", "SSLC"), "quantificationLimit")
)
