"""What SNS delivers over HTTPS: read, and the text that its signature is about.

The form is Amazon's "Parsing Amazon SNS message formats": a JSON document of strings, signed over some of its members.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import AccessDeniedException, BadRequestException

# SNS goes on trying for an hour at most, and the time in what it sends stays that of the first attempt.
MAX_AGE = timedelta(hours=1, minutes=5)
# How far its clock may be ahead of ours.
MAX_AHEAD = timedelta(minutes=5)

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery of a topic; members that we have no use for are passed over."""

    kind: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] = msgspec.field(name="Type")
    message_id: str = msgspec.field(name="MessageId")
    topic_arn: str = msgspec.field(name="TopicArn")
    message: str = msgspec.field(name="Message")
    timestamp: str = msgspec.field(name="Timestamp")
    signature: str = msgspec.field(name="Signature")
    signature_version: Literal["1", "2"] = msgspec.field(name="SignatureVersion")
    certificate_url: str = msgspec.field(name="SigningCertURL")
    # Not there at all is another text to sign than an empty one.
    subject: str | None = msgspec.field(name="Subject", default=None)
    token: str | None = msgspec.field(name="Token", default=None)
    subscribe_url: str | None = msgspec.field(name="SubscribeURL", default=None)

    def signed_text(self) -> bytes:
        """What the signature is about: names and values, a line each, in the order of the names."""
        values = {
            "Message": self.message,
            "MessageId": self.message_id,
            "Subject": self.subject,
            "SubscribeURL": self.subscribe_url,
            "Timestamp": self.timestamp,
            "Token": self.token,
            "TopicArn": self.topic_arn,
            "Type": self.kind,
        }
        pairs = ((name, values[name]) for name in _SIGNED[self.kind])
        return "".join(f"{name}\n{value}\n" for name, value in pairs if value is not None).encode()

    def check_age(self, now: datetime) -> None:
        """Raise AccessDeniedException for what was sent too long ago, so that nobody sends it again."""
        at = parse_instant(self.timestamp)
        if at is None or not now - MAX_AGE <= at.astimezone(UTC) <= now + MAX_AHEAD:
            raise AccessDeniedException("The Timestamp is too far from now")


_decode = msgspec.json.Decoder(Notification).decode


def read_notification(body: bytes) -> Notification:
    """The delivery in this body; raises BadRequestException for what is none."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestException(f"Invalid notification: {error}") from None
