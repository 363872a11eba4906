"""Addresses that nothing is sent to: after a hard bounce or a complaint, by a STOP, or by the operator.

The list is the account's, as Amazon's was: an address that bounces in one application is not tried from another.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import ChannelType
from repoint.db.parameters import as_json
from repoint.db.pool import Db, Parameters
from repoint.db.queries import Query, load_queries
from repoint.delivery.phone_number import InvalidNumberError, e164
from repoint.operation import Call, Input, Output, extension, whole_number
from repoint.templates.address import wire_address
from repoint.templates.errors import RenderError

Q = load_queries("repoint.delivery")

Reason = Literal["BOUNCE", "COMPLAINT", "OPT_OUT", "OPERATOR"]
MAX_PAGE_SIZE = 1000
_CHANNELS = ("EMAIL", "SMS")


def suppression_key(channel_type: ChannelType, address: str) -> str:
    """How an address stands in the list: as it is sent to, an e-mail's in lower case; numbers come as E.164.

    Raises RenderError for what is no e-mail address.
    """
    return wire_address(address).lower() if channel_type == "EMAIL" else address


async def suppressed(db: Db, addresses: Iterable[tuple[ChannelType, str]]) -> dict[tuple[ChannelType, str], Reason]:
    """Which of these addresses are suppressed, and why. They are asked for by channel and key."""
    asked = [each for each in addresses if each[0] in _CHANNELS]
    if not asked:
        return {}
    rows = await db.tuples(Q.suppressed, {"addresses": as_json(asked)})
    return {(channel_type, address): reason for channel_type, address, reason in rows}


async def suppress(db: Db, addresses: Sequence[tuple[ChannelType, str, Reason]], now: datetime) -> None:
    """Send nothing more to these addresses; the first reason stays."""
    await db.together(*ask_suppress(addresses, now))


def ask_suppress(
    addresses: Sequence[tuple[ChannelType, str, Reason]], now: datetime
) -> Iterator[tuple[Query, Parameters]]:
    """The statements of `suppress`, for those who send them together with others; in one order for all who do."""
    for channel_type, address, reason in sorted(addresses):
        key = {"channel_type": channel_type, "address": suppression_key(channel_type, address)}
        yield Q.suppress, {**key, "reason": reason, "now": now}


@extension("GET", "/repoint/v1/suppressions/{ChannelType}", one_statement=True)
async def list_suppressions(call: Call, arguments: Input) -> Output:
    """Suppressed addresses of EMAIL or SMS in order: `{"Item": [{"Address", "Reason", "SuppressedAt"}], "NextToken"}`.

    `page-size` is 1 to 1,000, by default 100; `token` is the NextToken of the page before.
    """
    size = whole_number(arguments, "page-size", range(1, MAX_PAGE_SIZE + 1), default=100)
    parameters = {"channel_type": _channel(arguments), "after": arguments.get("token", ""), "rows": size + 1}
    rows = await call.db.rows(Q.list_suppressed, parameters)
    items = [
        {"Address": row["address"], "Reason": row["reason"], "SuppressedAt": format_instant(row["suppressed_at"])}
        for row in rows[:size]
    ]
    return {"Item": items} | ({"NextToken": items[-1]["Address"]} if len(rows) > size else {})


@extension("PUT", "/repoint/v1/suppressions/{ChannelType}/{Address}")
async def suppress_address(call: Call, arguments: Input) -> Output:
    """Have nothing sent to an address any more."""
    channel_type, address = _channel(arguments), _address(arguments)
    await suppress(call.db, [(channel_type, address, "OPERATOR")], call.now)
    return {"Address": address}


@extension("DELETE", "/repoint/v1/suppressions/{ChannelType}/{Address}")
async def release_address(call: Call, arguments: Input) -> Output:
    """Allow an address to be sent to again, whyever it was suppressed."""
    parameters = {"channel_type": _channel(arguments), "address": _address(arguments)}
    if await call.db.execute(Q.release, parameters) == 0:
        raise NotFoundException("Address is not suppressed")
    return {"Address": parameters["address"]}


def _channel(arguments: Input) -> ChannelType:
    channel_type = arguments["ChannelType"].upper()
    if channel_type == "EMAIL":
        return "EMAIL"
    if channel_type == "SMS":
        return "SMS"
    raise BadRequestException(f"Invalid ChannelType: {arguments['ChannelType'][:100]}")


def _address(arguments: Input) -> str:
    given: str = arguments["Address"]
    if _channel(arguments) == "SMS":
        try:
            return e164(given)
        except InvalidNumberError:
            raise BadRequestException(f"Invalid Address: {given[:100]}") from None
    try:
        return suppression_key("EMAIL", given)
    except RenderError:
        raise BadRequestException(f"Invalid Address: {given[:100]}") from None
