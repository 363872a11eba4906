"""Text messages and calls (channels.md section 5)."""

from datetime import datetime

from repoint.channels.kinds import SENDER_ID
from repoint.delivery.message import Sms, Voice
from repoint.delivery.phone_number import e164
from repoint.delivery.recipient import Members, Recipient, Source
from repoint.delivery.sms_parts import count_parts
from repoint.templates.errors import RenderError
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text
from repoint.templates.values import Values


class _Texts:
    """What SMS and voice have in common: a number, and one text."""

    def __init__(self, source: Source, member: str, kind: str) -> None:
        self.message = source.member(member)
        self.template = source.template(kind)
        self._body = (
            self.message.get("Body") or self.template.get("Body") or source.member("DefaultMessage").get("Body")
        )

    def address(self, recipient: Recipient) -> str:
        """See `Kind.address`: E.164."""
        return e164(recipient.address)

    def body(self, recipient: Recipient, values: Values) -> str | None:
        """The text, None when nobody has said any."""
        body = recipient.own.get("BodyOverride") or self._body
        return compile_text(body, part="Body", escape=Escape.NONE).render(values) if body else None


class SmsComposer(_Texts):
    """Text messages."""

    def __init__(self, source: Source, channel: Members, _now: datetime) -> None:
        super().__init__(source, "SMSMessage", "SMS")
        self._channel = channel

    def compose(self, recipient: Recipient, values: Values) -> Sms | None:
        """See `Kind.compose`."""
        body = self.body(recipient, values)
        if body is None:
            return None
        count_parts(body)
        number, sender_id = self._sender()
        message = self.message
        return Sms(
            body,
            message.get("MessageType") or "TRANSACTIONAL",
            number,
            sender_id,
            message.get("Keyword"),
            message.get("MediaUrl"),
            message.get("EntityId"),
            message.get("TemplateId"),
        )

    def _sender(self) -> tuple[str | None, str | None]:
        """A number goes before a sender id, the message's own before the channel's."""
        if number := self.message.get("OriginationNumber"):
            return number, None
        if sender_id := self.message.get("SenderId"):
            if SENDER_ID.fullmatch(sender_id) is None:
                raise RenderError(f"Invalid SenderId: {sender_id[:100]}")
            return None, sender_id
        if short_code := self._channel.get("ShortCode"):
            return short_code, None
        return None, self._channel.get("SenderId")


class VoiceComposer(_Texts):
    """Calls."""

    def __init__(self, source: Source, _channel: Members, _now: datetime) -> None:
        super().__init__(source, "VoiceMessage", "VOICE")

    def compose(self, recipient: Recipient, values: Values) -> Voice | None:
        """See `Kind.compose`."""
        body = self.body(recipient, values)
        if body is None:
            return None
        return Voice(
            body,
            self.message.get("LanguageCode") or self.template.get("LanguageCode"),
            self.message.get("VoiceId") or self.template.get("VoiceId"),
            self.message.get("OriginationNumber"),
        )
