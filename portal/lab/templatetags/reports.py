"""Template tags of the laboratory's reports."""

from django import template

from portal.ui.templatetags.marsad import isolate

register = template.Library()
register.filter("isolate", isolate)
