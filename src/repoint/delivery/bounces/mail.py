"""A mail that came back, opened with care: whoever knows the address may have written anything into it.

The standard library's parser takes most of what is no mail for one with defects. What it does not survive is depth:
each multipart and each message inside another is a recursion. So a mail is cut where it gets too long or too deep; what
reports say stands at their beginning, and the message that they return follows, of which its headers are enough.
"""

import email
import email.errors
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message

MAX_BYTES = 256 << 10
# Words that may open another part; a hundred levels are far from what the interpreter can bear.
_DEEPER = re.compile(rb"boundary|message\s*/", re.IGNORECASE)
_MAX_DEPTH = 64
_MAX_PARTS = 200
_MAX_TEXT = 64 << 10
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
# What the library raises for mails that are none.
BROKEN = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    RecursionError,
    email.errors.MessageError,
)


def open_mail(data: bytes) -> Message:
    """The mail, cut where it is too long or too deep. Raises what BROKEN lists for what is none."""
    data = data[:MAX_BYTES]
    for count, found in enumerate(_DEEPER.finditer(data)):
        if count == _MAX_DEPTH:
            data = data[: found.start()]
            break
    return email.message_from_bytes(data)


def parts(mail: Message) -> list[Message]:
    """The mail and all parts in it, from the outside in and in their order; of very many the first ones."""
    found: list[Message] = []
    for part in _walk(mail):
        found.append(part)
        if len(found) == _MAX_PARTS:
            break
    return found


def _walk(part: Message) -> Iterator[Message]:
    yield part
    content = part.get_payload()
    if isinstance(content, list):
        for each in content:
            # In a mail that was put together by nobody's rules, a part can be anything.
            if isinstance(each, Message):
                yield from _walk(each)


def header(part: Message, name: str) -> str:
    """A header on one line, encoded words decoded where they can be; empty when it is not there."""
    try:
        value = part.get(name)
        text = "" if value is None else str(make_header(decode_header(str(value))))
    except BROKEN:
        text = (
            str(
                part.get(
                    name,
                    "",
                )
            )
            if name in part
            else ""
        )
    return one_line(text)


def one_line(text: str) -> str:
    """The text without what cannot be shown, and not endlessly long."""
    return _UNPRINTABLE.sub(" ", text[:_MAX_TEXT]).strip()


def text_of(part: Message) -> str:
    """What is written in a part that has no parts, as far as it can be read."""
    try:
        content = part.get_payload(decode=True)
        charset = part.get_content_charset("utf-8")
        if not isinstance(content, bytes):
            return ""
        return content[:_MAX_TEXT].decode(charset, "replace")
    except BROKEN:
        return ""
