"""Time zones of postal codes in the countries that POSTAL_CODE knows (journeys.md section 7).

The tables tell what clocks show to most people of a postal area; where a border of zones runs through it, those on the
far side are an hour off. Sources: the areas that the countries' post offices publish, and the zones of the tz database.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
_INDIANA, _DETROIT, _BOISE, _PHOENIX = (
    "America/Indiana/Indianapolis",
    "America/Detroit",
    "America/Boise",
    "America/Phoenix",
)
_NOWHERE = None

# By the first of the areas that lie in a zone, up to the next row: the first three digits of a ZIP code.
_US: Sequence[tuple[int, str | None]] = (
    (0, _NOWHERE),
    (5, _EASTERN),
    (6, "America/Puerto_Rico"),
    (8, "America/St_Thomas"),
    (9, "America/Puerto_Rico"),
    (10, _EASTERN),
    # The armed forces, wherever they are.
    (90, _NOWHERE),
    (100, _EASTERN),
    # Western Florida: Panama City, Pensacola.
    (324, _CENTRAL),
    (326, _EASTERN),
    (340, _NOWHERE),
    (341, _EASTERN),
    (350, _CENTRAL),
    # Eastern Tennessee: Chattanooga; then Johnson City and Knoxville.
    (373, _EASTERN),
    (375, _CENTRAL),
    (376, _EASTERN),
    (380, _CENTRAL),
    (398, _EASTERN),
    # Western Kentucky: Paducah, Bowling Green, Owensboro, Henderson.
    (420, _CENTRAL),
    (425, _EASTERN),
    (460, _INDIANA),
    # Gary.
    (463, _CENTRAL),
    (465, _INDIANA),
    # Evansville.
    (476, _CENTRAL),
    (478, _INDIANA),
    (480, _DETROIT),
    (500, _CENTRAL),
    # Offices of the government in Washington.
    (569, _EASTERN),
    (570, _CENTRAL),
    # Rapid City.
    (577, _MOUNTAIN),
    (580, _CENTRAL),
    # Dickinson.
    (586, _MOUNTAIN),
    (587, _CENTRAL),
    (590, _MOUNTAIN),
    (600, _CENTRAL),
    # Western Nebraska: Alliance.
    (693, _MOUNTAIN),
    (700, _CENTRAL),
    # El Paso.
    (798, _MOUNTAIN),
    (832, _BOISE),
    # Northern Idaho: Lewiston; then Coeur d'Alene.
    (835, _PACIFIC),
    (836, _BOISE),
    (838, _PACIFIC),
    (840, _MOUNTAIN),
    (850, _PHOENIX),
    # The Navajo Nation, which sets its clocks.
    (865, _MOUNTAIN),
    (889, _PACIFIC),
    (962, _NOWHERE),
    (967, "Pacific/Honolulu"),
    (969, "Pacific/Guam"),
    (970, _PACIFIC),
    # Eastern Oregon: Ontario.
    (979, _BOISE),
    (980, _PACIFIC),
    (995, "America/Anchorage"),
)
_US_ALONE = {"96799": "Pacific/Pago_Pago"}

# Likewise, all four digits.
_AU: Sequence[tuple[int, str | None]] = (
    (0, _NOWHERE),
    (200, "Australia/Sydney"),
    (300, _NOWHERE),
    (800, "Australia/Darwin"),
    (1000, "Australia/Sydney"),
    (2880, "Australia/Broken_Hill"),
    (2881, "Australia/Sydney"),
    (2898, "Australia/Lord_Howe"),
    (2899, "Pacific/Norfolk"),
    (2900, "Australia/Sydney"),
    (3000, "Australia/Melbourne"),
    (4000, "Australia/Brisbane"),
    (5000, "Australia/Adelaide"),
    (6000, "Australia/Perth"),
    (6798, "Indian/Christmas"),
    (6799, "Indian/Cocos"),
    (6800, "Australia/Perth"),
    (7000, "Australia/Hobart"),
    (8000, "Australia/Melbourne"),
    (9000, "Australia/Brisbane"),
)
_NZ: Sequence[tuple[int, str | None]] = (
    (0, "Pacific/Auckland"),
    (8016, "Pacific/Chatham"),
    (8017, "Pacific/Auckland"),
)
# The first two digits: the Canary Islands have two provinces, and Ceuta and Melilla theirs.
_ES: Sequence[tuple[int, str | None]] = (
    (0, _NOWHERE),
    (1, "Europe/Madrid"),
    (35, "Atlantic/Canary"),
    (36, "Europe/Madrid"),
    (38, "Atlantic/Canary"),
    (39, "Europe/Madrid"),
    (51, "Africa/Ceuta"),
    (53, _NOWHERE),
)
# The first three: departments and territories overseas begin with 97 and 98.
_FR: Sequence[tuple[int, str | None]] = (
    (0, "Europe/Paris"),
    (970, _NOWHERE),
    (971, "America/Guadeloupe"),
    (972, "America/Martinique"),
    (973, "America/Cayenne"),
    (974, "Indian/Reunion"),
    (975, "America/Miquelon"),
    (976, "Indian/Mayotte"),
    (977, "America/St_Barthelemy"),
    (978, "America/Marigot"),
    (979, _NOWHERE),
    (980, "Europe/Monaco"),
    (981, _NOWHERE),
    (986, "Pacific/Wallis"),
    (987, "Pacific/Tahiti"),
    (988, "Pacific/Noumea"),
    (989, _NOWHERE),
)

_CA_PROVINCES = {
    "A": "America/St_Johns",
    "B": "America/Halifax",
    "C": "America/Halifax",
    "E": "America/Moncton",
    **dict.fromkeys("GHJKLMNP", "America/Toronto"),
    "R": "America/Winnipeg",
    "S": "America/Regina",
    "T": "America/Edmonton",
    "V": "America/Vancouver",
    "X": "America/Edmonton",
    "Y": "America/Whitehorse",
}
# Areas that have not their province's clocks.
_CA_AREAS = {
    # Labrador.
    **dict.fromkeys(("A0P", "A0R", "A2V"), "America/Goose_Bay"),
    # The Magdalen Islands.
    "G4T": "America/Halifax",
    # North-western Ontario: Dryden, Sioux Lookout, Fort Frances, Kenora and around.
    **dict.fromkeys(("P8N", "P8T", "P9A", "P9N", "P0V", "P0W", "P0X", "P0Y"), "America/Winnipeg"),
    # Lloydminster.
    "S9V": "America/Edmonton",
    # Kimberley and Cranbrook; Dawson Creek and Fort St. John.
    **dict.fromkeys(("V1A", "V1C"), "America/Edmonton"),
    **dict.fromkeys(("V1G", "V1J"), "America/Dawson_Creek"),
    # Nunavut, from the east.
    "X0A": "America/Iqaluit",
    "X0C": "America/Rankin_Inlet",
    "X0B": "America/Cambridge_Bay",
}

_ZIP = re.compile(r"(\d{5})(?:-?\d{4})?", re.ASCII)
_CA_FORM = re.compile(r"([A-Z]\d[A-Z])(?:\d[A-Z]\d)?", re.ASCII)


def postal_zone(country: str, postal_code: str) -> str | None:
    """The zone of a postal code, the country being alpha-2; None for countries that are not known here."""
    read = _COUNTRIES.get(country)
    code = "".join(postal_code.split()).upper()
    return read(code) if read is not None and code else None


def _us(code: str) -> str | None:
    match = _ZIP.fullmatch(code)
    return _US_ALONE.get(match[1]) or _row(_US, int(match[1][:3])) if match else None


def _ca(code: str) -> str | None:
    match = _CA_FORM.fullmatch(code)
    return _CA_AREAS.get(match[1]) or _CA_PROVINCES.get(match[1][0]) if match else None


def _of_table(table: Sequence[tuple[int, str | None]], digits: int, of_code: int) -> Callable[[str], str | None]:
    """By so many of the first digits of a code that has so many."""

    def read(code: str) -> str | None:
        is_one = len(code) == digits and code.isascii() and code.isdigit()
        return _row(table, int(code[:of_code])) if is_one else None

    return read


def _row(table: Sequence[tuple[int, str | None]], area: int) -> str | None:
    return table[bisect_right(table, area, key=lambda row: row[0]) - 1][1]


_COUNTRIES: dict[str, Callable[[str], str | None]] = {
    "US": _us,
    "CA": _ca,
    "AU": _of_table(_AU, 4, 4),
    "NZ": _of_table(_NZ, 4, 4),
    "ES": _of_table(_ES, 5, 2),
    "FR": _of_table(_FR, 5, 3),
    # All of the country has one time.
    "GB": lambda _code: "Europe/London",
    "IT": lambda _code: "Europe/Rome",
    "DE": lambda _code: "Europe/Berlin",
}
