"""Models of the survey room, from its parts."""

from portal.survey.applications.models import Application, Dispatch
from portal.survey.areas.models import GeoAssignment, GeoDecision
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.review.models import ReviewRemark
from portal.survey.sessions.models import SurveyGeometry, SurveyPoint, SurveySession

__all__ = [
    "Application",
    "Dispatch",
    "GeoAssignment",
    "GeoDecision",
    "ReviewRemark",
    "SurveyAttachment",
    "SurveyGeometry",
    "SurveyPoint",
    "SurveySession",
]
