"""Conditions of a policy (auth.md section 4): operators, what their values may be, and when they hold.

The rules are IAM's. Several values are alternatives; several keys, and several operators, must all hold. A key that is
not there fails a condition, but satisfies a negated one and one that ends in IfExists. Names of keys are compared
without regard to case.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Literal, Protocol

from repoint.access.patterns import ARN_PARTS, Text, Values, fill, matcher, read_text, split_arn
from repoint.contract.dates import parse_instant

# A value of the call: whether it fits. One that is of another kind than the operator's fits nothing.
Test = Callable[[str], bool]
Quantifier = Literal["", "ForAllValues", "ForAnyValue"]

_QUANTIFIERS: dict[str, Quantifier] = {"": "", "ForAllValues": "ForAllValues", "ForAnyValue": "ForAnyValue"}
_BOOLEANS = ("true", "false")


class Context(Protocol):
    """What is known of a call."""

    def get(self, key: str) -> Sequence[str] | None:
        """The values of a condition key, its name in lower case; None when the call has no such key."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One kind of comparison."""

    # Makes the test of one value of the policy; None for a value that nothing can fit, a variable being without value.
    test: Callable[[Text, Values], Test | None]
    # Raises ValueError for a value that the operator cannot compare with.
    check: Callable[[str], object]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key, as it is written; `compile_condition` makes it ready for a principal."""

    operator: str
    quantifier: Quantifier
    if_exists: bool
    key: str
    values: tuple[Text, ...]

    @property
    def is_negated(self) -> bool:
        """Whether it holds for what its values do not fit."""
        return self.operator != NULL and OPERATORS[self.operator].is_negated

    @property
    def needs_tags(self) -> bool:
        """Whether it can be asked only when the resource's tags are known."""
        return self.key.startswith("aws:resourcetag/")


def read_condition(name: str, key: str, written: Sequence[str]) -> Condition:
    """Check one operator, `ForAnyValue:StringLikeIfExists` for example, with its key and values.

    Raises ValueError with a text for the user.
    """
    word, _, operator = name.rpartition(":")
    if_exists = operator != "IfExists" and operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists") if if_exists else operator
    quantifier = _QUANTIFIERS.get(word)
    if quantifier is None or (operator != NULL and operator not in OPERATORS):
        raise ValueError(f"there is no operator {name}")
    if operator == NULL and (quantifier or if_exists):
        raise ValueError(f"{name}: Null has no other forms")
    if not re.fullmatch(r"[A-Za-z0-9.-]+:[^\s:].*", key):
        raise ValueError(f"{key} is no condition key, which is a namespace, a colon and a name")
    if not written:
        raise ValueError(f"{key} has no values")
    check = _check_boolean if operator == NULL else OPERATORS[operator].check
    for value in written:
        # What a variable stands for is not known yet.
        if "${" not in value:
            check(value)
    return Condition(operator, quantifier, if_exists, key.lower(), tuple(map(read_text, written)))


def compile_condition(condition: Condition, variables: Values) -> Callable[[Context], bool]:
    """Whether the condition holds for a call, for the principal whom the variables describe."""
    key = condition.key
    if condition.operator == NULL:
        wants_none = {text.written.lower() == "true" for text in condition.values}
        return lambda context: (context.get(key) is None) in wants_none
    operator = OPERATORS[condition.operator]
    tests = [test for text in condition.values if (test := operator.test(text, variables)) is not None]
    holds = _HOLDS[condition.quantifier, operator.is_negated]
    # IAM's rule for a key that is not there: "all" of nothing holds, "any" of nothing does not.
    if_missing = condition.if_exists or (
        operator.is_negated if condition.quantifier == "" else condition.quantifier == "ForAllValues"
    )

    def is_satisfied(context: Context) -> bool:
        values = context.get(key)
        return if_missing if not values else holds(values, tests)

    return is_satisfied


# Loops rather than any() and all(), as they are run at every call; `_HOLDS` says when each is asked.
def _one_fits(values: Sequence[str], tests: Sequence[Test]) -> bool:
    for value in values:
        for test in tests:
            if test(value):
                return True
    return False


def _one_fits_none(values: Sequence[str], tests: Sequence[Test]) -> bool:
    return not all(_one_fits((value,), tests) for value in values)


def _each_fits(values: Sequence[str], tests: Sequence[Test]) -> bool:
    return all(_one_fits((value,), tests) for value in values)


def _none_fits(values: Sequence[str], tests: Sequence[Test]) -> bool:
    return not _one_fits(values, tests)


# By quantifier and whether the operator is negated.
_HOLDS: dict[tuple[Quantifier, bool], Callable[[Sequence[str], Sequence[Test]], bool]] = {
    ("", False): _one_fits,
    ("", True): _none_fits,
    ("ForAnyValue", False): _one_fits,
    ("ForAnyValue", True): _one_fits_none,
    ("ForAllValues", False): _each_fits,
    ("ForAllValues", True): _none_fits,
}


def _equal(text: Text, variables: Values) -> Test | None:
    wanted = fill(text, variables)
    return None if wanted is None else lambda value: value == wanted


def _equal_ignoring_case(text: Text, variables: Values) -> Test | None:
    wanted = fill(text, variables)
    if wanted is None:
        return None
    folded = wanted.casefold()
    return lambda value: value.casefold() == folded


def _like(text: Text, variables: Values) -> Test | None:
    return matcher(text, variables)


def _arn_like(text: Text, variables: Values) -> Test | None:
    """Each of an ARN's parts by itself: a wildcard does not reach over a colon but in the last part."""
    parts = [_like(part, variables) for part in split_arn(text)]
    tests = [test for test in parts if test is not None]
    if len(tests) != ARN_PARTS:
        return None

    def fits(value: str) -> bool:
        found = value.split(":", ARN_PARTS - 1)
        return len(found) == ARN_PARTS and all(test(part) for test, part in zip(tests, found, strict=True))

    return fits


def _compared(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Callable[[Text, Values], Test | None]:
    """A test that reads both sides as values of a kind; what cannot be read fits nothing."""

    def test(text: Text, variables: Values) -> Test | None:
        filled = fill(text, variables)
        wanted = None if filled is None else _or_none(read, filled)
        if wanted is None:
            return None

        def fits(value: str) -> bool:
            found = _or_none(read, value)
            return found is not None and compare(found, wanted)

        return fits

    return test


def _or_none(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return None


def _number(text: str) -> float:
    number = float(text) if re.fullmatch(r"[+-]?\d{1,300}(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", text, re.ASCII) else None
    if number is None:
        raise ValueError(f"{text} is no number")
    return number


def _date(text: str) -> datetime:
    """An instant in ISO 8601, or the seconds since 1970."""
    moment = parse_instant(text)
    if moment is None and re.fullmatch(r"\d{1,11}(?:\.\d+)?", text, re.ASCII):
        moment = datetime.fromtimestamp(float(text), UTC)
    if moment is None:
        raise ValueError(f"{text} is no date")
    return moment


def _boolean(text: str) -> str:
    _check_boolean(text)
    return text.lower()


def _check_boolean(text: str) -> None:
    if text.lower() not in _BOOLEANS:
        raise ValueError(f"{text} is neither true nor false")


@lru_cache(maxsize=1024)
def _address(text: str) -> tuple[int, int]:
    """Version and number; one that was put into IPv6 is what it was before."""
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (4, int(mapped)) if mapped else (address.version, int(address))


def _in_network(text: Text, variables: Values) -> Test | None:
    written = fill(text, variables)
    network = None if written is None else _or_none(lambda cidr: ip_network(cidr, strict=False), written)
    if network is None:
        return None
    version, first, last = network.version, int(network.network_address), int(network.broadcast_address)

    def fits(value: str) -> bool:
        try:
            found = _address(value)
        except ValueError:
            return False
        return found[0] == version and first <= found[1] <= last

    return fits


def _check_network(text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text} is neither an IP address nor a network such as 192.0.2.0/24") from None


def _check_arn(text: str) -> None:
    if text.count(":") < ARN_PARTS - 1:
        raise ValueError(f"{text} is no ARN")


def _anything(text: str) -> None:
    """Every text can be compared as text."""


def _ordered(kind: str, read: Callable[[str], Any]) -> dict[str, Operator]:
    equals = _compared(read, lambda found, wanted: found == wanted)
    return {
        f"{kind}Equals": Operator(equals, read),
        f"{kind}NotEquals": Operator(equals, read, is_negated=True),
        f"{kind}LessThan": Operator(_compared(read, lambda found, wanted: found < wanted), read),
        f"{kind}LessThanEquals": Operator(_compared(read, lambda found, wanted: found <= wanted), read),
        f"{kind}GreaterThan": Operator(_compared(read, lambda found, wanted: found > wanted), read),
        f"{kind}GreaterThanEquals": Operator(_compared(read, lambda found, wanted: found >= wanted), read),
    }


NULL = "Null"
OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(_equal, _anything),
    "StringNotEquals": Operator(_equal, _anything, is_negated=True),
    "StringEqualsIgnoreCase": Operator(_equal_ignoring_case, _anything),
    "StringNotEqualsIgnoreCase": Operator(_equal_ignoring_case, _anything, is_negated=True),
    "StringLike": Operator(_like, _anything),
    "StringNotLike": Operator(_like, _anything, is_negated=True),
    **_ordered("Numeric", _number),
    **_ordered("Date", _date),
    "Bool": Operator(_compared(_boolean, lambda found, wanted: found == wanted), _check_boolean),
    "IpAddress": Operator(_in_network, _check_network),
    "NotIpAddress": Operator(_in_network, _check_network, is_negated=True),
    # IAM makes no difference between the two.
    "ArnEquals": Operator(_arn_like, _check_arn),
    "ArnLike": Operator(_arn_like, _check_arn),
    "ArnNotEquals": Operator(_arn_like, _check_arn, is_negated=True),
    "ArnNotLike": Operator(_arn_like, _check_arn, is_negated=True),
}
