"""Tables of the pages that see several rooms."""

from portal.desk.figures.models import FigureTally

__all__ = ["FigureTally"]
