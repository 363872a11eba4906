"""What a helper is: a function, registered under its name, whose signature says what it takes.

Positional parameters are the helper's arguments, keyword-only ones its named options; one without a default must be
given, which is seen when a template is compiled. The annotation says as what a value arrives: `str`, `int` (0 or more),
`Decimal`, `bool`, `Value` (as it is), each also `| None`; `Values` is no option but what the rendering has at hand.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from repoint.templates.errors import RenderError
from repoint.templates.escape import MAX_OUTPUT
from repoint.templates.values import Value, Values, number_text, text_of

# Which argument makes the result empty, the function not being asked: a first one that is missing; a first one that is
# missing or an empty text or list; any of them; none.
Skips = Literal["missing", "empty", "any", "never"]

# Longer numbers, and text that writes such, are none.
_MAX_DIGITS = 400
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*")
_MAX_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Taken:
    """One parameter of a helper."""

    name: str
    convert: Callable[[Value], Any] | None
    is_required: bool


@dataclass(frozen=True, slots=True)
class Helper:
    """A function that templates may call."""

    name: str
    function: Callable[..., Value]
    arguments: tuple[Taken, ...]
    # Takes any number of further arguments; at least `at_least` in all.
    rest: Taken | None
    options: dict[str, Taken]
    at_least: int
    skips: Skips
    # Gives true or false: may open a block, and prints its options `yes` and `no`.
    is_condition: bool
    # Behind the first argument, a bare word that names no value is text.
    takes_words: bool
    takes_values: bool

    def skip(self, given: Sequence[Value]) -> bool:
        """Whether the result is empty because of what is missing."""
        if self.skips == "never" or not given:
            return False
        if self.skips == "any":
            return any(value in (None, "") for value in given)
        return given[0] is None or (self.skips == "empty" and given[0] in ("", [], [""]))


HELPERS: dict[str, Helper] = {}


def helper(
    name: str, *, skips: Skips = "missing", at_least: int = 0, is_condition: bool = False, takes_words: bool = False
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Register a helper. Raises ValueError when the name is taken."""

    def bind(function: Callable[..., Value]) -> Callable[..., Value]:
        if name in HELPERS:
            raise ValueError(f"{name} is registered twice")
        arguments, rest, options, takes_values = _parameters(name, function)
        required = sum(taken.is_required for taken in arguments)
        HELPERS[name] = Helper(
            name,
            function,
            arguments,
            rest,
            options,
            max(required, at_least),
            skips,
            is_condition,
            takes_words,
            takes_values,
        )
        return function

    return bind


def _parameters(
    name: str, function: Callable[..., Value]
) -> tuple[tuple[Taken, ...], Taken | None, dict[str, Taken], bool]:
    arguments: list[Taken] = []
    options: dict[str, Taken] = {}
    rest = None
    takes_values = False
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.annotation is Values:
            takes_values = True
            continue
        convert = _CONVERTERS[parameter.annotation]
        is_required = parameter.default is parameter.empty
        taken = Taken(parameter.name, convert(name, parameter.name) if convert else None, is_required)
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = taken
        elif parameter.kind is parameter.KEYWORD_ONLY:
            options[parameter.name] = taken
        else:
            arguments.append(taken)
    return tuple(arguments), rest, options, takes_values


# -- what values are turned into


def single(value: Value) -> Value:
    """The item of a list of one, for comparing and counting; any other value as it is."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def exact_number(value: Value) -> Decimal | None:
    """A number or text that writes one, exactly; None for anything else."""
    value = single(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        number = value if isinstance(value, Decimal) else Decimal(repr(value))
        return number if number.is_finite() else None
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and _NUMBER.fullmatch(value):
        try:
            return Decimal(value.strip())
        except InvalidOperation:
            return None
    return None


def shown(value: Value) -> str:
    """A value in a reason, cut short."""
    text = text_of(value)
    return "nothing" if text is None else text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def limited(text: str) -> str:
    """The text; raises RenderError when it is longer than any output may be."""
    if len(text) > MAX_OUTPUT:
        raise RenderError(f"Rendered text exceeds {MAX_OUTPUT} characters")
    return text


def _text(_helper: str, _parameter: str) -> Callable[[Value], str]:
    return lambda value: text_of(value) or ""


def _number(helper_name: str, _parameter: str) -> Callable[[Value], Decimal]:
    def convert(value: Value) -> Decimal:
        number = exact_number(value)
        if number is None:
            raise RenderError(f"{helper_name}: {shown(value)} is not a number")
        return number

    return convert


def _whole(helper_name: str, parameter: str) -> Callable[[Value], int]:
    number = _number(helper_name, parameter)

    def convert(value: Value) -> int:
        exact = number(value)
        if not 0 <= exact <= MAX_OUTPUT or exact % 1:
            raise RenderError(f"{helper_name}: {parameter} must be a whole number from 0, not {number_text(exact)}")
        return int(exact)

    return convert


def _truth(_helper: str, _parameter: str) -> Callable[[Value], bool]:
    return lambda value: value.lower() == "true" if isinstance(value, str) else bool(value)


_Convert = Callable[[str, str], Callable[[Value], Any]]


def _or_none(convert: _Convert) -> _Convert:
    def made(helper_name: str, parameter: str) -> Callable[[Value], Any]:
        inner = convert(helper_name, parameter)
        return lambda value: None if value is None else inner(value)

    return made


_CONVERTERS: dict[object, _Convert | None] = {
    Value: None,
    str: _text,
    str | None: _or_none(_text),
    Decimal: _number,
    int: _whole,
    int | None: _or_none(_whole),
    bool: _truth,
}
