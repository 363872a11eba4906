import gc
from importlib import import_module
from typing import Any

import pytest
from phonenumbers.geodata import GEOCODE_DATA

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw

# The first call reads these, for many seconds where nothing compiled of them is kept: no client waits that long.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    """The library's tables, read before anybody calls."""
    for name in ("carrier", "geocoder", "timezone"):
        import_module(f"phonenumbers.{name}")


def validate(client: Any, number: str, country: str | None = None) -> dict[str, Any]:
    request = {"PhoneNumber": number} | ({"IsoCountryCode": country} if country else {})
    answer: dict[str, Any] = client.phone_number_validate(NumberValidateRequest=request)["NumberValidateResponse"]
    return answer


def test_each_kind_tells_what_is_known_of_it(client: Any) -> None:
    uk = {"Country": "United Kingdom", "CountryCodeIso2": "GB", "CountryCodeNumeric": "44"}
    us = {"Country": "United States", "CountryCodeIso2": "US", "CountryCodeNumeric": "1"}

    assert validate(client, "+442079460881") == uk | {
        "OriginalPhoneNumber": "+442079460881",
        "CleansedPhoneNumberE164": "+442079460881",
        "CleansedPhoneNumberNational": "2079460881",
        "PhoneType": "LANDLINE",
        "PhoneTypeCode": 1,
        "City": "London",
        "Timezone": "Europe/London",
    }
    assert validate(client, "+447551234567") == uk | {
        "OriginalPhoneNumber": "+447551234567",
        "CleansedPhoneNumberE164": "+447551234567",
        "CleansedPhoneNumberNational": "7551234567",
        "PhoneType": "MOBILE",
        "PhoneTypeCode": 0,
        "Carrier": "Vodafone",
    }
    assert validate(client, "+1 (206) 684-1234") == us | {
        "OriginalPhoneNumber": "+1 (206) 684-1234",
        "CleansedPhoneNumberE164": "+12066841234",
        "CleansedPhoneNumberNational": "2066841234",
        "PhoneType": "MOBILE",
        "PhoneTypeCode": 0,
        "City": "Seattle",
        "Timezone": "America/Los_Angeles",
    }
    assert validate(client, "+445612345678") == uk | {
        "OriginalPhoneNumber": "+445612345678",
        "CleansedPhoneNumberE164": "+445612345678",
        "CleansedPhoneNumberNational": "5612345678",
        "PhoneType": "VOIP",
        "PhoneTypeCode": 2,
    }
    assert validate(client, "+12065550142") == us | {
        "OriginalPhoneNumber": "+12065550142",
        "CleansedPhoneNumberE164": "+12065550142",
        "CleansedPhoneNumberNational": "2065550142",
        "PhoneType": "OTHER",
        "PhoneTypeCode": 4,
        "Timezone": "America/Los_Angeles",
    }
    assert validate(client, "+1206684") == us | {
        "OriginalPhoneNumber": "+1206684",
        "CleansedPhoneNumberE164": "+1206684",
        "CleansedPhoneNumberNational": "206684",
        "PhoneType": "INVALID",
        "PhoneTypeCode": 3,
    }


@pytest.mark.parametrize("number", ["+18005551234", "+19005551234", "+448712345678", "+447640123456", "+445512345678"])
def test_numbers_of_no_person_are_other(client: Any, number: str) -> None:
    assert validate(client, number)["PhoneType"] == "OTHER"


@pytest.mark.parametrize(
    ("number", "country", "cleansed"),
    [
        ("12066841234", None, "+12066841234"),
        ("442079460881", None, "+442079460881"),
        ("206-684-1234", "US", "+12066841234"),
        ("020 7946 0881", "gb", "+442079460881"),
        ("442079460881", "GB", "+442079460881"),
        ("442079460881", "US", "+442079460881"),
        ("+442079460881", "US", "+442079460881"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("1-800-FLOWERS", "US", "+18003569377"),
    ],
)
def test_a_country_helps_with_a_number_as_it_is_dialled(
    client: Any, number: str, country: str | None, cleansed: str
) -> None:
    found = validate(client, number, country)

    assert found["CleansedPhoneNumberE164"] == cleansed
    assert found["OriginalPhoneNumber"] == number
    assert found.get("OriginalCountryCodeIso2") == country
    assert found["PhoneType"] != "INVALID"


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("2066841234", None),
        ("2066841234", "ZZ"),
        ("hello", "US"),
        ("+", None),
        ("1" * 400, "US"),
        (" ", "US"),
        ("x" * 6_000_000 + "1", None),
    ],
)
def test_a_number_that_belongs_nowhere_is_invalid(client: Any, number: str, country: str | None) -> None:
    bare = {"OriginalPhoneNumber": number, "PhoneType": "INVALID", "PhoneTypeCode": 3}

    assert validate(client, number, country) == bare | ({"OriginalCountryCodeIso2": country} if country else {})


def test_a_text_longer_than_any_number_is_invalid(client: Any) -> None:
    number = "x" * 6_000_000 + "1"

    assert validate(client, number) == {"OriginalPhoneNumber": number, "PhoneType": "INVALID", "PhoneTypeCode": 3}


@pytest.mark.parametrize("request_", [{}, {"PhoneNumber": ""}, {"IsoCountryCode": "US"}])
def test_a_number_must_be_given(client: Any, request_: dict[str, str]) -> None:
    refused = refusal(client.phone_number_validate, NumberValidateRequest=request_)

    assert refused == (400, "BadRequestException", "Missing PhoneNumber")


def test_the_tables_are_no_matter_of_garbage(client: Any) -> None:
    validate(client, "+442079460881")

    assert [each for each in gc.get_objects() if each is GEOCODE_DATA] == []


def test_the_path_may_end_with_a_slash(raw: Raw) -> None:
    answer = raw.send("POST", "/v1/phone/number/validate/", {"PhoneNumber": "hello"})

    assert (answer.status, answer.json["PhoneType"]) == (200, "INVALID")
