"""Delivery status notifications: multipart/report of RFC 3464, and of RFC 6533 for addresses beyond ASCII."""

import binascii
import quopri
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from email.parser import HeaderParser

from repoint.delivery.bounces.mail import header, one_line, parts, text_of
from repoint.delivery.bounces.status import Finding

_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {"base64": b64decode, "quoted-printable": quopri.decodestring}
_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
# Of several recipients, which a list or an alias may have made of ours: what is worst is told.
_ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
_MOST_RECIPIENTS = 100


def read_dsn(mail: Message) -> Finding | None:
    """What it says of the recipient; None when it is no notification, or one that says nothing."""
    for part in parts(mail):
        if part.get_content_type() in _TYPES:
            return _finding(list(_blocks(part)))
    return None


def _blocks(part: Message) -> Iterator[Message]:
    """The fields of the message, then those of each recipient."""
    content = part.get_payload()
    inner = [each for each in content if isinstance(each, Message)] if isinstance(content, list) else []
    encoding = header(part, "Content-Transfer-Encoding").lower()
    if encoding in _DECODERS:
        # It must not be, and is: then the library takes what is encoded for the text of a message.
        text = "".join(text_of(each) for each in inner or [part])
        yield from _read_blocks(_decoded(text, encoding))
    elif part.get_content_type() == "message/delivery-status":
        yield from inner[:_MOST_RECIPIENTS]
    else:
        # The first group of fields is taken for the headers of a message, the others for its text.
        yield from inner
        yield from _read_blocks("".join(text_of(each) for each in inner or [part]))


def _read_blocks(text: str) -> Iterator[Message]:
    for block in text.replace("\r\n", "\n").split("\n\n")[:_MOST_RECIPIENTS]:
        if block.strip():
            yield HeaderParser().parsestr(block.lstrip("\n"))


def _decoded(text: str, encoding: str) -> str:
    try:
        return _DECODERS[encoding](text.encode("ascii", "replace")).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _finding(blocks: list[Message]) -> Finding | None:
    mta = next((_value(block, "Reporting-MTA") for block in blocks if "Reporting-MTA" in block), "")
    found = [_of_recipient(block, mta) for block in blocks if "Action" in block or "Status" in block]
    known = [each for each in found if each.action in _ACTIONS]
    return min(known, key=lambda each: _ACTIONS.index(each.action), default=None)


def _of_recipient(block: Message, mta: str) -> Finding:
    status = header(block, "Status").split(" ", 1)[0]
    # Some write `Failed (bounce)`, and some leave the action out.
    action = header(block, "Action").split(" ", 1)[0].rstrip(";").lower()
    if not action:
        action = {"5": "failed", "4": "delayed", "2": "delivered"}.get(status[:1], "")
    return Finding(action, status[:20], _value(block, "Diagnostic-Code", keep_type=True), mta)


def _value(block: Message, name: str, *, keep_type: bool = False) -> str:
    """A field such as `dns; mx.example`, without what kind of name it is."""
    text = header(block, name)
    kind, mark, value = text.partition(";")
    return one_line(value) if mark and not keep_type and " " not in kind.strip() else text
