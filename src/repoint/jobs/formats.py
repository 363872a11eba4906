"""What a file of endpoints says, line by line (jobs.md sections 6 to 8). Pure: it runs in the parse processes.

A bad row is a Row with a failure; nothing that stands in a block of lines makes this module raise.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, AnyStr, Literal

import msgspec

from repoint.contract.decode import decode_document
from repoint.contract.errors import BadRequestException
from repoint.contract.json_text import parse, refuse_unreadable
from repoint.contract.model import SHAPES
from repoint.contract.walk import Faults, walk
from repoint.endpoints.item import Item, as_item
from repoint.endpoints.patch import Patch, prepare
from repoint.jobs.columns import USER_ID, Columns, RowError, read_header, split_cells
from repoint.jobs.typed import read_typed

Format = Literal["CSV", "JSON"]

# An endpoint has at most 15 KB; a line of this length is no endpoint, and may cost no memory.
MAX_LINE_BYTES = 1_000_000
_TOO_LONG = f"Line exceeds the maximum of {MAX_LINE_BYTES:,} bytes"

# A job keeps a hundred reports, in which a row may have its names told.
MAX_REPORT_CHARACTERS = 200

_CHANNELS = frozenset(SHAPES["ChannelType"].enum)
_STATUSES = ("ACTIVE", "INACTIVE")
_OPT_OUTS = ("ALL", "NONE")
# They occur in exported files; the server alone sets what they say (jobs.md section 6), unless it is asked to keep the
# first of them.
_STATUS = "EndpointStatus"
_IGNORED = (_STATUS, "EffectiveDate", "ApplicationId", "CohortId", "CreationDate")
# `Invalid <member>: <value>`: a job's failures hold no data of the row (jobs.md section 10).
_VALUE_TOLD = re.compile(r"(Invalid [^:]+): .*", re.DOTALL)


class Row(msgspec.Struct, array_like=True, gc=False):
    """One line that is not blank. Exactly one of patch, user_ids and failure says what it is."""

    # 1-based; the header of a CSV file is line 1.
    line_no: int
    # An endpoint to be written; only listed if the patch is bare.
    patch: Patch | None = None
    # Users that are only listed.
    user_ids: tuple[str, ...] = ()
    failure: str | None = None
    # It has an EndpointStatus other than ACTIVE, which was not taken over.
    is_status_ignored: bool = False

    @property
    def definitions(self) -> int:
        """How many definitions the row counts as: a cell with three user ids is three (jobs.md section 9)."""
        return len(self.user_ids) or 1


def parse_block(
    file_format: Format, header: str, first_line_no: int, block: bytes, *, keeps_status: bool = False
) -> Iterator[Row]:
    """The rows of a block of whole lines in valid UTF-8; `header` is the first line of a CSV file, else ignored.

    With `keeps_status` a row's EndpointStatus is taken over. Raises HeaderError when `header` is none, before the first
    row.
    """
    if file_format == "JSON":
        yield from _rows(partial(_json_row, keeps_status=keeps_status), first_line_no, block.split(b"\n"))
        return
    parse_line = _csv_parser(read_header(header), keeps_status=keeps_status)
    # Only a line cut off for its length can end in half a character.
    text = block.decode(errors="replace")
    if "\t" in text or "\0" in text:
        parse_line = _refuse_tab_and_nul(parse_line)
    yield from _rows(parse_line, first_line_no, text.split("\n"))


def _rows(parse_line: Callable[[AnyStr], Row], first_line_no: int, lines: list[AnyStr]) -> Iterator[Row]:
    for line_no, line in enumerate(lines, first_line_no):
        if is_blank(line):
            continue
        try:
            row = parse_line(line) if not _is_too_long(line) else Row(0, failure=_TOO_LONG)
            row.line_no = line_no
        except (RowError, BadRequestException) as error:
            row = Row(line_no, failure=report(str(error)))
        yield row


def is_blank(line: str | bytes) -> bool:
    """Whether a line is skipped and not counted: nothing but white space of ASCII."""
    return not (line.strip(" \t\r\v\f") if isinstance(line, str) else line.strip(b" \t\r\v\f"))


def _is_too_long(line: str | bytes) -> bool:
    # A character has at most four bytes, so most lines need no encoding to be judged.
    if isinstance(line, str):
        return len(line) * 4 > MAX_LINE_BYTES and len(line.encode()) > MAX_LINE_BYTES
    return len(line) > MAX_LINE_BYTES


def _csv_parser(columns: Columns, *, keeps_status: bool) -> Callable[[str], Row]:
    if columns.is_user_list:
        return _user_list_row
    status_column = columns.status

    def parse(line: str) -> Row:
        cells = split_cells(line.removesuffix("\r"))
        item = columns.item(cells)
        if item.ChannelType is not None and item.ChannelType not in _CHANNELS:
            raise RowError("Invalid ChannelType")
        unchecked = columns.unchecked(cells, item)
        if status_column is None:
            return _row(item, unchecked)
        return _row_with_status(item, unchecked, cells[status_column].strip(), keeps_status=keeps_status)

    return parse


def _user_list_row(line: str) -> Row:
    cells = split_cells(line.removesuffix("\r"))
    if len(cells) > 1:
        raise RowError("Too many columns")
    user_ids = tuple(user_id for user_id in cells[0].split(" ") if user_id)
    if not user_ids:
        raise RowError(f"Missing {USER_ID}")
    return Row(0, user_ids=user_ids)


def _json_row(line: bytes, *, keeps_status: bool) -> Row:
    item = read_typed(line)
    unchecked: Mapping[str, Any] = {}
    if item is None:
        unchecked = _document(line, keeps_status=keeps_status)
        item = as_item(unchecked)
    status, item.EndpointStatus, item.EffectiveDate = item.EndpointStatus, None, None
    return _row_with_status(item, unchecked, status, keeps_status=keeps_status) if status else _row(item, unchecked)


def _document(line: bytes, *, keeps_status: bool) -> dict[str, Any]:
    try:
        return decode_document("EndpointBatchItem", line)
    except BadRequestException as error:
        if line.strip() == b"null":
            raise RowError("Unexpected value: expected an object at line 1, column 1") from error
        # Perhaps only a member is wrong that does not count here.
        return _decode_what_counts(line, error, _IGNORED[1:] if keeps_status else _IGNORED)


def _decode_what_counts(line: bytes, why_refused: BadRequestException, ignored: tuple[str, ...]) -> dict[str, Any]:
    refuse_unreadable(line)
    item = parse(line)
    if not isinstance(item, dict) or not any(member in item for member in ignored):
        raise why_refused
    faults: Faults = []
    counting = {member: value for member, value in item.items() if member not in ignored}
    found: dict[str, Any] = walk("EndpointBatchItem", counting, "EndpointBatchItem", faults)
    if faults:
        raise faults[0]
    status = item.get(_STATUS) if _STATUS in ignored else None
    return found if status is None else found | {_STATUS: status if isinstance(status, str) else "?"}


def _row_with_status(item: Item, unchecked: Mapping[str, Any], status: str, *, keeps_status: bool) -> Row:
    """Likewise, of an item whose EndpointStatus was taken out: empty for none."""
    if not keeps_status or not status or _lone_user_id(item):
        row = _row(item, unchecked)
        row.is_status_ignored = status not in ("", "ACTIVE")
        return row
    if status not in _STATUSES:
        raise RowError(f"Invalid {_STATUS}")
    item.EndpointStatus = status
    return _row(item, unchecked)


def _row(item: Item, unchecked: Mapping[str, Any]) -> Row:
    """Tell what a row is by what it has (jobs.md section 8); raises RowError or BadRequestException for a bad one.

    `unchecked` as of `prepare`.
    """
    if item.OptOut is not None and item.OptOut not in _OPT_OUTS:
        raise RowError("Invalid OptOut")
    if item.Id:
        return Row(0, patch=prepare(item.Id, item, unchecked))
    # An empty id is none.
    item.Id = None
    address, channel = (item.Address or "").strip(), item.ChannelType
    if address and channel:
        return Row(0, patch=prepare(derive_id(channel, address), item, unchecked))
    if user_id := _lone_user_id(item):
        return Row(0, user_ids=(user_id,))
    raise RowError("Missing ChannelType" if address else "Missing Address")


def _lone_user_id(item: Item) -> str | None:
    """The user id of an item that says nothing else."""
    user = item.User
    if user is None or not user.UserId or user.UserAttributes is not None:
        return None
    others = (getattr(item, member) for member in Item.__struct_fields__ if member != "User")
    return user.UserId if all(value is None for value in others) else None


def derive_id(channel_type: str, address: str) -> str:
    """The id of a row that has none: the same channel and address give the same id (jobs.md section 8)."""
    # A name, no secret: Pinpoint's own derived ids have the look of this digest.
    digest = hashlib.sha1(f"{channel_type}:{address}".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode().rstrip("=").lower()


def _refuse_tab_and_nul(parse_line: Callable[[str], Row]) -> Callable[[str], Row]:
    def refuse(line: str) -> Row:
        if "\t" in line:
            raise RowError("Tabs are not supported")
        if "\0" in line:
            raise RowError("Invalid character")
        return parse_line(line)

    return refuse


def report(message: str) -> str:
    """What a job says of a bad row: no value of it, no line but the one that the job names itself, and not too much."""
    told = _VALUE_TOLD.fullmatch(message)
    # "not a number" says what is wrong, not what stands there.
    if told and not message.endswith(": not a number"):
        message = told[1]
    return message.replace(" at line 1, column ", " at column ")[:MAX_REPORT_CHARACTERS]
