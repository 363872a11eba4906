"""The CSV side of the file formats: a header becomes Columns, which make items out of lines (jobs.md section 6)."""

import csv
import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from repoint.endpoints.patch import DEMOGRAPHIC, LOCATION

USER_ID = "User.UserId"

_PLAIN = frozenset({"Id", "Address", "ChannelType", "OptOut", "RequestId"})
_TRIMMED = frozenset({"ChannelType", "OptOut"})
# They stand in files that Pinpoint wrote; the server alone sets what they say, all but a status that is to be kept.
_IGNORED = frozenset(
    {"EndpointStatus", "EffectiveDate", "ApplicationId", "CohortId", "CreationDate", "User.UserStatus"}
)
# What a number is written with.
_NUMERALS = "0123456789+-.eE"
_FIELDS = {"Demographic": DEMOGRAPHIC, "Location": LOCATION}
_POSITION = frozenset({"Latitude", "Longitude"})

_MAX_SHOWN_CHARACTERS = 100

# A field can be as long as a line may be.
csv.field_size_limit(1 << 30)


class RowError(ValueError):
    """A row that cannot be imported; the message is what the job reports, without a value of the row."""


class HeaderError(ValueError):
    """A header that no row can be read by; the message is what the caller or the job is told."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What each cell of a row means. All tuples hold (index of the cell, name)."""

    count: int
    # Members of the endpoint itself: taken as they stand, and with white space around them dropped.
    plain: tuple[tuple[int, str], ...]
    trimmed: tuple[tuple[int, str], ...]
    # `Attributes` and `User.UserAttributes`: names that have one column, and names that have several.
    attributes: tuple[tuple[int, str], ...]
    repeated_attributes: tuple[tuple[int, str], ...]
    user_attributes: tuple[tuple[int, str], ...]
    repeated_user_attributes: tuple[tuple[int, str], ...]
    metrics: tuple[tuple[int, str], ...]
    demographic: tuple[tuple[int, str], ...]
    place: tuple[tuple[int, str], ...]
    position: tuple[tuple[int, str], ...]
    user_id: int | None
    status: int | None
    # The header is `User.UserId` alone: a cell may then hold several ids, separated by spaces.
    is_user_list: bool

    def item(self, cells: list[str]) -> dict[str, Any]:
        """The row as an EndpointBatchItem; an empty cell is not mentioned.

        Raises RowError for too many cells and for what should be a number and is not.
        """
        if len(cells) != self.count:
            if len(cells) > self.count:
                raise RowError("Too many columns")
            cells += [""] * (self.count - len(cells))
        item: dict[str, Any] = {name: cells[i] for i, name in self.plain if cells[i]}
        for i, name in self.trimmed:
            if value := cells[i].strip():
                item[name] = value
        if attributes := _lists(cells, self.attributes, self.repeated_attributes):
            item["Attributes"] = attributes
        if metrics := {name: _number("Metrics", name, cells[i]) for i, name in self.metrics if cells[i]}:
            item["Metrics"] = metrics
        if demographic := {name: cells[i] for i, name in self.demographic if cells[i]}:
            item["Demographic"] = demographic
        if location := self._location(cells):
            item["Location"] = location
        if user := self._user(cells):
            item["User"] = user
        return item

    def _location(self, cells: list[str]) -> dict[str, Any]:
        location: dict[str, Any] = {name: cells[i] for i, name in self.place if cells[i]}
        for i, name in self.position:
            if cells[i]:
                location[name] = _number("Location", name, cells[i])
        return location

    def _user(self, cells: list[str]) -> dict[str, Any]:
        user: dict[str, Any] = {}
        if self.user_id is not None and cells[self.user_id]:
            user["UserId"] = cells[self.user_id]
        if attributes := _lists(cells, self.user_attributes, self.repeated_user_attributes):
            user["UserAttributes"] = attributes
        return user


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

    location = below("Location.")
    return Columns(
        count=len(names),
        plain=tuple((i, name) for i, name in enumerate(names) if name in _PLAIN and name not in _TRIMMED),
        trimmed=tuple((i, name) for i, name in enumerate(names) if name in _TRIMMED),
        attributes=below("Attributes."),
        repeated_attributes=below("Attributes.", repeated=True),
        user_attributes=below("User.UserAttributes."),
        repeated_user_attributes=below("User.UserAttributes.", repeated=True),
        metrics=below("Metrics."),
        demographic=below("Demographic."),
        place=tuple(column for column in location if column[1] not in _POSITION),
        position=tuple(column for column in location if column[1] in _POSITION),
        user_id=names.index(USER_ID) if USER_ID in names else None,
        status=names.index("EndpointStatus") if "EndpointStatus" in names else None,
        is_user_list=names == [USER_ID],
    )


def _lists(
    cells: list[str], single: tuple[tuple[int, str], ...], repeated: tuple[tuple[int, str], ...]
) -> dict[str, list[str]]:
    lists = {name: [cells[i]] for i, name in single if cells[i]}
    for i, name in repeated:
        if cells[i]:
            lists.setdefault(name, []).append(cells[i])
    return lists


def _number(group: str, name: str, cell: str) -> float:
    # float() alone would take "nan", "1_000", blanks and the digits of other scripts.
    try:
        number = math.inf if cell.strip(_NUMERALS) else float(cell)
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        raise RowError(f"Invalid {group}.{name}: not a number")
    return number
