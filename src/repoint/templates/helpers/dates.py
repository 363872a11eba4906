"""Helpers that print dates (templates.md section 7.5)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from repoint.endpoints.timezone import find_zone
from repoint.templates.date_pattern import Moment, PatternError, parse_date, print_date
from repoint.templates.errors import RenderError
from repoint.templates.helper import helper, shown, single
from repoint.templates.values import Value, Values, text_of

_NAMED = {
    "full": "EEEE, MMMM d, yyyy",
    "long": "MMMM d, yyyy",
    "medium": "MMM d, yyyy",
    "short": "M/d/yy",
}
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?", re.ASCII
)
_EPOCH_MS = re.compile(r"-?[0-9]{1,15}(?:\.0)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@helper("dateFormat", skips="empty")
def date_format(
    date: Value,
    *,
    values: Values,
    inputFormat: str | None = None,  # noqa: N803 - its name
    outputFormat: str | None = None,  # noqa: N803 - its name
    tz: str = "UTC",
) -> str:
    """A date in another form, and in the time of a zone when it has a time."""
    text = text_of(single(date)) or ""
    try:
        found = _parsed(text, inputFormat, values.now)
    except PatternError as error:
        raise RenderError(f"dateFormat: {error}") from None
    if found is None:
        raise RenderError(f"dateFormat: {shown(text)} is not a date")
    zone = _zone("dateFormat", tz)
    try:
        if found.zone and found.has_time:
            moment = found.local.replace(tzinfo=found.zone).astimezone(zone)
        else:
            moment = found.local.replace(tzinfo=zone)
    except (OverflowError, ValueError):
        raise RenderError(f"dateFormat: {shown(text)} is outside of the calendar") from None
    return _printed("dateFormat", moment, outputFormat or "medium")


@helper("now", skips="never")
def now(pattern: str = "medium", *, values: Values, tz: str = "UTC") -> str:
    """The time of the rendering."""
    return _printed("now", values.now.astimezone(_zone("now", tz)), pattern or "medium")


def _parsed(text: str, form: str | None, now: datetime) -> Moment | None:
    """Reads by the form that is named; without one ISO 8601, milliseconds since 1970, and `medium` are tried."""
    if form:
        return parse_date(text, _NAMED.get(form, form), now)
    for read in _READERS:
        if found := read(text):
            return found
    return parse_date(text, _NAMED["medium"], now)


def _iso_date(text: str) -> Moment | None:
    return Moment(datetime.fromisoformat(text), has_time=False, zone=None) if _ISO_DATE.fullmatch(text) else None


def _iso(text: str) -> Moment | None:
    if _ISO.fullmatch(text) is None:
        return None
    found = datetime.fromisoformat(text)
    return Moment(found.replace(tzinfo=None), has_time=True, zone=found.tzinfo)


def _epoch_ms(text: str) -> Moment | None:
    if _EPOCH_MS.fullmatch(text) is None:
        return None
    found = _EPOCH + timedelta(milliseconds=int(text.removesuffix(".0")))
    return Moment(found.replace(tzinfo=None), has_time=True, zone=UTC)


def _or_none(read: Callable[[str], Moment | None]) -> Callable[[str], Moment | None]:
    def tried(text: str) -> Moment | None:
        try:
            return read(text)
        except (ValueError, OverflowError):  # the 31st of June; beyond the calendar
            return None

    return tried


_READERS = [_or_none(read) for read in (_iso_date, _iso, _epoch_ms)]


def _printed(name: str, moment: datetime, form: str) -> str:
    try:
        return print_date(moment, _NAMED.get(form, form))
    except PatternError as error:
        raise RenderError(f"{name}: {error}") from None


def _zone(name: str, tz: str) -> ZoneInfo:
    zone = find_zone(tz)
    if zone is None:
        raise RenderError(f"{name}: unknown time zone {shown(tz)}")
    return zone
