"""What differs between the figures of a report and of its amendment."""

from collections.abc import Iterator, Mapping
from typing import Any

MAX = 200
_SUMMARY = ("samples", "results", "pass", "warning", "fail", "pending", "percentConforming")
_COUNTS = ("evaluated", "pass", "warning", "fail", "indeterminate", "investigate", "notEvaluated", "provisional")


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """At most 200 lines of `what`, `about`, `from` and `to` as texts, and how many `more` there are.

    `what` is a count of the summary (`summary.fail`) or of an edition (`standard.fail`, about `MA 2020`), or an
    exceedance that was added, changed or removed (about sample, parameter and standard).
    """
    lines = [*_summary(old, new), *_standards(old, new), *_exceedances(old, new)]
    return {"lines": lines[:MAX], "more": max(0, len(lines) - MAX)}


def _line(what: str, about: str, old: object, new: object) -> dict[str, str]:
    texts = ["" if value is None else str(value) for value in (old, new)]
    return {"what": what, "about": about, "from": texts[0], "to": texts[1]}


def _summary(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name in _SUMMARY:
        if old["summary"][name] != new["summary"][name]:
            yield _line(f"summary.{name}", "", old["summary"][name], new["summary"][name])


def _standards(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    before, after = ({(row["standard"], row["edition"]): row for row in held["standards"]} for held in (old, new))
    for key in sorted({*before, *after}):
        for name in _COUNTS:
            was, now = (held.get(key, {}).get(name) for held in (before, after))
            if (was or 0) != (now or 0):
                yield _line(f"standard.{name}", " ".join(key), was or 0, now or 0)


def _exceedances(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    before, after = (
        {
            (row["sampleCode"], row["parameterCode"], row["standard"], row["resultId"]): (
                f"{row['valueText']} {row['unit']}".strip()
            )
            for row in held["exceedances"]
        }
        for held in (old, new)
    )
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield _line("exceedance", " · ".join(key[:3]), before.get(key), after.get(key))
