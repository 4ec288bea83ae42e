"""Shapes of applications (contract of the rooms, section 2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from portal.survey.choices import ServiceType


class ApplicationQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "applicationNumber": "application_number",
        "applicantName": "applicant_name",
        "updatedAt": "updated_at",
    }

    search: str = Field("", max_length=300, description="Words of number, applicant, telephone or plot")
    service_type: ServiceType | None = None
    application_number: str = Field("", max_length=60)
    plot_number: str = Field("", max_length=60)
    governorate_id: UUID | None = None
    district_id: UUID | None = None
    sub_district_id: UUID | None = None
    date_from: str = Field("", max_length=40, description="Registered on this day or later")
    date_to: str = Field("", max_length=40, description="Registered on this day or earlier")


class Coordinates(In):
    lat: float = Field(ge=-90, le=90, description="WGS 84", examples=[15.3])
    lng: float = Field(ge=-180, le=180, examples=[44.2])
    accuracy: float | None = Field(None, description="Metres", examples=[5])


class ApplicationIn(In):
    """The administrative units follow from the coordinates."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "applicantName": "أحمد صالح الحكيمي",
                "applicantPhone": "+967 711 000 111",
                "serviceType": "building_permit",
                "plotNumber": "214/7",
                "coordinates": {"lat": 15.3, "lng": 44.2, "accuracy": 5},
                "requirements": ["Photo of each corner"],
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {
        name: name for name in ("governorateId", "districtId", "subDistrictId", "version", "location")
    }

    application_number: str | None = Field(None, max_length=60, description="Given by the server where absent")
    applicant_name: str = Field(max_length=200)
    applicant_phone: str | None = Field(None, max_length=50)
    service_type: ServiceType
    plot_number: str | None = Field(None, max_length=60)
    coordinates: Coordinates
    neighborhood_id: UUID | None = Field(None, description="Of the sub-district that the place lies in")
    requirements: list[str] | None = Field(None, max_length=100)
    instructions: str | None = Field(None, max_length=20_000)


class ApplicationChange(ApplicationIn):
    """Absent fields stay as they are."""

    model_config = ConfigDict(json_schema_extra={"example": {"plotNumber": "214/8"}})

    applicant_name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    service_type: ServiceType | None = None  # type: ignore[assignment]
    coordinates: Coordinates | None = None  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")


class ApplicationOut(Out):
    id: UUID
    application_number: str
    applicant_name: str
    applicant_phone: str
    service_type: ServiceType
    plot_number: str
    coordinates: dict[str, Any]
    governorate_id: UUID | None
    district_id: UUID | None
    sub_district_id: UUID | None
    neighborhood_id: UUID | None
    location: dict[str, str] = Field(description="Names of the units, and the plot")
    requirements: list[str]
    instructions: str
    created_by_user_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int
