"""Hours in which nobody wants messages, by each recipient's own clock (campaigns.md section 4.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from repoint.endpoints.timezone import find_zone

_HOUR_MINUTES = 60
_DAY_MINUTES = 24 * _HOUR_MINUTES
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class QuietTime:
    """From one minute of the day to another, both included; over midnight when the first is the later one."""

    # Minutes since midnight; None for no quiet time.
    start: int | None
    end: int | None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "QuietTime":
        """A checked QuietTime, Start and End as HH:MM; an empty one is none."""
        return cls(_minutes(given["Start"]), _minutes(given["End"])) if given else cls(None, None)

    def holds(self, at: datetime, timezone: str | None) -> bool:
        """Whether it is quiet time at an instant for whoever's endpoint names this zone; never for one that names none.

        Asked for each recipient of a run: about a microsecond.
        """
        if self.start is None or timezone is None or (zone := find_zone(timezone)) is None:
            return False
        return self.left(_minute_of_day(zone, int(at.timestamp() // _MINUTE_S))) > 0

    def left(self, minute: int) -> int:
        """How many minutes of it are left at a minute of the day, that one included; 0 when it is not quiet time."""
        if self.start is None or self.end is None:
            return 0
        if self.start > self.end and minute >= self.start:
            return _DAY_MINUTES - minute + self.end + 1
        is_over = minute > self.end or (self.start <= self.end and minute < self.start)
        return 0 if is_over else self.end + 1 - minute


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * _HOUR_MINUTES + int(minutes)


# Room for all zones in some minutes.
@lru_cache(maxsize=4096)
def _minute_of_day(zone: ZoneInfo, minute: int) -> int:
    """What clocks of a zone show in a minute, counted since 1970 in UTC; they are whole minutes away from it."""
    shown = datetime.fromtimestamp(minute * _MINUTE_S, zone)
    return shown.hour * _HOUR_MINUTES + shown.minute
