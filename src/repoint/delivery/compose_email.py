"""E-mail: parts merged, compiled once for all recipients, spliced for each (channels.md sections 4 and 5)."""

from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import partial
from typing import Any

from repoint.db.parameters import storable
from repoint.delivery.message import Email
from repoint.delivery.recipient import Members, Recipient, Source
from repoint.templates.address import read_mailbox, wire_address
from repoint.templates.errors import RenderError
from repoint.templates.mime import CompiledEmail, EmailPart, EmailParts, compile_email, raw_email
from repoint.templates.values import Values


class EmailComposer:
    """E-mails."""

    def __init__(self, source: Source, channel: Members, now: datetime) -> None:
        self._now = now
        self._tracking = source.tracking
        self._origin = source.origin
        self._message = source.member("EmailMessage")
        self._configuration_set: str | None = channel.get("ConfigurationSet")
        self._from_address: str = self._message.get("FromAddress") or channel["FromAddress"]
        self._parts = self._common(source)
        # Made for the first recipient: the same for all.
        self._common_mail: CompiledEmail | None = None
        self._bounces_to: str | None = None
        data = (self._message.get("RawEmail") or {}).get("Data")
        self._raw = self._raw_email(raw_email(data)) if data else None

    def address(self, recipient: Recipient) -> str:
        """See `Kind.address`."""
        return wire_address(recipient.address)

    def compose(self, recipient: Recipient, values: Values) -> Email | None:
        """See `Kind.compose`."""
        if self._raw is not None:
            return self._raw
        parts = self._own(recipient)
        if parts.html is None and parts.text is None:
            return None
        message_id, tracking = recipient.message_id, self._tracking
        compiled = self._compiled(parts)
        mime = compiled.render(
            values,
            to=recipient.address,
            message_id=message_id,
            date=self._now,
            # Who has no endpoint cannot be opted out, and must not be told so.
            extra_headers=tracking.headers(message_id) if tracking and recipient.endpoint else (),
            track=partial(tracking.link, message_id) if tracking else None,
            pixel=tracking.pixel(message_id) if tracking else None,
        )
        return self._email(self._sender(parts.from_address), mime, parts.from_address, compiled.subject(values))

    def _compiled(self, parts: EmailParts) -> CompiledEmail:
        if parts is not self._parts:
            return compile_email(parts)
        if self._common_mail is None:
            self._common_mail = compile_email(parts)
        return self._common_mail

    def _sender(self, from_address: str) -> str:
        """Where bounces go."""
        if self._bounces_to is None:
            self._bounces_to = read_mailbox(self._message.get("FeedbackForwardingAddress") or from_address).address
        return self._bounces_to

    def _raw_email(self, mime: bytes) -> Email:
        """As it came: sender and subject are those of its own headers."""
        headers = {name.lower(): value for name, value in reversed(Email("", mime, "", "").headers())}
        from_address = headers.get("from")
        if not from_address:
            raise RenderError("Invalid RawEmail: it has no From")
        subject = _decoded(headers.get("subject", ""))
        return self._email(self._sender(from_address), mime, _decoded(from_address), subject)

    def _email(self, sender: str, mime: bytes, from_address: str, subject: str) -> Email:
        return Email(sender, mime, from_address, subject, self._origin, self._configuration_set)

    def _common(self, source: Source) -> EmailParts:
        template, default = source.template("EMAIL"), source.member("DefaultMessage")
        simple: Members = self._message.get("SimpleEmail") or {}
        # SimpleEmail goes before Body as a whole: its members are merged with the template's, not with Body.
        body = None if simple else self._message.get("Body")
        html = _part(simple.get("HtmlPart"), body, template.get("HtmlPart"))
        text = _part(simple.get("TextPart"), body, template.get("TextPart"))
        if html is None and text is None:
            # Beside a text of the e-mail's own it would be another message, and the one that people see.
            html = text = _part(None, default.get("Body"))
        headers = simple.get("Headers") or template.get("Headers") or []
        return EmailParts(
            from_address=self._from_address,
            subject=_data(simple.get("Subject")) or template.get("Subject") or default.get("Title") or "",
            html=html,
            text=text,
            headers=tuple((header.get("Name", ""), header.get("Value", "")) for header in headers),
            reply_to=tuple(self._message.get("ReplyToAddresses") or ()),
        )

    def _own(self, recipient: Recipient) -> EmailParts:
        """With what is said for this recipient only."""
        body, title = recipient.own.get("BodyOverride"), recipient.own.get("TitleOverride")
        if not body and not title:
            return self._parts
        common = self._parts
        return EmailParts(
            common.from_address,
            title or common.subject,
            EmailPart(body) if body else common.html,
            EmailPart(body) if body else common.text,
            common.headers,
            common.reply_to,
        )


def _decoded(value: str) -> str:
    """A header with its encoded words as people read them; as it is where they are none that can be read."""
    try:
        text = str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        text = value
    return storable(text)


def _data(part: dict[str, Any] | None) -> str | None:
    return part.get("Data") if part else None


def _part(simple: dict[str, Any] | None, *others: str | None) -> EmailPart | None:
    """The first that says something, in its charset."""
    if simple and simple.get("Data"):
        return EmailPart(simple["Data"], simple.get("Charset") or "UTF-8")
    found = next((other for other in others if other), None)
    return EmailPart(found) if found else None
