"""PhoneNumberValidate: what a number tells of itself, by the library's metadata (channels.md section 9).

Nobody is asked who has the number: whether it is in use, or prepaid, is not known.
"""

import asyncio
import gc
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import NumberValidateResponse
from repoint.delivery.phone_number import read_number
from repoint.operation import Call, Input, operation

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber


class _Kind(NamedTuple):
    name: str
    code: int
    # Beside what every kind tells.
    tells: frozenset[str]


_MOBILE = _Kind("MOBILE", 0, frozenset({"Carrier", "City", "Timezone"}))
_LANDLINE = _Kind("LANDLINE", 1, _MOBILE.tells)
_VOIP = _Kind("VOIP", 2, frozenset({"Carrier", "City"}))
_INVALID = _Kind("INVALID", 3, frozenset())
_OTHER = _Kind("OTHER", 4, frozenset({"Carrier", "Timezone"}))

# By the names of the library's PhoneNumberType; all others are OTHER.
_KINDS = {"FIXED_LINE": _LANDLINE, "MOBILE": _MOBILE, "FIXED_LINE_OR_MOBILE": _MOBILE, "VOIP": _VOIP}
_NORTH_AMERICA = 1
# Of information services and films: 206-555-0100.
_RESERVED_EXCHANGE = slice(3, 6), "555"


@operation(in_steps=True)
async def phone_number_validate(_call: Call, arguments: Input) -> NumberValidateResponse:
    """What the number is; INVALID for what is none, which is no mistake of the caller's."""
    request = arguments["NumberValidateRequest"]
    if not request.get("PhoneNumber"):
        raise BadRequestException("Missing PhoneNumber")
    await asyncio.to_thread(_read_tables)
    return validated(request["PhoneNumber"], request.get("IsoCountryCode"))


@cache
def _read_tables() -> None:
    """Read the library's tables, of which that of places takes a second, and 100 MB from then on."""
    from phonenumbers import carrier, geocoder, timezone  # noqa: F401, PLC0415 - see delivery/phone_number.py

    # They hold no cycles; looking for some would take 50 ms each time, in which nothing else is done.
    gc.freeze()


def validated(text: str, country: str | None) -> NumberValidateResponse:
    """What a number is that is written with its country code, or as it is dialled in this country."""
    number = read_number(text, country.upper() if country else None)
    kind = _INVALID if number is None else _kind(number)
    found: NumberValidateResponse = {
        "OriginalPhoneNumber": text,
        "PhoneType": kind.name,
        "PhoneTypeCode": kind.code,
    }
    if country:
        found["OriginalCountryCodeIso2"] = country
    if number is not None:
        found |= _told(number, kind.tells)
    return found


def _kind(number: "PhoneNumber") -> _Kind:
    from phonenumbers import PhoneNumberType, is_valid_number, number_type  # noqa: PLC0415 - see delivery/phone_number.py

    if not is_valid_number(number):
        return _INVALID
    exchange, reserved = _RESERVED_EXCHANGE
    if number.country_code == _NORTH_AMERICA and str(number.national_number)[exchange] == reserved:
        return _OTHER
    return _KINDS.get(PhoneNumberType.to_string(number_type(number)), _OTHER)


def _told(number: "PhoneNumber", wanted: frozenset[str]) -> NumberValidateResponse:
    from phonenumbers import (  # noqa: PLC0415 - likewise
        PhoneNumberFormat,
        format_number,
        national_significant_number,
        region_code_for_country_code,
        region_code_for_number,
    )
    from phonenumbers.carrier import name_for_number  # noqa: PLC0415 - likewise

    region = region_code_for_number(number) or region_code_for_country_code(number.country_code or 0)
    found: NumberValidateResponse = {
        "CleansedPhoneNumberE164": format_number(number, PhoneNumberFormat.E164),
        "CleansedPhoneNumberNational": national_significant_number(number),
        "CountryCodeNumeric": str(number.country_code),
    }
    country = _country_name(region)
    if country:
        found |= {"Country": country, "CountryCodeIso2": region}
    if "Carrier" in wanted and (carrier := name_for_number(number, "en")):
        found["Carrier"] = carrier
    if "City" in wanted and (city := _city(number, country)):
        found["City"] = city
    if "Timezone" in wanted and (zone := _timezone(number)):
        found["Timezone"] = zone
    return found


def _country_name(region: str) -> str | None:
    """In English; None for a region that is no country, such as that of satellites."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415 - likewise

    names = LOCALE_DATA.get(region, {})
    name: str | None = names.get("en")
    # A name that is the same in two languages stands once: "*aa" is that of the language aa.
    return names[name[1:]] if name and name.startswith("*") else name


def _city(number: "PhoneNumber", country: str | None) -> str | None:
    """Where its line is; the library answers the country or, in North America, the state where it knows no more."""
    from phonenumbers.geocoder import description_for_number  # noqa: PLC0415 - likewise

    city, comma, _ = description_for_number(number, "en").partition(", ")
    is_town = comma or number.country_code != _NORTH_AMERICA
    return city if city and is_town and city != country else None


def _timezone(number: "PhoneNumber") -> str | None:
    """None when it may be in one of several."""
    from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number  # noqa: PLC0415 - likewise

    zones = time_zones_for_number(number)
    return zones[0] if len(zones) == 1 and zones[0] != UNKNOWN_TIMEZONE else None
