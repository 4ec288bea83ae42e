"""What the demo shows of surveys."""

from portal.survey.areas import demo as areas


def fill() -> None:
    areas.fill()
