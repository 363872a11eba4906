"""Helpers that ask a question (templates.md sections 7.1 and 7.2)."""

from decimal import Decimal
from typing import Literal

from repoint.templates.errors import RenderError
from repoint.templates.helper import exact_number, helper, shown, single
from repoint.templates.values import Value


@helper("eq", skips="never", is_condition=True)
def equal(left: Value, right: Value) -> bool:
    """Whether both are the same text, number or boolean; a number equals text that writes it."""
    left, right = single(left), single(right)
    if _is_number(left) or _is_number(right):
        first, second = exact_number(left), exact_number(right)
        return first is not None and first == second
    return type(left) is type(right) and bool(left == right)


@helper("neq", skips="never", is_condition=True)
def not_equal(left: Value, right: Value) -> bool:
    """Whether `eq` is false."""
    return not equal(left, right)


@helper("gt", skips="never", is_condition=True)
def greater(left: Value, right: Value) -> bool:
    """Whether the first is greater: by characters when both are texts, as a number otherwise."""
    return _order("gt", left, right) == 1


@helper("gte", skips="never", is_condition=True)
def greater_or_equal(left: Value, right: Value) -> bool:
    """Whether the first is greater or both are equal."""
    return _order("gte", left, right) in (0, 1)


@helper("lt", skips="never", is_condition=True)
def less(left: Value, right: Value) -> bool:
    """Whether the first is less."""
    return _order("lt", left, right) == -1


@helper("lte", skips="never", is_condition=True)
def less_or_equal(left: Value, right: Value) -> bool:
    """Whether the first is less or both are equal."""
    return _order("lte", left, right) in (-1, 0)


@helper("and", skips="never", at_least=2, is_condition=True)
def every(*values: Value) -> bool:
    """Whether every argument is truthy."""
    return all(values)


@helper("or", skips="never", at_least=2, is_condition=True)
def some(*values: Value) -> bool:
    """Whether any argument is truthy."""
    return any(values)


@helper("not", skips="never", is_condition=True)
def falsy(value: Value) -> bool:
    """Whether the argument is missing, false, 0, or an empty text or list."""
    return not value


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _order(name: str, left: Value, right: Value) -> Literal[-1, 0, 1] | None:
    """How the first stands to the second; None when one is missing. Raises RenderError when they can't be compared."""
    left, right = single(left), single(right)
    if left is None or right is None:
        return None
    if not (isinstance(left, str) and isinstance(right, str)):
        texts = shown(left), shown(right)
        left, right = exact_number(left), exact_number(right)
        if left is None or right is None:
            raise RenderError(f"{name}: {texts[0]} and {texts[1]} can't be compared")
    return 0 if left == right else 1 if left > right else -1
