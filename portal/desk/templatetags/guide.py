"""The first steps on the home page."""

from typing import Any

from django import template

from portal.desk.guide import steps
from portal.ui.people import person

register = template.Library()


@register.inclusion_tag("desk/guide/start.html", takes_context=True)
def first_steps(context: template.Context) -> dict[str, Any]:
    """A list of what a new organisation does first, for whoever may do it, until it is done or put away."""
    request = context["request"]
    user = person(request)
    shown = steps.shown(user)
    return {"steps": shown, "done": sum(step.done for step in shown), "request": request, "may_put": True}
