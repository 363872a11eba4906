"""From a send's content to the message of one recipient: which level says what, variables filled in (channels.md 4).

Levels are merged member by member, in the order of channels.md section 4. What all recipients share is merged once;
texts are compiled once for all sends (templates/).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from repoint.contract.shapes import ChannelType
from repoint.delivery.compose_email import EmailComposer
from repoint.delivery.compose_push import PushComposer
from repoint.delivery.compose_text import SmsComposer, VoiceComposer
from repoint.delivery.message import Content, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.phone_number import InvalidNumberError
from repoint.delivery.recipient import Members, Recipient, Source
from repoint.delivery.sms_parts import TooLongError
from repoint.templates.errors import RenderError, TemplateError
from repoint.templates.values import Substitutions, Values, read_defaults


class Kind(Protocol):
    """Makes the content for one kind of channel."""

    def address(self, recipient: Recipient) -> str:
        """The address in its one form; raises RenderError or InvalidNumberError for what is none."""

    def compose(self, recipient: Recipient, values: Values) -> Content | None:
        """The recipient's content, None when there is none for it. Raises RenderError, TemplateError, TooLongError."""


# By channel type: the template's kind, the configuration's member, and what composes.
_KINDS: dict[ChannelType, tuple[str, str, Callable[[Source, Members, datetime], Kind]]] = {
    "EMAIL": ("EMAIL", "EmailMessage", EmailComposer),
    "SMS": ("SMS", "SMSMessage", SmsComposer),
    "VOICE": ("VOICE", "VoiceMessage", VoiceComposer),
    "GCM": ("PUSH", "GCMMessage", PushComposer.of("GCM")),
    "APNS": ("PUSH", "APNSMessage", PushComposer.of("APNS")),
    "APNS_SANDBOX": ("PUSH", "APNSMessage", PushComposer.of("APNS")),
    "APNS_VOIP": ("PUSH", "APNSMessage", PushComposer.of("APNS")),
    "APNS_VOIP_SANDBOX": ("PUSH", "APNSMessage", PushComposer.of("APNS")),
    "ADM": ("PUSH", "ADMMessage", PushComposer.of("ADM")),
    "BAIDU": ("PUSH", "BaiduMessage", PushComposer.of("Baidu")),
}


def template_kind(channel_type: ChannelType | str) -> str | None:
    """The kind of the templates that messages of a channel are made from; None for one without messages."""
    return _KINDS[channel_type][0] if channel_type in _KINDS else None


def refused(status_code: int, detail: str) -> Outcome:
    """A message that is not sent, and never will be as it is."""
    return Outcome(Status.PERMANENT_FAILURE, status_code, detail)


@dataclass(frozen=True, slots=True)
class Unrendered:
    """Templates and this recipient's values give no message."""

    reason: str


class Composer:
    """Makes the messages of one send."""

    def __init__(self, source: Source, now: datetime, *, missing_is_empty: bool, within_s: float | None = None) -> None:
        self._source = source
        self._within_s = within_s
        self._now = now
        self._missing_is_empty = missing_is_empty
        self._kinds: dict[ChannelType, Kind] = {}
        self._defaults: dict[str, Substitutions] = {}

    def address(self, recipient: Recipient) -> str | Outcome:
        """The recipient's address in its one form, or why nothing can be sent there."""
        channel_type = recipient.channel_type
        if channel_type not in _KINDS:
            return refused(400, "Unsupported channel type")
        channel = self._source.channels.get(channel_type)
        if channel is None or not channel.is_enabled:
            return refused(
                400, f"No channel of type {channel_type} is enabled for the application {self._source.application_id}"
            )
        try:
            return self._kind(channel_type).address(recipient)
        except (RenderError, InvalidNumberError) as error:
            return refused(400, str(error))

    def message(self, recipient: Recipient, address: str) -> Message | Outcome | Unrendered:
        """The recipient's message to an address that `address` has answered, or why there is none."""
        try:
            content = self._kind(recipient.channel_type).compose(recipient, self._values(recipient))
        except (RenderError, TemplateError) as error:
            return Unrendered(str(error))
        except TooLongError as error:
            return refused(400, str(error))
        if content is None:
            return refused(400, f"No message configured for channel type {recipient.channel_type}")
        return Message(
            recipient.message_id,
            self._source.application_id,
            recipient.channel_type,
            address,
            content,
            self._within_s,
        )

    def _kind(self, channel_type: ChannelType) -> Kind:
        found = self._kinds.get(channel_type)
        if found is None:
            makes = _KINDS[channel_type][2]
            found = self._kinds[channel_type] = makes(
                self._source, self._source.channels[channel_type].members, self._now
            )
        return found

    def _values(self, recipient: Recipient) -> Values:
        kind, member, _ = _KINDS[recipient.channel_type]
        names = (member, "DefaultPushNotificationMessage") if kind == "PUSH" else (member,)
        of_message = [self._source.member(name).get("Substitutions", {}) for name in (*names, "DefaultMessage")]
        above = [each for each in (recipient.own.get("Substitutions", {}), *of_message) if each]
        return Values(
            recipient.data,
            self._now,
            above=above,
            below=self._template_defaults(kind),
            missing_is_empty=self._missing_is_empty,
        )

    def _template_defaults(self, kind: str) -> Substitutions:
        if kind not in self._defaults:
            self._defaults[kind] = read_defaults(self._source.template(kind).get("DefaultSubstitutions"))
        return self._defaults[kind]
