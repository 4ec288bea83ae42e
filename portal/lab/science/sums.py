"""Sums of parameters, such as the four trihalomethanes, and what their censored members count."""

from collections.abc import Iterable
from decimal import Decimal

from portal.lab.science.measurement import Measurement, Qualifier

CALCULATED = "calculated"  # how the method of a result begins that was made of others
_SHARES = {"zero": Decimal(0), "half": Decimal("0.5"), "full": Decimal(1)}


def total(members: Iterable[Measurement], *, censored: str) -> str | None:
    """Return the sum as a laboratory writes it; the members' numbers are in one unit.

    A member known to be below a bound counts nothing, half or all of the bound (`censored`: zero, half, full), one
    that was not found counts nothing. Where no member has a number, the sum is below the sum of the bounds; where one
    is only known to be above a bound, so is the sum. None where a member says nothing of an amount, or there is none.
    """
    known = bounds = Decimal(0)
    found = over = False
    count = 0
    for member in members:
        count += 1
        if member.number is not None:
            known, found = known + member.number, True
        elif member.qualifier is Qualifier.LESS and member.bound is not None:
            bounds += member.bound
        elif member.qualifier is Qualifier.GREATER and member.bound is not None:
            known, over = known + member.bound, True
        elif member.qualifier is not Qualifier.ABSENT:
            return None
    if not count:
        return None
    if over:
        return f">{known.normalize():f}"
    if not found and bounds:
        return f"<{bounds.normalize():f}"
    return f"{(known + bounds * _SHARES[censored]).normalize():f}"
