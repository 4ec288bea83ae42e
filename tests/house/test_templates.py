"""What the pages tell htmx, as far as the text of their templates shows it."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "templates"
# Event filters, scripts in values and handlers are evaluated, which the content security policy forbids; a selector of
# two words ends at its first one unless it is quoted. Neither is noticed before somebody waits for what never comes.
DEAD = re.compile(
    r"""hx-trigger="[^"]*?(?P<filter>[\w.}]\[[^\]]*\])|hx-trigger="[^"]*?(?P<words>from:(closest|find|next|previous)\s)"""
    r"""|(?P<handler>\shx-on[:-])|hx-vals=['"](?P<script>js:|javascript:)"""
)


def test_templates_ask_nothing_of_htmx_that_it_may_not_do() -> None:
    found = [
        f"{path.relative_to(TEMPLATES)}: {match[0][-120:]}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for match in DEAD.finditer(path.read_text())
        if not (match["filter"] or "").endswith("[type=search]")
    ]
    assert not found, "\n".join(found)
