"""Template tags of images."""

from collections.abc import Iterable
from typing import Final

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portal.core.files.media import Flag
from portal.ui.templatetags.marsad import icon

register = template.Library()
_LOOKS: Final = {
    Flag.LOCATION: ("orange", "map-pin"),
    Flag.TIME: ("orange", "clock"),
    Flag.ABSENT: ("secondary", "help-circle"),
}


@register.simple_tag
def flag_badges(flags: Iterable[str]) -> SafeString:
    """Where claim and camera differ: colour, icon and words of each flag."""
    known = [Flag(flag) for flag in flags]
    return format_html_join(
        "",
        '<span class="badge bg-{}-lt verdict photo-flag">{}{}</span>',
        ((_LOOKS[flag][0], icon(_LOOKS[flag][1]), flag.label) for flag in known),
    )
