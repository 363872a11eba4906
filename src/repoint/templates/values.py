"""What a message is personalised with, and how values are printed (templates.md section 5)."""

import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from repoint.contract.errors import BadRequestException
from repoint.templates.errors import RenderError

# Text, number, boolean, list or object of a JSON document; None is what is missing.
Value = Any
Substitutions = Mapping[str, str | Sequence[str]]


def random_uuid() -> str:
    """A random UUID as `{{uuid}}` prints it."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


@dataclass(slots=True)
class Values:
    """Where one recipient's values come from. Nothing is copied: documents are read where they are."""

    # The endpoint with its User, as the contract shows it; for a bare address what is known of it.
    data: Mapping[str, Any]
    # What `{{now}}` prints.
    now: datetime
    # What goes before the data: substitutions of the address first, then those of the message.
    above: Sequence[Substitutions] = ()
    # The template's defaults, as `read_defaults` reads them.
    below: Substitutions | None = None
    # Whether a variable without any value is an empty text. Otherwise the recipient's rendering fails.
    missing_is_empty: bool = False
    new_uuid: Callable[[], str] = random_uuid


def read_defaults(text: str | None) -> Substitutions:
    """DefaultSubstitutions of a template: path to text, or to a list of texts.

    Raises BadRequestException for anything but a flat JSON object; None and an empty text are no defaults.
    """
    try:
        found = json.loads(text, parse_float=_said, parse_int=_said, parse_constant=_refuse) if text else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequestException("Invalid DefaultSubstitutions")
    return {path: _default(value) for path, value in found.items() if value is not None}


def _default(value: object) -> str | list[str]:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise BadRequestException("Invalid DefaultSubstitutions")
    return value


def _said(number: str) -> str:
    """A number of JSON as it is printed; one with an exponent stays as it was written, it could be of any length."""
    return number if "e" in number.lower() else number_text(Decimal(number))


def _refuse(constant: str) -> str:
    raise ValueError(constant)


def item(value: Value, index: int) -> Value:
    """The item of a list, None beyond its end; a single value counts as a list of one."""
    if isinstance(value, list | tuple):
        return value[index] if index < len(value) else None
    if isinstance(value, Mapping):
        return value.get(str(index))
    return value if index == 0 else None


def text_of(value: Value) -> str | None:
    """A value as it is printed; None for what is missing and for objects, which have no text.

    A list prints its items with commas, a number without exponent and without zeros that say nothing.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return number_text(value)
    if isinstance(value, list | tuple):
        return ", ".join([text_of(each) or "" for each in value])
    return None


def number_text(number: float | Decimal) -> str:
    """`5.0` is `5`, `2.50` is `2.5`, and no number has an exponent."""
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    if not exact.is_finite():
        raise RenderError(f"{exact} can't be printed")
    text = format(exact, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
