"""Invented endpoints for the benchmarks, the same at each run: about 480 bytes a line in either format.

A line of CSV repeats no names, so the endpoints of a CSV file say more: theirs have some long attributes besides.
"""

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SEED = 20_161_201
CHANNELS = ("EMAIL", "SMS", "GCM", "APNS", "CUSTOM")
CITIES = (
    ("Oslo", "NO", 59.9, 10.8),
    ("Lyon", "FR", 45.8, 4.8),
    ("Austin", "US", 30.3, -97.7),
    ("Pune", "IN", 18.5, 73.9),
)
# Attributes that only the endpoints of CSV files have.
MORE = ("LastOrder", "NextOffer", "Referrer", "Remark")
HEADER = (
    "Id", "ChannelType", "Address", "OptOut", "Attributes.Interests", "Attributes.Interests", "Attributes.Plan",
    "Metrics.Visits", "Metrics.Spent", "Demographic.Platform", "Demographic.PlatformVersion", "Demographic.AppVersion",
    "Demographic.Locale", "Demographic.Make", "Location.City", "Location.Country", "Location.Latitude",
    "Location.Longitude", "User.UserId", "User.UserAttributes.FirstName",
    *(f"Attributes.{name}" for name in MORE),
)  # fmt: skip

Endpoint = dict[str, Any]

# Where the value of each column lies in an endpoint, and which one of a list it is.
_COLUMNS = [(name.split("."), HEADER[:at].count(name)) for at, name in enumerate(HEADER)]


def endpoints(count: int) -> Iterator[Endpoint]:
    """`count` endpoints; four in five users have one endpoint, the fifth has two."""
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
            },
            "Metrics": {"Visits": float(choose.randrange(100)), "Spent": choose.randrange(10_000) / 100},
            "Demographic": {
                "Platform": "iOS", "PlatformVersion": "17.4", "AppVersion": "3.2.1", "Locale": "en_US", "Make": "Apple",
            },
            "Location": {"City": city, "Country": country, "Latitude": latitude, "Longitude": longitude},
            "User": {"UserId": f"user-{user}", "UserAttributes": {"FirstName": ["Ada"]}},
        }  # fmt: skip


def write_ndjson(path: Path, count: int) -> None:
    """The endpoints as an import of format JSON."""
    with path.open("w", encoding="utf-8") as file:
        for endpoint in endpoints(count):
            file.write(json.dumps(endpoint, separators=(",", ":")) + "\n")


def write_csv(path: Path, count: int) -> None:
    """The endpoints, with more attributes, as an import of format CSV."""
    choose = random.Random(SEED)  # noqa: S311 - invented data
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEADER)
        for endpoint in endpoints(count):
            endpoint["Attributes"] |= _more(choose)
            rows.writerow([_cell(endpoint, parts, position) for parts, position in _COLUMNS])


def _more(choose: random.Random) -> Endpoint:
    number = choose.randrange(10_000)
    item = choose.choice(("Walking boots with laces", "Garden chair made of teak", "Espresso cups, a set of six"))
    values = (
        f"{item} on 2026-{1 + number % 12:02}-{1 + number % 28:02} at 10:15 from the shop in town",
        f"Twelve per cent off all orders above {number} until the end of the season",
        f"https://www.example.com/autumn/landing/{choose.getrandbits(96):024x}?campaign=autumn&source=mail",
        f"Customer {number} asked for the catalogue on paper to be sent in autumn and in spring",
    )
    return {name: [value] for name, value in zip(MORE, values, strict=True)}


def _cell(endpoint: Endpoint, parts: list[str], position: int) -> object:
    value: Any = endpoint
    for part in parts:
        value = value[part]
    return value[position] if isinstance(value, list) else value
