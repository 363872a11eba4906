"""Writes the invented endpoints of examples/endpoints, the same ones every time.

    python examples/make_endpoints.py

Three files as a shop would have them: customers from its CRM (CSV), devices from its app (NDJSON), and a list of
loyalty points that only updates customers (CSV). Some rows are wrong on purpose; expected.json says which, and what an
import of all three must count. Names are common ones, addresses belong to nobody: domains of RFC 2606, phone numbers
that the numbering authorities keep free for films.
"""

import csv
import hashlib
import io
import json
import random
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "endpoints"
PEOPLE = 1300
UPDATES = 300

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class City:
    """A place, and what follows from it for those who live there."""

    name: str
    region: str
    country: str
    postal_code: str
    latitude: float
    longitude: float
    timezone: str
    locale: str


CITIES = (
    City("Seattle", "WA", "US", "98101", 47.61, -122.33, "America/Los_Angeles", "en_US"),
    City("Austin", "TX", "US", "73301", 30.27, -97.74, "America/Chicago", "en_US"),
    City("Miami", "FL", "US", "33101", 25.76, -80.19, "America/New_York", "es_US"),
    City("Toronto", "ON", "CA", "M5H 2N2", 43.65, -79.38, "America/Toronto", "en_CA"),
    City("Montréal", "QC", "CA", "H2Y 1C6", 45.5, -73.57, "America/Toronto", "fr_CA"),
    City("São Paulo", "SP", "BR", "01000-000", -23.55, -46.63, "America/Sao_Paulo", "pt_BR"),
    City("London", "ENG", "GB", "EC1A 1BB", 51.51, -0.13, "Europe/London", "en_GB"),
    City("Leeds", "ENG", "GB", "LS1 4DY", 53.8, -1.55, "Europe/London", "en_GB"),
    City("Lyon", "ARA", "FR", "69001", 45.76, 4.84, "Europe/Paris", "fr_FR"),
    City("Köln", "NW", "DE", "50667", 50.94, 6.96, "Europe/Berlin", "de_DE"),
    City("Málaga", "AN", "ES", "29001", 36.72, -4.42, "Europe/Madrid", "es_ES"),
    City("Kraków", "MA", "PL", "30-001", 50.06, 19.94, "Europe/Warsaw", "pl_PL"),
    City("İzmir", "35", "TR", "35000", 38.42, 27.14, "Europe/Istanbul", "tr_TR"),
    City("Mumbai", "MH", "IN", "400001", 19.08, 72.88, "Asia/Kolkata", "en_IN"),
    City("東京", "13", "JP", "100-0001", 35.68, 139.69, "Asia/Tokyo", "ja_JP"),
    City("上海", "SH", "CN", "200000", 31.23, 121.47, "Asia/Shanghai", "zh_CN"),
    City("Sydney", "NSW", "AU", "2000", -33.87, 151.21, "Australia/Sydney", "en_AU"),
)
FIRST_NAMES = """
Amara Ana Arjun Ayşe Björn Camille Chloé Daniel David Elif Emma Fatima Gabriel Hana Haruto Ines Isabella Jack Jakub
Joana João José Julia Kenji Lars Laura Léa Liam Lucas Lukas Mei Mia Mateo Noah Nora Olivia Oliver Priya Rafael Sakura
Sofía Thomas Wei Yuki Yusuf Zoe Zofia
"""
LAST_NAMES = """
Andersson Baker Becker Bernard Carter Chen Costa Demir Dubois Evans Fernandes Fischer García Gupta Hughes Ito Jansen
Johnson Kaya Kowalski Lee Lefèvre Martin Meyer Moreau Müller Nakamura Novak O'Brien Okafor Patel Pereira Rossi Santos
Schmidt Silva Singh Smith Sørensen Tanaka Taylor Wang Williams Wiśniewski Yamamoto Zhang
"""
INTERESTS = (
    *("Cooking", "Cycling", "Gardening", "Hiking", "Jazz"),
    *("Photography", "Running", "Tea, coffee", "Travel", "Yoga"),
)
TIERS = ("bronze", "silver", "gold", "platinum")
PLANS = ("free", "basic", "family", "premium")
DOMAINS = ("example.com", "example.org", "example.net")
APP_VERSIONS = ("4.9.2", "5.0.0", "5.0.1", "5.1.0")
# North American area codes, each with 100 numbers 555-01xx that nobody has.
AREA_CODES = ("206", "305", "312", "404", "415", "416", "512", "514", "604", "617", "646", "702")


@dataclass(frozen=True, slots=True)
class Person:
    """One customer, who becomes several endpoints."""

    number: int
    first_name: str
    last_name: str
    city: City
    plan: str
    tier: str

    @property
    def user_id(self) -> str:
        """As the shop numbers its customers."""
        return f"cust-{self.number:05d}"

    @property
    def user_attributes(self) -> dict[str, list[str]]:
        """What belongs to the person and not to one address."""
        return {"FirstName": [self.first_name], "LastName": [self.last_name], "Plan": [self.plan]}


def make_people(chance: random.Random) -> list[Person]:
    """Every person there is."""
    return [
        Person(
            number=number,
            first_name=chance.choice(FIRST_NAMES.split()),
            last_name=chance.choice(LAST_NAMES.split()),
            city=chance.choice(CITIES),
            plan=chance.choice(PLANS),
            tier=chance.choices(TIERS, weights=(8, 5, 3, 1))[0],
        )
        for number in range(1, PEOPLE + 1)
    ]


def happens(percent: int, chance: random.Random) -> bool:
    """Whether something takes place that does so in `percent` of 100 cases."""
    return chance.random() * 100 < percent


def token(*parts: object, length: int = 64) -> str:
    """A hexadecimal device token that looks random and is always the same for the same parts."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def phone(number: int) -> str:
    """The number-th phone number of nobody: North America's 555-01xx first, then ARCEP's 06 39 98 xx xx."""
    area, rest = divmod(number, 100)
    if area < len(AREA_CODES):
        return f"+1{AREA_CODES[area]}55501{rest:02d}"
    return f"+3363998{number:04d}"


def email(person: Person) -> str:
    """An address that is plain ASCII, as almost all are."""
    name = f"{person.first_name}.{person.last_name}".lower().replace("'", "").replace("ø", "o")
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return f"{ascii_only}{person.number}@{DOMAINS[person.number % len(DOMAINS)]}"


# --- customers.csv ---------------------------------------------------------------------------------------------------

CUSTOMER_HEADER = (
    "Id,ChannelType,Address,OptOut,Location.City,Location.Region,Location.Country,Location.PostalCode,Location.Latitude,"
    "Location.Longitude,Demographic.Locale,Demographic.Timezone,Attributes.Interests,Attributes.Interests,"
    "Attributes.Interests,Attributes.Tier,Metrics.Orders,Metrics.LifetimeValue,User.UserId,"
    "User.UserAttributes.FirstName,User.UserAttributes.LastName,User.UserAttributes.Plan"
)


def make_customers(people: list[Person], chance: random.Random) -> list[list[str]]:
    """One to four rows a person: e-mail for all, SMS, voice or a custom channel for some."""
    rows = []
    for person in people:
        addresses = (
            ("EMAIL", email(person), 100),
            ("SMS", phone(person.number), 45),
            ("VOICE", phone(person.number), 8),
            ("CUSTOM", f"https://chat.example.com/u/{person.user_id}", 6),
        )
        rows += [
            customer(person, channel, address, chance)
            for channel, address, percent in addresses
            if happens(percent, chance)
        ]
    return rows


def customer(person: Person, channel: str, address: str, chance: random.Random) -> list[str]:
    """One row of customers.csv."""
    interests = chance.sample(INTERESTS, chance.randint(1, 3))
    orders = chance.randint(0, 40)
    city = person.city
    return [
        f"{person.user_id}-{channel.lower()}",
        channel,
        address,
        "ALL" if happens(7, chance) else "NONE",
        city.name,
        city.region,
        city.country,
        city.postal_code,
        f"{city.latitude}",
        f"{city.longitude}",
        city.locale,
        city.timezone,
        *[*interests, "", ""][:3],
        person.tier,
        f"{orders}",
        f"{orders * chance.uniform(8, 120):.2f}",
        person.user_id,
        person.first_name,
        person.last_name,
        person.plan,
    ]


def bad_customers() -> list[tuple[str, str]]:
    """Lines that must fail, each with what is wrong with it."""

    def line(**cells: str) -> str:
        row = {"Id": "bad", "ChannelType": "EMAIL", "Address": "bad@example.com", **cells}
        return csv_line([row.get(column.replace(".", "_"), "") for column in CUSTOMER_HEADER.split(",")])

    return [
        (line(Id="bad-channel", ChannelType="FAX", Address="+12065550100"), "a channel type that does not exist"),
        (line(Id="bad-metric", Metrics_Orders="many"), "a metric that is no number"),
        (line(Id="bad-latitude", Location_Latitude="123.4"), "a latitude beyond the pole"),
        (line(Id="bad-columns") + ",one,two", "more cells than columns"),
        (line(Id="bad-quote") + '"', "a quote that is left open"),
        (line(Id="bad-tab", Location_City="New\tYork"), "a tab"),
        (line(Id="bad-address", Address=""), "a new endpoint without an address"),
        (line(Id="bad-id$"), "a character that no endpoint id may have"),
        (line(Id="bad-length", Attributes_Tier="x" * 101), "a value of more than 100 characters"),
    ]


# --- devices.ndjson --------------------------------------------------------------------------------------------------

# Channel, platform, make and models; how many of 100 devices have it.
DEVICES: tuple[tuple[str, str, str, tuple[str, ...], int], ...] = (
    ("GCM", "Android", "Google", ("Pixel 8", "Pixel 9", "Pixel 9 Pro"), 24),
    ("GCM", "Android", "Samsung", ("SM-S921B", "SM-A556B"), 24),
    ("APNS", "iOS", "Apple", ("iPhone15,4", "iPhone16,1", "iPhone17,3"), 26),
    ("APNS_SANDBOX", "iOS", "Apple", ("iPhone17,1",), 2),
    ("APNS_VOIP", "iOS", "Apple", ("iPhone16,2",), 4),
    ("APNS_VOIP_SANDBOX", "iOS", "Apple", ("iPhone17,1",), 1),
    ("ADM", "FireOS", "Amazon", ("KFTRWI", "KFRAWI"), 5),
    ("BAIDU", "Android", "Xiaomi", ("23127PN0CC", "2311DRK48C"), 5),
    ("PUSH", "KaiOS", "Nokia", ("TA-1400",), 2),
    ("IN_APP", "Web", "Mozilla", ("Firefox", "Chromium"), 7),
)
SHARES = [share for *_, share in DEVICES]


def make_devices(people: list[Person], chance: random.Random) -> list[Row]:
    """None to three devices a person, some left behind by nobody in particular."""
    rows = [
        device(person, nth, chance)
        for person in people
        for nth in range(chance.choices((0, 1, 2, 3), weights=(15, 45, 28, 12))[0])
    ]
    for guest in range(60):
        stranger = Person(PEOPLE + 1 + guest, "", "", chance.choice(CITIES), "", "")
        row = device(stranger, 0, chance)
        del row["User"]
        rows.append(row)
    return rows


def device(person: Person, nth: int, chance: random.Random) -> Row:
    """One line of devices.ndjson."""
    channel, platform, make, models, _ = chance.choices(DEVICES, weights=SHARES)[0]
    city = person.city
    digest = token("device", person.number, nth, length=32)
    return {
        "Id": f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}",
        "ChannelType": channel,
        "Address": token(channel, person.number, nth),
        "OptOut": "ALL" if happens(10, chance) else "NONE",
        "Demographic": {
            "AppVersion": chance.choice(APP_VERSIONS),
            "Locale": city.locale,
            "Make": make,
            "Model": chance.choice(models),
            "Platform": platform,
            "Timezone": city.timezone,
        },
        "Location": {
            "City": city.name,
            "Country": city.country,
            "Latitude": city.latitude,
            "Longitude": city.longitude,
        },
        "Attributes": {
            "Interests": chance.sample(INTERESTS, chance.randint(1, 3)),
            "Theme": [chance.choice(("dark", "light"))],
        },
        "Metrics": {"Sessions": chance.randint(1, 400), "MinutesPerWeek": round(chance.uniform(0.5, 240), 1)},
        "User": {"UserId": person.user_id, "UserAttributes": person.user_attributes},
    }


def bad_devices() -> list[tuple[str, str]]:
    """Lines that must fail, each with what is wrong with it."""
    good = {"ChannelType": "GCM", "Address": token("bad")}
    seen = [f"{number}" for number in range(51)]
    # About 20 KB, each value within its own limits.
    big = {name: [f"{name} {n:02d}".ljust(100, ".") for n in range(50)] for name in ("Plan", "Tier", "Shop", "Team")}
    wrong: list[tuple[Row | list[str], str]] = [
        (["bad-array"], "an array where an object must be"),
        ({"Id": "bad-channel", "ChannelType": "PAGER", "Address": "7"}, "a channel type that does not exist"),
        ({"Id": "bad-new", "Attributes": {"Theme": ["dark"]}}, "a new endpoint without an address"),
        ({"Id": "bad-optout", **good, "OptOut": "MAYBE"}, "an OptOut that is neither ALL nor NONE"),
        ({"Id": "bad-metric", **good, "Metrics": {"Sessions": "plenty"}}, "a metric that is no number"),
        ({"Id": "bad-values", **good, "Attributes": {"Seen": seen}}, "an attribute with 51 values"),
        ({"Id": "bad-name", **good, "Attributes": {"N" * 51: ["1"]}}, "an attribute name of 51 characters"),
        ({"Id": "bad-size", **good, "User": {"UserId": "big", "UserAttributes": big}}, "an endpoint of over 15 KB"),
    ]
    cut_short = ('{"Id": "bad-json", "ChannelType": "GCM", "Address": ', "JSON that is cut short")
    return [cut_short, *((json_line(row), why) for row, why in wrong)]


# --- points.csv ------------------------------------------------------------------------------------------------------


def make_points(people: list[Person], chance: random.Random) -> list[list[str]]:
    """Loyalty points and a new tier for some who are there already: Id, Attributes.Tier, Metrics.LoyaltyPoints."""
    chosen = chance.sample(people, UPDATES)
    return [
        [f"{person.user_id}-email", "platinum", f"{chance.randint(5, 900) * 10}"]
        for person in sorted(chosen, key=lambda person: person.number)
    ]


# --- writing ---------------------------------------------------------------------------------------------------------


def csv_line(cells: list[str]) -> str:
    """One CSV line without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def json_line(row: Row | list[str]) -> str:
    """One NDJSON line without its end."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def mix(header: str, good: list[str], bad: list[tuple[str, str]], chance: random.Random) -> tuple[str, Row]:
    """The file's text with the bad lines strewn in, and what is wrong at which line (the file's first is 1)."""
    lines: list[tuple[str, str]] = [(line, "") for line in good]
    for wrong in bad:
        lines.insert(chance.randrange(len(lines)), wrong)
    if header:
        lines.insert(0, (header, ""))
    bad_lines = {str(number): why for number, (_, why) in enumerate(lines, 1) if why}
    return "".join(f"{line}\n" for line, _ in lines), {"rows": len(good) + len(bad), "bad_lines": bad_lines}


def main() -> None:
    """Write the three files and what is to be expected of them."""
    chance = random.Random(20261030)  # noqa: S311 - the same endpoints every time is the point
    people = make_people(chance)
    customers = [csv_line(row) for row in make_customers(people, chance)]
    devices = [json_line(row) for row in make_devices(people, chance)]
    points = [csv_line(row) for row in make_points(people, chance)]
    unknown = [("cust-99999-email,gold,10", "an update of an endpoint that does not exist")]
    files = {
        "customers.csv": (CUSTOMER_HEADER, customers, bad_customers()),
        "devices.ndjson": ("", devices, bad_devices()),
        "points.csv": ("Id,Attributes.Tier,Metrics.LoyaltyPoints", points, unknown),
    }
    expected: dict[str, Any] = {"endpoints": len(customers) + len(devices), "files": {}}
    FOLDER.mkdir(exist_ok=True)
    for name, (header, good, bad) in files.items():
        text, expected["files"][name] = mix(header, good, bad, chance)
        (FOLDER / name).write_text(text, encoding="utf-8", newline="")
    text = json.dumps(expected, indent=2, ensure_ascii=False) + "\n"
    (FOLDER / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
