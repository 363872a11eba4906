"""Who is sent to, and what the content of a send is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from repoint.channels.stored import Channel
from repoint.contract.shapes import ChannelType
from repoint.delivery.tracking import Tracking

Members = Mapping[str, Any]
NO_MEMBERS: Members = MappingProxyType({})


class Recipient(msgspec.Struct, frozen=True):
    """One address, alone or as that of an endpoint."""

    # Of the message that it gets.
    message_id: str
    # As the caller or the endpoint has them; for an address alone the type can be one that nothing is sent to.
    channel_type: ChannelType
    address: str
    # Whom records are about: the endpoint's id, or a UUID that stands for an address alone.
    client_id: str
    # As answers show it; None for an address alone.
    endpoint: Members | None = None
    # What is special to it: an AddressConfiguration or EndpointSendConfiguration.
    own: Members = msgspec.field(default_factory=dict)

    @property
    def data(self) -> Members:
        """What variables are looked up in."""
        return {"Address": self.address, "ChannelType": self.channel_type} if self.endpoint is None else self.endpoint


@dataclass(frozen=True, slots=True)
class Template:
    """A version of a template."""

    name: str
    content: Members


@dataclass(frozen=True, slots=True)
class Source:
    """What all recipients of a send have in common."""

    application_id: str
    # A DirectMessageConfiguration.
    message: Members
    # By kind: EMAIL, PUSH, SMS, VOICE.
    templates: Mapping[str, Template]
    # The application's channels, disabled ones too.
    channels: Mapping[ChannelType, Channel]
    # Given along by the caller; told in records, and to apps in notifications.
    context: Mapping[str, str] = field(default_factory=dict)
    # Where a notification says that it comes from (channels.md section 6.1).
    origin: Mapping[str, str] = field(default_factory=dict)
    # None when links and pictures of e-mails lead nowhere.
    tracking: Tracking | None = None

    def member(self, name: str) -> Members:
        """One message of the configuration; empty when it is not there."""
        return self.message.get(name) or NO_MEMBERS

    def template(self, kind: str) -> Members:
        """The content of the template of that kind; empty when there is none."""
        found = self.templates.get(kind)
        return NO_MEMBERS if found is None else found.content


def own_context(source: Source, recipient: Recipient) -> dict[str, str]:
    """What the caller gave along for this recipient: its own goes before the message's."""
    return {**source.context, **recipient.own.get("Context", {})}
