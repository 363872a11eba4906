"""PDUs of SMPP 3.4 beside submit_sm and deliver_sm, which the library writes and reads: heads, and C strings."""

import struct
from enum import IntEnum, IntFlag

HEAD_BYTES = 16
# Far more than any PDU of ours or theirs needs.
MOST_BYTES = 1 << 16
VERSION = 0x34
LAST_SEQUENCE = 0x7FFFFFFF

_HEAD = struct.Struct(">IIII")


class Command(IntEnum):
    """Section 5.1.2.1."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x1
    BIND_TRANSMITTER = 0x2
    SUBMIT_SM = 0x4
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x5
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x6
    BIND_TRANSCEIVER = 0x9
    ENQUIRE_LINK = 0x15


# What makes an answer's command of a request's.
ANSWER = 0x80000000


class Status(IntEnum):
    """Those of section 5.1.3 that we say."""

    OK = 0x0
    INVALID_COMMAND = 0x3
    # "ESME Receiver Temporary App Error": it should be told again.
    LATER = 0x64
    # "ESME Receiver Permanent App Error": it cannot be read.
    NEVER = 0x65


class EsmClass(IntFlag):
    """Section 5.2.12, as far as we look."""

    # Of deliver_sm: which kind it is.
    KIND = 0x3C
    RECEIPT = 0x04
    INTERMEDIATE = 0x20
    # The text begins with a User Data Header (3GPP TS 23.040 section 9.2.3.24).
    HAS_HEADER = 0x40


class Tag(IntEnum):
    """Optional parameters (section 5.3.2); the library has them, too, but not for a type checker."""

    RECEIPTED_MESSAGE_ID = 0x1E
    SAR_MSG_REF_NUM = 0x20C
    SAR_TOTAL_SEGMENTS = 0x20E
    SAR_SEGMENT_SEQNUM = 0x20F
    MESSAGE_PAYLOAD = 0x424
    MESSAGE_STATE = 0x427


class BrokenError(Exception):
    """What came is no PDU: the connection is of no more use."""


def request(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """A whole PDU."""
    return _HEAD.pack(HEAD_BYTES + len(body), command, status, sequence) + body


def answer(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """The answer to a request of that command and number."""
    return request(command | ANSWER, sequence, body, status)


def numbered(pdu: bytes, sequence: int) -> bytes:
    """The same PDU under another number."""
    return pdu[:12] + sequence.to_bytes(4, "big") + pdu[HEAD_BYTES:]


def bind(command: Command, sequence: int, *texts: str) -> bytes:
    """A bind as system_id with password and system_type; of any address."""
    strings = b"".join(text.encode("latin-1", "replace") + b"\0" for text in texts)
    return request(command, sequence, strings + bytes([VERSION, 0, 0, 0]))


def head(pdu: bytes) -> tuple[int, int, int]:
    """Command, status and number."""
    _, command, status, sequence = _HEAD.unpack_from(pdu)
    return command, status, sequence


def c_string(body: bytes) -> str:
    """The text with which a body begins."""
    return body.partition(b"\0")[0].decode("latin-1")


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """The PDUs that have arrived as a whole, and what is left. Raises BrokenError."""
    found, start, end = [], 0, len(data)
    while end - start >= HEAD_BYTES:
        length = int.from_bytes(data[start : start + 4], "big")
        if not HEAD_BYTES <= length <= MOST_BYTES:
            raise BrokenError
        if end - start < length:
            break
        found.append(data[start : start + length])
        start += length
    return found, data[start:]
