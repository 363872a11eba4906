"""ISO 8601 durations, as journeys have them: `PT1H`, `P1DT12H`, `P2W`."""

import re
from datetime import timedelta

# No unit gives more than some 300 years, so what is reckoned with it stays in the calendar.
_FORM = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W|(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)S)?)?)",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta | None:
    """How long it is; None for what is no duration, and for years and months, which are not always as long."""
    match = _FORM.fullmatch(text)
    parts = {} if match is None else {unit: float(given) for unit, given in match.groupdict().items() if given}
    return timedelta(**parts) if parts else None
