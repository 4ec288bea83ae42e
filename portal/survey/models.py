"""Models of the survey room, from its parts."""

from portal.survey.areas.models import GeoAssignment, GeoDecision

__all__ = ["GeoAssignment", "GeoDecision"]
