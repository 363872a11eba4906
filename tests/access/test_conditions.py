"""When a condition holds: every operator, with values that fit, that do not, and that are not there."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from repoint.access.conditions import NULL, OPERATORS, compile_condition, read_condition

VARIABLES = {"aws:username": "ana", "aws:principaltag/team": "shop"}
KEY = "aws:RequestTag/x"


class Known:
    """A call of which only these keys are known."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def get(self, key: str) -> Sequence[str] | None:
        """The values of a key in lower case."""
        return self._values.get(key)


def holds(operator: str, written: Any, *values: str) -> bool:
    """Whether a condition on one key holds for a call that has it with these values; without it when there are none."""
    texts = written if isinstance(written, list) else [written]
    known = Known({KEY.lower(): values} if values else {})
    return compile_condition(read_condition(operator, KEY, texts), VARIABLES)(known)


CASES: dict[str, tuple[tuple[Any, str, bool], ...]] = {
    "StringEquals": (
        ("a", "a", True),
        ("a", "A", False),
        ("a*", "ab", False),
        ("a*", "a*", True),
        (["b", "a"], "a", True),
        ("${aws:username}", "ana", True),
        ("${aws:PrincipalTag/Team}-x", "shop-x", True),
        ("${aws:PrincipalTag/None}", "", False),
        ("${aws:PrincipalTag/None, 'nobody'}", "nobody", True),
        ("${*}${?}${$}{", "*?${", True),
    ),
    "StringEqualsIgnoreCase": (("Straße", "STRASSE", True), ("a", "A", True), ("a", "b", False)),
    "StringLike": (
        ("a*c", "abbc", True),
        ("a*c", "ac", True),
        ("a*c", "abbcd", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("A*", "a", False),
        ("*", "", True),
        ("*.*.*", "a.b.c", True),
        ("*.*.*", "a.b", False),
        ("*ab", "aab", True),
        ("a*a", "a", False),
        ("ab*ba", "aba", False),
        ("?*?", "ab", True),
        ("?*?", "a", False),
        ("*?b*", "ab", True),
        ("*a\nb*", "xa\nby", True),
        ("a.c", "abc", False),
        ("${aws:username}/*", "ana/x", True),
        ("${*}*", "x", False),
    ),
    "NumericEquals": (("5", "5.0", True), ("5", "6", False), ("5", "five", False), ("1e2", "100", True)),
    "NumericLessThan": (("5", "4.9", True), ("5", "5", False), ("5", "x", False)),
    "NumericLessThanEquals": (("5", "5", True), ("5", "5.1", False)),
    "NumericGreaterThan": (("-5", "-4", True), ("5", "5", False)),
    "NumericGreaterThanEquals": (("5", "5", True), ("5", "4", False), ("5", "", False)),
    "DateEquals": (
        ("2024-05-03T00:56:48Z", "2024-05-03T02:56:48+02:00", True),
        ("1714697808", "2024-05-03T00:56:48Z", True),
        ("2024-05-03", "2024-05-03T00:00:00Z", True),
        ("2024-05-03", "2024-05-04", False),
    ),
    "DateLessThan": (("2024-05-03", "2024-05-02", True), ("2024-05-03", "2024-05-03", False)),
    "DateLessThanEquals": (("2024-05-03", "2024-05-03", True), ("2024-05-03", "never", False)),
    "DateGreaterThan": (("2024-05-03", "2024-05-04", True), ("2024-05-03", "2024-05-03", False)),
    "DateGreaterThanEquals": (("2024-05-03", "2024-05-03", True), ("2024-05-03", "2024-05-02", False)),
    "Bool": (("true", "true", True), ("TRUE", "true", True), ("true", "false", False), ("false", "x", False)),
    "IpAddress": (
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("192.0.2.7/24", "192.0.2.9", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("2001:db8::/32", "2001:db8:1::7", True),
        ("2001:db8::/32", "192.0.2.7", False),
        ("0.0.0.0/0", "2001:db8::7", False),
        ("0.0.0.0/0", "somewhere", False),
        (["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.7", True),
    ),
    "ArnLike": (
        ("arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:user/a/b:c", True),
        ("arn:aws:iam:*:user/ana:", "arn:aws:iam::123456789012:user/ana", False),
        ("arn:aws:iam::123456789012:user/an?", "arn:aws:iam::123456789012:user/ana", True),
        ("arn:aws:iam::123456789012:user/${aws:username}", "arn:aws:iam::123456789012:user/ana", True),
        ("arn:*:iam::*:*", "ana", False),
    ),
    "ArnEquals": (
        ("arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:user/ana", True),
        ("arn:aws:iam::1:user/ana", "arn:aws:iam::2:user/ana", False),
    ),
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


@pytest.mark.parametrize(
    ("operator", "written", "value", "expected"),
    [(operator, *case) for operator, cases in CASES.items() for case in cases],
)
def test_operator_compares(operator: str, written: Any, value: str, expected: bool) -> None:  # noqa: FBT001 - of a table
    assert holds(operator, written, value) is expected


@pytest.mark.parametrize(
    ("operator", "written", "value", "expected"),
    [(negated, *case) for negated, operator in NEGATED.items() for case in CASES[operator]],
)
def test_negated_operator_is_the_opposite(
    operator: str,
    written: Any,
    value: str,
    expected: bool,  # noqa: FBT001 - of a table
) -> None:
    assert holds(operator, written, value) is not expected


def test_every_operator_is_tried() -> None:
    assert {*CASES, *NEGATED} == set(OPERATORS)


def test_negated_operator_holds_only_when_no_value_fits() -> None:
    assert holds("StringNotEquals", ["a", "b"], "c")
    assert not holds("StringNotEquals", ["a", "b"], "b")
    assert not holds("StringNotEquals", "a", "c", "a")


@pytest.mark.parametrize("operator", [*CASES, *NEGATED])
def test_key_that_is_not_there_satisfies_the_negated_and_if_exists_only(operator: str) -> None:
    written = CASES[NEGATED.get(operator, operator)][0][0]

    assert holds(operator, written) is (operator in NEGATED)
    assert holds(f"{operator}IfExists", written) is True


def test_if_exists_compares_what_exists() -> None:
    assert holds("StringEqualsIfExists", "a", "a")
    assert not holds("StringEqualsIfExists", "a", "b")


def test_null_asks_whether_the_key_is_there() -> None:
    assert holds(NULL, "true")
    assert not holds(NULL, "true", "a")
    assert holds(NULL, "false", "a")
    assert not holds(NULL, "false")
    assert holds(NULL, ["true", "false"], "a")


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("StringEquals", ("a", "x"), True),
        ("StringEquals", ("x",), False),
        ("ForAnyValue:StringEquals", ("a", "x"), True),
        ("ForAnyValue:StringEquals", ("x", "y"), False),
        ("ForAnyValue:StringEquals", (), False),
        ("ForAnyValue:StringEqualsIfExists", (), True),
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "x"), False),
        ("ForAllValues:StringEquals", (), True),
        ("ForAnyValue:StringNotEquals", ("a", "x"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAnyValue:StringNotEquals", (), False),
        ("ForAllValues:StringNotEquals", ("x", "y"), True),
        ("ForAllValues:StringNotEquals", ("a", "x"), False),
        ("ForAllValues:StringNotEquals", (), True),
    ],
)
def test_several_values_of_a_key(operator: str, values: tuple[str, ...], expected: bool) -> None:  # noqa: FBT001 - of a table
    assert holds(operator, ["a", "b"], *values) is expected


def test_many_stars_take_no_time_to_fail() -> None:
    assert not holds("StringLike", "*a" * 60 + "?b", "a" * 20_000)
    assert not holds("StringLike", "*a" * 60 + "b", "a" * 20_000)
