"""Envelope senders that say which message a bounce is about, whatever the bounce itself keeps of it (VERP).

`bounces@mail.example` becomes `bounces+<48 hex digits>@mail.example`: the digits are those of the message's id, without
what is the same in all, since a local part has room for 64 characters.
"""

import re

_ID = re.compile(r"([0-9a-f]{16})-([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})-000000")
_TOLD = re.compile(r"\+([0-9a-f]{48})@", re.IGNORECASE)
_CUTS = ((0, 16), (16, 24), (24, 28), (28, 32), (32, 36), (36, 48))
# Of the local part before the plus.
LONGEST_LOCAL = 15


def verp_sender(bounces_to: str, message_id: str) -> str:
    """The envelope sender of a message; `bounces_to` itself for an id that is none of ours."""
    found = _ID.fullmatch(message_id)
    if found is None:
        return bounces_to
    local, _, domain = bounces_to.rpartition("@")
    return f"{local}+{''.join(found.groups())}@{domain}"


def verp_ids(text: str) -> list[str]:
    """The ids of the messages that addresses in this text say a bounce is about."""
    return [_message_id(digits.lower()) for digits in _TOLD.findall(text)]


def _message_id(digits: str) -> str:
    return "-".join([*(digits[begin:end] for begin, end in _CUTS), "000000"])
