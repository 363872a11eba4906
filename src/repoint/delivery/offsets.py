"""What `Schedule.Timezone` of campaigns and journeys may be: an offset from UTC (campaigns.md section 4)."""

from collections.abc import Mapping
from datetime import timedelta


def _offset(name: str) -> timedelta:
    """What stands behind UTC: `-02`, `+05:45`; nothing for UTC itself."""
    hours, _, minutes = name.removeprefix("UTC").partition(":")
    amount = timedelta(hours=abs(int(hours or 0)), minutes=int(minutes or 0))
    return -amount if hours.startswith("-") else amount


def _offsets(names: str) -> Mapping[str, timedelta]:
    return {name: _offset(name) for name in names.split()}


_OF_CAMPAIGNS = (
    "UTC UTC+01 UTC+02 UTC+03 UTC+03:30 UTC+04 UTC+04:30 UTC+05 UTC+05:30 UTC+05:45 UTC+06 UTC+06:30 UTC+07 UTC+08 "
    "UTC+09 UTC+09:30 UTC+10 UTC+10:30 UTC+11 UTC+12 UTC+13 "
    "UTC-02 UTC-03 UTC-04 UTC-05 UTC-06 UTC-07 UTC-08 UTC-09 UTC-10 UTC-11"
)
# By names in capitals.
CAMPAIGN_OFFSETS = _offsets(_OF_CAMPAIGNS)
# journeys.md section 4.
JOURNEY_OFFSETS = _offsets(f"{_OF_CAMPAIGNS} UTC+08:45 UTC+12:45 UTC+13:45 UTC-02:30 UTC-03:30 UTC-09:30")
