"""The settings of an application's channels: three operations a kind, made from the table, and GetChannels."""

from collections.abc import Awaitable, Callable
from typing import Any

from repoint.channels.kinds import KINDS, Kind, check_lengths
from repoint.channels.stored import Channel, load_channels, resource_of, sealed
from repoint.contract.dates import format_instant
from repoint.contract.errors import NotFoundException
from repoint.contract.shapes import ChannelResponse, ChannelsResponse
from repoint.operation import Call, Input, Output, operation
from repoint.resources.lock import hold_application, lock_quota

Run = Callable[[Kind, Call, Input], Awaitable[Output]]


async def _get(kind: Kind, call: Call, arguments: Input) -> Output:
    """The channel's settings."""
    return _answer(await _stored(kind, call, arguments["ApplicationId"]))


async def _update(kind: Kind, call: Call, arguments: Input) -> Output:
    """Set a channel up, or change the members that are given; an empty text clears."""
    application_id = arguments["ApplicationId"]
    [request] = [value for name, value in arguments.items() if name.endswith("ChannelRequest")]
    await hold_application(call.db, application_id)
    await lock_quota(call.db, resource_of(kind).kind)
    try:
        stored = await _stored(kind, call, application_id)
        before: dict[str, Any] = {**stored.members, "Enabled": stored.is_enabled}
        version = stored.version + 1
    except NotFoundException:
        before, version = {"Enabled": True}, 1
    members = {name: value for name, value in (before | request).items() if value != ""}
    check_lengths(kind, members)
    kind.check(members)
    content = sealed(kind, call.settings, application_id, members) | {"Version": version}
    resource = resource_of(kind)
    if version == 1:
        await resource.create(call, content, document_id=application_id, application_id=application_id)
    else:
        await resource.replace(call, application_id, content)
    return _answer(await _stored(kind, call, application_id))


async def _delete(kind: Kind, call: Call, arguments: Input) -> Output:
    """Forget a channel with its credentials; answers what it was, disabled."""
    channel = await _stored(kind, call, arguments["ApplicationId"])
    document = await resource_of(kind).delete(call, arguments["ApplicationId"])
    modified_at = max(call.now, document.modified_at)
    return _answer(channel) | {"Enabled": False, "LastModifiedDate": format_instant(modified_at)}


async def _stored(kind: Kind, call: Call, application_id: str) -> Channel:
    channels = await load_channels(call.db, call.settings, application_id)
    if kind.type not in channels:
        raise NotFoundException
    return channels[kind.type]


def _bind(verb: str, kind: Kind, run: Run) -> None:
    async def bound(call: Call, arguments: Input) -> Output:
        return await run(kind, call, arguments)

    bound.__name__ = f"{verb}_{kind.name}_channel".lower()
    bound.__doc__ = run.__doc__
    operation()(bound)


for _kind in KINDS:
    _bind("Get", _kind, _get)
    _bind("Update", _kind, _update)
    _bind("Delete", _kind, _delete)


@operation()
async def get_channels(call: Call, arguments: Input) -> ChannelsResponse:
    """Every channel that was set up, by its type, and IN_APP, which is always there."""
    channels = await load_channels(call.db, call.settings, arguments["ApplicationId"])
    listed: dict[str, ChannelResponse] = {name: _listed(channel) for name, channel in channels.items()}
    return {"Channels": listed | {"IN_APP": {"Enabled": True, "IsArchived": False, "Version": 0}}}


def _listed(channel: Channel) -> ChannelResponse:
    """What is common to all kinds."""
    answer = _answer(channel)
    return {name: answer[name] for name in ChannelResponse.__annotations__ if name in answer}  # type: ignore[return-value]  # its names


def _answer(channel: Channel) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "ApplicationId": channel.application_id,
        "CreationDate": format_instant(channel.created_at),
        "Enabled": channel.is_enabled,
        "Id": channel.kind.type.lower(),
        "IsArchived": False,
        "LastModifiedDate": format_instant(channel.modified_at),
        "Platform": channel.kind.type,
        "Version": channel.version,
    }
    described = channel.kind.describe(channel.members)
    return answer | {name: value for name, value in described.items() if value is not None}
