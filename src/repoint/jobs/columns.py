"""The CSV side of the file formats: a header becomes Columns, which make items out of lines (jobs.md section 6)."""

import csv
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from repoint.endpoints.item import (
    DEMOGRAPHIC,
    LOCATION,
    MAX_DEGREES,
    MAX_NAME_CHARACTERS,
    MAX_VALUE_CHARACTERS,
    MAX_VALUES,
    REMEMBERED,
    DemographicFields,
    Item,
    LocationFields,
    UserFields,
)

USER_ID = "User.UserId"

_PLAIN = frozenset({"Id", "Address", "ChannelType", "OptOut", "RequestId"})
# They stand in files that Pinpoint wrote; the server alone sets what they say, all but a status that is to be kept.
_IGNORED = frozenset(
    {"EndpointStatus", "EffectiveDate", "ApplicationId", "CohortId", "CreationDate", "User.UserStatus"}
)
# What a number is written with.
_NUMERALS = "0123456789+-.eE"
_FIELDS = {"Demographic": DEMOGRAPHIC, "Location": LOCATION}

_MAX_SHOWN_CHARACTERS = 100

# A field can be as long as a line may be.
csv.field_size_limit(1 << 30)


class RowError(ValueError):
    """A row that cannot be imported; the message is what the job reports, without a value of the row."""


class HeaderError(ValueError):
    """A header that no row can be read by; the message is what the caller or the job is told."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each member of an endpoint stands among the cells of a row, and names with the cells they have.

    A member that has no column stands in the empty cell which `item` puts behind the last one.
    """

    count: int
    id: int
    address: int
    channel_type: int
    opt_out: int
    request_id: int
    user_id: int
    # `Attributes` and `User.UserAttributes`: names that have one column, and names that have several.
    attributes: tuple[tuple[int, str], ...]
    repeated_attributes: tuple[tuple[int, str], ...]
    user_attributes: tuple[tuple[int, str], ...]
    repeated_user_attributes: tuple[tuple[int, str], ...]
    metrics: tuple[tuple[int, str], ...]
    # The cells of DEMOGRAPHIC, and of LOCATION.
    demographic: Callable[[list[str]], tuple[str, ...]]
    location: Callable[[list[str]], tuple[str, ...]]
    # Latitude and Longitude in the order of their columns, which is the one in which faults are told.
    position: tuple[str, ...]
    status: int | None
    # The header is `User.UserId` alone: a cell may then hold several ids, separated by spaces.
    is_user_list: bool
    # The cells that are values of attributes, besides empty ones.
    values: Callable[[list[str]], tuple[str, ...]]
    # No name is too long and none has more columns than it may have values.
    has_fit_names: bool

    def item(self, cells: list[str]) -> Item:
        """The row as an EndpointBatchItem; an empty cell is not mentioned.

        Raises RowError for too many cells and for what should be a number and is not.
        """
        if len(cells) > self.count:
            raise RowError("Too many columns")
        cells += [""] * (self.count + 1 - len(cells))
        return Item(
            Id=cells[self.id] or None,
            Address=cells[self.address] or None,
            ChannelType=cells[self.channel_type].strip() or None,
            OptOut=cells[self.opt_out].strip() or None,
            RequestId=cells[self.request_id] or None,
            Attributes=_lists(cells, self.attributes, self.repeated_attributes) or None,
            Metrics={name: _number("Metrics", name, cells[i]) for i, name in self.metrics if cells[i]} or None,
            Demographic=_demographic(self.demographic(cells)),
            Location=_location(self.location(cells), self.position),
            User=self._user(cells),
        )

    def _user(self, cells: list[str]) -> UserFields | None:
        user_id = cells[self.user_id] or None
        attributes = _lists(cells, self.user_attributes, self.repeated_user_attributes) or None
        return UserFields(user_id, attributes) if user_id or attributes else None

    def unchecked(self, cells: list[str], item: Item) -> dict[str, Any]:
        """Members of the item made of the cells that may be beyond the limits, in the order of `item`.

        Most rows have none: to look for the longest value takes 4 µs, to check one after the other took 10.
        """
        are_short = max(map(len, self.values(cells))) <= MAX_VALUE_CHARACTERS
        if self.has_fit_names and are_short and _is_on_earth(item.Location):
            return {}
        location = {name: getattr(item.Location, name, None) for name in self.position}
        return {
            "Attributes": item.Attributes or {},
            "Metrics": item.Metrics or {},
            "Location": {name: degrees for name, degrees in location.items() if degrees is not None},
            "User": {"UserAttributes": (item.User and item.User.UserAttributes) or {}},
        }


def split_cells(line: str) -> list[str]:
    """The cells of one line without its end; RowError when a quote is left open or stands where none may."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader((line,), strict=True))
    except csv.Error as error:
        raise RowError("Quote left open" if "unexpected end" in str(error) else "Misplaced quote") from error


@lru_cache(maxsize=8)
def read_header(line: str) -> Columns:
    """The columns that the first line of a file names, its end and byte order mark taken off.

    Raises HeaderError for an unknown or repeated column, a tab, and when no row could be an endpoint or a user.
    """
    if "\0" in line:
        raise HeaderError("Invalid header: NUL character")
    try:
        # A tab is no white space here but a mistake to be told.
        names = [name if "\t" in name else name.strip() for name in split_cells(line)]
    except RowError as error:
        raise HeaderError(f"Invalid header: {error}") from error
    for name in names:
        if not _is_known(name):
            raise HeaderError(f"Invalid header: {name[:_MAX_SHOWN_CHARACTERS]}")
    times = Counter(names)
    for name, count in times.items():
        if count > 1 and not name.startswith(("Attributes.", "User.UserAttributes.")):
            raise HeaderError(f"Invalid header: {name}")
    if not ("Id" in times or USER_ID in times or ("Address" in times and "ChannelType" in times)):
        raise HeaderError("Missing ChannelType or Address")
    return _columns(names, times)


def _is_known(column: str) -> bool:
    if column in _PLAIN or column in _IGNORED or column == USER_ID:
        return True
    if "\t" in column:
        return False
    group, _, name = column.partition(".")
    if group in ("Attributes", "Metrics"):
        return bool(name)
    if group == "User":
        return name.startswith("UserAttributes.") and name != "UserAttributes."
    return name in _FIELDS.get(group, ())


def _columns(names: list[str], times: Counter[str]) -> Columns:
    def below(prefix: str, *, repeated: bool = False) -> tuple[tuple[int, str], ...]:
        return tuple(
            (i, name.removeprefix(prefix))
            for i, name in enumerate(names)
            if name.startswith(prefix) and (times[name] > 1) == repeated
        )

    def place(name: str) -> int:
        return names.index(name) if name in names else len(names)

    def pick(group: str, fields: tuple[str, ...]) -> Callable[[list[str]], tuple[str, ...]]:
        return itemgetter(*[place(f"{group}.{field}") for field in fields])

    attributes, user_attributes, metrics = below("Attributes."), below("User.UserAttributes."), below("Metrics.")
    repeated, repeated_of_user = below("Attributes.", repeated=True), below("User.UserAttributes.", repeated=True)
    valued = attributes + repeated + user_attributes + repeated_of_user
    return Columns(
        count=len(names),
        id=place("Id"),
        address=place("Address"),
        channel_type=place("ChannelType"),
        opt_out=place("OptOut"),
        request_id=place("RequestId"),
        user_id=place(USER_ID),
        attributes=attributes,
        repeated_attributes=repeated,
        user_attributes=user_attributes,
        repeated_user_attributes=repeated_of_user,
        metrics=metrics,
        demographic=pick("Demographic", DEMOGRAPHIC),
        location=pick("Location", LOCATION),
        position=tuple(name for _, name in below("Location.") if name in MAX_DEGREES),
        status=names.index("EndpointStatus") if "EndpointStatus" in names else None,
        is_user_list=names == [USER_ID],
        # Of a single cell it would pick no tuple.
        values=itemgetter(len(names), len(names), *[i for i, _ in valued]),
        has_fit_names=max(times.values()) <= MAX_VALUES
        and all(len(name) <= MAX_NAME_CHARACTERS for _, name in valued + metrics),
    )


def _lists(
    cells: list[str], single: tuple[tuple[int, str], ...], repeated: tuple[tuple[int, str], ...]
) -> dict[str, list[str]]:
    lists = {name: [cells[i]] for i, name in single if cells[i]}
    for i, name in repeated:
        if cells[i]:
            lists.setdefault(name, []).append(cells[i])
    return lists


@lru_cache(REMEMBERED)
def _demographic(texts: tuple[str, ...]) -> DemographicFields | None:
    return DemographicFields(*[text or None for text in texts]) if any(texts) else None


@lru_cache(REMEMBERED)
def _location(texts: tuple[str, ...], position: tuple[str, ...]) -> LocationFields | None:
    if not any(texts):
        return None
    fields: dict[str, Any] = {name: text for name, text in zip(LOCATION, texts, strict=True) if text}
    for name in position:
        if name in fields:
            fields[name] = _number("Location", name, fields[name])
    return LocationFields(**fields)


def _is_on_earth(location: LocationFields | None) -> bool:
    if location is None:
        return True
    latitude, longitude = location.Latitude or 0, location.Longitude or 0
    return abs(latitude) <= MAX_DEGREES["Latitude"] and abs(longitude) <= MAX_DEGREES["Longitude"]


def _number(group: str, name: str, cell: str) -> float:
    # float() alone would take "nan", "1_000", blanks and the digits of other scripts.
    try:
        number = math.inf if cell.strip(_NUMERALS) else float(cell)
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        raise RowError(f"Invalid {group}.{name}: not a number")
    return number
