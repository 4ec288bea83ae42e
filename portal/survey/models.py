"""Models of the survey room, from its parts."""

from portal.survey.applications.models import Application, Dispatch
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.review.models import ReviewRemark
from portal.survey.sessions.models import SurveyGeometry, SurveyPoint, SurveySession

__all__ = [
    "Application",
    "Dispatch",
    "ReviewRemark",
    "SurveyAttachment",
    "SurveyGeometry",
    "SurveyPoint",
    "SurveySession",
]
