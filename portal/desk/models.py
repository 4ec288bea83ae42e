"""The models of the desk stand with their parts."""

from portal.desk.reports.models import CustomReport, ReportRun, ReportSchedule, ReportVersion

__all__ = ["CustomReport", "ReportRun", "ReportSchedule", "ReportVersion"]
