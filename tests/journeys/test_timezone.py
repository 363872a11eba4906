"""In which zone an endpoint is: what it says, its number, its postal code."""

from typing import Any

import pytest

from repoint.endpoints.timezone import zone_names
from repoint.journeys import postal_zones
from repoint.journeys.country import alpha_2
from repoint.journeys.postal_zones import postal_zone
from repoint.journeys.timezone import zone_of

BOTH = ("PHONE_NUMBER", "POSTAL_CODE")
SEATTLE = {"Country": "US", "PostalCode": "98101"}


def endpoint(
    address: str = "", channel_type: str = "SMS", timezone: str | None = None, **location: str
) -> dict[str, Any]:
    found = {"ChannelType": channel_type, "Address": address, "Location": location}
    return found if timezone is None else found | {"Demographic": {"Timezone": timezone}}


@pytest.mark.parametrize(
    ("asked", "methods", "zone"),
    [
        # What it says goes before all, and is not looked at; an empty one says nothing.
        (endpoint("+12125550123", timezone="Europe/Oslo"), BOTH, "Europe/Oslo"),
        (endpoint("+12125550123", timezone="Europe/Nowhere"), BOTH, "Europe/Nowhere"),
        (endpoint("+12125550123", timezone=""), BOTH, "America/New_York"),
        # In their order; the next one where the first finds nothing.
        (endpoint("+12125550123", **SEATTLE), BOTH, "America/New_York"),
        (endpoint("+12125550123", **SEATTLE), BOTH[::-1], "America/Los_Angeles"),
        (endpoint("x", **SEATTLE), BOTH, "America/Los_Angeles"),
        (endpoint("+12125550123", Country="US"), BOTH[::-1], "America/New_York"),
        (endpoint("+12125550123", **SEATTLE), (), None),
        (endpoint("+12125550123"), ("POSTAL_CODE",), None),
        ({}, BOTH, None),
    ],
)
def test_methods_are_tried_in_their_order(asked: dict[str, Any], methods: tuple[str, ...], zone: str | None) -> None:
    assert zone_of(asked, methods) == zone


@pytest.mark.parametrize(
    ("asked", "zone"),
    [
        (endpoint("+4930123456"), "Europe/Berlin"),
        (endpoint("+4930123456", "VOICE"), "Europe/Berlin"),
        (endpoint("4930123456"), "Europe/Berlin"),
        (endpoint("+49 (30) 123-456"), "Europe/Berlin"),
        (endpoint("+14155550100", Country="DE"), "America/Los_Angeles"),
        # As dialled in the endpoint's country, by either of its codes.
        (endpoint("030 123456", Country="DE"), "Europe/Berlin"),
        (endpoint("030 123456", Country="DEU"), "Europe/Berlin"),
        (endpoint("030 123456", Country="de"), "Europe/Berlin"),
        (endpoint("(212) 736-5000", Country="USA"), "America/New_York"),
        (endpoint("030 123456"), None),
        (endpoint("030 123456", Country="Germany"), None),
        # Of several the first one listed.
        (endpoint("+447911123456"), "Europe/Guernsey"),
        # Satellites are nowhere.
        (endpoint("+870773111632"), None),
        (endpoint("+999123456789"), None),
        (endpoint("+1"), None),
        (endpoint("nobody"), None),
        (endpoint("1" * 300), None),
        # What a custom channel calls an address may be a number; tokens and mailboxes are none.
        (endpoint("+4930123456", "CUSTOM"), "Europe/Berlin"),
        (endpoint("4930123456", "BAIDU"), None),
        (endpoint("4930123456@example.com", "EMAIL", Country="DE"), None),
    ],
)
def test_by_phone_number(asked: dict[str, Any], zone: str | None) -> None:
    assert zone_of(asked, ("PHONE_NUMBER",)) == zone


@pytest.mark.parametrize(
    ("country", "code", "zone"),
    [
        # One time in all of the country.
        ("GB", "SW1A 1AA", "Europe/London"),
        ("DE", "10115", "Europe/Berlin"),
        ("IT", "00118", "Europe/Rome"),
        ("GBR", "EC1A 1BB", "Europe/London"),
        ("NZ", "1010", "Pacific/Auckland"),
        ("NZ", "8016", "Pacific/Chatham"),
        ("NZ", "8017", "Pacific/Auckland"),
        ("NZ", "80161", None),
        ("FR", "75001", "Europe/Paris"),
        ("FR", "20000", "Europe/Paris"),
        ("FR", "97110", "America/Guadeloupe"),
        ("FR", "97400", "Indian/Reunion"),
        ("FR", "98714", "Pacific/Tahiti"),
        ("FR", "98900", None),
        ("ES", "28001", "Europe/Madrid"),
        ("ES", "07001", "Europe/Madrid"),
        ("ES", "35001", "Atlantic/Canary"),
        ("ES", "38001", "Atlantic/Canary"),
        ("ES", "51001", "Africa/Ceuta"),
        ("ES", "99999", None),
        ("AU", "2000", "Australia/Sydney"),
        ("AU", "0800", "Australia/Darwin"),
        ("AU", "2600", "Australia/Sydney"),
        ("AU", "2880", "Australia/Broken_Hill"),
        ("AU", "2899", "Pacific/Norfolk"),
        ("AU", "3000", "Australia/Melbourne"),
        ("AU", "4000", "Australia/Brisbane"),
        ("AU", "5000", "Australia/Adelaide"),
        ("AU", "6000", "Australia/Perth"),
        ("AU", "6798", "Indian/Christmas"),
        ("AU", "7000", "Australia/Hobart"),
        ("AU", "0100", None),
        ("CA", "K1A 0B1", "America/Toronto"),
        ("CA", "v6b 1a1", "America/Vancouver"),
        ("CA", "A1C", "America/St_Johns"),
        ("CA", "A0P 1C0", "America/Goose_Bay"),
        ("CA", "B3H 1A1", "America/Halifax"),
        ("CA", "C1A 1A1", "America/Halifax"),
        ("CA", "E1A 1A1", "America/Moncton"),
        ("CA", "H2Y 1C6", "America/Toronto"),
        ("CA", "P9N 1A1", "America/Winnipeg"),
        ("CA", "R3C 1A1", "America/Winnipeg"),
        ("CA", "S4P 1A1", "America/Regina"),
        ("CA", "T2P 1A1", "America/Edmonton"),
        ("CA", "X0A 0H0", "America/Iqaluit"),
        ("CA", "Y1A 1A1", "America/Whitehorse"),
        ("CA", "W1A 1A1", None),
        ("CA", "K1A-0B1", None),
        # Of no country that is known here, or none at all.
        ("JP", "100-0001", None),
        ("", "10115", None),
        ("DE", "", None),
    ],
)
def test_by_postal_code(country: str, code: str, zone: str | None) -> None:
    assert zone_of(endpoint(Country=country, PostalCode=code), ("POSTAL_CODE",)) == zone


@pytest.mark.parametrize(
    ("zip_code", "zone"),
    [
        ("00901", "America/Puerto_Rico"),  # San Juan
        ("00802", "America/St_Thomas"),
        ("02108", "America/New_York"),  # Boston
        ("09012", None),  # the army in Europe
        ("10001", "America/New_York"),
        ("20500", "America/New_York"),  # Washington
        ("30303", "America/New_York"),  # Atlanta
        ("33101", "America/New_York"),  # Miami
        ("34002", None),  # the army in the Americas
        ("32501", "America/Chicago"),  # Pensacola
        ("32301", "America/New_York"),  # Tallahassee
        ("35203", "America/Chicago"),  # Birmingham
        ("37201", "America/Chicago"),  # Nashville
        ("37402", "America/New_York"),  # Chattanooga
        ("37501", "America/Chicago"),  # Memphis
        ("37902", "America/New_York"),  # Knoxville
        ("38501", "America/Chicago"),  # Cookeville
        ("39901", "America/New_York"),  # Atlanta
        ("40202", "America/New_York"),  # Louisville
        ("42101", "America/Chicago"),  # Bowling Green
        ("42701", "America/New_York"),  # Elizabethtown
        ("44114", "America/New_York"),  # Cleveland
        ("46204", "America/Indiana/Indianapolis"),
        ("46402", "America/Chicago"),  # Gary
        ("47708", "America/Chicago"),  # Evansville
        ("47901", "America/Indiana/Indianapolis"),  # Lafayette
        ("48226", "America/Detroit"),
        ("50309", "America/Chicago"),  # Des Moines
        ("57101", "America/Chicago"),  # Sioux Falls
        ("57701", "America/Denver"),  # Rapid City
        ("58102", "America/Chicago"),  # Fargo
        ("58601", "America/Denver"),  # Dickinson
        ("59101", "America/Denver"),  # Billings
        ("60601", "America/Chicago"),
        ("67202", "America/Chicago"),  # Wichita
        ("68102", "America/Chicago"),  # Omaha
        ("69301", "America/Denver"),  # Alliance
        ("70112", "America/Chicago"),  # New Orleans
        ("77002", "America/Chicago"),  # Houston
        ("79901", "America/Denver"),  # El Paso
        ("80202", "America/Denver"),
        ("83702", "America/Boise"),
        ("83814", "America/Los_Angeles"),  # Coeur d'Alene
        ("84101", "America/Denver"),  # Salt Lake City
        ("85001", "America/Phoenix"),
        ("86515", "America/Denver"),  # Window Rock
        ("87102", "America/Denver"),  # Albuquerque
        ("88501", "America/Denver"),  # El Paso
        ("89101", "America/Los_Angeles"),  # Las Vegas
        ("90001", "America/Los_Angeles"),
        ("96201", None),  # the army in the Pacific
        ("96701", "Pacific/Honolulu"),
        ("96799", "Pacific/Pago_Pago"),
        ("96910", "Pacific/Guam"),
        ("97201", "America/Los_Angeles"),  # Portland
        ("97914", "America/Boise"),  # Ontario
        ("98101", "America/Los_Angeles"),  # Seattle
        ("98101-1234", "America/Los_Angeles"),
        (" 98101 ", "America/Los_Angeles"),
        ("99501", "America/Anchorage"),
        ("9810", None),
        ("981011", None),
        ("٩٨١٠١", None),
        ("00000", None),
    ],
)
def test_by_zip_code(zip_code: str, zone: str | None) -> None:
    assert postal_zone("US", zip_code) == zone


def test_every_zone_of_the_tables_exists() -> None:
    tables = (value for name, value in vars(postal_zones).items() if name.startswith("_") and name.isupper())
    rows = [row for table in tables if isinstance(table, tuple) for row in table if isinstance(row, tuple)]
    named = {zone for _, zone in rows} | {*postal_zones._CA_PROVINCES.values()} | {*postal_zones._CA_AREAS.values()}  # noqa: SLF001 - the tables are what is tested

    assert len(named) > 40
    assert named - {None} <= zone_names()


@pytest.mark.parametrize(
    ("country", "expected"),
    [("US", "US"), ("usa", "US"), (" gb ", "GB"), ("DEU", "DE"), ("UK", None), ("Canada", None), ("", None)],
)
def test_countries_by_either_code(country: str, expected: str | None) -> None:
    assert alpha_2(country) == expected
