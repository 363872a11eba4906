"""Mails made and read back with Python's parser."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest

from repoint.templates.errors import RenderError
from repoint.templates.mime import EmailPart, EmailParts, compile_email
from repoint.templates.rendering import Track
from repoint.templates.values import Values
from tests.templates.rendered import AT

SENT_AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
FROM = "shop@example.com"
READER = BytesParser(_class=EmailMessage, policy=policy.default)


def send(  # noqa: PLR0913 - rarely given
    parts: EmailParts,
    data: Mapping[str, Any] | None = None,
    *,
    to: str = "ann@example.com",
    message_id: str = "m-1",
    extra_headers: Sequence[tuple[str, str]] = (),
    track: Track | None = None,
    pixel: str | None = None,
) -> bytes:
    """The message for one recipient."""
    return compile_email(parts).render(
        Values(data or {}, AT),
        to=to,
        message_id=message_id,
        date=SENT_AT,
        extra_headers=extra_headers,
        track=track,
        pixel=pixel,
    )


def read(message: bytes) -> EmailMessage:
    """The message as a reader sees it, which must find nothing wrong with it."""
    found = READER.parsebytes(message)
    assert [part.defects for part in found.walk() if part.defects] == []
    return found


def content(message: EmailMessage, kind: str) -> str:
    """The text or the HTML of a message, lines ending as in Python, without the last line's end."""
    body = message.get_body((kind,))
    assert isinstance(body, EmailMessage)
    text: str = body.get_content()
    return text.replace("\r\n", "\n").removesuffix("\n")


def html_of(source: str, data: Mapping[str, Any] | None = None, **options: Any) -> str:
    """A mail's HTML as it arrives."""
    return content(read(send(EmailParts(FROM, html=EmailPart(source)), data, **options)), "html")


def reason_of(make: Callable[[], object]) -> str:
    """Why something can't be made."""
    with pytest.raises(RenderError) as raised:
        make()
    return raised.value.reason
