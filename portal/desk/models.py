"""The models of the desk, from its parts."""

from portal.desk.figures.models import FigureTally
from portal.desk.reports.models import CustomReport, ReportRun, ReportSchedule, ReportVersion

__all__ = ["CustomReport", "FigureTally", "ReportRun", "ReportSchedule", "ReportVersion"]
