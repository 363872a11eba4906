"""Phone numbers as addresses: E.164, and the country that a number belongs to."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# Blanks, hyphens, brackets and dots that people write between digits, and the plus before them.
_NO_DIGITS = re.compile(r"[^0-9]")
_LEAST_DIGITS, _MOST_DIGITS = 8, 15
_LONGEST_COUNTRY_CODE = 3
# Of what the library reads.
_MOST_CHARACTERS = 250
# What the library calls the region of numbers that belong to no country, such as satellites.
_NO_COUNTRY = "001"


class InvalidNumberError(Exception):
    """Not a number that a message can be sent to; the text says so as the contract does."""

    def __init__(self) -> None:
        super().__init__("Invalid phone number")


def e164(address: str) -> str:
    """The number that an address is, with its `+`, which may be missing. Raises InvalidNumberError (channels.md 5).

    No country code begins with 0, so what does is dialled inside a country, or with a prefix for leaving it.
    """
    if any(letter.isdigit() and not letter.isascii() for letter in address):
        # Without the digits of another script it would be somebody else's.
        raise InvalidNumberError
    digits = _NO_DIGITS.sub("", address)
    if not _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS or digits.startswith("0"):
        raise InvalidNumberError
    return f"+{digits}"


def country(number: str) -> str | None:
    """The country of a number that `e164` has answered, as ISO 3166-1 alpha-2; None when it belongs to none.

    Where countries share a code (+1, +7, +44), the number decides, which takes a fraction of a millisecond.
    """
    # Its tables take a while to read, and most processes never need them.
    import phonenumbers  # noqa: PLC0415

    digits = number.removeprefix("+")
    for length in range(1, _LONGEST_COUNTRY_CODE + 1):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions is not None:
            break
    else:
        return None
    region: str | None = regions[0]
    if len(regions) > 1:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    return None if region == _NO_COUNTRY else region


def read_number(text: str, country: str | None) -> "PhoneNumber | None":
    """A number that is written with its country code, or as it is dialled in this country (alpha-2).

    It need not be valid; None when nobody can tell in which country it is.
    """
    from phonenumbers import SUPPORTED_REGIONS, is_valid_number  # noqa: PLC0415 - as above

    if len(text) > _MOST_CHARACTERS or not any(character.isdigit() for character in text):
        return None
    international = _parsed(text if text.lstrip().startswith("+") else f"+{text}", None)
    if text.lstrip().startswith("+"):
        return international
    national = _parsed(text, country) if country in SUPPORTED_REGIONS else None
    if national is not None and is_valid_number(national):
        return national
    # With its country code, but without the plus.
    if international is not None and is_valid_number(international):
        return international
    return national


def _parsed(text: str, country: str | None) -> "PhoneNumber | None":
    from phonenumbers import NumberParseException, parse  # noqa: PLC0415 - as above

    try:
        return parse(text, country)
    except NumberParseException:
        return None
