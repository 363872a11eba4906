"""A message as it goes out: finished content for one address.

Whoever sends has resolved templates, variables and settings before; a provider only carries it.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from repoint.contract.shapes import ChannelType


class Email(msgspec.Struct, frozen=True):
    """A complete message of RFC 5322, line ends CRLF, with all its headers."""

    # Of the envelope: where bounces go. An address alone, without a name.
    sender: str
    mime: bytes
    # What people look at: as the header From shows it, and decoded.
    from_address: str
    subject: str
    # Whose it is: campaign_id, treatment_id and campaign_activity_id, or the journey's; empty for a direct send.
    origin: Mapping[str, str] = msgspec.field(default_factory=dict)
    # Of Amazon SES, as the channel has it; other providers have none.
    configuration_set: str | None = None

    def headers(self) -> list[tuple[str, str]]:
        """Names and values in their order, unfolded; encoded words as they are."""
        end = self.mime.find(b"\r\n\r\n")
        head = (self.mime if end < 0 else self.mime[:end]).decode("utf-8", "replace")
        lines = head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")
        pairs = [line.partition(":") for line in lines]
        return [(name, value.strip()) for name, colon, value in pairs if colon]


class Sms(msgspec.Struct, frozen=True):
    """A text message; the address is E.164 with its `+`."""

    body: str
    message_type: Literal["PROMOTIONAL", "TRANSACTIONAL"]
    # A number or short code goes before a sender id; None lets the provider choose.
    origination_number: str | None = None
    sender_id: str | None = None
    # Passed on as they came.
    keyword: str | None = None
    media_url: str | None = None
    entity_id: str | None = None
    template_id: str | None = None


class Voice(msgspec.Struct, frozen=True):
    """A text to be spoken; SSML when it begins with `<speak>`."""

    body: str
    language_code: str | None = None
    voice_id: str | None = None
    origination_number: str | None = None


class Push(msgspec.Struct, frozen=True):
    """A notification under the names of the contract's channel messages, merged and filled in."""

    # Title, Body, Action, Url, Data, TimeToLive …: what GCMMessage, APNSMessage, ADMMessage and BaiduMessage hold.
    members: dict[str, Any]
    # Added to the payload's `data.pinpoint`.
    context: dict[str, str] = msgspec.field(default_factory=dict)
    # campaign_id, treatment_id and campaign_activity_id, or the journey's (channels.md section 6.1).
    origin: dict[str, str] = msgspec.field(default_factory=dict)
    endpoint_id: str | None = None


class Custom(msgspec.Struct, frozen=True):
    """What a custom channel hands to the user's code: one endpoint's share of the payload."""

    endpoint_id: str
    endpoint: dict[str, Any]
    # Everything around the endpoints; the same object for all messages that may travel in one call.
    envelope: dict[str, Any]
    # The function, by name or ARN, or the URL.
    target: str
    # The campaign or journey for which it is called, by its ARN: what a function's `allow` is compared with.
    source_arn: str | None = None


Content = Email | Sms | Voice | Push | Custom


class Message(msgspec.Struct, frozen=True):
    """One message to one address."""

    # Told to the caller, and the same whenever this message is sent again: providers make Message-IDs and
    # idempotency keys of it. ASCII letters, digits and hyphens.
    id: str
    application_id: str
    channel_type: ChannelType
    address: str
    content: Content
    # How long it may wait for its turn where messages have to take turns; None for as long as that takes.
    within_s: float | None = None
