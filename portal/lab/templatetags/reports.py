"""Template tags of the laboratory's reports."""

from django import template

register = template.Library()


@register.filter
def isolate(value: object) -> str:
    """Let what people typed choose its own direction, in pages and in PDFs: WeasyPrint ignores `dir="auto"`."""
    return f"\N{FIRST STRONG ISOLATE}{value}\N{POP DIRECTIONAL ISOLATE}"
