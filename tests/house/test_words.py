"""How all pages write words and numbers."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from portal.core.common.text import grouped
from portal.survey.pages.wording import square_metres
from portal.ui.forms import ServiceForm


class Choosing(ServiceForm):
    part = forms.ChoiceField(label=_("district"), choices=[("", _("all of it")), ("mg", "mg/L"), ("p", "al-Wahda")])


def test_words_of_the_program_begin_with_a_capital_and_data_stays_as_it_is() -> None:
    for language in ("en", "fr", "ar"):
        with override(language):
            shown = str(Choosing()["part"])
            first = str(_("all of it"))
            assert f'<option value="" selected>{first[0].upper()}{first[1:]}</option>' in shown
            assert ">mg/L<" in shown
            assert ">al-Wahda<" in shown
    with override("en"):
        assert Choosing()["part"].label == "District"


def test_thousands_stand_apart_and_no_comma_is_in_a_number() -> None:
    assert [grouped(number) for number in (7, 30_993, Decimal("1234.5"), -2500)] == [
        "7", "30\u202f993", "1\u202f234.5", "-2\u202f500",
    ]  # fmt: skip
    assert grouped(1234567.891, 2) == "1\u202f234\u202f567.89"
    assert square_metres(12_500.5, 1_048) == "12\u202f500.50 \u00b1 1\u202f048.00 m²"
