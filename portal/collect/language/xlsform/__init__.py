"""XLSForm workbooks: read into a schema, written from one. What was written reads again as the same schema."""

from portal.collect.language.xlsform.reading import Imported, Problem, read_workbook
from portal.collect.language.xlsform.writing import write_workbook

__all__ = ["Imported", "Problem", "read_workbook", "write_workbook"]
