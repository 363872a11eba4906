"""The mailbox: messages kept instead of sent, so that a newcomer sees what would have gone out (`repoint mailbox`)."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import msgspec

from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Database, Row
from repoint.db.queries import load_queries
from repoint.delivery.message import Content, Email, Message, Push, Sms, Voice
from repoint.operation import Call, Input, Output, extension, whole_number
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old
from repoint.resources.clearing import clears

Q = load_queries("repoint.delivery")

MAX_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 100
_BYTES_AT_ONCE = 8 * 1024 * 1024
_HEADLINE_CHARACTERS = 200
_BEFORE_ALL = 2**63 - 1

clears(Q.clear_kept)


def keeps(database: Database) -> Callable[[Sequence[Message]], Awaitable[None]]:
    """What keeps messages in this database, for the provider of the mailbox."""

    async def keep(messages: Sequence[Message]) -> None:
        async with database.connection() as db:
            for some in _by_size(messages):
                await db.execute(Q.keep, some)

    return keep


@extension("GET", "/repoint/v1/mailbox", one_statement=True)
async def list_mailbox(call: Call, arguments: Input) -> Output:
    """Messages that were kept, newest first: `{"Item": [{"MessageId", "ApplicationId", "KeptAt", …}], "NextToken"}`.

    `app`, `channel` and `address` leave only such messages; `page-size` is 1 to 1,000, by default 100, and `token` the
    NextToken of the page before.
    """
    size = whole_number(arguments, "page-size", range(1, MAX_PAGE_SIZE + 1), default=DEFAULT_PAGE_SIZE)
    parameters = {
        "before": whole_number(arguments, "token", range(_BEFORE_ALL), default=_BEFORE_ALL - 1),
        "application_id": _application_id(arguments.get("app")),
        "channel_type": arguments.get("channel"),
        "address": arguments.get("address"),
        "rows": size + 1,
    }
    rows = await call.db.rows(Q.list_kept, parameters)
    answer: dict[str, Any] = {"Item": [_item(row) for row in rows[:size]]}
    return answer | ({"NextToken": str(rows[size - 1]["position"])} if len(rows) > size else {})


@extension("GET", "/repoint/v1/apps/{ApplicationId}/mailbox/{MessageId}", one_statement=True)
async def get_mailbox_message(call: Call, arguments: Input) -> Output:
    """One message whole: an e-mail's `Mime` as base64, any other channel's `Content` as an object."""
    parameters = {"application_id": arguments["ApplicationId"], "message_id": arguments["MessageId"]}
    row = await call.db.row(Q.get_kept, parameters)
    if row is None:
        raise NotFoundException("Message not found")
    if row["channel_type"] == "EMAIL":
        return _item(row) | {"Mime": b64encode(row["content"]).decode()}
    return _item(row) | {"Content": msgspec.json.decode(row["content"])}


@every(seconds=3600)
async def forget_mailbox(context: TaskContext) -> None:
    """Delete messages older than `mailbox_days`, some at a time."""
    await forget_old(context, Q.forget_kept, context.settings.mailbox_days)


def _by_size(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """What statements that keep messages are given: each some megabytes, which a hundred e-mails could be many of."""
    rows: list[tuple[str, ...]] = []
    contents: list[bytes] = []
    for message in messages:
        content = _bytes(message.content)
        if contents and sum(map(len, contents)) + len(content) > _BYTES_AT_ONCE:
            yield _kept(rows, contents)
            rows, contents = [], []
        rows.append(
            (message.application_id, message.id, message.channel_type, message.address, _headline(message.content))
        )
        contents.append(content)
    if contents:
        yield _kept(rows, contents)


def _kept(rows: Sequence[tuple[str, ...]], contents: list[bytes]) -> dict[str, Any]:
    names = ("application_ids", "message_ids", "channel_types", "addresses", "headlines")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)} | {
        "contents": contents
    }


def _item(row: Row) -> dict[str, Any]:
    return {
        "MessageId": row["message_id"],
        "ApplicationId": row["application_id"].hex,
        "KeptAt": format_instant(row["kept_at"]),
        "ChannelType": row["channel_type"],
        "Address": row["address"],
        "Headline": row["headline"],
    }


def _application_id(given: str | None) -> str | None:
    if given is None or (len(given) == 32 and all(each in "0123456789abcdef" for each in given)):  # noqa: PLR2004 - hex
        return given
    raise BadRequestException(f"Invalid app: {given[:100]}")


def _headline(content: Content) -> str:
    match content:
        case Email():
            text = content.subject
        case Sms() | Voice():
            text = content.body
        case Push():
            text = str(content.members.get("Title") or content.members.get("Body") or "")
        case _:
            text = content.target
    return " ".join(text.split())[:_HEADLINE_CHARACTERS]


def _bytes(content: Content) -> bytes:
    return content.mime if isinstance(content, Email) else msgspec.json.encode(content)
