"""Invented endpoints for the benchmarks: about 480 bytes a line, the same at each run."""

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

SEED = 20_161_201
CHANNELS = ("EMAIL", "SMS", "GCM", "APNS", "CUSTOM")
CITIES = (("Oslo", "NO", 59.9, 10.8), ("Lyon", "FR", 45.8, 4.8), ("Austin", "US", 30.3, -97.7), ("Pune", "IN", 18.5, 73.9))
HEADER = (
    "Id", "ChannelType", "Address", "OptOut", "Attributes.Interests", "Attributes.Interests", "Attributes.Plan",
    "Attributes.Source", "Metrics.Visits", "Metrics.Spent", "Demographic.Platform", "Demographic.PlatformVersion",
    "Demographic.AppVersion", "Demographic.Locale", "Demographic.Make", "Demographic.Timezone", "Location.City",
    "Location.Country", "Location.Latitude", "Location.Longitude", "User.UserId", "User.UserAttributes.FirstName",
    "User.UserAttributes.Tier",
)  # fmt: skip


def endpoints(count: int) -> Iterator[dict[str, object]]:
    """`count` endpoints; five in six users have one endpoint, the others two."""
    choose = random.Random(SEED)  # noqa: S311 - invented data
    for number in range(count):
        city, country, latitude, longitude = choose.choice(CITIES)
        user = number - number % 6 if number % 6 == 1 else number
        yield {
            "Id": f"{choose.getrandbits(128):032x}",
            "ChannelType": CHANNELS[number % 5],
            "Address": f"someone.{number}.{choose.getrandbits(32):08x}@example.com",
            "OptOut": "NONE",
            "Attributes": {
                "Interests": [choose.choice(("music", "travel", "food")), choose.choice(("sports", "art"))],
                "Plan": [choose.choice(("free", "gold"))],
                "Source": ["import"],
            },
            "Metrics": {"Visits": float(choose.randrange(100)), "Spent": choose.randrange(10_000) / 100},
            "Demographic": {
                "Platform": "iOS", "PlatformVersion": "17.4", "AppVersion": "3.2.1", "Locale": "en_US", "Make": "Apple",
                "Timezone": "Europe/Oslo",
            },
            "Location": {"City": city, "Country": country, "Latitude": latitude, "Longitude": longitude},
            "User": {"UserId": f"user-{user}", "UserAttributes": {"FirstName": ["Ada"], "Tier": ["one"]}},
        }  # fmt: skip


def write_ndjson(path: Path, count: int) -> None:
    """The endpoints as an import of format JSON."""
    with path.open("w", encoding="utf-8") as file:
        for endpoint in endpoints(count):
            file.write(json.dumps(endpoint, separators=(",", ":")) + "\n")


def write_csv(path: Path, count: int) -> None:
    """The same endpoints as an import of format CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEADER)
        for endpoint in endpoints(count):
            rows.writerow([_cell(endpoint, name, HEADER[:at].count(name)) for at, name in enumerate(HEADER)])


def _cell(endpoint: dict[str, object], name: str, position: int) -> object:
    value: object = endpoint
    for part in name.split("."):
        value = value[part]  # type: ignore[index] - the header names what is there
    return value[position] if isinstance(value, list) else value
