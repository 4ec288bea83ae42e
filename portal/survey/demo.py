"""What the demo shows of surveys."""

from portal.survey.areas import demo as areas
from portal.survey.sessions import demo as sessions


def fill() -> None:
    areas.fill()
    sessions.fill()
