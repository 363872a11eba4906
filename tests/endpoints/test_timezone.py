from datetime import datetime

import pytest

from repoint.endpoints.timezone import find_zone, zone_names


def test_all_names_of_the_database_are_zones() -> None:
    zones = [find_zone(name) for name in sorted(zone_names())]

    assert len(zones) > 500
    assert None not in zones


def test_a_zone_knows_its_name_and_its_offset() -> None:
    zone = find_zone("America/Argentina/Buenos_Aires")

    assert zone is not None
    assert zone.key == "America/Argentina/Buenos_Aires"
    assert datetime(2025, 1, 15, 12, tzinfo=zone).isoformat() == "2025-01-15T12:00:00-03:00"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "america/lima",
        "America",
        "America/",
        "Americas/Los_Angeles",
        "/etc/passwd",
        "../zones",
        "localtime",
        "UTC\0",
    ],
)
def test_what_is_no_name_is_no_zone(name: str) -> None:
    assert find_zone(name) is None
