"""A text message as submit_sm: one PDU a part."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal

import smpp34

from repoint.delivery.message import Message, Sms
from repoint.delivery.smpp.alphabet import Default, encode, needs_ucs2
from repoint.delivery.smpp.pdu import EsmClass, Tag
from repoint.delivery.sms_parts import cut

Joins = Literal["udh", "sar", "payload"]
Kind = Literal["number", "short_code", "name", "destination", "none"]
# Members of a message that an SMSC may want in TLVs of its own.
Member = Literal["entity_id", "template_id", "keyword"]

# Type of number and numbering plan (sections 5.2.5 and 5.2.6) of what we send from and to.
TON_NPI: dict[Kind, tuple[int, int]] = {
    "number": (1, 1),
    "short_code": (3, 0),
    "name": (5, 0),
    "destination": (1, 1),
    "none": (0, 0),
}
_LONGEST_CODE = 8
# Without the NUL at its end (section 4.4.1).
_LONGEST_ADDRESS = 20
# What short_message holds (section 5.2.22).
_SHORT_BYTES = 254
# Far more than any id has.
_TLV_BYTES = 255


class UnfitAddressError(Exception):
    """An address of the message cannot stand in a submit_sm."""


class Submits:
    """Makes PDUs as one SMSC wants them."""

    def __init__(  # noqa: PLR0913 - what differs between SMSCs
        self,
        *,
        joins: Joins,
        default: Default,
        ton_npi: dict[Kind, tuple[int, int]],
        source: str | None,
        receipts: bool,
        tlvs: Mapping[Member, int],
    ) -> None:
        self._joins = joins
        self._tlvs = tlvs
        self._default: Default = default
        self._ton_npi = {**TON_NPI, **ton_npi}
        self._source = source
        self._registered = 1 if receipts else 0
        # Most messages are from the same few.
        self._from = lru_cache(maxsize=256)(self._read_source)

    def sent_from(self, content: Sms) -> str | None:
        """Whom a message is from that does not say it."""
        return None if content.origination_number or content.sender_id else self._source

    def pdus(self, message: Message, content: Sms) -> list[bytes]:
        """The message's parts, in their order, numbered 0. Raises TooLongError, UnfitAddressError."""
        as_ucs2 = needs_ucs2(content.body, self._default)
        # Checked whichever way it goes: the limit is the contract's.
        parts = cut(content.body, as_gsm=not as_ucs2)
        if self._joins == "payload" or len(parts) == 1:
            return [self._pdu(message, content, *encode(content.body, self._default, as_ucs2=as_ucs2))]
        # The same whenever this message is sent again.
        reference = hashlib.blake2s(message.id.encode(), digest_size=1).digest()
        return [
            self._part(message, content, encode(part, self._default, as_ucs2=as_ucs2), reference, number, len(parts))
            for number, part in enumerate(parts, 1)
        ]

    def _own_tlvs(self, content: Sms) -> Iterator[smpp34.Tlv]:
        for member, tag in self._tlvs.items():
            if (text := getattr(content, member)) is not None:
                yield smpp34.Tlv(tag, text.encode("utf-8", "replace")[:_TLV_BYTES])

    def _read_source(self, named: str | None) -> tuple[str, int, int]:
        """Who a message is from, with its type and plan; `named` is what the message says."""
        source = named or self._source or ""
        return _checked(source), *self._ton_npi[_kind(source)]

    def _part(  # noqa: PLR0913, PLR0917 - what a part is
        self, message: Message, content: Sms, encoded: tuple[int, bytes], reference: bytes, number: int, total: int
    ) -> bytes:
        data_coding, text = encoded
        if self._joins == "udh":
            header = bytes([5, 0, 3]) + reference + bytes([total, number])
            return self._pdu(message, content, data_coding, header + text, esm_class=EsmClass.HAS_HEADER)
        tlvs = [
            smpp34.Tlv(Tag.SAR_MSG_REF_NUM, b"\0" + reference),
            smpp34.Tlv(Tag.SAR_TOTAL_SEGMENTS, bytes([total])),
            smpp34.Tlv(Tag.SAR_SEGMENT_SEQNUM, bytes([number])),
        ]
        return self._pdu(message, content, data_coding, text, tlvs=tlvs)

    def _pdu(  # noqa: PLR0913 - what it holds
        self,
        message: Message,
        content: Sms,
        data_coding: int,
        text: bytes,
        *,
        esm_class: int = 0,
        tlvs: list[smpp34.Tlv] | None = None,
    ) -> bytes:
        source, source_ton, source_npi = self._from(content.origination_number or content.sender_id)
        ton, npi = self._ton_npi["destination"]
        tlvs = [*(tlvs or []), *self._own_tlvs(content)]
        if len(text) > _SHORT_BYTES or (self._joins == "payload" and text):
            text, tlvs = b"", [*tlvs, smpp34.Tlv(Tag.MESSAGE_PAYLOAD, text)]
        return smpp34.SubmitSm(
            source,
            _checked(message.address),
            text,
            source_addr_ton=source_ton,
            source_addr_npi=source_npi,
            dest_addr_ton=ton,
            dest_addr_npi=npi,
            esm_class=esm_class,
            registered_delivery=self._registered,
            data_coding=data_coding,
            tlvs=tlvs,
        ).encode()


def _checked(address: str) -> str:
    """The address without its plus. The library takes anything, also what would end the field and begin the next."""
    bare = address.removeprefix("+")
    if len(bare) > _LONGEST_ADDRESS or not bare.isascii() or not bare.isprintable():
        raise UnfitAddressError
    return bare


def _kind(source: str) -> Kind:
    if not source:
        return "none"
    digits = source.removeprefix("+")
    if not digits.isdecimal():
        return "name"
    return "short_code" if digits == source and len(digits) <= _LONGEST_CODE else "number"
