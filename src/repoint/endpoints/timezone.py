"""The time zones that an endpoint's `Demographic.Timezone` may name.

They are those of the pinned `tzdata`, so that every machine serves the same recipients at the same instants.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_DATABASE = files("tzdata")


@cache
def zone_names() -> frozenset[str]:
    """All names of the tz database; letter case counts."""
    return frozenset(_DATABASE.joinpath("zones").read_text(encoding="utf-8").split())


def find_zone(name: str) -> ZoneInfo | None:
    """The zone of this name, or None where there is none, which is no mistake: nobody checked it when it was stored."""
    return _zone(name) if name in zone_names() else None


@cache
def _zone(name: str) -> ZoneInfo:
    with _DATABASE.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
