"""Terms, the template language and the markup of contracts, without a database."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.common.errors import Invalid
from portal.crm.contracts import markup, templating, terms

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-01", 12, "2026-12-31"),
        ("2026-01-31", 1, "2026-02-27"),  # 31 January and a month is 28 February
        ("2024-01-31", 1, "2024-02-28"),
        ("2024-02-29", 12, "2025-02-27"),
        ("2026-08-31", 6, "2027-02-27"),
        ("2026-03-01", 24, "2028-02-29"),
    ],
)
def test_a_term_ends_the_day_before_it_comes_round(start: str, months: int, end: str) -> None:
    first, last = date.fromisoformat(start), date.fromisoformat(end)

    assert terms.term_end(first, months) == last
    assert terms.months_between(first, last) == months or first.day > 28


@given(DAYS, st.integers(1, 120))
def test_terms_follow_on_each_other_without_gap_or_overlap(start: date, months: int) -> None:
    end = terms.term_end(start, months)

    assert terms.next_start(end) - end == timedelta(days=1)
    assert end >= start
    assert terms.next_start(end) == terms.add_months(start, months)
    assert abs(terms.months_between(start, end) - months) < Fraction(1, 8)
    assert terms.months_between(end, start) == 0 or start == end
    assert terms.notice_deadline(end, 30) == end - timedelta(days=30)


def test_days_left_fall_into_the_narrowest_bucket() -> None:
    assert [terms.bucket(n) for n in (-1, 0, 30, 31, 60, 61, 90, 91)] == [None, 30, 30, 60, 60, 90, 90, None]
    assert terms.days_left(date(2026, 3, 1), date(2026, 2, 27)) == 2


def test_recurring_revenue_is_the_value_over_the_months_it_pays_for() -> None:
    year = terms.Term(Decimal(12000), True, date(2026, 1, 1), date(2026, 12, 31), 12)
    half = terms.Term(Decimal(1000), True, date(2026, 1, 16), date(2026, 2, 15), 1)
    openended = terms.Term(Decimal(600), True, date(2026, 1, 1), None, 6)
    once = terms.Term(Decimal(9000), False, date(2026, 1, 1), date(2026, 12, 31), 12)

    assert terms.mrr([year, half, openended, once]) == Decimal("2100.00")
    assert terms.money(year.within(date(2026, 2, 1), date(2026, 3, 31))) == 2000
    assert terms.money(half.within(date(2026, 2, 1), date(2026, 2, 28))) == Decimal("535.71")  # 15 of 28 days
    assert terms.money(Decimal("0.125").quantize(Decimal("0.001"), ROUND_HALF_UP)) == Decimal("0.13")


def test_the_rates_of_nothing_are_unknown() -> None:
    none = (0, Decimal(0))

    assert terms.Renewals(none, none, none).rate is None
    some = terms.Renewals((2, Decimal(30)), (1, Decimal(10)), (0, Decimal(0)))
    assert (some.rate, some.rate_by_value, some.churn) == (Decimal("66.67"), Decimal("75.00"), Decimal("33.33"))


def test_hijri_days_are_those_of_the_tabular_calendar() -> None:
    assert terms.hijri(date(2024, 7, 8)) == (1446, 1, 1)
    assert terms.hijri(date(2023, 3, 23)) == (1444, 9, 1)
    assert terms.hijri(date(2000, 1, 1)) == (1420, 9, 24)


@given(st.dates(date(1950, 1, 1), date(2100, 12, 31)))
def test_a_hijri_day_follows_on_the_day_before(day: date) -> None:
    year, month, number = terms.hijri(day)
    after = terms.hijri(day + timedelta(days=1))

    assert after in {(year, month, number + 1), (year, month + 1, 1), (year + 1, 1, 1)}
    assert 1 <= number <= 30
    assert 1 <= month <= 12


def test_a_template_says_only_what_the_catalogue_knows() -> None:
    nodes = templating.parse(
        "{{ contract.value|money }}{% if lines %}{% for line in lines %}[{{ line.description }}]{% endfor %}"
        "{% else %}none{% endif %}{% if values.x %}{{ values.x }}{% endif %}",
        {"x": "text"},
    )
    facts = {"contract.value": Decimal("1234567.5"), "contract.currency": "MAD", "values.x": "<i>&"}
    rows = [{"line.description": "أ"}, {"line.description": "b"}]

    shown = templating.render(nodes, facts, rows)
    assert "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567.50 MAD" in shown
    assert shown.count("[") == 2
    assert "&lt;i&gt;&amp;" in shown
    assert "none" in templating.render(nodes, facts, [])
    for wrong in ("{{ customer }}", "{% endif %}", "{% if contract.autoRenew %}", "{{ values.y }}", "a }} b", "{{}}"):
        with pytest.raises(Invalid) as refusal:
            templating.parse(wrong, {"x": "text"})
        assert refusal.value.errors[0].field == "body"


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("<p onclick=x>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
        ("<p><b>a", "<p><b>a</b></p>"),
        ("</p><img src=x onerror=y>a", "a"),
        ("<bdi dir=ltr>1</bdi><bdi dir='x'>2</bdi>", '<bdi dir="ltr">1</bdi><bdi>2</bdi>'),
        ("<ul><li>a<li>b</ul>", "<ul><li>a<li>b</li></li></ul>"),
        ("<style>p{}</style>1 < 2 &amp; <a href='javascript:x'>c</a>", "1 &lt; 2 &amp; c"),
    ],
)
def test_terms_keep_a_few_tags_only(given_text: str, kept: str) -> None:
    assert markup.clean(given_text) == kept


def test_plain_terms_become_paragraphs() -> None:
    assert markup.show("a < b\n\nc") == "<p>a &lt; b</p>\n\n<p>c</p>"
