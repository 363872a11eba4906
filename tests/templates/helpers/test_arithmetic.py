"""Helpers that calculate (templates.md section 7.4)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.templates.rendered import PATIENT, failure, render


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("add 5 2.3", "7.3"),
        ("subtract 5 2.3", "2.7"),
        ("multiply 5 2.3", "11.5"),
        ("divide 5 2.3", "2.17391304"),
        ("divide 2 3", "0.66666667"),
        ("divide 6 3", "2"),
        ("divide -1 3", "-0.33333333"),
        ("modulo 7 2", "1"),
        ("modulo -7 2", "-1"),
        ("modulo 7 -2", "1"),
        ("modulo 5.5 2", "1.5"),
        ("ceiling 5.23", "6"),
        ("ceiling -5.23", "-5"),
        ("floor 5.23", "5"),
        ("floor -5.23", "-6"),
        ("round 19.21", "19"),
        ("round 2.5", "3"),
        ("round -2.5", "-2"),
        ("round -0.5", "0"),
        ("add '0.1' '0.2'", "0.3"),
        ("add Metrics.price '1e2'", "102.5"),
        ("add User.UserAttributes.Age 1", "23"),
        ("multiply 0.1 (add 1 2)", "0.3"),
        ("add Nothing 5", ""),
        ("add 5 ''", ""),
        ("divide Metrics.many 1e0", "1000000000000000000000"),
    ],
)
def test_helpers_calculate_in_decimals(call: str, text: str) -> None:
    assert render(f"{{{{{call}}}}}", above=({"1e0": "1"},)) == text


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("add 'x' 5", "add: x is not a number"),
        ("add true 5", "add: true is not a number"),
        ("add '1e9999' 5", "add: 1e9999 is not a number"),
        ("add '٣' 5", "add: ٣ is not a number"),
        ("add Attributes.favorite_colors 5", "add: blue, red, green is not a number"),
        ("divide 5 0", "divide: division by 0"),
        ("modulo 5 0.0", "modulo: division by 0"),
        ("multiply '1e900' '1e900'", "multiply: the result is too large"),
    ],
)
def test_what_can_not_be_calculated_fails(call: str, reason: str) -> None:
    assert failure(f"{{{{{call}}}}}") == reason


NUMBERS = st.decimals(-(10**6), 10**6, places=6)


@PATIENT
@given(left=NUMBERS, right=NUMBERS)
def test_results_are_exact(left: Decimal, right: Decimal) -> None:
    values = {"a": str(left), "b": str(right)}

    texts = [render(f"{{{{{helper} a b}}}}", values) for helper in ("add", "subtract", "multiply")]

    assert [Decimal(text) for text in texts] == [left + right, left - right, left * right]
