"""Channels as they are stored: one document a kind and application, its credentials sealed."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from repoint.access.seal import load_seal
from repoint.channels.kinds import KINDS, Kind
from repoint.contract.shapes import ChannelType
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.resources.documents import Resource
from repoint.settings import Settings

Q = load_queries("repoint.channels")

# Members of the stored document that are ours.
_SEALED, _VERSION, _ENABLED = "Sealed", "Version", "Enabled"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of an application."""

    kind: Kind
    application_id: str
    is_enabled: bool
    # As they were sent, credentials in plain: never answered, never logged.
    members: Mapping[str, Any] = field(repr=False)
    version: int
    created_at: datetime
    modified_at: datetime


def _check(_request: Mapping[str, Any]) -> None:
    """Checked before it is sealed."""


_RESOURCES = {kind.type: Resource(f"{kind.type.lower()}-channel", check=_check) for kind in KINDS}
_KINDS = {resource.kind: kind for kind in KINDS for resource in (_RESOURCES[kind.type],)}


def resource_of(kind: Kind) -> Resource:
    """Where channels of this kind are stored, each under its application's id."""
    return _RESOURCES[kind.type]


async def load_channels(db: Db, settings: Settings, application_id: str) -> dict[ChannelType, Channel]:
    """Every channel that the application has set up; disabled ones too."""
    rows = await db.rows(Q.channels_of, {"application_id": application_id, "kinds": list(_KINDS)})
    channels = [_channel(row, settings) for row in rows]
    return {channel.kind.type: channel for channel in channels}


async def load_channel(db: Db, settings: Settings, application_id: str, channel_type: ChannelType) -> Channel | None:
    """One channel; None when the application has not set it up."""
    parameters = {"application_id": application_id, "kinds": [_RESOURCES[channel_type].kind]}
    row = await db.row(Q.channels_of, parameters)
    return None if row is None else _channel(row, settings)


async def enabled_channels(db: Db, application_id: str) -> set[ChannelType]:
    """The kinds of the channels that the application has set up and enabled; nothing is unsealed."""
    rows = await db.rows(Q.channels_of, {"application_id": application_id, "kinds": list(_KINDS)})
    return {_KINDS[row["kind"]].type for row in rows if row["document"][_ENABLED]}


def sealed(kind: Kind, settings: Settings, application_id: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """Members as a document keeps them."""
    seal = load_seal(settings)
    secrets = {
        name: b64encode(seal.close(value, _place(kind, application_id, name))).decode()
        for name, value in members.items()
        if name in kind.secrets
    }
    return {name: value for name, value in members.items() if name not in kind.secrets} | {_SEALED: secrets}


def _channel(row: Row, settings: Settings) -> Channel:
    kind, application_id = _KINDS[row["kind"]], row["id"]
    content = row["document"]
    secrets = content[_SEALED]
    seal = load_seal(settings) if secrets else None
    members = {name: value for name, value in content.items() if name not in {_SEALED, _VERSION, _ENABLED}}
    for name, closed in secrets.items():
        assert seal is not None  # noqa: S101 - there are secrets
        members[name] = seal.open(b64decode(closed), _place(kind, application_id, name))
    return Channel(
        kind, application_id, content[_ENABLED], members, content[_VERSION], row["created_at"], row["modified_at"]
    )


def _place(kind: Kind, application_id: str, member: str) -> str:
    return f"channel/{application_id}/{kind.type}/{member}"
