"""In which time zone an endpoint is, as far as it says so or can be guessed (journeys.md section 7)."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from repoint.delivery.phone_number import read_number
from repoint.endpoints.timezone import find_zone
from repoint.journeys.country import alpha_2
from repoint.journeys.postal_zones import postal_zone

Members = Mapping[str, Any]

# Channels whose addresses are numbers of phones, or may be: what a custom channel calls an address is its own.
_WITH_NUMBERS = frozenset({"SMS", "VOICE", "CUSTOM"})


def zone_of(endpoint: Members, methods: Sequence[str]) -> str | None:
    """The name that the endpoint gives, which need not be that of a zone; without one what the methods find, in turn.

    `methods` are a journey's TimezoneEstimationMethods; None when none finds any.
    """
    named: str | None = (endpoint.get("Demographic") or {}).get("Timezone")
    if named:
        return named
    return next((zone for method in methods if (zone := _METHODS[method](endpoint))), None)


def _by_phone_number(endpoint: Members) -> str | None:
    if endpoint.get("ChannelType") not in _WITH_NUMBERS:
        return None
    country = (endpoint.get("Location") or {}).get("Country", "")
    return _of_number(endpoint.get("Address", ""), alpha_2(country))


# The library takes a fifth of a millisecond, and a journey asks at each of its messages.
@lru_cache(maxsize=16_384)
def _of_number(address: str, country: str | None) -> str | None:
    """The first of the zones in which the number may be."""
    # Their tables take a while to read, and most processes never need them.
    from phonenumbers.timezone import time_zones_for_number  # noqa: PLC0415 - see above

    number = read_number(address, country)
    zones = () if number is None else time_zones_for_number(number)
    return next((zone for zone in zones if find_zone(zone)), None)


def _by_postal_code(endpoint: Members) -> str | None:
    location = endpoint.get("Location") or {}
    country = alpha_2(location.get("Country", ""))
    return None if country is None else postal_zone(country, location.get("PostalCode", ""))


_METHODS: dict[str, Callable[[Members], str | None]] = {
    "PHONE_NUMBER": _by_phone_number,
    "POSTAL_CODE": _by_postal_code,
}
