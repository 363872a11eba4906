"""Helpers that calculate, exactly in decimals (templates.md section 7.4)."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, localcontext

from repoint.templates.errors import RenderError
from repoint.templates.helper import helper

# Wide enough for any number that may be given, so that sums and products are exact.
_EXACT = Context(prec=2500, Emax=100_000, Emin=-100_000)
_LARGEST_EXPONENT = 1000
_DECIMALS = Decimal(1).scaleb(-8)
_HALF = Decimal("0.5")


@helper("add", skips="any")
def add(left: Decimal, right: Decimal) -> Decimal:
    """The sum."""
    return _kept("add", _EXACT.add(left, right))


@helper("subtract", skips="any")
def subtract(left: Decimal, right: Decimal) -> Decimal:
    """The difference."""
    return _kept("subtract", _EXACT.subtract(left, right))


@helper("multiply", skips="any")
def multiply(left: Decimal, right: Decimal) -> Decimal:
    """The product."""
    return _kept("multiply", _EXACT.multiply(left, right))


@helper("divide", skips="any")
def divide(left: Decimal, right: Decimal) -> Decimal:
    """The quotient with up to eight decimals."""
    if not right:
        raise RenderError("divide: division by 0")
    with localcontext(_EXACT):
        return _kept("divide", (left / right).quantize(_DECIMALS, ROUND_HALF_UP))


@helper("modulo", skips="any")
def modulo(left: Decimal, right: Decimal) -> Decimal:
    """The remainder, with the sign of the first."""
    if not right:
        raise RenderError("modulo: division by 0")
    return _EXACT.remainder(left, right)


@helper("ceiling", skips="any")
def ceiling(number: Decimal) -> Decimal:
    """The next whole number upwards."""
    return _whole(number, ROUND_CEILING)


@helper("floor", skips="any")
def floor(number: Decimal) -> Decimal:
    """The next whole number downwards."""
    return _whole(number, ROUND_FLOOR)


@helper("round", skips="any")
def half_up(number: Decimal) -> Decimal:
    """The nearest whole number, halves going up."""
    return _whole(_EXACT.add(number, _HALF), ROUND_FLOOR)


def _whole(number: Decimal, rounding: str) -> Decimal:
    return number.to_integral_value(rounding, _EXACT)


def _kept(name: str, number: Decimal) -> Decimal:
    """The result, all but its first 1,000 decimals; raises RenderError for one of more than 1,000 digits."""
    if number and number.adjusted() > _LARGEST_EXPONENT:
        raise RenderError(f"{name}: the result is too large")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_LARGEST_EXPONENT:
        return number.quantize(Decimal(1).scaleb(-_LARGEST_EXPONENT), ROUND_DOWN, _EXACT)
    return number
