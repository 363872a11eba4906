"""What a deliver_sm tells: how a message of ours ended (appendix B), or what somebody has written.

Where ids of receipts differ from those of submit_sm_resp, it is by their base: old SMSCs write one in hexadecimal and
the other in decimal digits. The TLV receipted_message_id has the id as it was answered (section 5.3.2.12).
"""

import re
from typing import Literal

import smpp34

from repoint.delivery.heard import Inbound, Part, Receipt
from repoint.delivery.phone_number import InvalidNumberError, e164
from repoint.delivery.smpp.alphabet import Default, decode
from repoint.delivery.smpp.pdu import EsmClass, Tag
from repoint.events.sms_records import Status

Ids = Literal["same", "hex to decimal", "decimal to hex"]

_INTERNATIONAL = 1
_ID = re.compile(rb"\bid:\s*(\S+)", re.IGNORECASE)
_WORD = re.compile(rb"\bstat:\s*([A-Za-z]+)", re.IGNORECASE)
# Section 5.2.28 and appendix B; None for what is not final. DELETED is somebody's doing at the SMSC.
_STATES: dict[int, Status | None] = {
    1: None,
    2: "DELIVERED",
    3: "TTL_EXPIRED",
    4: "UNKNOWN",
    5: "UNREACHABLE",
    6: None,
    7: "UNKNOWN",
    8: "BLOCKED",
}
_WORDS: dict[str, Status | None] = {
    "SCHEDUL": None,
    "ENROUTE": None,
    "BUFFERE": None,
    "ACCEPTD": None,
    "ACCEPTE": None,
    "DELIVRD": "DELIVERED",
    "DELIVER": "DELIVERED",
    "EXPIRED": "TTL_EXPIRED",
    "DELETED": "UNKNOWN",
    "UNDELIV": "UNREACHABLE",
    "UNKNOWN": "UNKNOWN",
    "REJECTD": "BLOCKED",
    "REJECTE": "BLOCKED",
}
_WORD_LETTERS = 7
# Information elements that say which part it is: 8 bits of reference, or 16 (3GPP TS 23.040 section 9.2.3.24).
_PART_8, _PART_16 = 0x00, 0x08


def is_receipt(pdu: smpp34.DeliverSm) -> bool:
    """Whether it tells of a message of ours; some do so without saying it in esm_class."""
    kind = pdu.esm_class & EsmClass.KIND
    if kind in {EsmClass.RECEIPT, EsmClass.INTERMEDIATE}:
        return True
    return _tlv(pdu, Tag.RECEIPTED_MESSAGE_ID) is not None


def read_receipt(pdu: smpp34.DeliverSm, ids: Ids) -> Receipt | None:
    """How a message ended; None when it has not yet, or it is not said which one."""
    text = _content(pdu)
    told = _tlv(pdu, Tag.RECEIPTED_MESSAGE_ID)
    if told is not None and told.rstrip(b"\0"):
        receipt_id = answered_id(told.rstrip(b"\0").decode("latin-1"), ids)
    elif (found := _ID.search(text)) is not None:
        receipt_id = _receipt_id(found[1].decode("latin-1"), ids)
    else:
        return None
    status = _state(pdu, text)
    if pdu.esm_class & EsmClass.KIND == EsmClass.INTERMEDIATE or status is None:
        return None
    return Receipt(receipt_id, status)


def answered_id(text: str, ids: Ids) -> str:
    """An id of a submit_sm_resp, in the one form in which ids are compared."""
    return _plain(text, {"same": None, "hex to decimal": 16, "decimal to hex": 10}[ids])


def read_inbound(pdu: smpp34.DeliverSm, default: Default) -> Inbound:
    """What somebody has written."""
    content, part = _content(pdu), None
    if pdu.esm_class & EsmClass.HAS_HEADER and content and len(content) > content[0]:
        size = content[0] + 1
        part, content = _part_of_header(content[1:size]), content[size:]
    part = part or _part_of_tlvs(pdu)
    return Inbound(
        _number(pdu.source_addr, pdu.source_addr_ton),
        _number(pdu.destination_addr, pdu.dest_addr_ton),
        decode(content, pdu.data_coding, default),
        part=part,
    )


def _receipt_id(text: str, ids: Ids) -> str:
    """An id as the text of a receipt has it."""
    return _plain(text, {"same": None, "hex to decimal": 10, "decimal to hex": 16}[ids])


def _plain(text: str, base: int | None) -> str:
    """Upper case without leading zeros, which some add; a number in decimal where it is known how to read it."""
    if base is not None:
        try:
            return str(int(text, base))
        except ValueError:
            pass
    return text.strip().upper().lstrip("0") or "0"


def _state(pdu: smpp34.DeliverSm, text: bytes) -> Status | None:
    state = _tlv(pdu, Tag.MESSAGE_STATE)
    if state:
        return _STATES.get(state[0], "UNKNOWN")
    word = _WORD.search(text)
    if word is None:
        return "UNKNOWN"
    return _WORDS.get(word[1].decode("ascii").upper()[:_WORD_LETTERS], "UNKNOWN")


def _content(pdu: smpp34.DeliverSm) -> bytes:
    return pdu.short_message or _tlv(pdu, Tag.MESSAGE_PAYLOAD) or b""


def _tlv(pdu: smpp34.DeliverSm, tag: int) -> bytes | None:
    return next((tlv.value for tlv in pdu.tlvs if tlv.tag == tag), None)


def _part_of_header(header: bytes) -> Part | None:
    while len(header) > 2:  # noqa: PLR2004 - tag, length and a value
        tag, size = header[0], header[1]
        value, header = header[2 : 2 + size], header[2 + size :]
        if tag == _PART_8 and len(value) == 3:  # noqa: PLR2004 - reference, total, number
            return _part(value[0], value[2], value[1])
        if tag == _PART_16 and len(value) == 4:  # noqa: PLR2004 - likewise
            return _part(int.from_bytes(value[:2], "big"), value[3], value[2])
    return None


def _part_of_tlvs(pdu: smpp34.DeliverSm) -> Part | None:
    found = [_tlv(pdu, tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS)]
    reference, number, total = (None if value is None else int.from_bytes(value[:4], "big") for value in found)
    if reference is None or number is None or total is None:
        return None
    return _part(reference, number, total)


def _part(reference: int, number: int, total: int) -> Part | None:
    """None for what is whole by itself, or makes no sense."""
    return Part(reference, number, total) if 1 <= number <= total and 1 < total < 256 else None  # noqa: PLR2004 - bytes


def _number(address: str, ton: int) -> str:
    """E.164 for a whole number, whether or not it says so; short codes and names as they are."""
    if ton == _INTERNATIONAL or address.startswith("+") or (address.isdecimal() and len(address) > _LONGEST_CODE):
        try:
            return e164(address)
        except InvalidNumberError:
            pass
    return address


# Short codes have fewer digits than any whole number.
_LONGEST_CODE = 8
